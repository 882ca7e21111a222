/* SPDX-License-Identifier: MIT */
/*
 * Random requests about huge pages, alone and in batches, by a space and its clone, with pins,
 * compared with the mirror of huge pages after every step: errors, regions, which pages are there
 * and what they hold, and the pool.
 *
 * HF_SEED and HF_STEPS of the environment say where to begin and how long to go on.
 */
#include <stdio.h>

#include <tap.h>

#include "chance.h"
#include "huge_mirror.h"
#include "pinned.h"

#define STEPS_DEFAULT 6000u
#define PINS          3u /* at a time */
#define OPS           4u /* of a batch */
#define FIXED         (MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED)

struct held_pin {
    uint64_t number; /* 0: none */
    uint32_t pages;
    int page[HUGE_UNITS];
    uint32_t part[HUGE_UNITS]; /* in huge_mirror_parts */
};

static struct huge_mirror mirror;
static struct space *spaces[2]; /* the second may be NULL */
static struct pinned pinned;
static struct held_pin pins[PINS];
static uint64_t next_word = 1;
static char request_text[160];
static uint64_t done; /* requests that were not refused */

#define DESCRIBE(...) (void)snprintf(request_text, sizeof request_text, __VA_ARGS__)

static struct core *core_of(void)
{
    return &huge_world.world->core;
}

static uaddr_t place(uint32_t unit)
{
    return world_address(BLOCK + unit * HUGE);
}

static void draw_range(uint32_t *first, uint32_t *end)
{
    *first = chance_below(HUGE_UNITS);
    *end = *first + 1 +
           chance_below(chance_below(3) == 0 ? HUGE_UNITS - *first : 1 + (HUGE_UNITS - *first) / 2);
}

static uint32_t draw_side(void)
{
    return spaces[1] != NULL && chance_below(3) == 0 ? 1 : 0;
}

static uint32_t draw_prot(void)
{
    static const uint32_t prots[] = {RW, RW, RW, MEM_PROT_READ, MEM_PROT_NONE};

    return prots[chance_below(sizeof prots / sizeof prots[0])];
}

static bool expect(enum err got, enum err expected)
{
    core_done(core_of());
    done += expected == ERR_OK ? 1 : 0;
    return EXPECT_ERR(got, expected);
}

/* One operation that can be part of a batch, done on the mirror. Returns: the error expected. */
static enum err draw_op(struct huge_mirror *trial, uint32_t side, bool is_in_batch,
                        struct batch_op *op)
{
    uint32_t first;
    uint32_t end;

    draw_range(&first, &end);
    const uint64_t length = (end - first) * BYTES;
    const uint32_t prot = draw_prot();

    switch (chance_below(6)) {
    case 0:
    case 1:
    case 2:
        *op = (struct batch_op){.sort = BATCH_MAP,
                                .map = {.address = place(first),
                                        .length = length - chance_below(2),
                                        .prot = prot,
                                        .flags = (chance_below(3) == 0 ? SHARED : PRIVATE) |
                                                 MEM_MAP_FIXED |
                                                 (chance_below(4) == 0 ? MEM_MAP_NORESERVE : 0)}};
        DESCRIBE("%u map %u..%u prot %u flags %x", side, first, end, prot, op->map.flags);
        return huge_mirror_map(trial, side, first, end, prot, op->map.flags);
    case 3:
        *op = (struct batch_op){.sort = BATCH_UNMAP, .unmap = {place(first), length}};
        DESCRIBE("%u unmap %u..%u", side, first, end);
        huge_mirror_unmap(trial, side, first, end);
        return ERR_OK;
    case 4:
        *op =
            (struct batch_op){.sort = BATCH_PROTECT,
                              .protect = {.address = place(first), .length = length, .prot = prot}};
        DESCRIBE("%u protect %u..%u prot %u", side, first, end, prot);
        return huge_mirror_protect(trial, side, first, end, prot);
    default:
        *op = (struct batch_op){
            .sort = BATCH_ADVISE,
            .advise = {.address = place(first), .length = length, .advice = MEM_ADVISE_DONTNEED}};
        DESCRIBE("%u dontneed %u..%u", side, first, end);
        if (!is_in_batch) {
            return huge_mirror_discard(trial, side, first, end);
        }
        return huge_mirror_has_hole(trial, side, first, end) ? ERR_NOMEM : ERR_OK;
    }
}

static bool step_request(uint32_t side)
{
    struct batch_op op;
    const enum err expected = draw_op(&mirror, side, false, &op);

    switch (op.sort) {
    case BATCH_MAP:
        return expect(op_map(core_of(), spaces[side], &op.map, &op.address), expected);
    case BATCH_UNMAP:
        return expect(op_unmap(core_of(), spaces[side], op.unmap.address, op.unmap.length),
                      expected);
    case BATCH_PROTECT:
        return expect(op_protect(core_of(), spaces[side], &op.protect), expected);
    case BATCH_ADVISE:
        return expect(op_advise(core_of(), spaces[side], &op.advise), expected);
    case BATCH_REMAP:
    case BATCH_LOCK:
    case BATCH_UNLOCK:
        break;
    }
    UNREACHABLE();
}

/* All or none; what DONTNEED drops of what was there before goes at the end (README). */
static bool step_batch(uint32_t side)
{
    struct huge_mirror trial = mirror;
    struct batch_op ops[OPS];
    const uint32_t wanted = 1 + chance_below(OPS);
    uint32_t count = 0;
    uint32_t refused = 0;
    enum err error = ERR_OK;

    while (count < wanted && error == ERR_OK) {
        error = draw_op(&trial, side, true, &ops[count]);
        count++;
    }
    DESCRIBE("%u batch of %u, the last of sort %u", side, count, ops[count - 1].sort);
    if (!expect(op_batch(core_of(), spaces[side], ops, count, &refused), error)) {
        return false;
    }
    if (error != ERR_OK) {
        return EXPECT_U64(refused, count - 1);
    }
    mirror = trial;
    for (uint32_t i = 0; i < count; i++) {
        if (ops[i].sort == BATCH_ADVISE) {
            const uint32_t first =
                (uint32_t)(ops[i].advise.address.v - place(0).v) / (uint32_t)BYTES;

            huge_mirror_drop(&mirror, side, first,
                             first + (uint32_t)(ops[i].advise.length / BYTES));
        }
    }
    return true;
}

static bool step_remove(uint32_t side)
{
    uint32_t first;
    uint32_t end;

    draw_range(&first, &end);
    const struct advise_request request = {.address = place(first),
                                           .length = (end - first) * BYTES};

    DESCRIBE("%u remove %u..%u", side, first, end);
    const enum err expected = huge_mirror_remove(&mirror, side, first, end);

    return expect(op_remove(core_of(), spaces[side], &request), expected);
}

/* Part of a region moves, and may lose its tail. */
static bool step_move(uint32_t side)
{
    const uint32_t first = chance_below(HUGE_UNITS);

    if (mirror.unit[side][first].object == HUGE_NOTHING) {
        return true;
    }
    const uint32_t end = first + 1 + chance_below(huge_mirror_end(&mirror, side, first) - first);
    const uint32_t kept = first + 1 + chance_below(end - first);
    const uint32_t target = chance_below(HUGE_UNITS - (kept - first) + 1);
    const struct remap_request request = {.address = place(first),
                                          .length_old = (end - first) * BYTES,
                                          .length_new = (kept - first) * BYTES - chance_below(2),
                                          .flags = FIXED,
                                          .target = place(target)};
    uaddr_t address;

    if (target < end && first < target + (kept - first)) {
        return true;
    }
    DESCRIBE("%u move %u..%u, %u of them, to %u", side, first, end, kept - first, target);
    huge_mirror_unmap(&mirror, side, kept, end);
    huge_mirror_move(&mirror, side, first, kept, target);
    return expect(op_remap(core_of(), spaces[side], &request, &address), ERR_OK);
}

static void end_clone(void)
{
    if (spaces[1] != NULL) {
        space_end(core_of(), spaces[1]);
        huge_mirror_unmap(&mirror, 1, 0, HUGE_UNITS);
        spaces[1] = NULL;
    }
}

static bool step_clone(void)
{
    struct space *clone = NULL;

    DESCRIBE("clone");
    end_clone();
    const enum err expected = huge_mirror_clone(&mirror);

    if (!expect(op_clone(core_of(), spaces[0], &(struct clone_request){.priority = 10}, &clone),
                expected)) {
        return false;
    }
    spaces[1] = clone;
    return true;
}

static bool step_touch(uint32_t side)
{
    const uint32_t unit = chance_below(HUGE_UNITS);
    const uint32_t access = chance_below(3) == 0 ? MEM_PROT_READ : MEM_PROT_WRITE;
    const uint32_t part = chance_below(HUGE_WORDS);
    uint64_t word = next_word++;
    const uint64_t written = word;
    int page;

    DESCRIBE("%u touch %u access %u", side, unit, access);
    const enum fault_outcome expected = huge_mirror_touch(&mirror, side, unit, access, &page);

    if (!EXPECT_U64(world_touch(huge_world.world, spaces[side],
                                BLOCK + unit * HUGE + huge_mirror_parts[part], access, &word),
                    expected)) {
        return false;
    }
    if (expected != FAULT_READY) {
        return true;
    }
    done++;
    if (access == MEM_PROT_WRITE) {
        mirror.page[page].word[part] = written;
    }
    return EXPECT_U64(word, mirror.page[page].word[part]);
}

static bool step_unpin(struct held_pin *pin)
{
    DESCRIBE("unpin %llu", (unsigned long long)pin->number);
    for (uint32_t i = 0; i < pin->pages; i++) {
        mirror.page[pin->page[i]].pins--;
    }
    const uint64_t number = pin->number;

    pin->number = 0;
    return expect(op_unpin(core_of(), pinned.driver, number, 0), ERR_OK);
}

/* Pages from a word of one huge page on, at most as far as into the next one. */
static bool step_pin(uint32_t side)
{
    struct held_pin *pin = &pins[chance_below(PINS)];

    if (pin->number != 0) {
        return step_unpin(pin);
    }
    const uint32_t unit = chance_below(HUGE_UNITS - 1);
    const bool is_written = chance_below(2) == 0;
    const uint32_t pages = chance_below(3) == 0 ? HUGE : 1;
    const struct pin_request request = {
        .owner = pinned.driver,
        .address = world_address(BLOCK + unit * HUGE + huge_mirror_parts[0]),
        .pages = pages,
        .flags = MEM_PIN_GET | (is_written ? MEM_PIN_WRITE : 0)};
    struct pin_answer answer;
    uint32_t expected = 0;

    DESCRIBE("%u pin %u of %u, write %d", side, pages, unit, is_written);
    pin->pages = 0;
    for (uint32_t i = 0; i < (pages == 1 ? 1u : 2u); i++) {
        const struct huge_mirror_unit *at = &mirror.unit[side][unit + i];
        const uint32_t access = is_written ? MEM_PROT_WRITE : MEM_PROT_READ;

        if (at->object == HUGE_NOTHING || (at->prot & access) == 0 ||
            huge_mirror_have(&mirror, side, unit + i,
                             is_written || mirror.object[at->object].is_private,
                             &pin->page[i]) != FAULT_READY) {
            break;
        }
        expected = pages == 1 ? 1 : i == 0 ? HUGE - huge_mirror_parts[0] : HUGE;
        mirror.page[pin->page[i]].pins++;
        pin->pages++;
    }
    const enum err error = op_pin(core_of(), spaces[side], &request, &answer);

    if (!expect(error, expected == 0 ? ERR_FAULT : ERR_OK) || expected == 0) {
        return error == ERR_FAULT;
    }
    pin->number = answer.pin_opt->number;
    return EXPECT_U64(answer.pages, expected);
}

static bool step(void)
{
    const uint32_t side = draw_side();

    switch (chance_below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return step_request(side);
    case 4:
    case 5:
        return step_batch(side);
    case 6:
        return step_remove(side);
    case 7:
        return step_move(side);
    case 8:
        return chance_below(2) == 0 ? step_clone() : true;
    case 9:
    case 10:
        return step_pin(side);
    default:
        return step_touch(side);
    }
}

/* A pin sees what its page holds, whoever has that still. */
static bool pins_match(void)
{
    for (uint32_t i = 0; i < PINS; i++) {
        if (pins[i].number != 0 && !EXPECT_U64(pinned_seen(&pinned, pins[i].number, 0),
                                               mirror.page[pins[i].page[0]].word[0])) {
            return false;
        }
    }
    return true;
}

TAP_TEST(r19_random_requests_on_huge_pages_leave_what_the_mirror_says)
{
    const uint64_t steps = chance_begin(STEPS_DEFAULT);

    huge_world_begin();
    pinned = (struct pinned){.world = huge_world.world, .client = huge_world.space};
    pinned.driver = world_space(huge_world.world);
    spaces[0] = huge_world.space;
    huge_mirror_init(&mirror);
    for (uint64_t i = 0; i < steps; i++) {
        if (!step() || !huge_mirror_matches(&mirror, spaces) || !pins_match()) {
            tap_note("step %llu: %s", (unsigned long long)i, request_text);
            return;
        }
        if (i % 8 == 0) {
            world_audit(huge_world.world);
        }
    }
    tap_note("%llu requests done", (unsigned long long)done);
    EXPECT(done > steps / 4);
    end_clone();
    for (uint32_t i = 0; i < PINS; i++) {
        EXPECT(pins[i].number == 0 || step_unpin(&pins[i]));
    }
    space_end(core_of(), pinned.driver);
    huge_world_end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_random_requests_on_huge_pages_leave_what_the_mirror_says),
    };

    return TAP_RUN(argc, argv, tests);
}
