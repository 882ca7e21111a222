/* SPDX-License-Identifier: MIT */
/*
 * Requests in steps: the same in the end as all at once, nothing half done for anyone in between,
 * and after the death of the server in any step.
 *
 *   AT      700 pages, all written
 *   +710    40 regions of one page, of two kinds in turn
 *   +760    private pages of a wired object, two of them written
 *   +1024   six tables, in each of which two pages are written, one region
 */
#include <string.h>

#include <tap.h>

#include "server/core/page.h"
#include "stepped.h"

#define AT     0x400u
#define FULL   700u
#define SMALL  (AT + 710u)
#define SMALLS 40u
#define WIRED  (AT + 760u)
#define SPARSE (AT + 1024u)
#define TABLES 6u
#define END    (SPARSE + TABLES * 512u)
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)

static void map_object(struct world *world, struct space *space)
{
    const struct map_request request = {
        .address = world_address(WIRED),
        .length = 4 * PAGE_SIZE,
        .prot = RW,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_FIXED,
        .object = world_object(world, 4),
        .rights = MAP_RIGHT_READ | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
    EXPECT_U64(world_write(world, space, WIRED + 1, 7), FAULT_READY);
    EXPECT_U64(world_write(world, space, WIRED + 2, 7), FAULT_READY);
    uint64_t word;
    EXPECT_U64(world_read(world, space, WIRED, &word), FAULT_READY);
}

static enum err unmap(struct world *world, uint32_t page, uint32_t end)
{
    return op_unmap(&world->core, stepped_space(world), world_address(page),
                    (uint64_t)(end - page) * PAGE_SIZE);
}

static enum err unmap_all(struct world *world)
{
    return unmap(world, AT - 5, END + 700);
}

static enum err unmap_middle(struct world *world)
{
    return unmap(world, AT + 100, AT + 600);
}

static enum err unmap_edges(struct world *world)
{
    return unmap(world, AT + 333, SPARSE + 512 + 4);
}

static enum err unmap_regions(struct world *world)
{
    return unmap(world, SMALL, SMALL + SMALLS);
}

static enum err discard(struct world *world)
{
    const struct advise_request request = {
        .address = world_address(AT + 1),
        .length = (FULL - 2) * PAGE_SIZE,
        .advice = MEM_ADVISE_DONTNEED,
    };
    return op_advise(&world->core, stepped_space(world), &request);
}

static enum err protect(struct world *world)
{
    const struct protect_request request = {
        .address = world_address(SPARSE + 1),
        .length = (TABLES * 512 - 7) * PAGE_SIZE,
        .prot = MEM_PROT_READ,
    };
    return op_protect(&world->core, stepped_space(world), &request);
}

static enum err map_over(struct world *world, uint32_t page, uint32_t end, uint32_t flags)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)(end - page) * PAGE_SIZE,
        .prot = RW,
        .flags = flags | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;
    const enum err error = op_map(&world->core, stepped_space(world), &request, &address);

    EXPECT_U64(uaddr_to_bytes(address), uaddr_to_bytes(request.address));
    return error;
}

static enum err map_over_all(struct world *world)
{
    return map_over(world, AT - 5, END + 700, MEM_MAP_PRIVATE);
}

static enum err map_over_middle(struct world *world)
{
    return map_over(world, AT + 100, AT + 600, MEM_MAP_SHARED);
}

static enum err map_over_regions(struct world *world)
{
    return map_over(world, SMALL + 1, SMALL + SMALLS - 1, MEM_MAP_PRIVATE | MEM_MAP_NORESERVE);
}

static enum err move(struct world *world, uint32_t page, uint32_t old_pages, uint32_t new_pages,
                     uint32_t target)
{
    const struct remap_request request = {
        .address = world_address(page),
        .length_old = (uint64_t)old_pages * PAGE_SIZE,
        .length_new = (uint64_t)new_pages * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(target),
    };
    uaddr_t address;
    const enum err error = op_remap(&world->core, stepped_space(world), &request, &address);

    EXPECT_U64(uaddr_to_bytes(address), uaddr_to_bytes(request.target));
    return error;
}

/* To where nothing is, and longer. */
static enum err move_away(struct world *world)
{
    return move(world, AT + 10, FULL - 10, FULL + 90, END + 512 + 77);
}

/* Over regions of all sorts. */
static enum err move_over(struct world *world)
{
    return move(world, AT + 50, 500, 500, SMALL - 5);
}

/* The middle of a region, shorter, to where it is joined to what is left of it. */
static enum err move_beside(struct world *world)
{
    return move(world, AT + 100, 400, 90, AT + 10);
}

static enum err shrink(struct world *world)
{
    const struct remap_request request = {
        .address = world_address(AT), .length_old = FULL * PAGE_SIZE, .length_new = 7 * PAGE_SIZE};
    uaddr_t address;

    return op_remap(&world->core, stepped_space(world), &request, &address);
}

static const struct stepped_case cases[] = {
    {"all unmapped", unmap_all, AT},
    {"the middle of a region unmapped", unmap_middle, AT},
    {"from region to region unmapped", unmap_edges, AT},
    {"forty regions unmapped", unmap_regions, AT},
    {"pages discarded", discard, AT},
    {"all mapped over", map_over_all, AT},
    {"the middle of a region mapped over", map_over_middle, AT + 300},
    {"forty regions mapped over", map_over_regions, AT},
    {"a region moved away", move_away, AT + 300},
    {"a region moved over others", move_over, AT + 300},
    {"the middle of a region moved beside it", move_beside, AT + 300},
    {"a region made shorter", shrink, AT + 300},
    {"rights taken", protect, SPARSE + 3},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* One step, which is about no more than a step may be. Returns: whether it was the last. */
static bool step(void)
{
    const struct space *space = stepped_space(stepped.tried);
    const uint64_t pages = space->own + space->zero + space->wired;
    const uint32_t regions = space->tree.count;
    const uint32_t tables = space->shadows;
    const bool is_over = work_step(&stepped.tried->core, stepped_space(stepped.tried));

    EXPECT(pages - (space->own + space->zero + space->wired) <= WORK_PAGES);
    EXPECT(regions - space->tree.count <= WORK_REGIONS);
    EXPECT(tables - space->shadows <= WORK_TABLES + 1);
    return is_over;
}

static void make(void)
{
    stepped_make(cases, CASES, step);
    struct space *space = stepped_space(stepped.template);

    world_map(stepped.template, space, AT, FULL, RW);
    for (uint32_t i = 0; i < FULL; i++) {
        EXPECT_U64(world_write(stepped.template, space, AT + i, i + 1), FAULT_READY);
    }
    for (uint32_t i = 0; i < SMALLS; i++) {
        world_map(stepped.template, space, SMALL + i, 1, i % 2 == 0 ? RW : MEM_PROT_NONE);
    }
    map_object(stepped.template, space);
    world_map(stepped.template, space, SPARSE, TABLES * 512, RW);
    for (uint32_t i = 0; i < TABLES; i++) {
        EXPECT_U64(world_write(stepped.template, space, SPARSE + i * 512 + 3, 1), FAULT_READY);
        EXPECT_U64(world_write(stepped.template, space, SPARSE + i * 512 + 500, 2), FAULT_READY);
    }
    stepped_ready();
}

TAP_TEST(steps_leave_what_the_request_leaves_at_once)
{
    make();
    stepped_compare();
    stepped_free();
}

TAP_TEST(a_server_that_dies_in_any_step_leaves_all_of_the_request_or_nothing)
{
    make();
    stepped_die();
    stepped_free();
}

static uint64_t frames_free(struct world *world)
{
    core_settle(&world->core);
    return pool_free(&world->core);
}

TAP_TEST(a_space_that_ends_in_any_step_gives_everything_back)
{
    make();
    stepped_copy(false);
    space_end(&stepped.tried->core, stepped_space(stepped.tried));
    const uint64_t all = frames_free(stepped.tried);
    bool is_over = false;

    for (uint32_t steps = 0; !is_over; steps++) {
        stepped_begin(0);
        for (uint32_t i = 0; i < steps && !is_over; i++) {
            is_over = step();
        }
        space_end(&stepped.tried->core, stepped_space(stepped.tried));
        world_audit(stepped.tried);
        EXPECT_U64(frames_free(stepped.tried), all);
    }
    stepped_free();
}

TAP_TEST(a_space_that_is_stopped_loses_its_memory_in_steps)
{
    make();
    stepped_copy(false);
    space_end(&stepped.tried->core, stepped_space(stepped.tried));
    const uint64_t all = frames_free(stepped.tried);

    /* Also one that is in the middle of something else. */
    for (size_t i = 0; i <= CASES; i++) {
        if (i < CASES) {
            stepped_begin(i);
            (void)step();
        } else {
            stepped_copy(false);
        }
        stop_space(&stepped.tried->core, stepped_space(stepped.tried));
        while (!stop_step(&stepped.tried->core, stepped_space(stepped.tried))) {
            if (i != CASES - 1) { /* nobody is left to whom leaves give too much */
                world_audit(stepped.tried);
            }
        }
        EXPECT_U64(stepped_space(stepped.tried)->tree.count, 0);
        EXPECT_U64(stepped_space(stepped.tried)->shadows, 0);
        space_end(&stepped.tried->core, stepped_space(stepped.tried));
        world_audit(stepped.tried);
        EXPECT_U64(frames_free(stepped.tried), all);
    }
    stepped_free();
}

TAP_TEST(requests_that_take_a_space_by_themselves_wait_for_the_steps_before)
{
    struct batch_op op = {.sort = BATCH_UNMAP,
                          .unmap = {.address = world_address(SMALL), .length = PAGE_SIZE}};
    const struct clone_request clone = {.priority = 1};
    struct space *made;
    uint32_t refused;

    make();
    stepped_begin(1);
    const uint32_t spaces = stepped.tried->core.head->spaces;
    EXPECT_ERR(op_batch(&stepped.tried->core, stepped_space(stepped.tried), &op, 1, &refused),
               ERR_MORE);
    EXPECT_ERR(op_clone(&stepped.tried->core, stepped_space(stepped.tried), &clone, &made),
               ERR_MORE);
    EXPECT_U64(stepped.tried->core.head->spaces, spaces);
    world_audit(stepped.tried);
    work_finish(&stepped.tried->core, stepped_space(stepped.tried));
    EXPECT_ERR(op_batch(&stepped.tried->core, stepped_space(stepped.tried), &op, 1, &refused),
               ERR_OK);
    EXPECT_ERR(op_clone(&stepped.tried->core, stepped_space(stepped.tried), &clone, &made), ERR_OK);
    world_audit(stepped.tried);
    stepped_free();
}

/* As one that waited for a pager, and is started over while another has begun. */
TAP_TEST(r27_nothing_is_populated_in_a_space_that_is_being_changed)
{
    make();
    stepped_begin(1);
    struct space *space = stepped_space(stepped.tried);
    const uint64_t own = space->own;

    stepped.tried->core.left = WORK_PAGES;
    EXPECT(!populate_what_can_be(&stepped.tried->core, space, range_of(AT, END)));
    EXPECT_U64(space->own, own);
    EXPECT_U64(stepped.tried->core.need.kind, NEED_NOTHING);
    work_finish(&stepped.tried->core, space);
    world_audit(stepped.tried);
    stepped_free();
}

TAP_TEST(r0_what_is_refused_before_the_first_step_changed_nothing)
{
    make();
    stepped_copy(true);
    stepped_space(stepped.tried)->settings.regions_max = stepped_space(stepped.tried)->tree.count;
    snapshot_take_space(stepped.tried, stepped.first, &stepped.before);
    EXPECT_ERR(unmap_middle(stepped.tried), ERR_NOMEM);
    EXPECT_U64(stepped_space(stepped.tried)->work.phase, WORK_NONE);
    snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
    EXPECT(snapshot_is_equal(&stepped.found, &stepped.before));
    world_audit(stepped.tried);
    stepped_free();
}

/* One turn of making `rest` present. Returns: what is left of it. */
static struct range populate_one_turn(struct core *core, struct space *space, struct range rest)
{
    core->left = WORK_PAGES;
    core->need = (struct need){0};
    if (!populate_what_can_be(core, space, rest)) {
        return range_of(rest.end, rest.end);
    }
    EXPECT_U64(core->need.kind, NEED_TURN);
    EXPECT_U64(core->need.end, rest.end);
    return range_of((uint32_t)core->need.progress, rest.end);
}

/* Turns that it takes, in each of which at most `most` frames are filled. */
static uint32_t turns_to_populate(struct core *core, struct space *space, uint32_t pages,
                                  uint32_t most)
{
    struct range rest = range_of(SPARSE, SPARSE + pages);
    uint32_t turns = 0;

    while (!range_is_empty(rest)) {
        const uint64_t own = space->own;

        rest = populate_one_turn(core, space, rest);
        EXPECT(space->own - own <= most);
        world_audit(stepped.tried);
        turns++;
    }
    core->need = (struct need){0};
    return turns;
}

/* Pages become present a turn's worth at a time, and the answer says where to go on. */
TAP_TEST(r27_populating_goes_on_where_the_turn_before_ended)
{
    make();
    stepped_copy(false);
    struct core *core = &stepped.tried->core;
    struct space *space = stepped_space(stepped.tried);

    core->has_turns = true;
    EXPECT_U64(turns_to_populate(core, space, 300, WORK_PAGES),
               (300 + WORK_PAGES - 1) / WORK_PAGES);
    for (uint32_t page = SPARSE; page < SPARSE + 300; page++) {
        EXPECT(page_entry(core, space, page) != 0);
    }
    /* What is there already costs little. */
    EXPECT_U64(turns_to_populate(core, space, 300, 0), 1);
    stepped_free();
}

TAP_TEST(r27_pages_that_come_singly_make_a_turn_shorter)
{
    uint64_t word;

    make();
    stepped_copy(false);
    struct core *core = &stepped.tried->core;
    struct space *space = stepped_space(stepped.tried);

    for (uint32_t page = SPARSE; page < SPARSE + 300; page++) {
        EXPECT_U64(world_read(stepped.tried, space, page, &word), FAULT_READY);
    }
    core->has_turns = true;
    EXPECT_U64(turns_to_populate(core, space, 300, (WORK_PAGES + TURN_SINGLE - 1) / TURN_SINGLE),
               (300 * TURN_SINGLE + WORK_PAGES + 1) / (WORK_PAGES + 2));
    stepped_free();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(steps_leave_what_the_request_leaves_at_once),
        TAP(a_server_that_dies_in_any_step_leaves_all_of_the_request_or_nothing),
        TAP(a_space_that_ends_in_any_step_gives_everything_back),
        TAP(a_space_that_is_stopped_loses_its_memory_in_steps),
        TAP(requests_that_take_a_space_by_themselves_wait_for_the_steps_before),
        TAP(r27_nothing_is_populated_in_a_space_that_is_being_changed),
        TAP(r0_what_is_refused_before_the_first_step_changed_nothing),
        TAP(r27_populating_goes_on_where_the_turn_before_ended),
        TAP(r27_pages_that_come_singly_make_a_turn_shorter),
    };

    return TAP_RUN(argc, argv, tests);
}
