/* SPDX-License-Identifier: MIT */
/*
 * Locks: R10, R11 and R27 of MAP, LOCK and its kin, and what locked pages refuse to others.
 */
#include <tap.h>

#include "world.h"

#define ANON (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)

static struct world *world;
static struct space *space;
static uaddr_t answer;

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

static enum err map(uint64_t pages, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {
        .length = pages * PAGE_SIZE, .prot = prot, .flags = ANON | flags};

    return op_map(&world->core, space, &request, &answer);
}

static enum err lock(uint64_t address, uint64_t length, uint32_t flags, bool is_linux)
{
    const struct lock_request request = {{address}, length, flags, is_linux};

    return op_lock(&world->core, space, &request);
}

static enum err unlock(uint64_t address, uint64_t length, bool is_linux)
{
    const struct lock_request request = {{address}, length, 0, is_linux};

    return op_unlock(&world->core, space, &request);
}

static enum err advise(uint64_t page, uint64_t pages, uint32_t advice, bool is_linux)
{
    const struct advise_request request = {world_address((uint32_t)page), pages * PAGE_SIZE, advice,
                                           is_linux, false};

    return op_advise(&world->core, space, &request);
}

TAP_TEST(r10_a_limit_of_0_refuses_the_flag_but_not_what_is_inherited)
{
    begin();
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE), ERR_OK);
    space->settings.locked_max = 0;
    EXPECT_ERR(map(1, 3, MEM_MAP_LOCKED), ERR_PERM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_LOCKED);
    /* Inherited: over the limit (R11). */
    EXPECT_ERR(map(1, 3, 0), ERR_AGAIN);
    EXPECT_ERR(op_unlock_all(&world->core, space), ERR_OK);
    EXPECT_ERR(map(1, 3, 0), ERR_OK);
    space->settings.privileges = SPACE_PRIVILEGE_LOCK;
    EXPECT_ERR(map(1, 3, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_U64(space->locked, 1);
    end();
}

TAP_TEST(r10_one_byte_of_limit_lets_ask_and_r11_refuses)
{
    begin();
    space->settings.locked_max = 1;
    EXPECT_ERR(map(1, 3, MEM_MAP_LOCKED), ERR_AGAIN);
    EXPECT_ERR(map(1, 3, 0), ERR_OK);
    EXPECT_ERR(lock(answer.v, PAGE_SIZE, 0, true), ERR_NOMEM);
    end();
}

TAP_TEST(r11_counts_what_is_locked_and_what_is_new_without_what_goes)
{
    begin();
    space->settings.locked_max = 5 * PAGE_SIZE + 4095;
    EXPECT_ERR(map(3, 3, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_ERR(map(3, 3, MEM_MAP_LOCKED), ERR_AGAIN);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(space->refusal.value, 5);
    EXPECT_U64(space->refusal.used, 3);
    EXPECT_U64(space->refusal.asked, 3);
    const struct map_request again = {
        .address = answer,
        .length = 3 * PAGE_SIZE,
        .prot = 3,
        .flags = ANON | MEM_MAP_LOCKED | MEM_MAP_FIXED,
    };

    EXPECT_ERR(op_map(&world->core, space, &again, &answer), ERR_AGAIN);
    EXPECT_ERR(map(2, 3, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_U64(space->locked, 5);
    EXPECT_ERR(op_unmap(&world->core, space, answer, PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->locked, 4);
    end();
}

TAP_TEST(r11_comes_before_the_type_and_after_the_place)
{
    begin();
    space->settings.locked_max = PAGE_SIZE;
    struct map_request request = {.length = 2 * PAGE_SIZE,
                                  .flags = MEM_MAP_ANONYMOUS | MEM_MAP_LOCKED};

    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_AGAIN);
    request.length = UINT64_C(1) << 40;
    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_NOMEM);
    request.length = PAGE_SIZE;
    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_INVAL);
    end();
}

TAP_TEST(r27_locked_makes_pages_present_also_inherited_but_not_on_fault)
{
    begin();
    EXPECT_ERR(map(3, 3, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_U64(space->own, 3);
    EXPECT_ERR(map(3, 1, MEM_MAP_LOCKED | MEM_MAP_NONBLOCK), ERR_OK);
    EXPECT_U64(space->zero, 3);
    EXPECT_ERR(map(2, 0, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE), ERR_OK);
    EXPECT_ERR(map(2, 3, 0), ERR_OK);
    EXPECT_U64(space->own, 5);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE | MEM_LOCK_ALL_ONFAULT), ERR_OK);
    EXPECT_ERR(map(4, 3, MEM_MAP_POPULATE), ERR_OK);
    EXPECT_U64(space->own, 5);
    EXPECT_U64(space->locked, 14);
    end();
}

TAP_TEST(r27_a_locked_map_that_cannot_be_populated_stands)
{
    begin();
    world_map(world, space, 0x1000, 1, 3);
    world_starve(world, 10);
    EXPECT_ERR(map(20, 3, MEM_MAP_LOCKED), ERR_OK);
    EXPECT(space->own > 0 && space->own < 20);
    EXPECT_U64(space->locked, 20);
    end();
}

/* Whether a page is mapped, and with which rights. */
static uint32_t mapped(uint32_t page)
{
    const struct model_entry *leaf =
        model_leaf(world->port, space->kernel, vpn_to_number(page_to_vpn(page)));

    return leaf != NULL && leaf->is_valid ? leaf->prot : 0;
}

TAP_TEST(lock_maps_present_pages_again_in_a_few_vectors)
{
    begin();
    EXPECT_ERR(map(600, 3, MEM_MAP_POPULATE), ERR_OK);
    const uint32_t first = (uint32_t)(uaddr_to_bytes(answer) / PAGE_SIZE);
    const struct protect_request weaker = {world_address(first + 10), 10 * PAGE_SIZE, MEM_PROT_READ,
                                           false};

    EXPECT_ERR(op_protect(&world->core, space, &weaker), ERR_OK);
    port_remove(world->port, space->kernel, page_to_vpn(first), (npages_t){600});
    const uint64_t calls = world->port->calls;

    EXPECT_ERR(lock(uaddr_to_bytes(answer), 600 * PAGE_SIZE, 0, false), ERR_OK);
    EXPECT(world->port->calls - calls < 20);
    for (uint32_t i = 0; i < 600; i++) {
        EXPECT_U64(mapped(first + i), i >= 10 && i < 20 ? MEM_PROT_READ : 3);
    }
    end();
}

TAP_TEST(lock_takes_every_page_that_the_bytes_touch)
{
    begin();
    world_map(world, space, 0x1000, 4, 3);
    EXPECT_ERR(lock(0x1000fff, 2, 0, false), ERR_OK);
    EXPECT_U64(space->locked, 2);
    EXPECT_U64(space->own, 2);
    EXPECT_U64(space->tree.count, 2);
    EXPECT_ERR(lock(0x1002001, 0, 0, false), ERR_OK);
    EXPECT_U64(space->locked, 3);
    EXPECT_ERR(unlock(0x1000000, 4 * PAGE_SIZE, false), ERR_OK);
    EXPECT_U64(space->locked, 0);
    EXPECT_U64(space->tree.count, 1);
    end();
}

TAP_TEST(lock_of_length_0_does_nothing_and_wrapping_is_judged_last)
{
    begin();
    world_map(world, space, 0x1000, 1, 3);
    EXPECT_ERR(lock(0x1000000, 0, 0, false), ERR_OK);
    EXPECT_ERR(lock(0x9000000, 0, 0, true), ERR_OK);
    EXPECT_ERR(lock(0x1000000, UINT64_MAX, 0, false), ERR_INVAL);
    /* Linux takes it for nothing at all. */
    EXPECT_ERR(lock(0x1000000, UINT64_MAX, 0, true), ERR_OK);
    space->settings.locked_max = PAGE_SIZE;
    EXPECT_ERR(lock(0x1000000, UINT64_MAX - PAGE_MASK, 0, true), ERR_NOMEM);
    space->settings.privileges = SPACE_PRIVILEGE_LOCK;
    EXPECT_ERR(lock(0x1000000, UINT64_MAX - PAGE_MASK, 0, true), ERR_INVAL);
    EXPECT_ERR(unlock(0x1000000, UINT64_MAX - PAGE_MASK, true), ERR_INVAL);
    EXPECT_ERR(lock(0x1000000, PAGE_SIZE, 2, true), ERR_INVAL);
    EXPECT_U64(space->locked, 0);
    end();
}

TAP_TEST(r0_lock_over_a_hole_keeps_what_is_before_it_in_the_linux_form_alone)
{
    begin();
    world_map(world, space, 0x1000, 2, 3);
    world_map(world, space, 0x1003, 2, 3);
    EXPECT_ERR(lock(0x1000000, 5 * PAGE_SIZE, 0, false), ERR_NOMEM);
    EXPECT_U64(space->locked, 0);
    EXPECT_ERR(lock(0x1000000, 5 * PAGE_SIZE, 0, true), ERR_NOMEM);
    EXPECT_U64(space->locked, 2);
    EXPECT_U64(space->own, 0);
    EXPECT_ERR(unlock(0x1001000, 4 * PAGE_SIZE, true), ERR_NOMEM);
    EXPECT_U64(space->locked, 1);
    EXPECT_ERR(lock(0x1002000, PAGE_SIZE, 0, true), ERR_NOMEM);
    EXPECT_ERR(lock(0x3ffffff000, 4 * PAGE_SIZE, 0, true), ERR_NOMEM);
    end();
}

TAP_TEST(r0_lock_that_cannot_populate_stays_set_in_the_linux_form_alone)
{
    begin();
    world_map(world, space, 0x1000, 1, 0);
    EXPECT_ERR(lock(0x1000000, PAGE_SIZE, 0, false), ERR_NOMEM);
    EXPECT_U64(space->locked, 0);
    EXPECT_ERR(lock(0x1000000, PAGE_SIZE, 0, true), ERR_NOMEM);
    EXPECT_U64(space->locked, 1);
    world_map(world, space, 0x2000, 30, 3);
    world_starve(world, 10);
    EXPECT_ERR(lock(0x2000000, 30 * PAGE_SIZE, 0, false), ERR_AGAIN);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_FRAMES);
    EXPECT_U64(space->locked, 1);
    EXPECT_ERR(lock(0x2000000, 30 * PAGE_SIZE, 0, true), ERR_AGAIN);
    EXPECT_U64(space->locked, 31);
    end();
}

TAP_TEST(lock_does_not_count_twice_what_is_locked)
{
    begin();
    space->settings.locked_max = 4 * PAGE_SIZE;
    world_map(world, space, 0x1000, 6, 3);
    EXPECT_ERR(lock(0x1000000, 3 * PAGE_SIZE, 0, false), ERR_OK);
    EXPECT_ERR(lock(0x1000000, 4 * PAGE_SIZE, 0, false), ERR_OK);
    EXPECT_U64(space->refusal.error, ERR_OK);
    EXPECT_ERR(lock(0x1000000, 5 * PAGE_SIZE, 0, false), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(space->locked, 4);
    space->settings.locked_max = 0;
    EXPECT_ERR(lock(0x1000000, PAGE_SIZE, 0, false), ERR_PERM);
    EXPECT_ERR(unlock(0x1000000, PAGE_SIZE, false), ERR_OK);
    end();
}

TAP_TEST(lock_on_fault_makes_nothing_present_and_lock_afterwards_does)
{
    begin();
    world_map(world, space, 0x1000, 3, 3);
    EXPECT_ERR(lock(0x1000000, 3 * PAGE_SIZE, MEM_LOCK_ONFAULT, false), ERR_OK);
    EXPECT_U64(space->own, 0);
    EXPECT_U64(space->locked, 3);
    EXPECT_ERR(lock(0x1000000, PAGE_SIZE, 0, false), ERR_OK);
    EXPECT_U64(space->own, 1);
    EXPECT_U64(space->locked, 3);
    EXPECT_U64(space->tree.count, 2);
    end();
}

TAP_TEST(lock_splits_at_the_limit_of_regions_are_no_memory)
{
    begin();
    world_map(world, space, 0x1000, 3, 3);
    space->settings.regions_max = 2;
    EXPECT_ERR(lock(0x1001000, PAGE_SIZE, 0, true), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_REGIONS);
    EXPECT_U64(space->locked, 0);
    end();
}

TAP_TEST(lock_all_judges_its_flags_then_the_limit_and_ignores_what_cannot_be_present)
{
    begin();
    EXPECT_ERR(op_lock_all(&world->core, space, 0), ERR_INVAL);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_ALL_ONFAULT), ERR_INVAL);
    EXPECT_ERR(op_lock_all(&world->core, space, 8), ERR_INVAL);
    world_map(world, space, 0x1000, 1, 0);
    world_map(world, space, 0x1001, 3, 3);
    space->settings.locked_max = 3 * PAGE_SIZE;
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_CURRENT), ERR_NOMEM);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE), ERR_OK);
    space->settings.locked_max = 0;
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE), ERR_PERM);
    space->settings.locked_max = 4 * PAGE_SIZE;
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_CURRENT), ERR_OK);
    EXPECT_U64(space->locked, 4);
    EXPECT_U64(space->own, 3);
    EXPECT_U64(space->future, 0);
    EXPECT_ERR(op_unlock_all(&world->core, space), ERR_OK);
    EXPECT_U64(space->locked, 0);
    EXPECT_U64(space->own, 3);
    end();
}

TAP_TEST(remap_of_locked_pages_is_judged_and_makes_what_grew_present)
{
    begin();
    space->settings.locked_max = 6 * PAGE_SIZE;
    EXPECT_ERR(map(4, 3, MEM_MAP_LOCKED), ERR_OK);
    struct remap_request request = {.address = answer,
                                    .length_old = 4 * PAGE_SIZE,
                                    .length_new = 7 * PAGE_SIZE,
                                    .flags = MEM_REMAP_MAYMOVE};

    EXPECT_ERR(op_remap(&world->core, space, &request, &answer), ERR_AGAIN);
    request.length_new = 6 * PAGE_SIZE;
    EXPECT_ERR(op_remap(&world->core, space, &request, &answer), ERR_OK);
    EXPECT_U64(space->locked, 6);
    EXPECT_U64(space->own, 6);
    request.address = answer;
    request.length_old = request.length_new = 2 * PAGE_SIZE;
    request.flags = MEM_REMAP_MAYMOVE | MEM_REMAP_DONTUNMAP;
    EXPECT_ERR(op_remap(&world->core, space, &request, &answer), ERR_OK);
    /* What stays of the region is locked no longer. */
    EXPECT_U64(space->locked, 2);
    EXPECT_U64(space->pages, 8);
    end();
}

TAP_TEST(advice_that_would_take_pages_away_is_refused_for_locked_ones)
{
    static const uint32_t advices[] = {MEM_ADVISE_DONTNEED, MEM_ADVISE_FREE, MEM_ADVISE_COLD,
                                       MEM_ADVISE_PAGEOUT};

    begin();
    world_map(world, space, 0x1000, 4, 3);
    EXPECT_ERR(lock(0x1002000, PAGE_SIZE, 0, false), ERR_OK);
    EXPECT_U64(world_write(world, space, 0x1000, 7), FAULT_READY);
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        EXPECT_ERR(advise(0x1000, 4, advices[i], false), ERR_INVAL);
        EXPECT_U64(space->own, 2);
    }
    /* The region before it is done with. */
    EXPECT_ERR(advise(0x1000, 4, MEM_ADVISE_DONTNEED, true), ERR_INVAL);
    EXPECT_U64(space->own, 1);
    EXPECT_ERR(advise(0x1000, 4, MEM_ADVISE_DONTNEED_LOCKED, false), ERR_OK);
    EXPECT_U64(space->own, 0);
    EXPECT_U64(space->locked, 1);
    end();
}

TAP_TEST(advise_populate_stops_at_a_hole_and_where_the_right_is_missing)
{
    begin();
    world_map(world, space, 0x1000, 2, 3);
    world_map(world, space, 0x1002, 1, 1);
    world_map(world, space, 0x1004, 1, 3);
    EXPECT_ERR(advise(0x1000, 3, MEM_ADVISE_POPULATE_WRITE, false), ERR_INVAL);
    EXPECT_U64(space->own, 0);
    EXPECT_ERR(advise(0x1000, 3, MEM_ADVISE_POPULATE_WRITE, true), ERR_INVAL);
    EXPECT_U64(space->own, 2);
    EXPECT_ERR(advise(0x1000, 5, MEM_ADVISE_POPULATE_READ, false), ERR_NOMEM);
    EXPECT_U64(space->zero, 0);
    EXPECT_ERR(advise(0x1000, 5, MEM_ADVISE_POPULATE_READ, true), ERR_NOMEM);
    EXPECT_U64(space->zero, 1);
    EXPECT_U64(space->own, 2);
    world_map(world, space, 0x2000, 30, 3);
    world_starve(world, 8);
    EXPECT_ERR(advise(0x2000, 30, MEM_ADVISE_POPULATE_WRITE, false), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_FRAMES);
    end();
}

TAP_TEST(advise_that_splits_at_the_limit_of_regions_may_be_tried_again)
{
    begin();
    world_map(world, space, 0x1000, 3, 3);
    space->settings.regions_max = 2;
    EXPECT_ERR(advise(0x1001, 1, MEM_ADVISE_DONTFORK, true), ERR_AGAIN);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_REGIONS);
    EXPECT_U64(space->refusal.error, ERR_AGAIN);
    end();
}

TAP_TEST(incore_tells_present_pages_and_frames_of_objects_and_refuses_holes)
{
    uint8_t pages[8] = {0};
    uint32_t count = 0;
    uint64_t word;

    begin();
    world_map(world, space, 0x1000, 4, 3);
    EXPECT_U64(world_write(world, space, 0x1001, 1), FAULT_READY);
    EXPECT_U64(world_read(world, space, 0x1003, &word), FAULT_READY);
    EXPECT_ERR(
        op_incore(&world->core, space, world_address(0x1000), 3 * PAGE_SIZE + 1, 8, pages, &count),
        ERR_OK);
    EXPECT_U64(count, 4);
    EXPECT(pages[0] == 0 && pages[1] == 1 && pages[2] == 0 && pages[3] == 1);
    EXPECT_ERR(
        op_incore(&world->core, space, world_address(0x1000), 4 * PAGE_SIZE, 2, pages, &count),
        ERR_OK);
    EXPECT_U64(count, 2);
    EXPECT_ERR(
        op_incore(&world->core, space, world_address(0x1000), 5 * PAGE_SIZE, 8, pages, &count),
        ERR_NOMEM);
    EXPECT_ERR(op_incore(&world->core, space, (uaddr_t){1}, PAGE_SIZE, 8, pages, &count),
               ERR_INVAL);
    EXPECT_ERR(op_incore(&world->core, space, world_address(0x1000), UINT64_MAX, 8, pages, &count),
               ERR_NOMEM);
    struct object *object = world_object(world, 1);
    const struct map_request request = {.length = 2 * PAGE_SIZE,
                                        .prot = 1,
                                        .flags = MEM_MAP_PRIVATE,
                                        .object = object,
                                        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE};

    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_OK);
    EXPECT_ERR(op_incore(&world->core, space, answer, 2 * PAGE_SIZE, 8, pages, &count), ERR_OK);
    EXPECT(pages[0] == 1 && pages[1] == 0);
    object_put(&world->core, object);
    end();
}

TAP_TEST(sync_judges_flags_locks_and_holes_in_order)
{
    begin();
    world_map(world, space, 0x1000, 2, 3);
    world_map(world, space, 0x1003, 1, 3);
    struct sync_request request = {.address = world_address(0x1000),
                                   .length = 2 * PAGE_SIZE,
                                   .flags = MEM_SYNC_ASYNC | MEM_SYNC_SYNC};

    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_INVAL);
    request.flags = 8;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_INVAL);
    request.flags = MEM_SYNC_SYNC | MEM_SYNC_INVALIDATE;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_OK);
    EXPECT_ERR(lock(0x1003000, 1, MEM_LOCK_ONFAULT, false), ERR_OK);
    request.length = 4 * PAGE_SIZE;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_BUSY);
    request.flags = MEM_SYNC_SYNC;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_NOMEM);
    request.flags = MEM_SYNC_ASYNC;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_NOMEM);
    request.length = UINT64_MAX;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_NOMEM);
    request.is_linux = true;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_OK);
    request.address.v++;
    EXPECT_ERR(op_sync(&world->core, space, &request), ERR_INVAL);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r10_a_limit_of_0_refuses_the_flag_but_not_what_is_inherited),
        TAP(r10_one_byte_of_limit_lets_ask_and_r11_refuses),
        TAP(r11_counts_what_is_locked_and_what_is_new_without_what_goes),
        TAP(r11_comes_before_the_type_and_after_the_place),
        TAP(r27_locked_makes_pages_present_also_inherited_but_not_on_fault),
        TAP(r27_a_locked_map_that_cannot_be_populated_stands),
        TAP(lock_maps_present_pages_again_in_a_few_vectors),
        TAP(lock_takes_every_page_that_the_bytes_touch),
        TAP(lock_of_length_0_does_nothing_and_wrapping_is_judged_last),
        TAP(r0_lock_over_a_hole_keeps_what_is_before_it_in_the_linux_form_alone),
        TAP(r0_lock_that_cannot_populate_stays_set_in_the_linux_form_alone),
        TAP(lock_does_not_count_twice_what_is_locked),
        TAP(lock_on_fault_makes_nothing_present_and_lock_afterwards_does),
        TAP(lock_splits_at_the_limit_of_regions_are_no_memory),
        TAP(lock_all_judges_its_flags_then_the_limit_and_ignores_what_cannot_be_present),
        TAP(remap_of_locked_pages_is_judged_and_makes_what_grew_present),
        TAP(advice_that_would_take_pages_away_is_refused_for_locked_ones),
        TAP(advise_populate_stops_at_a_hole_and_where_the_right_is_missing),
        TAP(advise_that_splits_at_the_limit_of_regions_may_be_tried_again),
        TAP(incore_tells_present_pages_and_frames_of_objects_and_refuses_holes),
        TAP(sync_judges_flags_locks_and_holes_in_order),
    };

    return TAP_RUN(argc, argv, tests);
}
