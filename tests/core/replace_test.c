/* SPDX-License-Identifier: MIT */
/*
 * MAP over much, in steps: the same as if all had been unmapped at once before; REMAP of much: the
 * same as of each few pages; and the promise of what comes is kept meanwhile. work_test.c has the
 * same for one layout with dying servers.
 *
 * Options by environment: HF_SEED (default: the time), HF_STEPS.
 */
#include <string.h>

#include <tap.h>

#include "chance.h"
#include "server/core/burial.h"
#include "server/core/limit.h"
#include "server/core/work.h"
#include "snapshot.h"
#include "world.h"

#define FIRST   0x400u
#define PAGES   1500u /* of the window, three tables */
#define LAYOUTS 150u
#define PARTS   90u
#define RW      (MEM_PROT_READ | MEM_PROT_WRITE)

static uint64_t seen_steps;

static enum err map(struct world *world, struct space *space, struct range range, uint32_t flags,
                    uint32_t prot)
{
    const struct map_request request = {
        .address = world_address(range.first),
        .length = (uint64_t)range_pages(range) * PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address = {0};
    const enum err error = op_map(&world->core, space, &request, &address);

    EXPECT((error != ERR_OK && error != ERR_MORE) ||
           uaddr_to_bytes(address) == uaddr_to_bytes(request.address));
    return error;
}

static struct range draw_range(uint32_t most)
{
    const uint32_t first = FIRST + chance_below(PAGES - 1);
    const uint32_t pages = 1 + chance_below(most);

    return range_of(first, first + pages < FIRST + PAGES ? first + pages : FIRST + PAGES);
}

static uint32_t draw_flags(void)
{
    static const uint32_t flags[] = {
        MEM_MAP_PRIVATE,
        MEM_MAP_PRIVATE,
        MEM_MAP_PRIVATE | MEM_MAP_NORESERVE,
        MEM_MAP_PRIVATE | MEM_MAP_GROWSDOWN,
        MEM_MAP_PRIVATE | MEM_MAP_LOCKED,
        MEM_MAP_SHARED,
        MEM_MAP_SHARED | MEM_MAP_NORESERVE,
    };
    return flags[chance_below(sizeof flags / sizeof flags[0])];
}

static void touch(struct world *world, struct space *space, struct range range)
{
    uint64_t word;

    for (uint32_t page = range.first; page < range.end; page += 1 + chance_below(3)) {
        if (chance_below(3) == 0) {
            (void)world_read(world, space, page, &word);
        } else {
            (void)world_write(world, space, page, page);
        }
    }
}

static void draw_layout(struct world *world, struct space *space)
{
    const uint32_t most = chance_below(2) == 0 ? 12 : 400;

    for (uint32_t i = 0; i < PARTS; i++) {
        const struct range range = draw_range(most);
        const uint32_t prot = chance_below(3) == 0 ? MEM_PROT_READ : RW;

        if (map(world, space, range, draw_flags(), prot) == ERR_OK) {
            touch(world, space, range);
        }
    }
}

/* Make all steps of a request that said `error`. Returns: that, or ERR_OK. */
static enum err finish(struct world *world, struct space *space, enum err error)
{
    bool is_over = false;

    if (error != ERR_MORE) {
        world->core.need = (struct need){0}; /* residence is not compared */
        return error == ERR_WAIT ? ERR_OK : error;
    }
    EXPECT_U64(world->core.more.ticket, space->work.ticket);
    world->core.more = (struct more){0};
    while (!is_over) {
        const uint64_t pages = space->own + space->zero + space->wired;
        const uint32_t regions = space->tree.count;

        core_settle(&world->core); /* no record is in hand but what the step itself sets free */
        world_audit(world);
        is_over = work_step(&world->core, space);
        EXPECT(pages - (space->own + space->zero + space->wired) <= WORK_PAGES);
        EXPECT(regions - space->tree.count <= WORK_REGIONS + 1);
        seen_steps++;
    }
    return ERR_OK;
}

static enum err replace_in_steps(struct world *world, uint64_t number, struct range range,
                                 uint32_t flags)
{
    struct space *space = world_find(world, number);

    world->core.has_turns = true;
    return finish(world, space, map(world, space, range, flags, RW));
}

/* The same done by UNMAP and MAP, neither in steps. */
static enum err replace_by_two(struct world *world, uint64_t number, struct range range,
                               uint32_t flags)
{
    struct space *space = world_find(world, number);

    EXPECT_ERR(op_unmap(&world->core, space, world_address(range.first),
                        (uint64_t)range_pages(range) * PAGE_SIZE),
               ERR_OK);
    return map(world, space, range, flags, RW);
}

TAP_TEST(r5_mapping_over_much_in_steps_is_unmapping_and_mapping)
{
    const uint64_t layouts = chance_begin(LAYOUTS);
    static const uint32_t modes[] = {COMMIT_HEURISTIC, COMMIT_ALWAYS, COMMIT_NEVER};
    static struct snapshot steps;
    static struct snapshot two;

    seen_steps = 0;
    for (uint64_t i = 0; i < layouts; i++) {
        const uint32_t mode = modes[i % 3];
        struct world *world = world_make(WORLD_FRAMES, mode);
        struct world *other = world_make(WORLD_FRAMES, mode);
        const uint64_t number = world_space(world)->number;

        draw_layout(world, world_find(world, number));
        world_copy(other, world);
        const struct range range = draw_range(PAGES);
        const uint32_t flags = draw_flags();
        const enum err error = replace_in_steps(world, number, range, flags);

        if (error == ERR_OK) {
            EXPECT_ERR(replace_by_two(other, number, range, flags), ERR_OK);
        }
        burial_finish(&world->core);
        core_done(&world->core);
        snapshot_take_space(world, number, &steps);
        snapshot_take_space(other, number, &two);
        EXPECT(snapshot_is_equal(&steps, &two)); /* refused: as before */
        EXPECT_U64(world->core.head->commit.used, other->core.head->commit.used);
        world_audit(world);
        world_free(world);
        world_free(other);
    }
    EXPECT(seen_steps > layouts);
    tap_note("%u steps", (unsigned)seen_steps);
}

static enum err move(struct world *world, struct space *space, struct range from, uint32_t kept,
                     uint32_t to)
{
    const struct remap_request request = {
        .address = world_address(from.first),
        .length_old = (uint64_t)range_pages(from) * PAGE_SIZE,
        .length_new = (uint64_t)kept * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(to),
    };
    uaddr_t address = {0};
    const enum err error = op_remap(&world->core, space, &request, &address);

    EXPECT((error != ERR_OK && error != ERR_MORE) || uaddr_to_bytes(address) == to * PAGE_SIZE);
    return error;
}

/* The same a few pages at a time, which needs no steps, and then the rest. */
static enum err move_by_few(struct world *world, uint64_t number, struct range from, uint32_t kept,
                            uint32_t to)
{
    struct space *space = world_find(world, number);
    enum err error = ERR_OK;

    for (uint32_t done = 0; done < kept && error == ERR_OK; done += WORK_REGIONS) {
        const uint32_t pages = kept - done < WORK_REGIONS ? kept - done : WORK_REGIONS;

        error = move(world, space, range_of(from.first + done, from.first + done + pages), pages,
                     to + done);
    }
    if (error == ERR_OK && from.first + kept < from.end) {
        error = op_unmap(&world->core, space, world_address(from.first + kept),
                         (uint64_t)(range_pages(from) - kept) * PAGE_SIZE);
    }
    return error;
}

/* Part of a region, the longest of some that are looked at. */
static struct range draw_part(const struct world *world, const struct space *space)
{
    struct range part = range_of(FIRST, FIRST);

    for (uint32_t i = 0; i < 20; i++) {
        const struct region *region =
            tree_find(&world->core, &space->tree, FIRST + chance_below(PAGES));

        if (region != NULL && region_pages(region) > range_pages(part)) {
            part = region_range(region);
        }
    }
    part.first += chance_below(2) * chance_below(1 + range_pages(part) / 4);
    part.end -= chance_below(2) * chance_below(1 + range_pages(part) / 4);
    return part;
}

TAP_TEST(r5_moving_much_in_steps_is_moving_few_pages_at_a_time)
{
    const uint64_t layouts = chance_begin(LAYOUTS);
    static const uint32_t modes[] = {COMMIT_HEURISTIC, COMMIT_ALWAYS, COMMIT_NEVER};
    static struct snapshot steps;
    static struct snapshot few;
    uint32_t moved = 0;

    seen_steps = 0;
    for (uint64_t i = 0; i < layouts; i++) {
        const uint32_t mode = modes[i % 3];
        struct world *world = world_make(WORLD_FRAMES, mode);
        struct world *other = world_make(WORLD_FRAMES, mode);
        const uint64_t number = world_space(world)->number;
        struct space *space = world_find(world, number);

        draw_layout(world, space);
        world_copy(other, world);
        const struct range from = draw_part(world, space);
        const uint32_t pages = range_pages(from);
        const uint32_t kept = chance_below(2) == 0 ? pages : 1 + chance_below(pages);
        const uint32_t to =
            chance_below(3) == 0 ? from.end : FIRST - 100 + chance_below(PAGES + 100);

        world->core.has_turns = true;
        if (finish(world, space, move(world, space, from, kept, to)) == ERR_OK) {
            EXPECT_ERR(move_by_few(other, number, from, kept, to), ERR_OK);
            moved++;
        }
        burial_finish(&world->core);
        core_done(&world->core);
        snapshot_take_space(world, number, &steps);
        snapshot_take_space(other, number, &few);
        EXPECT(snapshot_is_equal(&steps, &few)); /* refused: as before */
        EXPECT_U64(world->core.head->commit.used, other->core.head->commit.used);
        EXPECT_U64(world->core.need.kind, NEED_NOTHING);
        world_audit(world);
        world_free(world);
        world_free(other);
    }
    EXPECT(seen_steps > layouts);
    EXPECT(moved > layouts / 3);
    tap_note("%u moved, %u steps", moved, (unsigned)seen_steps);
}

/* What is promised to the space that is being changed nobody else gets. */
TAP_TEST(r24_what_comes_in_steps_is_promised_from_the_start)
{
    struct world *world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    struct space *space = world_space(world);
    struct space *other = world_space(world);
    const uint64_t most = limit_most(&world->core.head->commit);
    const struct range range = range_of(FIRST, FIRST + 300);
    uint64_t word;

    /* Shared memory whose pages stand goes, private memory as large comes. */
    EXPECT_ERR(map(world, space, range, MEM_MAP_SHARED | MEM_MAP_NORESERVE, RW), ERR_OK);
    for (uint32_t page = range.first; page < range.end; page++) {
        EXPECT_U64(world_read(world, space, page, &word), FAULT_READY);
    }
    const uint64_t left = most - world->core.head->commit.used;
    const struct range rest = range_of(FIRST, FIRST + (uint32_t)(left - 300));

    world->core.has_turns = true;
    EXPECT_ERR(map(world, space, range, MEM_MAP_PRIVATE, RW), ERR_MORE);
    do {
        EXPECT_ERR(map(world, other, range_of(rest.first, rest.end + 1), MEM_MAP_PRIVATE, RW),
                   ERR_NOMEM);
        EXPECT_U64(other->refusal.limit, MEM_LIMIT_COMMIT);
    } while (!work_step(&world->core, space));
    EXPECT_ERR(map(world, other, rest, MEM_MAP_PRIVATE, RW), ERR_OK);
    EXPECT_U64(world->core.head->commit.used, most);
    world_audit(world);
    world_free(world);
}

TAP_TEST(r27_pages_are_made_present_after_the_last_step)
{
    struct world *world = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    const struct range range = range_of(FIRST, FIRST + 200);

    world_map(world, space, FIRST, 200, RW);
    touch(world, space, range);
    world->core.has_turns = true;
    EXPECT_ERR(map(world, space, range, MEM_MAP_PRIVATE | MEM_MAP_POPULATE, RW), ERR_MORE);
    EXPECT_U64(world->core.more.rest.first, range.first);
    EXPECT_U64(world->core.more.rest.end, range.end);
    work_finish(&world->core, space);
    EXPECT_U64(space->own, 0);
    world->core.more = (struct more){0};
    /* Where nothing goes in steps, at once. */
    world->core.has_turns = false;
    EXPECT_ERR(map(world, space, range, MEM_MAP_PRIVATE | MEM_MAP_POPULATE, RW), ERR_OK);
    EXPECT_U64(space->own, 200);
    touch(world, space, range);
    EXPECT_ERR(map(world, space, range, MEM_MAP_PRIVATE | MEM_MAP_POPULATE, RW), ERR_OK);
    EXPECT_U64(space->own, 200);
    world_audit(world);
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r5_mapping_over_much_in_steps_is_unmapping_and_mapping),
        TAP(r5_moving_much_in_steps_is_moving_few_pages_at_a_time),
        TAP(r24_what_comes_in_steps_is_promised_from_the_start),
        TAP(r27_pages_are_made_present_after_the_last_step),
    };

    return TAP_RUN(argc, argv, tests);
}
