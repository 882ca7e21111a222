/* SPDX-License-Identifier: MIT */
/*
 * The dry run of LOCK: it says what a LOCK at its place then does and takes, it is refused as that
 * is, and it changes nothing. The same of LOCK_ALL, with frames enough.
 *
 * Every layout of a window of three pages is tried, each page of one of the kinds below, by itself
 * and with a clone, each with as many frames and as much budget as just suffice, and with less. The
 * window lies across a boundary of 1 GiB, and shows its object across one of 1,024 pages.
 */
#include <tap.h>

#include <base/assert.h>

#include "snapshot.h"
#include "world.h"

#include "server/core/lock_cost.h"

#define WINDOW 3u
#define FIRST  UINT32_C(0x3ffff) /* one page below a multiple of 1 GiB */
#define FRAMES 400u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)

enum kind {
    HOLE,
    ABSENT,
    WRITTEN,
    ZERO,
    READABLE,
    UNSEEN,
    FORBIDDEN_LATER, /* written, then made readable */
    LOCKED,
    ON_FAULT,
    SHARED_ALONE,   /* shared memory of its own */
    SHARED_ABSENT,  /* of the world's object */
    SHARED_TOUCHED, /* the same, the object has the page */
    PRIVATE_ABSENT, /* a private view of it */
    PRIVATE_READ,
    PRIVATE_WRITTEN,
    ARCHIVE, /* private and writable, of wired frames */
    KINDS,
};

static struct world *base;
static struct world *built;
static struct world *trial;
static uint64_t number; /* of the space */
static struct snapshot before;
static struct snapshot after;

static uint64_t left_of(const struct space *space)
{
    return (uint64_t)space->budget.left;
}

/* DRY in `trial`. Returns: as op_lock_cost(); everything else must be as it was. */
static enum err dry(uint32_t first, uint32_t pages, uint32_t flags, struct lock_cost *cost)
{
    struct space *space = world_find(trial, number);
    const struct lock_request request = {world_address(first), (uint64_t)pages * PAGE_SIZE,
                                         flags | MEM_LOCK_DRY, false};
    const uint64_t frames = pool_free(&trial->core);
    const uint64_t left = left_of(space);
    const uint64_t calls = trial->port->calls;

    *cost = (struct lock_cost){0};
    snapshot_take(trial, &before);
    const enum err error = op_lock_cost(&trial->core, space, &request, cost);

    snapshot_take(trial, &after);
    EXPECT(snapshot_is_equal(&before, &after));
    EXPECT_U64(pool_free(&trial->core), frames);
    EXPECT_U64(left_of(space), left);
    EXPECT_U64(trial->port->calls, calls);
    return error;
}

/* Then LOCK itself: what was said must be so, or `*is_so` is false. Returns: what LOCK answered. */
static enum err compare(uint32_t first, uint32_t pages, uint32_t flags, struct lock_cost *cost,
                        bool *is_so)
{
    struct space *space = world_find(trial, number);
    const struct lock_request request = {world_address(first), (uint64_t)pages * PAGE_SIZE, flags,
                                         false};
    const enum err said = dry(first, pages, flags, cost);
    const struct refusal refusal = space->refusal;
    const uint64_t locked = space->locked;
    const uint64_t frames = pool_free(&trial->core);
    const enum err done = op_lock(&trial->core, space, &request);
    *is_so = EXPECT_ERR(said, done) && *is_so;

    core_done(&trial->core);
    if (done == ERR_OK) {
        *is_so = EXPECT_U64(space->locked - locked, cost->pages) && *is_so;
        *is_so = EXPECT_U64(frames - pool_free(&trial->core), cost->frames) && *is_so;
        *is_so = EXPECT_U64(cost->used, locked) && *is_so;
    } else {
        *is_so = EXPECT_U64(refusal.error, space->refusal.error) && *is_so;
        *is_so = EXPECT_U64(refusal.limit, space->refusal.limit) && *is_so;
    }
    world_audit(trial);
    return done;
}

/* The same of LOCK_ALL, in a fresh copy with frames enough. */
static bool compare_all(uint32_t flags)
{
    struct lock_cost cost = {0};
    bool is_so = true;

    world_copy(trial, built);
    struct space *space = world_find(trial, number);
    const uint64_t locked = space->locked;
    const uint64_t frames = pool_free(&trial->core);
    const uint64_t left = left_of(space);
    const uint64_t calls = trial->port->calls;

    snapshot_take(trial, &before);
    const enum err said = op_lock_all_cost(&trial->core, space, flags | MEM_LOCK_DRY, &cost);

    snapshot_take(trial, &after);
    is_so = EXPECT(snapshot_is_equal(&before, &after)) && is_so;
    is_so = EXPECT_U64(pool_free(&trial->core), frames) && is_so;
    is_so = EXPECT_U64(left_of(space), left) && is_so;
    is_so = EXPECT_U64(trial->port->calls, calls) && is_so;
    is_so = EXPECT_ERR(said, op_lock_all(&trial->core, space, flags)) && is_so;
    core_done(&trial->core);
    is_so = EXPECT_U64(space->locked - locked, cost.pages) && is_so;
    is_so = EXPECT_U64(frames - pool_free(&trial->core), cost.frames) && is_so;
    world_audit(trial);
    return is_so;
}

static void map(uint32_t page, uint32_t prot, uint32_t flags, struct object *object,
                uint64_t offset)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_FIXED,
        .object = object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE |
                  (object != NULL && object->kind == OBJECT_WIRED ? 0 : MAP_RIGHT_WRITE),
        .offset = offset * PAGE_SIZE,
    };
    uaddr_t address;
    enum err error = op_map(&built->core, world_find(built, number), &request, &address);

    ASSERT(error == ERR_OK);
}

static void touch(uint32_t page, uint32_t access)
{
    uint64_t word = 7;
    enum fault_outcome outcome = world_touch(built, world_find(built, number), page, access, &word);

    ASSERT(outcome == FAULT_READY);
}

static void lock(uint32_t page, uint32_t flags)
{
    const struct lock_request request = {world_address(page), PAGE_SIZE, flags, false};
    enum err error = op_lock(&built->core, world_find(built, number), &request);

    ASSERT(error == ERR_OK);
}

static void protect(uint32_t page, uint32_t prot)
{
    const struct protect_request request = {world_address(page), PAGE_SIZE, prot, false};
    enum err error = op_protect(&built->core, world_find(built, number), &request);

    ASSERT(error == ERR_OK);
}

/* The objects of the world: the first made is memory of 1,025 pages, held by the client. */
static struct object *object_of(bool is_archive)
{
    const uint64_t which = built->core.head->object_table.number - (is_archive ? 0 : 1);
    struct object *object = object_find(&built->core, which);

    ASSERT(object != NULL);
    return object;
}

static void place(enum kind kind, uint32_t slot, struct object *memory, struct object *archive)
{
    const uint32_t page = FIRST + slot;
    const uint64_t shown = 1023 + slot; /* the last one is past the end */
    const uint32_t anonymous = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS;

    switch (kind) {
    case HOLE:
    case KINDS:
        return;
    case ABSENT:
    case WRITTEN:
    case ZERO:
    case FORBIDDEN_LATER:
    case LOCKED:
    case ON_FAULT:
        map(page, RW, anonymous, NULL, 0);
        if (kind == WRITTEN || kind == FORBIDDEN_LATER) {
            touch(page, MEM_PROT_WRITE);
        }
        if (kind == ZERO) {
            touch(page, MEM_PROT_READ);
        }
        if (kind == FORBIDDEN_LATER) {
            protect(page, MEM_PROT_READ);
        }
        if (kind == LOCKED || kind == ON_FAULT) {
            lock(page, kind == ON_FAULT ? MEM_LOCK_ONFAULT : 0);
        }
        return;
    case READABLE:
        map(page, MEM_PROT_READ, anonymous, NULL, 0);
        return;
    case UNSEEN:
        map(page, 0, anonymous, NULL, 0);
        return;
    case SHARED_ALONE:
        map(page, RW, MEM_MAP_SHARED | MEM_MAP_ANONYMOUS, NULL, 0);
        return;
    case SHARED_ABSENT:
    case SHARED_TOUCHED:
        map(page, RW, MEM_MAP_SHARED, memory, shown);
        break;
    case PRIVATE_ABSENT:
    case PRIVATE_READ:
    case PRIVATE_WRITTEN:
        map(page, RW, MEM_MAP_PRIVATE, memory, shown);
        break;
    case ARCHIVE:
        map(page, RW, MEM_MAP_PRIVATE, archive, slot);
        return;
    }
    if (shown <= 1024 && kind != SHARED_ABSENT && kind != PRIVATE_ABSENT) {
        touch(page, kind == PRIVATE_WRITTEN ? MEM_PROT_WRITE : MEM_PROT_READ);
    }
}

static void build(uint32_t layout, bool has_clone)
{
    world_copy(built, base);
    struct object *memory = object_of(false);
    struct object *archive = object_of(true);

    for (uint32_t slot = 0; slot < WINDOW; slot++, layout /= KINDS) {
        place((enum kind)(layout % KINDS), slot, memory, archive);
    }
    if (has_clone) {
        struct space *clone = NULL;
        enum err error = op_clone(&built->core, world_find(built, number),
                                  &(struct clone_request){.priority = 10}, &clone);

        ASSERT(error == ERR_OK);
    }
    core_done(&built->core);
    core_settle(&built->core);
}

/* As many frames, and as much budget, as just suffice; and fewer. */
static bool try_scarce(uint32_t first, uint32_t pages, uint32_t flags, uint64_t frames)
{
    struct lock_cost cost;
    bool is_so = true;

    for (uint64_t fewer = 0; fewer <= frames && fewer < 2; fewer++) {
        world_copy(trial, built);
        world_starve(trial, frames - fewer);
        (void)compare(first, pages, flags, &cost, &is_so);
    }
    for (uint64_t left = frames < 3 ? 0 : frames - 3; left <= frames; left++) {
        world_copy(trial, built);
        world_budget(world_find(trial, number), left);
        (void)compare(first, pages, flags, &cost, &is_so);
    }
    return is_so;
}

static bool try_layout(uint32_t first, uint32_t pages)
{
    bool is_so = true;

    for (uint32_t flags = 0; flags <= MEM_LOCK_ONFAULT; flags++) {
        struct lock_cost cost;

        world_copy(trial, built);
        const enum err error = compare(first, pages, flags, &cost, &is_so);

        if (error == ERR_OK && flags == 0) {
            is_so = try_scarce(first, pages, flags, cost.frames) && is_so;
        }
    }
    return is_so;
}

/* Worlds with a space, objects, and records of regions to spare. */
static void begin(uint32_t frames)
{
    base = world_make(frames, COMMIT_ALWAYS);
    built = world_make(frames, COMMIT_ALWAYS);
    trial = world_make(frames, COMMIT_ALWAYS);
    struct space *space = world_space(base);

    number = space->number;
    world_map(base, space, 0x1000, 1, RW);
    for (uint32_t i = 0; i < 8; i++) {
        world_map(base, space, 0x2000 + 2 * i, 1, RW);
    }
    enum err error = op_unmap(&base->core, space, world_address(0x2000), 32 * PAGE_SIZE);

    ASSERT(error == ERR_OK);
}

static void finish(void)
{
    world_free(trial);
    world_free(built);
    world_free(base);
}

TAP_TEST(the_dry_run_says_what_lock_then_does_in_every_layout_of_three_pages)
{
    uint32_t layouts = 1;
    bool is_so = true;

    begin(FRAMES);
    const struct object_request request = {.bytes = 1025 * PAGE_SIZE};
    struct object *object;
    enum err error = op_object_make(&base->core, world_find(base, number), &request, &object);

    ASSERT(error == ERR_OK);
    (void)world_object(base, 8);
    for (uint32_t i = 0; i < WINDOW; i++) {
        layouts *= KINDS;
    }
    for (uint32_t layout = 0; layout < layouts && is_so; layout++) {
        for (unsigned has_clone = 0; has_clone <= 1 && is_so; has_clone++) {
            build(layout, has_clone != 0);
            is_so = try_layout(FIRST, WINDOW);
            is_so = compare_all(MEM_LOCK_CURRENT) && is_so;
            is_so = compare_all(MEM_LOCK_CURRENT | MEM_LOCK_ALL_ONFAULT) && is_so;
            if (!is_so) {
                tap_note("layout %u %u %u, clone %u", layout % KINDS, layout / KINDS % KINDS,
                         layout / KINDS / KINDS, has_clone);
            }
        }
    }
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_dry_run_says_what_lock_then_does_in_every_layout_of_three_pages),
    };
    return TAP_RUN(argc, argv, tests);
}
