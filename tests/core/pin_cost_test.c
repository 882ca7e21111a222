/* SPDX-License-Identifier: MIT */
/*
 * The dry run of PIN: it says what a PIN right after then does and takes, it is refused as that is,
 * and it changes nothing.
 *
 * Layouts are drawn: a row of regions, each of some kind and with pages in any state, of a space
 * that may have been cloned; pins of the space itself and of another are there already.
 */
#include <tap.h>

#include <base/assert.h>
#include <mem/proto_pin.h>

#include "chance.h"
#include "huge_world.h"
#include "snapshot.h"
#include "swapper.h"

#include "server/core/budget.h"
#include "server/core/pinner.h"

#define FIRST   (BLOCK - 24)
#define FRAMES  2900u
#define MEMORY  1100u /* pages of the shared memory: two leaves of its tree */
#define ROUNDS  1500u
#define LAYOUTS 8u /* requests tried in each */

static struct world *built;
static struct world *trial;
static uint64_t number; /* of the space */
static uint64_t other;  /* that pins too */
static uint64_t memory; /* numbers of objects */
static uint64_t archive;
static struct snapshot before;
static struct snapshot after;

static uint64_t left_of(const struct space *space)
{
    return (uint64_t)space->budget.left;
}

static enum err dry(const struct pin_request *request, struct space *space, struct pin_cost *cost)
{
    const uint64_t calls = trial->port->calls;

    snapshot_take(trial, &before);
    const enum err error = op_pin_cost(&trial->core, space, request, cost);

    snapshot_take(trial, &after);
    EXPECT(snapshot_is_equal(&before, &after));
    EXPECT_U64(trial->port->calls, calls);
    return error;
}

/* What nobody uses is free, and nowhere else. */
static uint64_t frames_of(struct world *world)
{
    core_done(&world->core);
    core_settle(&world->core);
    return pool_free(&world->core);
}

/*
 * The dry run, then PIN. `is_scarce`: frames may lack, so what was made before that shows is not
 * compared. Returns: whether what was said is so.
 */
static bool compare(uint64_t owner_number, uint32_t page, uint32_t pages, uint32_t flags,
                    bool is_scarce)
{
    struct space *space = world_find(trial, number);
    struct space *owner = world_find(trial, owner_number);
    const struct pin_request request = {
        .owner = owner, .address = world_address(page), .pages = pages, .flags = flags};
    struct pin_cost cost;
    struct pin_answer answer;
    const uint64_t frames = frames_of(trial);
    const enum err said = dry(&request, space, &cost);
    const struct refusal refusal = space->refusal;
    const struct refusal owners = owner->refusal;
    const uint64_t left = left_of(space);
    const uint64_t pinned = owner->pinned;
    const enum err done = op_pin(&trial->core, space, &request, &answer);
    bool is_so = EXPECT_ERR(said, done);

    if (done != ERR_OK) {
        is_so = EXPECT_U64(refusal.error, space->refusal.error) && is_so;
        is_so = EXPECT_U64(refusal.limit, space->refusal.limit) && is_so;
        is_so = EXPECT_U64(owners.error, owner->refusal.error) && is_so;
        is_so = EXPECT_U64(owners.limit, owner->refusal.limit) && is_so;
    } else {
        is_so = EXPECT_U64(cost.pages, answer.pages) && is_so;
        is_so = EXPECT_U64(cost.counted, owner->pinned - pinned) && is_so;
    }
    if (done == ERR_OK && !is_scarce) {
        is_so = EXPECT_U64(cost.charged, left - left_of(space)) && is_so;
        is_so = EXPECT_U64(cost.frames, frames - frames_of(trial)) && is_so;
    }
    world_audit(trial);
    return is_so;
}

static enum err map(uint32_t page, uint32_t pages, uint32_t prot, uint32_t flags,
                    struct object *object, uint64_t offset)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_FIXED,
        .object = object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE |
                  (object != NULL && object->kind == OBJECT_WIRED ? 0 : MAP_RIGHT_WRITE),
        .offset = offset * PAGE_SIZE,
    };
    uaddr_t address;

    return op_map(&built->core, world_find(built, number), &request, &address);
}

static void advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    ASSERT(op_advise(&built->core, world_find(built, number), &request) == ERR_OK);
}

/* Some pages of a region are there, read or written. */
static void touch_some(uint32_t page, uint32_t pages, uint32_t prot)
{
    const uint32_t share = chance_below(4);

    for (uint32_t i = 0; i < pages; i++) {
        if (chance_below(4) >= share || prot == 0) {
            continue;
        }
        const bool is_written = (prot & MEM_PROT_WRITE) != 0 && chance_below(2) == 0;
        uint64_t word = 7;

        (void)world_touch(built, world_find(built, number), page + i,
                          is_written ? MEM_PROT_WRITE : MEM_PROT_READ, &word);
    }
}

/* One region. Returns: its pages. */
static uint32_t place(uint32_t page)
{
    static const uint32_t prots[] = {RW, RW, RW, MEM_PROT_READ, 0};
    const uint32_t pages = 1 + chance_below(chance_below(4) == 0 ? 12 : 4);
    const uint32_t prot = prots[chance_below(5)];
    struct object *object = object_find(&built->core, memory);
    const uint64_t shown = chance_below(3) == 0 ? 1020 + chance_below(8) : chance_below(6);

    switch (chance_below(9)) {
    case 0:
        return 1 + chance_below(2); /* a hole */
    case 1:
    case 2:
        ASSERT(map(page, pages, RW, MEM_MAP_SHARED, object, shown) == ERR_OK);
        touch_some(page, pages, RW);
        break;
    case 3:
    case 4:
        ASSERT(map(page, pages, RW, MEM_MAP_PRIVATE, object, shown) == ERR_OK);
        touch_some(page, pages, RW);
        break;
    case 5:
        ASSERT(map(page, pages, RW, MEM_MAP_PRIVATE, object_find(&built->core, archive),
                   chance_below(8)) == ERR_OK);
        touch_some(page, pages, RW);
        break;
    case 6:
        ASSERT(map(page, pages, RW, MEM_MAP_SHARED | MEM_MAP_ANONYMOUS, NULL, 0) == ERR_OK);
        touch_some(page, pages, RW);
        break;
    default:
        ASSERT(map(page, pages, RW, MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS, NULL, 0) == ERR_OK);
        if (chance_below(4) == 0) {
            advise(page, pages, MEM_ADVISE_SEQUENTIAL);
        }
        touch_some(page, pages, RW);
        break;
    }
    if (prot != RW && chance_below(2) == 0) {
        const struct protect_request request = {world_address(page), (uint64_t)pages * PAGE_SIZE,
                                                prot, false};

        ASSERT(op_protect(&built->core, world_find(built, number), &request) == ERR_OK);
    }
    return pages;
}

/* Huge pages of either kind, or a stretch that may become one large leaf, and a part behind it. */
static uint32_t place_large(uint32_t page)
{
    const uint32_t kind = chance_below(4);

    if (kind == 0) {
        return 0;
    }
    if (kind == 1) {
        ASSERT(map(page, HUGE, RW, MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS, NULL, 0) == ERR_OK);
        advise(page, HUGE, MEM_ADVISE_HUGEPAGE);
    } else {
        ASSERT(map(page, HUGE, RW, kind == 2 ? PRIVATE : SHARED, NULL, 0) == ERR_OK);
    }
    if (chance_below(2) == 0) {
        uint64_t word = 7;

        (void)world_touch(built, world_find(built, number), page + chance_below(HUGE),
                          chance_below(2) == 0 ? MEM_PROT_WRITE : MEM_PROT_READ, &word);
    }
    return HUGE;
}

/* Pins of the space, or of the other one. */
static void pin_some(void)
{
    for (uint32_t i = chance_below(4); i > 0; i--) {
        const struct pin_request request = {
            .owner = world_find(built, chance_below(2) == 0 ? number : other),
            .address = world_address(FIRST + chance_below(60)),
            .pages = 1 + chance_below(12),
            .flags = MEM_PIN_GET | (chance_below(2) == 0 ? MEM_PIN_WRITE : 0)};
        struct pin_answer answer;

        if (op_pin(&built->core, world_find(built, number), &request, &answer) == ERR_OK &&
            chance_below(3) == 0) {
            ASSERT(op_unpin(&built->core, request.owner, answer.pin_opt->number, 0) == ERR_OK);
        }
        core_done(&built->core);
    }
}

static void build(void)
{
    uint32_t page = FIRST;

    built = world_make(FRAMES, COMMIT_ALWAYS);
    built->core.head->fault_ahead = chance_below(2) == 0 ? 4 : 0;
    struct space *space = world_space(built);

    number = space->number;
    const struct huge_request pool = {.is_set = true, .bytes = BYTES, .pages = 2};
    struct huge_view view;

    ASSERT(op_huge(&built->core, space, &pool, &view) == ERR_OK);
    other = world_space(built)->number;
    const struct object_request request = {.bytes = MEMORY * PAGE_SIZE};
    struct object *object;

    ASSERT(op_object_make(&built->core, chance_below(2) == 0 ? space : world_find(built, other),
                          &request, &object) == ERR_OK);
    memory = object->number;
    (void)world_object(built, 24);
    archive = built->core.head->object_table.number;
    while (page < BLOCK) {
        page += place(page);
    }
    page = page > BLOCK ? BLOCK + HUGE : BLOCK;
    page += page == BLOCK ? place_large(page) : 0;
    for (uint32_t i = 0; i < 6; i++) {
        page += place(page);
    }
    pin_some();
    if (chance_below(2) == 0) {
        struct space *clone = NULL;

        ASSERT(op_clone(&built->core, world_find(built, number),
                        &(struct clone_request){.priority = 10}, &clone) == ERR_OK);
        touch_some(FIRST, 30, RW);
        if (chance_below(3) == 0) {
            space_end(&built->core, clone);
        }
        pin_some();
    }
    (void)frames_of(built);
    world_audit(built);
}

static uint32_t draw_flags(void)
{
    static const uint32_t all[] = {
        MEM_PIN_GET,
        MEM_PIN_GET | MEM_PIN_WRITE,
        MEM_PIN_GET | MEM_PIN_LONGTERM,
        MEM_PIN_GET | MEM_PIN_LONGTERM | MEM_PIN_WRITE,
        MEM_PIN_GET | MEM_PIN_FORCE,
        MEM_PIN_GET | MEM_PIN_FORCE | MEM_PIN_WRITE,
        MEM_PIN_GET | MEM_PIN_TOUCH | MEM_PIN_WRITE,
        0,
        MEM_PIN_WRITE,
        MEM_PIN_FORCE | MEM_PIN_WRITE,
    };

    return all[chance_below(sizeof all / sizeof all[0])];
}

TAP_TEST(the_dry_run_says_what_pin_then_does_in_drawn_layouts)
{
    const uint64_t rounds = chance_begin(ROUNDS);
    bool is_so = true;

    trial = world_make(FRAMES, COMMIT_ALWAYS);
    for (uint64_t round = 0; round < rounds && is_so; round++) {
        build();
        for (uint32_t i = 0; i < LAYOUTS && is_so; i++) {
            const uint32_t page = FIRST + chance_below(chance_below(3) == 0 ? 560 : 24);
            const uint32_t pages = 1 + chance_below(chance_below(4) == 0 ? 700 : 24);
            const uint32_t flags = draw_flags();
            const uint64_t owner = chance_below(2) == 0 ? number : other;
            const uint32_t scarce = chance_below(4);

            world_copy(trial, built);
            if (scarce == 0) {
                world_find(trial, owner)->settings.locked_max =
                    (uint64_t)(world_find(trial, owner)->pinned + chance_below(12)) * PAGE_SIZE;
            } else if (scarce == 1) {
                world_budget(world_find(trial, number), chance_below(20));
            }
            is_so = compare(owner, page, pages, flags, scarce < 2);
            if (!is_so) {
                tap_note("round %llu: page %#x, %u pages, flags %#x, owner %s, %s",
                         (unsigned long long)round, page, pages, flags,
                         owner == number ? "itself" : "another",
                         scarce == 0   ? "lock limit"
                         : scarce == 1 ? "budget"
                                       : "enough");
            }
        }
        world_free(built);
    }
    world_free(trial);
}

/* Shared copy-on-write: a frame, and nothing of any budget; the record of the pin is one. */
TAP_TEST(a_copy_for_a_pin_costs_a_frame_and_no_budget)
{
    struct space *clone = NULL;
    struct pin_cost cost;

    trial = world_make(FRAMES, COMMIT_ALWAYS);
    struct space *space = world_space(trial);

    world_map(trial, space, BLOCK, 8, RW);
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_U64(world_write(trial, space, BLOCK + i, i), FAULT_READY);
    }
    EXPECT_ERR(op_clone(&trial->core, space, &(struct clone_request){.priority = 10}, &clone),
               ERR_OK);
    const struct pin_request request = {.owner = space,
                                        .address = world_address(BLOCK),
                                        .pages = 4,
                                        .flags = MEM_PIN_GET | MEM_PIN_WRITE};

    (void)frames_of(trial);
    EXPECT_ERR(dry(&request, space, &cost), ERR_OK);
    EXPECT_U64(cost.copies, 4);
    EXPECT_U64(cost.charged, 1);
    EXPECT_U64(cost.counted, 4);
    number = space->number;
    EXPECT(compare(number, BLOCK, 4, request.flags, false));
    world_free(trial);
}

TAP_TEST(what_is_swapped_comes_back_and_is_not_paid_for_again)
{
    struct pin_cost cost;
    struct pin_answer answer;

    swapper_start_away(6);
    EXPECT_U64(swapper_read(1), swapper_word(1)); /* there, with its copy in the area */
    const struct pin_request request = {.owner = swapper.client,
                                        .address = world_address(SWAPPER_AT),
                                        .pages = 2,
                                        .flags = MEM_PIN_GET | MEM_PIN_NOWAIT};
    const struct pin_request there = {.owner = swapper.client,
                                      .address = world_address(SWAPPER_AT + 1),
                                      .pages = 1,
                                      .flags = MEM_PIN_GET};
    const uint64_t left = left_of(swapper.client);

    EXPECT_ERR(op_pin_cost(swapper_core(), swapper.client, &request, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 2);
    EXPECT_U64(cost.counted, 2);
    EXPECT_U64(cost.charged, 1); /* for the record */
    const uint64_t with_both = cost.frames;

    EXPECT_ERR(op_pin_cost(swapper_core(), swapper.client, &there, &cost), ERR_OK);
    EXPECT_U64(cost.frames + 1, with_both);
    EXPECT_U64(cost.copies, 0);
    EXPECT_ERR(op_pin(swapper_core(), swapper.client, &there, &answer), ERR_OK);
    EXPECT_U64(left_of(swapper.client), left - 1);
    EXPECT_U64(swapper.client->pinned, 1);
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_dry_run_says_what_pin_then_does_in_drawn_layouts),
        TAP(a_copy_for_a_pin_costs_a_frame_and_no_budget),
        TAP(what_is_swapped_comes_back_and_is_not_paid_for_again),
    };

    return TAP_RUN(argc, argv, tests);
}
