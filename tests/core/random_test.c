/* SPDX-License-Identifier: MIT */
/*
 * Random requests and touches on small windows, each compared with the mirror, the validators run
 * after each.
 *
 * Options by environment: HF_SEED (default: the time), HF_STEPS.
 */
#include <stdio.h>

#include <tap.h>

#include "chance.h"
#include "mirror.h"

#define STEPS_DEFAULT 60000u
#define SPACES        4u /* two with the smaller window, two with the larger */

/* One client: the space and what it must be. */
struct side {
    struct space *space;
    struct mirror mirror;
};

static struct world *world;
static struct object *object;
static struct mirror_pool pool;
static uint64_t next_word = 1;

/* The request of this step, for the report of a failure. */
static char request_text[128];

#define DESCRIBE(...) (void)snprintf(request_text, sizeof request_text, __VA_ARGS__)

static unsigned offset_in(const struct mirror *mirror, uaddr_t address)
{
    return (unsigned)(uaddr_to_vpn(address).v - mirror->first);
}

static void draw_range(const struct mirror *mirror, uint32_t *first, uint32_t *end)
{
    *first = mirror->first + chance_below(mirror->pages);
    *end = *first + chance_below(mirror->first + mirror->pages - *first + 1);
    if (chance_below(3) == 0 && *end > *first + 2) {
        *end = *first + 1 + chance_below(2);
    }
}

static uint32_t draw_prot(void)
{
    static const uint32_t prots[] = {0, 1, 3, 3, 3, 2, 5, 4, 7};

    return prots[chance_below(sizeof prots / sizeof prots[0])];
}

static bool step_map(struct side *side)
{
    uint32_t first;
    uint32_t end;
    uaddr_t ours = {0};
    uaddr_t theirs = {0};

    draw_range(&side->mirror, &first, &end);
    end += first == end ? 1 : 0;
    struct map_request request = {
        .address = world_address(first),
        .length = (uint64_t)(end - first) * PAGE_SIZE,
        .prot = draw_prot(),
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };

    if (chance_below(4) != 0) {
        request.flags |= MEM_MAP_FIXED;
        request.flags |= chance_below(6) == 0 ? MEM_MAP_FIXED_NOREPLACE : 0;
    } else if (chance_below(2) == 0) {
        request.address.v = 0;
    }
    request.flags |= chance_below(5) == 0 ? MEM_MAP_NORESERVE : 0;
    request.flags |= chance_below(8) == 0 ? MEM_MAP_LOCKED : 0;
    if (chance_below(4) == 0) {
        request.object = object;
        request.rights = MAP_RIGHT_READ | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE;
        request.offset = (uint64_t)chance_below(WORLD_WIRED + 4) * PAGE_SIZE;
        request.flags &= ~MEM_MAP_ANONYMOUS;
    }
    request.flags ^= chance_below(3) == 0 ? MEM_MAP_PRIVATE | MEM_MAP_SHARED : 0;
    DESCRIBE("map %u +%u prot %u flags %x offset %u", offset_in(&side->mirror, request.address),
             end - first, request.prot, request.flags, (unsigned)(request.offset / PAGE_SIZE));
    enum err expected = mirror_map(&side->mirror, &request, &ours);
    enum err got = op_map(&world->core, side->space, &request, &theirs);

    return EXPECT_ERR(got, expected) && EXPECT_U64(theirs.v, ours.v);
}

static bool step_unmap(struct side *side)
{
    uint32_t first;
    uint32_t end;

    draw_range(&side->mirror, &first, &end);
    DESCRIBE("unmap %u +%u", first - side->mirror.first, end - first);
    enum err expected = mirror_unmap(&side->mirror, first, end);

    return EXPECT_ERR(op_unmap(&world->core, side->space, world_address(first),
                               (uint64_t)(end - first) * PAGE_SIZE),
                      expected);
}

static bool step_protect(struct side *side)
{
    uint32_t first;
    uint32_t end;

    draw_range(&side->mirror, &first, &end);
    const struct protect_request request = {
        .address = world_address(first),
        .length = (uint64_t)(end - first) * PAGE_SIZE,
        .prot = draw_prot(),
        .is_linux = chance_below(2) == 0,
    };
    DESCRIBE("protect %u +%u prot %u linux %d", first - side->mirror.first, end - first,
             request.prot, request.is_linux);
    enum err expected = mirror_protect(&side->mirror, first, end, request.prot, request.is_linux);

    return EXPECT_ERR(op_protect(&world->core, side->space, &request), expected);
}

static bool step_advise(struct side *side)
{
    static const uint32_t advices[] = {
        MEM_ADVISE_NORMAL,        MEM_ADVISE_RANDOM,         MEM_ADVISE_SEQUENTIAL,
        MEM_ADVISE_WILLNEED,      MEM_ADVISE_DONTNEED,       MEM_ADVISE_DONTNEED,
        MEM_ADVISE_DONTFORK,      MEM_ADVISE_DOFORK,         MEM_ADVISE_FREE,
        MEM_ADVISE_COLD,          MEM_ADVISE_PAGEOUT,        MEM_ADVISE_WIPEONFORK,
        MEM_ADVISE_HUGEPAGE,      MEM_ADVISE_NOHUGEPAGE,     MEM_ADVISE_KEEPONFORK,
        MEM_ADVISE_POPULATE_READ, MEM_ADVISE_POPULATE_WRITE, MEM_ADVISE_DONTNEED_LOCKED,
    };
    uint32_t first;
    uint32_t end;

    draw_range(&side->mirror, &first, &end);
    const struct advise_request request = {
        .address = world_address(first),
        .length = (uint64_t)(end - first) * PAGE_SIZE,
        .advice = advices[chance_below(sizeof advices / sizeof advices[0])],
        .is_linux = chance_below(2) == 0,
    };
    DESCRIBE("advise %u +%u advice %u linux %d", first - side->mirror.first, end - first,
             request.advice, request.is_linux);
    enum err expected = mirror_advise(&side->mirror, first, end, request.advice, request.is_linux);

    return EXPECT_ERR(op_advise(&world->core, side->space, &request), expected);
}

static bool step_lock(struct side *side)
{
    uint32_t first;
    uint32_t end;

    draw_range(&side->mirror, &first, &end);
    bool locks = chance_below(3) != 0;
    const struct lock_request request = {
        .address = world_address(first),
        .length = (uint64_t)(end - first) * PAGE_SIZE,
        .flags = locks && chance_below(3) == 0 ? MEM_LOCK_ONFAULT : 0,
        .is_linux = chance_below(2) == 0,
    };
    uint32_t flags = request.flags != 0 ? REGION_LOCKS : REGION_LOCKED;

    DESCRIBE("%s %u +%u flags %u linux %d", locks ? "lock" : "unlock", first - side->mirror.first,
             end - first, request.flags, request.is_linux);
    enum err expected = mirror_lock(&side->mirror, first, end, locks ? flags : 0, request.is_linux);

    return EXPECT_ERR(locks ? op_lock(&world->core, side->space, &request)
                            : op_unlock(&world->core, side->space, &request),
                      expected);
}

/* The filler above the window is locked too: it has one page behind it, and no access. */
static bool step_lock_all(struct side *side)
{
    uint32_t flags = chance_below(2) == 0 ? chance_below(MEM_LOCK_ALL_FLAGS + 1) : 0;
    uint32_t locks = (flags & MEM_LOCK_ALL_ONFAULT) != 0 ? REGION_LOCKS : REGION_LOCKED;
    uint32_t future = (flags & MEM_LOCK_FUTURE) != 0 ? locks : 0;

    DESCRIBE("lock all %u", flags);
    if (flags == 0) {
        mirror_lock_all(&side->mirror, 0, 0, true);
        return EXPECT_ERR(op_unlock_all(&world->core, side->space), ERR_OK);
    }
    if (flags == MEM_LOCK_ALL_ONFAULT) {
        return EXPECT_ERR(op_lock_all(&world->core, side->space, flags), ERR_INVAL);
    }
    mirror_lock_all(&side->mirror, locks, future, (flags & MEM_LOCK_CURRENT) != 0);
    return EXPECT_ERR(op_lock_all(&world->core, side->space, flags), ERR_OK);
}

static bool step_remap(struct side *side)
{
    const struct mirror *mirror = &side->mirror;
    uint32_t first;
    uint32_t end;
    uaddr_t ours = {0};
    uaddr_t theirs = {0};

    draw_range(mirror, &first, &end);
    struct remap_request request = {
        .address = world_address(first),
        .length_old = (uint64_t)(end - first) * PAGE_SIZE,
        .length_new = (uint64_t)chance_below(mirror->pages / 2) * PAGE_SIZE,
        .flags = chance_below(MEM_REMAP_ALL + 1),
    };

    if (request.flags & MEM_REMAP_DONTUNMAP) {
        request.length_new = chance_below(8) == 0 ? request.length_new : request.length_old;
    }
    uint32_t room = mirror->pages - (uint32_t)(request.length_new / PAGE_SIZE);

    request.target = world_address(mirror->first + chance_below(room + 1));
    DESCRIBE("remap %u %u -> %u flags %u target %u", first - mirror->first, end - first,
             (unsigned)(request.length_new / PAGE_SIZE), request.flags,
             offset_in(mirror, request.target));
    enum err expected = mirror_remap(&side->mirror, &request, &ours);
    enum err got = op_remap(&world->core, side->space, &request, &theirs);

    return EXPECT_ERR(got, expected) && (got != ERR_OK || EXPECT_U64(theirs.v, ours.v));
}

static bool step_touch(struct side *side)
{
    uint32_t page = side->mirror.first + chance_below(side->mirror.pages);
    uint32_t access = chance_below(2) == 0 ? MEM_PROT_WRITE : MEM_PROT_READ;
    uint64_t ours = next_word++;
    uint64_t theirs = ours;
    DESCRIBE("touch %u access %u", page - side->mirror.first, access);
    enum fault_outcome expected = mirror_touch(&side->mirror, page, access, &ours);

    return EXPECT_U64(world_touch(world, side->space, page, access, &theirs), expected) &&
           EXPECT_U64(theirs, ours);
}

/* Whether a batch would make pages present, which it does at its end and the mirror at once. */
static bool wakes_pages(const struct mirror *mirror)
{
    for (uint32_t i = 0; i < mirror->pages; i++) {
        if ((mirror->page[i].flags & REGION_LOCKS) == REGION_LOCKED) {
            return true;
        }
    }
    return (mirror->future & REGION_LOCKS) == REGION_LOCKED;
}

/* One operation of a batch, done on the mirror. Returns: the error expected of it. */
static enum err draw_op(struct mirror *mirror, struct batch_op *op, uaddr_t *expected)
{
    static const uint32_t advices[] = {MEM_ADVISE_NORMAL,   MEM_ADVISE_RANDOM, MEM_ADVISE_DONTNEED,
                                       MEM_ADVISE_DONTFORK, MEM_ADVISE_DOFORK, MEM_ADVISE_COLD};
    uint32_t first;
    uint32_t end;

    draw_range(mirror, &first, &end);
    const uaddr_t address = world_address(first);
    const uint64_t length = (uint64_t)(end - first) * PAGE_SIZE;

    *expected = (uaddr_t){0};
    switch (chance_below(6)) {
    case 0:
        end += first == end ? 1 : 0;
        *op = (struct batch_op){
            .sort = BATCH_MAP,
            .map = {.address = address,
                    .length = (uint64_t)(end - first) * PAGE_SIZE,
                    .prot = draw_prot(),
                    .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS |
                             (chance_below(3) != 0 ? MEM_MAP_FIXED : 0) |
                             (chance_below(6) == 0 ? MEM_MAP_FIXED | MEM_MAP_FIXED_NOREPLACE : 0)}};
        return mirror_map(mirror, &op->map, expected);
    case 1:
        *op = (struct batch_op){.sort = BATCH_UNMAP, .unmap = {address, length}};
        return mirror_unmap(mirror, first, end);
    case 2:
        *op = (struct batch_op){
            .sort = BATCH_PROTECT,
            .protect = {.address = address, .length = length, .prot = draw_prot()}};
        return mirror_protect(mirror, first, end, op->protect.prot, false);
    case 3:
        *op = (struct batch_op){
            .sort = BATCH_REMAP,
            .remap = {.address = address,
                      .length_old = length,
                      .length_new = (uint64_t)chance_below(mirror->pages / 2) * PAGE_SIZE}};
        return mirror_remap(mirror, &op->remap, expected);
    case 4:
        *op = (struct batch_op){
            .sort = BATCH_ADVISE,
            .advise = {.address = address,
                       .length = length,
                       .advice = advices[chance_below(sizeof advices / sizeof advices[0])]}};
        return mirror_advise(mirror, first, end, op->advise.advice, false);
    default:
        *op = (struct batch_op){.sort = chance_below(2) == 0 ? BATCH_LOCK : BATCH_UNLOCK,
                                .lock = {.address = address, .length = length}};
        op->lock.flags = op->sort == BATCH_LOCK ? MEM_LOCK_ONFAULT : 0;
        return mirror_lock(mirror, first, end, op->sort == BATCH_LOCK ? REGION_LOCKS : 0, false);
    }
}

/* All or none: the mirror tries on a copy of itself. */
static bool step_batch(struct side *side)
{
    struct mirror trial = side->mirror;
    struct batch_op ops[6];
    uaddr_t expected[6];
    enum err error = ERR_OK;
    uint32_t count = 0;
    uint32_t refused = 0;
    const uint32_t wanted = 1 + chance_below(6);

    if (wakes_pages(&side->mirror)) {
        return step_touch(side);
    }
    while (count < wanted && error == ERR_OK) {
        error = draw_op(&trial, &ops[count], &expected[count]);
        count++;
    }
    DESCRIBE("batch of %u, the last: %u", count, ops[count - 1].sort);
    if (!EXPECT_ERR(op_batch(&world->core, side->space, ops, count, &refused), error)) {
        return false;
    }
    if (error != ERR_OK) {
        return EXPECT_U64(refused, count - 1);
    }
    side->mirror = trial;
    for (uint32_t i = 0; i < count; i++) {
        if ((ops[i].sort == BATCH_MAP || ops[i].sort == BATCH_REMAP) &&
            !EXPECT_U64(ops[i].address.v, expected[i].v)) {
            return false;
        }
    }
    return true;
}

/* A clone takes the place of the space itself or of the other one with this window. */
static bool step_clone(struct side *side, struct side *pair)
{
    struct side *victim = &pair[chance_below(2)];
    struct space *clone = NULL;

    DESCRIBE("clone, and end %s", victim == side ? "the parent" : "another");
    if (!EXPECT_ERR(
            op_clone(&world->core, side->space, &(struct clone_request){.priority = 10}, &clone),
            ERR_OK)) {
        return false;
    }
    struct mirror mirror;

    mirror_clone(&side->mirror, &mirror);
    space_end(&world->core, victim->space);
    *victim = (struct side){clone, mirror};
    return mirror_matches(&side->mirror, world, side->space);
}

static bool step(struct side *side, struct side *pair)
{
    switch (chance_below(16)) {
    case 15:
        return step_batch(side);
    case 14:
        return step_clone(side, pair);
    case 0:
    case 1:
    case 2:
        return step_map(side);
    case 3:
        return step_unmap(side);
    case 4:
    case 5:
        return step_protect(side);
    case 6:
        return step_advise(side);
    case 7:
    case 8:
        return step_remap(side);
    case 9:
        return chance_below(3) == 0 ? step_lock_all(side) : step_lock(side);
    default:
        return step_touch(side);
    }
}

TAP_TEST(random_requests_leave_what_the_mirror_says)
{
    uint64_t steps = chance_begin(STEPS_DEFAULT);
    struct side sides[SPACES];

    world = world_make(2500, COMMIT_ALWAYS);
    object = world_object(world, WORLD_WIRED);
    core_settle(&world->core);
    uint64_t before = pool_free(&world->core);

    for (uint32_t i = 0; i < SPACES; i++) {
        sides[i].space = mirror_make(world, 8 + 16 * (i / 2), &sides[i].mirror);
        mirror_join(&sides[i].mirror, &pool);
    }
    for (uint64_t i = 0; i < steps; i++) {
        uint32_t index = chance_below(SPACES);
        struct side *side = &sides[index];
        const struct mirror was = side->mirror;

        if (!step(side, &sides[index & ~1u]) ||
            !mirror_matches(&side->mirror, world, side->space)) {
            mirror_note(&was, "before");
            tap_note("step %llu: %s", (unsigned long long)i, request_text);
            return;
        }
        core_done(&world->core);
        (void)space_audit(&world->core, side->space);
        if (i % 64 == 0) {
            world_audit(world);
        }
    }
    for (uint32_t i = 0; i < SPACES; i++) {
        space_end(&world->core, sides[i].space);
    }
    core_settle(&world->core);
    EXPECT_U64(pool_free(&world->core), before);
    world_audit(world);
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(random_requests_leave_what_the_mirror_says),
    };

    return TAP_RUN(argc, argv, tests);
}
