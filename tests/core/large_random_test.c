/* SPDX-License-Identifier: MIT */
/*
 * Random requests where there can be large leaves, each made of two spaces of the same layout: one
 * with HUGEPAGE advised everywhere, one with NOHUGEPAGE. Nobody can tell them apart but by what is
 * present: errors, answers, regions, totals and words are the same after every step.
 *
 * Each has a clone now and then, of which the same holds. Edges are drawn around those of leaves.
 * HF_SEED and HF_STEPS of the environment say where to begin and how long to go on.
 */
#include <stdio.h>

#include <tap.h>

#include "chance.h"
#include "server/core/page.h"
#include "server/core/shadow.h"
#include "world.h"

#define STEPS_DEFAULT 6000u
#define ROUND         150u
#define LEAF          UINT32_C(512)
#define LEAD          100u /* pages before the first leaf, and behind the second */
#define FIRST         (UINT32_C(0x20000) - LEAD)
#define PAGES         (2 * LEAF + 2 * LEAD)
#define RW            (MEM_PROT_READ | MEM_PROT_WRITE)
#define FIXED         (MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED)
#define ADVICE        (REGION_HUGEPAGE | REGION_NOHUGEPAGE)
#define LOOKED_AT     (sizeof spots / sizeof spots[0])

/* Pages whose words are looked at, and where ranges begin and end: around the edges of leaves. */
static const uint32_t spots[] = {
    0,
    1,
    98,
    99,
    LEAD,
    101,
    102,
    300,
    610,
    611,
    LEAD + LEAF,
    613,
    614,
    800,
    1122,
    1123,
    LEAD + 2 * LEAF,
    1125,
    1223,
};
static const uint32_t edges[] = {LEAD, LEAD + LEAF, LEAD + 2 * LEAF};

/* The same layout twice, large leaves in the first. */
struct pair {
    struct space *space[2];
};

static struct world *world;
static struct pair pairs[2]; /* the second: clones, or NULL */
static uint64_t next_word = 1;
static uint64_t done;
static uint64_t leaves; /* large ones that were seen */
static char request_text[128];

#define DESCRIBE(...) (void)snprintf(request_text, sizeof request_text, __VA_ARGS__)

static void draw_range(uint32_t *first, uint32_t *end)
{
    *first = chance_below(3) == 0 ? edges[chance_below(2)] : spots[chance_below(LOOKED_AT)];
    *end = chance_below(3) == 0 ? edges[1 + chance_below(2)] : spots[chance_below(LOOKED_AT)];
    if (*end <= *first) {
        *end = *first + 1 + chance_below(2);
    }
    *end = *end > PAGES ? PAGES : *end;
}

static uaddr_t place(uint32_t page)
{
    return world_address(FIRST + page);
}

static uint64_t length(uint32_t first, uint32_t end)
{
    return (uint64_t)(end - first) * PAGE_SIZE;
}

/* Have large leaves in one, and none in the other. */
static void advise_all(const struct pair *pair)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct advise_request request = {.address = place(0),
                                               .length = PAGES * PAGE_SIZE,
                                               .advice = i == 0 ? MEM_ADVISE_HUGEPAGE
                                                                : MEM_ADVISE_NOHUGEPAGE,
                                               .is_linux = true};
        const enum err error = op_advise(&world->core, pair->space[i], &request);

        EXPECT(error == ERR_OK || error == ERR_NOMEM); /* over holes */
    }
}

static bool same(enum err first, enum err second)
{
    core_done(&world->core);
    done += second == ERR_OK ? 1 : 0;
    return EXPECT_ERR(first, second);
}

static bool step_map(const struct pair *pair)
{
    uaddr_t address[2] = {{0}, {0}};
    enum err error[2];
    uint32_t first;
    uint32_t end;

    draw_range(&first, &end);
    if (chance_below(2) == 0) {
        first = chance_below(3) != 0 ? 0 : edges[chance_below(2)]; /* whole leaves, or all */
        end = first == 0 ? PAGES : first + LEAF;
    }
    const struct map_request request = {
        .address = place(first),
        .length = length(first, end),
        .prot = chance_below(8) == 0 ? MEM_PROT_READ : RW,
        .flags = MEM_MAP_ANONYMOUS | MEM_MAP_FIXED |
                 (chance_below(10) == 0 ? MEM_MAP_SHARED : MEM_MAP_PRIVATE)};

    DESCRIBE("map %u..%u prot %u flags %x", first, end, request.prot, request.flags);
    for (uint32_t i = 0; i < 2; i++) {
        error[i] = op_map(&world->core, pair->space[i], &request, &address[i]);
    }
    return same(error[0], error[1]) && EXPECT_U64(address[0].v, address[1].v);
}

static bool step_change(const struct pair *pair)
{
    static const uint32_t advices[] = {MEM_ADVISE_DONTNEED, MEM_ADVISE_DONTFORK, MEM_ADVISE_DOFORK};
    enum err error[2];
    uint32_t first;
    uint32_t end;

    draw_range(&first, &end);
    const uint32_t what = chance_below(4);
    const struct protect_request protect = {.address = place(first),
                                            .length = length(first, end),
                                            .prot = chance_below(3) == 0 ? MEM_PROT_READ : RW,
                                            .is_linux = chance_below(2) == 0};
    const struct advise_request advise = {.address = place(first),
                                          .length = length(first, end),
                                          .advice = advices[chance_below(3)],
                                          .is_linux = chance_below(2) == 0};
    const struct lock_request lock = {.address = place(first),
                                      .length = length(first, end),
                                      .flags = MEM_LOCK_ONFAULT,
                                      .is_linux = chance_below(2) == 0};

    DESCRIBE("%s %u..%u prot %u advice %u",
             what == 0   ? "unmap"
             : what == 1 ? "protect"
             : what == 2 ? "advise"
                         : "lock",
             first, end, protect.prot, advise.advice);
    for (uint32_t i = 0; i < 2; i++) {
        struct space *space = pair->space[i];

        error[i] = what == 0       ? op_unmap(&world->core, space, place(first), length(first, end))
                   : what == 1     ? op_protect(&world->core, space, &protect)
                   : what == 2     ? op_advise(&world->core, space, &advise)
                   : lock.is_linux ? op_unlock(&world->core, space, &lock)
                                   : op_lock(&world->core, space, &lock);
    }
    return same(error[0], error[1]);
}

static bool step_remap(const struct pair *pair)
{
    uaddr_t address[2] = {{0}, {0}};
    enum err error[2];
    uint32_t first;
    uint32_t end;
    uint32_t target;
    uint32_t target_end;

    draw_range(&first, &end);
    draw_range(&target, &target_end);
    const struct remap_request request = {.address = place(first),
                                          .length_old = length(first, end),
                                          .length_new = length(target, target_end),
                                          .flags = chance_below(3) == 0 ? 0 : FIXED,
                                          .target = place(target)};

    DESCRIBE("remap %u..%u to %u..%u flags %u", first, end, target, target_end, request.flags);
    for (uint32_t i = 0; i < 2; i++) {
        error[i] = op_remap(&world->core, pair->space[i], &request, &address[i]);
    }
    return same(error[0], error[1]) && EXPECT(error[0] != ERR_OK || address[0].v == address[1].v);
}

static bool step_batch(const struct pair *pair)
{
    uint32_t refused[2] = {0, 0};
    enum err error[2];
    uint32_t first[3];
    uint32_t end[3];

    for (uint32_t i = 0; i < 3; i++) {
        draw_range(&first[i], &end[i]);
    }
    DESCRIBE("batch: protect %u..%u, unmap %u..%u, dontneed %u..%u", first[0], end[0], first[1],
             end[1], first[2], end[2]);
    for (uint32_t i = 0; i < 2; i++) {
        struct batch_op ops[] = {
            {.sort = BATCH_PROTECT,
             .protect = {.address = place(first[0]),
                         .length = length(first[0], end[0]),
                         .prot = RW}},
            {.sort = BATCH_UNMAP, .unmap = {place(first[1]), length(first[1], end[1])}},
            {.sort = BATCH_ADVISE,
             .advise = {.address = place(first[2]),
                        .length = length(first[2], end[2]),
                        .advice = MEM_ADVISE_DONTNEED}},
        };

        error[i] = op_batch(&world->core, pair->space[i], ops, 3, &refused[i]);
    }
    return same(error[0], error[1]) && EXPECT_U64(refused[0], refused[1]);
}

static bool step_touch(const struct pair *pair)
{
    const uint32_t page = spots[chance_below(LOOKED_AT)];
    const uint32_t access = chance_below(8) == 0 ? MEM_PROT_READ : MEM_PROT_WRITE;
    uint64_t word[2] = {next_word, next_word};

    next_word++;
    DESCRIBE("touch %u access %u", page, access);
    const enum fault_outcome first =
        world_touch(world, pair->space[0], FIRST + page, access, &word[0]);

    return EXPECT_U64(world_touch(world, pair->space[1], FIRST + page, access, &word[1]), first) &&
           EXPECT_U64(word[0], word[1]);
}

/* A pin of each, which is dropped at once: it has split a leaf. */
static bool step_pin(const struct pair *pair)
{
    const uint32_t page = spots[chance_below(LOOKED_AT)];
    uint64_t pages[2] = {0, 0};
    enum err error[2];

    DESCRIBE("pin %u", page);
    for (uint32_t i = 0; i < 2; i++) {
        const struct pin_request request = {.owner = pair->space[i],
                                            .address = place(page),
                                            .pages = 1,
                                            .flags = MEM_PIN_GET | MEM_PIN_WRITE};
        struct pin_answer answer;

        error[i] = op_pin(&world->core, pair->space[i], &request, &answer);
        pages[i] = answer.pages;
        if (error[i] == ERR_OK) {
            EXPECT_ERR(op_unpin(&world->core, pair->space[i], answer.pin_opt->number, 0), ERR_OK);
        }
    }
    return same(error[0], error[1]) && EXPECT_U64(pages[0], pages[1]);
}

static void end_pair(struct pair *pair)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (pair->space[i] != NULL) {
            space_end(&world->core, pair->space[i]);
            pair->space[i] = NULL;
        }
    }
}

static bool step_clone(void)
{
    DESCRIBE("clone");
    end_pair(&pairs[1]);
    for (uint32_t i = 0; i < 2; i++) {
        if (!EXPECT_ERR(op_clone(&world->core, pairs[0].space[i],
                                 &(struct clone_request){.priority = 10}, &pairs[1].space[i]),
                        ERR_OK)) {
            return false;
        }
    }
    core_done(&world->core);
    return true;
}

static bool step(const struct pair *pair)
{
    switch (chance_below(16)) {
    case 0:
    case 1:
    case 2:
        return step_map(pair);
    case 3:
    case 4:
        return step_change(pair);
    case 5:
        return step_remap(pair);
    case 6:
        return step_batch(pair);
    case 7:
        return chance_below(3) == 0 ? step_clone() : step_pin(pair);
    default:
        return step_touch(pair);
    }
}

static bool regions_match(const struct space *first, const struct space *second)
{
    const struct region *a = tree_first(&world->core, &first->tree);
    const struct region *b = tree_first(&world->core, &second->tree);

    while (a != NULL && b != NULL) {
        if (!EXPECT_U64(a->first, b->first) || !EXPECT_U64(a->end, b->end) ||
            !EXPECT_U64(a->flags & ~(ADVICE | REGION_TOUCHED),
                        b->flags & ~(ADVICE | REGION_TOUCHED))) {
            return false;
        }
        a = tree_next(&world->core, a);
        b = tree_next(&world->core, b);
    }
    return EXPECT(a == NULL && b == NULL);
}

/* Words as a fault would show them, without one. */
static uint64_t word_at(const struct space *space, uint32_t page)
{
    const uint64_t entry = page_entry(&world->core, space, FIRST + page);

    if (!shadow_entry_is_private(entry)) {
        return 0;
    }
    const uint64_t pfn = pool_pfn(&world->core, shadow_entry_frame(entry)).v;

    return model_read(world->port, (uint32_t)(pfn - MODEL_BASE));
}

static bool pair_matches(const struct pair *pair)
{
    struct space *const *both = pair->space;

    leaves += both[0]->larges;
    if (!EXPECT_U64(both[1]->larges, 0) || !EXPECT_U64(both[0]->pages, both[1]->pages) ||
        !EXPECT_U64(both[0]->data, both[1]->data) ||
        !EXPECT_U64(both[0]->locked, both[1]->locked) ||
        !EXPECT_U64(both[0]->committed, both[1]->committed) || !regions_match(both[0], both[1])) {
        return false;
    }
    for (uint32_t i = 0; i < LOOKED_AT; i++) {
        if (!EXPECT_U64(word_at(both[0], spots[i]), word_at(both[1], spots[i]))) {
            tap_note("page %u", spots[i]);
            return false;
        }
    }
    return true;
}

/* So many steps in a world of its own: later there are no runs of frames left (run.h). */
static bool play(uint64_t steps)
{
    bool is_right = true;

    world = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    core_settle(&world->core);
    const uint64_t before = pool_free(&world->core);

    pairs[0].space[0] = world_space(world);
    pairs[0].space[1] = world_space(world);
    for (uint64_t i = 0; i < steps && is_right; i++) {
        const struct pair *pair = &pairs[pairs[1].space[0] != NULL && chance_below(3) == 0 ? 1 : 0];

        is_right = step(pair);
        advise_all(pair);
        is_right = is_right && pair_matches(pair);
        if (i % 16 == 0) {
            world_audit(world);
        }
    }
    end_pair(&pairs[1]);
    end_pair(&pairs[0]);
    core_settle(&world->core);
    is_right = is_right && EXPECT_U64(pool_free(&world->core), before);
    world_audit(world);
    world_free(world);
    return is_right;
}

TAP_TEST(random_requests_do_the_same_with_large_leaves_and_without)
{
    const uint64_t steps = chance_begin(STEPS_DEFAULT);

    for (uint64_t i = 0; i < steps; i += ROUND) {
        if (!play(ROUND)) {
            tap_note("after step %llu: %s", (unsigned long long)i, request_text);
            return;
        }
    }
    tap_note("%llu requests done, with %llu large leaves", (unsigned long long)done,
             (unsigned long long)leaves);
    EXPECT(done > steps / 8);
    EXPECT(leaves > steps / 8);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(random_requests_do_the_same_with_large_leaves_and_without),
    };

    return TAP_RUN(argc, argv, tests);
}
