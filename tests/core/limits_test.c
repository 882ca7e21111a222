/* SPDX-License-Identifier: MIT */
/*
 * LIMITS: values and ceilings, pages and bytes, and that they refuse.
 */
#include <tap.h>

#include "world.h"

static struct world *world;
static struct space *space;
static struct limits_view view;

static void begin(void)
{
    world = world_make(1000, COMMIT_ALWAYS);
    space = world_space(world);
}

static void end(void)
{
    space_end(&world->core, space);
    world_audit(world);
    world_free(world);
}

static enum err get(enum mem_limit which, bool in_bytes)
{
    const struct limits_request request = {.which = which, .in_bytes = in_bytes};

    return op_limits(&world->core, space, &request, &view);
}

static enum err set(enum mem_limit which, bool in_bytes, uint64_t value, uint64_t ceiling)
{
    const struct limits_request request = {which, true, in_bytes, value, ceiling};

    return op_limits(&world->core, space, &request, &view);
}

static enum err map(uint64_t pages, uint32_t flags)
{
    const struct map_request request = {.length = pages * PAGE_SIZE,
                                        .prot = 3,
                                        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | flags};
    uaddr_t address;

    return op_map(&world->core, space, &request, &address);
}

TAP_TEST(a_value_moves_below_its_ceiling_and_a_ceiling_only_down)
{
    begin();
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 10, 20), ERR_OK);
    EXPECT_U64(view.value, MEM_UNLIMITED);
    EXPECT_U64(view.ceiling, MEM_UNLIMITED);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 20, 20), ERR_OK);
    EXPECT_U64(view.value, 10);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 21, 20), ERR_INVAL);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 20, 21), ERR_PERM);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 1, MEM_UNLIMITED), ERR_PERM);
    EXPECT_ERR(get(MEM_LIMIT_PAGES, false), ERR_OK);
    EXPECT_U64(view.value, 20);
    EXPECT_U64(view.ceiling, 20);
    EXPECT_U64(space->refusal.error, ERR_OK);
    end();
}

TAP_TEST(every_limit_refuses_what_is_over_it_and_tells_what_is_used)
{
    begin();
    EXPECT_ERR(map(2, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_ERR(set(MEM_LIMIT_LOCKED, false, 3, 3), ERR_OK);
    EXPECT_U64(view.used, 2);
    EXPECT_ERR(map(2, MEM_MAP_LOCKED), ERR_AGAIN);
    EXPECT_ERR(set(MEM_LIMIT_DATA, false, 3, 3), ERR_OK);
    EXPECT_U64(view.used, 2);
    EXPECT_ERR(map(2, 0), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_DATA);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 1, 3), ERR_OK);
    EXPECT_U64(view.used, 2);
    EXPECT_ERR(map(1, 0), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_PAGES);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 3, 3), ERR_OK);
    EXPECT_ERR(map(1, 0), ERR_OK);
    EXPECT_ERR(set(MEM_LIMIT_REGIONS, false, 1, 1), ERR_OK);
    EXPECT_U64(view.used, 2);
    EXPECT_ERR(map(1, 0), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_REGIONS);
    end();
}

/* Seven pages and one more, with room for seven: Linux judges the seven, and not the last one. */
TAP_TEST(r23_protect_judges_each_region_where_the_page_limit_has_no_room_for_all)
{
    struct protect_request protect = {
        .address = world_address(100), .length = 8 * PAGE_SIZE, .prot = 3};

    begin();
    world_map(world, space, 100, 7, 5);
    world_map(world, space, 107, 2, 0);
    EXPECT_ERR(set(MEM_LIMIT_DATA, false, 0, MEM_UNLIMITED), ERR_OK);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 9 + 7, MEM_UNLIMITED), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_DATA);
    EXPECT_U64(space->refusal.asked, 8);
    EXPECT(space->data == 0 && space->tree.count == 2);
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 9 + 6, MEM_UNLIMITED), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_DATA);
    /* No region has room: at the page limit Linux lets it pass. */
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 9, MEM_UNLIMITED), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_OK);
    EXPECT_U64(space->data, 8);
    end();
}

TAP_TEST(bytes_are_rounded_down_to_pages_but_for_the_lock_limit)
{
    begin();
    EXPECT_ERR(set(MEM_LIMIT_DATA, true, 2 * PAGE_SIZE + 4095, MEM_UNLIMITED), ERR_OK);
    EXPECT_ERR(get(MEM_LIMIT_DATA, true), ERR_OK);
    EXPECT_U64(view.value, 2 * PAGE_SIZE);
    EXPECT_U64(view.ceiling, MEM_UNLIMITED);
    EXPECT_ERR(get(MEM_LIMIT_DATA, false), ERR_OK);
    EXPECT_U64(view.value, 2);
    EXPECT_ERR(map(3, 0), ERR_NOMEM);
    EXPECT_ERR(map(2, 0), ERR_OK);
    EXPECT_ERR(set(MEM_LIMIT_LOCKED, true, 4097, 8192), ERR_OK);
    EXPECT_ERR(get(MEM_LIMIT_LOCKED, true), ERR_OK);
    EXPECT_U64(view.value, 4097);
    EXPECT_ERR(get(MEM_LIMIT_LOCKED, false), ERR_OK);
    EXPECT_U64(view.value, 1);
    EXPECT_U64(view.ceiling, 2);
    EXPECT_ERR(set(MEM_LIMIT_LOCKED, false, UINT64_MAX / 2, UINT64_MAX / 2), ERR_PERM);
    end();
}

TAP_TEST(regions_are_not_counted_in_bytes_and_never_limited_to_none)
{
    begin();
    EXPECT_ERR(get(MEM_LIMIT_REGIONS, true), ERR_INVAL);
    EXPECT_ERR(set(MEM_LIMIT_REGIONS, false, 0, 10), ERR_INVAL);
    EXPECT_ERR(get(MEM_LIMIT_REGIONS, false), ERR_OK);
    EXPECT_U64(view.value, MEM_MAX_MAP_COUNT_DEFAULT);
    end();
}

TAP_TEST(a_space_inherits_values_and_ceilings)
{
    begin();
    EXPECT_ERR(set(MEM_LIMIT_PAGES, false, 10, 20), ERR_OK);
    EXPECT_ERR(set(MEM_LIMIT_LOCKED, true, 1, 2), ERR_OK);
    struct space *child = world_space(world);

    space_inherit(child, space);
    const struct limits_request pages = {.which = MEM_LIMIT_PAGES};
    const struct limits_request locked = {.which = MEM_LIMIT_LOCKED, .in_bytes = true};

    EXPECT_ERR(op_limits(&world->core, child, &pages, &view), ERR_OK);
    EXPECT(view.value == 10 && view.ceiling == 20 && view.used == 0);
    EXPECT_ERR(op_limits(&world->core, child, &locked, &view), ERR_OK);
    EXPECT(view.value == 1 && view.ceiling == 2);
    space_end(&world->core, child);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_value_moves_below_its_ceiling_and_a_ceiling_only_down),
        TAP(every_limit_refuses_what_is_over_it_and_tells_what_is_used),
        TAP(r23_protect_judges_each_region_where_the_page_limit_has_no_room_for_all),
        TAP(bytes_are_rounded_down_to_pages_but_for_the_lock_limit),
        TAP(regions_are_not_counted_in_bytes_and_never_limited_to_none),
        TAP(a_space_inherits_values_and_ceilings),
    };

    return TAP_RUN(argc, argv, tests);
}
