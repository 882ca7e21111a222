/* SPDX-License-Identifier: MIT */
/*
 * Budgets: what is charged, what is set aside, what is refused, and that it all comes back.
 */
#include <tap.h>

#include "world.h"

#define PAGE 0x1000u

static struct world *world;

/* A space made by `maker` with a budget of `frames`, or its maker's; must succeed. */
static struct space *made_by(const struct space *maker, uint64_t frames)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;

    settings.maker = maker->number;
    settings.frames_max = frames;
    EXPECT_ERR(space_make(&world->core, &settings, &space), ERR_OK);
    return space;
}

static struct budget_view view_of(const struct space *space)
{
    return budget_view(&world->core, space);
}

/* Frames that a budget has left. */
static uint64_t left_of(const struct space *space)
{
    const struct budget_view view = view_of(space);

    return view.limit - view.used;
}

static struct space *begin(uint64_t frames)
{
    struct space_settings settings = world_settings();
    struct space *top = NULL;

    world = world_make(2500, COMMIT_ALWAYS);
    settings.frames_max = frames;
    EXPECT_ERR(space_make(&world->core, &settings, &top), ERR_OK);
    return top;
}

static void end(struct space *top)
{
    world_audit(world);
    space_end(&world->core, top);
    world_audit(world);
    world_free(world);
}

TAP_TEST(a_budget_is_set_aside_at_once_and_comes_back_at_the_end)
{
    struct space *top = begin(500);
    uint64_t used = view_of(top).used;
    struct space *child = made_by(top, 100);

    EXPECT_U64(view_of(top).used, used + 100);
    EXPECT_U64(view_of(top).reserved, 100);
    EXPECT_U64(view_of(child).limit, 100);
    EXPECT_U64(view_of(child).used, BUDGET_SPACE);
    struct space *grandchild = made_by(child, 50);

    EXPECT_U64(view_of(child).used, BUDGET_SPACE + 50);
    EXPECT_U64(view_of(top).used, used + 100);
    world_audit(world);
    space_end(&world->core, grandchild);
    EXPECT_U64(view_of(child).used, BUDGET_SPACE);
    EXPECT_U64(view_of(child).reserved, 0);
    space_end(&world->core, child);
    EXPECT_U64(view_of(top).used, used);
    EXPECT_U64(view_of(top).reserved, 0);
    end(top);
}

TAP_TEST(more_than_is_left_cannot_be_handed_down_and_the_refusal_says_how_much_is)
{
    struct space *top = begin(500);
    struct space_settings settings = world_settings();
    struct space *child = made_by(top, 300);
    struct space *other = NULL;
    uint64_t used = view_of(top).used;

    settings.maker = top->number;
    settings.frames_max = 500 - used + 1;
    EXPECT_ERR(space_make(&world->core, &settings, &other), ERR_NOMEM);
    EXPECT_U64(top->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(top->refusal.value, 500);
    EXPECT_U64(top->refusal.used, used);
    EXPECT_U64(top->refusal.asked, 500 - used + 1);
    settings.frames_max = UINT64_MAX;
    EXPECT_ERR(space_make(&world->core, &settings, &other), ERR_NOMEM);
    EXPECT_U64(top->refusal.asked, UINT64_MAX);
    EXPECT_U64(view_of(top).used, used);
    settings.frames_max = 500 - used;
    EXPECT_ERR(space_make(&world->core, &settings, &other), ERR_OK);
    EXPECT_U64(left_of(top), 0);
    space_end(&world->core, other);
    space_end(&world->core, child);
    end(top);
}

TAP_TEST(a_budget_too_small_for_the_space_itself_is_named_to_its_maker)
{
    struct space *top = begin(500);
    struct space_settings settings = world_settings();
    struct space *other = NULL;
    uint64_t used = view_of(top).used;

    settings.maker = top->number;
    for (uint64_t frames = 1; frames < BUDGET_SPACE; frames++) {
        settings.frames_max = frames;
        EXPECT_ERR(space_make(&world->core, &settings, &other), ERR_NOMEM);
        EXPECT_U64(top->refusal.limit, MEM_LIMIT_BUDGET);
        EXPECT_U64(top->refusal.value, frames);
        EXPECT_U64(top->refusal.asked, 1);
        EXPECT_U64(view_of(top).used, used);
        world_audit(world);
    }
    end(top);
}

TAP_TEST(a_space_without_a_budget_uses_its_makers)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, 60);
    struct space *grandchild = made_by(child, 0);
    uint64_t before = left_of(child);

    world_map(world, grandchild, PAGE, 4, 3);
    EXPECT_U64(world_write(world, grandchild, PAGE, 1), FAULT_READY);
    /* Two shadow pages, their tables, a page, and the record of the region. */
    EXPECT_U64(left_of(child), before - 6);
    EXPECT_U64(left_of(grandchild), left_of(child));
    EXPECT_U64(world_write(world, grandchild, PAGE + 1, 1), FAULT_READY);
    EXPECT_U64(left_of(child), before - 7);
    space_end(&world->core, grandchild);
    EXPECT_U64(left_of(child), 60 - BUDGET_SPACE);
    space_end(&world->core, child);
    end(top);
}

TAP_TEST(pages_are_refused_when_the_budget_is_used_up_and_work_when_some_are_given_back)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, 40);
    uint32_t page = PAGE;
    uint64_t word = 0;

    world_map(world, child, PAGE, 100, 3);
    while (world_write(world, child, page, page) == FAULT_READY) {
        page++;
    }
    EXPECT_U64(left_of(child), 0);
    EXPECT_U64(page - PAGE, 40 - BUDGET_SPACE - 5);
    EXPECT(pool_free(&world->core) > 1000);
    /* A page that is shared costs nothing; writing it does. */
    EXPECT_U64(world_read(world, child, page, &word), FAULT_READY);
    EXPECT_U64(world_write(world, child, page, 1), FAULT_NO_FRAME);
    EXPECT_ERR(op_unmap(&world->core, child, world_address(PAGE), 3 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(left_of(child), 3);
    EXPECT_U64(world_write(world, child, page, 1), FAULT_READY);
    EXPECT_U64(left_of(child), 2);
    space_end(&world->core, child);
    end(top);
}

TAP_TEST(populating_stops_at_the_budget)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, 64);

    world_map(world, child, PAGE, 200, 3);
    EXPECT_U64(fault_populate(&world->core, child, range_of(PAGE, PAGE + 200), MEM_PROT_WRITE) -
                   PAGE,
               64 - BUDGET_SPACE - 5);
    EXPECT_U64(left_of(child), 0);
    space_end(&world->core, child);
    end(top);
}

TAP_TEST(records_of_regions_are_charged_by_the_frame_and_given_back)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, BUDGET_SPACE + 3);
    const struct map_request request = {
        .address = world_address(PAGE - 2),
        .length = PAGE_SIZE,
        .prot = 1,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;

    for (uint32_t i = 0; i < 3 * BUDGET_REGIONS; i++) {
        world_map(world, child, PAGE + 2 * i, 1, 1);
    }
    EXPECT_U64(left_of(child), 0);
    EXPECT_ERR(op_map(&world->core, child, &request, &address), ERR_NOMEM);
    EXPECT_U64(child->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(child->refusal.asked, 1);
    EXPECT_U64(child->tree.count, 3 * BUDGET_REGIONS);
    world_audit(world);
    EXPECT_ERR(op_unmap(&world->core, child, world_address(PAGE), 6 * BUDGET_REGIONS * PAGE_SIZE),
               ERR_OK);
    EXPECT_U64(left_of(child), 2); /* one frame's worth is kept */
    EXPECT_ERR(op_map(&world->core, child, &request, &address), ERR_OK);
    space_end(&world->core, child);
    end(top);
}

TAP_TEST(threads_are_made_until_the_budget_is_used_up)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, 40);
    struct thread *thread = NULL;
    uint32_t count = 0;
    enum err error;

    while ((error = thread_make(&world->core, child, count, 1, &thread)) == ERR_OK) {
        count++;
    }
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_U64(child->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(child->refusal.value, 40);
    EXPECT(child->refusal.used + child->refusal.asked > 40);
    /* Two tables of the window and a share for the records, then two frames each. */
    EXPECT_U64(count, (40 - BUDGET_SPACE - 3) / 2);
    EXPECT_ERR(thread_make(&world->core, top, 0, 1, &thread), ERR_OK);
    space_end(&world->core, child);
    EXPECT_U64(view_of(top).reserved, 0);
    end(top);
}

TAP_TEST(a_budget_can_be_read_and_not_set)
{
    struct space *top = begin(500);
    struct space *child = made_by(top, 100);
    struct space *grandchild = made_by(child, 30);
    struct limits_view view;
    struct limits_request request = {.which = MEM_LIMIT_BUDGET};

    EXPECT_ERR(op_limits(&world->core, child, &request, &view), ERR_OK);
    EXPECT_U64(view.value, 100);
    EXPECT_U64(view.ceiling, 100);
    EXPECT_U64(view.used, 30 + BUDGET_SPACE);
    EXPECT_U64(view.reserved, 30);
    request.in_bytes = true;
    EXPECT_ERR(op_limits(&world->core, child, &request, &view), ERR_OK);
    EXPECT_U64(view.value, 100 * PAGE_SIZE);
    EXPECT_U64(view.reserved, 30 * PAGE_SIZE);
    request.is_set = true;
    EXPECT_ERR(op_limits(&world->core, child, &request, &view), ERR_INVAL);
    EXPECT_U64(view_of(child).limit, 100);
    space_end(&world->core, grandchild);
    space_end(&world->core, child);
    end(top);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_budget_is_set_aside_at_once_and_comes_back_at_the_end),
        TAP(more_than_is_left_cannot_be_handed_down_and_the_refusal_says_how_much_is),
        TAP(a_budget_too_small_for_the_space_itself_is_named_to_its_maker),
        TAP(a_space_without_a_budget_uses_its_makers),
        TAP(pages_are_refused_when_the_budget_is_used_up_and_work_when_some_are_given_back),
        TAP(populating_stops_at_the_budget),
        TAP(records_of_regions_are_charged_by_the_frame_and_given_back),
        TAP(threads_are_made_until_the_budget_is_used_up),
        TAP(a_budget_can_be_read_and_not_set),
    };

    return TAP_RUN(argc, argv, tests);
}
