/* SPDX-License-Identifier: MIT */
/*
 * PIN of huge pages (R19, P1 to P17): parts of them have pins, and a page whose parts have is
 * nobody else's, whatever becomes of its regions.
 */
#include <tap.h>

#include "huge_world.h"
#include "pinned.h"

static struct pinned pinned;
static struct pin_answer answer;

/* Three private huge pages, the first of which was written, and a driver who pins them. */
static void begin(void)
{
    huge_world_begin();
    pinned = (struct pinned){.world = huge_world.world, .client = huge_world.space};
    pinned.driver = world_space(huge_world.world);
    pinned.driver->settings.privileges = SPACE_PRIVILEGE_PHYSICAL | SPACE_PRIVILEGE_DMA;
    huge_world_map(BLOCK, 3, PRIVATE);
    pinned_write(&pinned, BLOCK + 3, 1003);
}

static void end(void)
{
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, pinned.driver);
    huge_world_end();
}

static enum err pin(uint32_t page, uint32_t pages, uint32_t flags)
{
    return pinned_pin(&pinned, page, pages, flags, &answer);
}

TAP_TEST(p1_p7_pins_are_of_parts_and_go_across_huge_pages_in_order)
{
    begin();
    const uint64_t one = pinned_all(&pinned, BLOCK, 8, MEM_PIN_WRITE);
    const uint64_t two = pinned_all(&pinned, BLOCK + HUGE - 3, 6, MEM_PIN_WRITE);

    huge_world_expect_pool(POOL - 2, 1);
    EXPECT_U64(pinned.driver->pinned, 14);
    EXPECT_U64(pinned_seen(&pinned, one, 3), 1003);
    for (uint32_t i = 0; i < 6; i++) {
        pinned_written(&pinned, two, i, 50 + i);
        EXPECT_U64(pinned_read(&pinned, BLOCK + HUGE - 3 + i), 50 + i);
    }
    EXPECT_U64(pinned_frame(&pinned, two, 1), pinned_frame(&pinned, two, 0) + 1);
    EXPECT_ERR(pinned_unpin(&pinned, one), ERR_OK);
    EXPECT_ERR(pinned_unpin(&pinned, two), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 0);
    /* A thousand pages, small ones before and behind, and where there is none it ends. */
    world_map(huge_world.world, huge_world.space, BLOCK - 2, 2, RW);
    EXPECT_ERR(pin(BLOCK - 2, 1000, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 1000);
    EXPECT_ERR(pin(BLOCK + 3 * HUGE - 4, 9, MEM_PIN_GET), ERR_OK);
    EXPECT_U64(answer.pages, 4);
    EXPECT_U64(pinned.driver->pinned, 1004);
    end();
}

TAP_TEST(query_counts_pins_of_parts_of_huge_pages_and_dirty_ones)
{
    struct query_region region = {0};

    begin();
    const uint64_t number = pinned_all(&pinned, BLOCK + HUGE - 2, 5, MEM_PIN_WRITE);
    const uint64_t again = pinned_all(&pinned, BLOCK + HUGE - 1, 1, 0);

    EXPECT_U64(
        op_query(&huge_world.world->core, huge_world.space, world_address(BLOCK), 1, &region), 1);
    EXPECT_U64(region.pinned, 5);
    EXPECT_U64(region.own, 2 * HUGE);
    EXPECT_U64(region.dirty, 2 * HUGE);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(
        op_query(&huge_world.world->core, huge_world.space, world_address(BLOCK), 1, &region), 1);
    EXPECT_U64(region.pinned, 1);
    EXPECT_ERR(pinned_unpin(&pinned, again), ERR_OK);
    end();
}

TAP_TEST(p3_p5_rights_and_an_empty_pool_are_faults_of_the_first_page)
{
    begin();
    pinned_protect(&pinned, BLOCK, HUGE, MEM_PROT_READ);
    EXPECT_ERR(pin(BLOCK, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_FAULT);
    EXPECT_ERR(pin(BLOCK, 1, MEM_PIN_GET), ERR_OK);
    EXPECT_ERR(pin(BLOCK, 1, MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_FORCE), ERR_OK);
    pinned_protect(&pinned, BLOCK, HUGE, MEM_PROT_NONE);
    EXPECT_ERR(pin(BLOCK, 1, MEM_PIN_GET), ERR_FAULT);
    EXPECT_ERR(pin(BLOCK, 1, MEM_PIN_GET | MEM_PIN_FORCE), ERR_OK);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK) == NULL);
    huge_world_map(BLOCK + 8 * HUGE, 2, PRIVATE | MEM_MAP_NORESERVE);
    EXPECT_ERR(pin(BLOCK + 9 * HUGE - 1, 2, MEM_PIN_GET), ERR_OK);
    EXPECT_U64(answer.pages, 1);
    EXPECT_ERR(pin(BLOCK + 9 * HUGE, 1, MEM_PIN_GET), ERR_FAULT);
    huge_world_expect_pool(POOL - 2, 2);
    end();
}

TAP_TEST(p4_a_page_that_a_clone_has_is_copied_before_it_is_pinned_for_reading)
{
    begin();
    struct space *child = huge_world_clone();
    const uint64_t number = pinned_all(&pinned, BLOCK + 3, 1, 0);

    huge_world_expect_pool(POOL - 2, 2);
    pinned_write(&pinned, BLOCK + 3, 7);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 7);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 3), 1003);
    space_end(&huge_world.world->core, child);
    end();
}

TAP_TEST(p6_p10_touch_and_prefault_map_the_leaf_and_get_does_not)
{
    begin();
    EXPECT_ERR(pin(BLOCK + HUGE, 1, MEM_PIN_GET), ERR_OK);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK + HUGE) == NULL);
    EXPECT_ERR(pin(BLOCK + HUGE, 1, MEM_PIN_GET | MEM_PIN_TOUCH), ERR_OK);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK + HUGE) != NULL);
    EXPECT_ERR(pin(BLOCK + 2 * HUGE + 5, 2, 0), ERR_OK);
    EXPECT_U64(answer.pages, 2);
    EXPECT(answer.pin_opt == NULL);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK + 2 * HUGE) != NULL);
    end();
}

/* With turns, as in the system: it comes again until no step is left, and holds nothing so far. */
TAP_TEST(p9_p13_a_pin_that_has_pages_filled_starts_over_and_waits_for_nobody)
{
    static const uint32_t flags[] = {MEM_PIN_GET, MEM_PIN_GET | MEM_PIN_NOWAIT,
                                     MEM_PIN_GET | MEM_PIN_MAY_DROP, 0};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        uint32_t steps = 0;

        begin();
        struct core *core = &huge_world.world->core;
        const struct pin_request request = {.owner = pinned.driver,
                                            .address = world_address(BLOCK + HUGE - 1),
                                            .pages = 2,
                                            .flags = flags[i]};

        core->has_turns = true;
        while (op_pin(core, huge_world.space, &request, &answer) == ERR_WAIT) {
            EXPECT_U64(core->need.kind, NEED_TURN);
            EXPECT(answer.pin_opt == NULL);
            EXPECT_U64(pinned.driver->pins, 0);
            core->need = (struct need){0};
            world_audit(huge_world.world);
            steps++;
        }
        core->has_turns = false;
        EXPECT_U64(steps, HUGE / 32 - 1);
        EXPECT_U64(answer.pages, 2);
        EXPECT(!answer.is_dropped);
        EXPECT_U64(pinned.driver->pinned, (flags[i] & MEM_PIN_GET) != 0 ? 2 : 0);
        end();
    }
}

TAP_TEST(p14_parts_count_against_the_lock_limit_once_for_each_owner)
{
    begin();
    pinned.driver->settings.locked_max = 5 * PAGE_SIZE;
    EXPECT_ERR(pin(BLOCK + HUGE - 3, 9, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 5);
    const uint64_t number = answer.pin_opt->number;

    EXPECT_ERR(pin(BLOCK + 9, 1, MEM_PIN_GET), ERR_NOMEM);
    EXPECT_U64(pinned.driver->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_ERR(pin(BLOCK + HUGE - 1, 1, MEM_PIN_GET), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 5);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 1);
    end();
}

TAP_TEST(p15_a_clone_gets_a_copy_of_a_pinned_page_at_once_or_is_refused)
{
    begin();
    const uint64_t number = pinned_all(&pinned, BLOCK + 5, 1, MEM_PIN_WRITE);
    struct space *child = huge_world_clone();

    /* The copy is what was promised to nobody. */
    huge_world_expect_pool(POOL - 2, 2);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 3), 1003);
    pinned_write(&pinned, BLOCK + 5, 6);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 6);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 5), 0);
    struct space *other = NULL;

    EXPECT_ERR(op_clone(&huge_world.world->core, huge_world.space,
                        &(struct clone_request){.priority = 10}, &other),
               ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(huge_world.space->refusal.value, POOL);
    EXPECT_U64(huge_world.space->refusal.used, POOL);
    EXPECT_U64(huge_world.space->refusal.asked, 1);
    huge_world_expect_pool(POOL - 2, 2);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, child);
    huge_world_expect_pool(POOL - 1, 2);
    end();
}

/* What takes the page from its region; each leaves the pin what it has. */
static enum err unmap_it(void)
{
    return huge_world_unmap(BLOCK, HUGE);
}

static enum err give_it_back(void)
{
    return huge_world_advise(BLOCK, HUGE, MEM_ADVISE_DONTNEED);
}

static enum err map_over_it(void)
{
    return huge_world_map_at(BLOCK, BYTES, RW, PRIVATE | MEM_MAP_FIXED);
}

static enum err unmap_it_in_a_batch(void)
{
    struct batch_op op = {.sort = BATCH_UNMAP, .unmap = {world_address(BLOCK), BYTES}};
    uint32_t refused;
    const enum err error = op_batch(&huge_world.world->core, huge_world.space, &op, 1, &refused);

    core_done(&huge_world.world->core);
    return error;
}

TAP_TEST(p16_a_page_that_is_gone_stays_out_of_the_pool_until_its_last_pin_goes)
{
    static enum err (*const ways[])(void) = {unmap_it, give_it_back, map_over_it,
                                             unmap_it_in_a_batch};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        begin();
        const uint64_t one = pinned_all(&pinned, BLOCK + 3, 2, MEM_PIN_WRITE);
        const uint64_t two = pinned_all(&pinned, BLOCK, 1, MEM_PIN_WRITE);

        EXPECT_ERR(ways[i](), ERR_OK);
        world_audit(huge_world.world);
        EXPECT_U64(huge_world_pool().free, POOL - 1);
        pinned_written(&pinned, one, 0, 77);
        if (ways[i] == give_it_back || ways[i] == map_over_it) {
            EXPECT_U64(pinned_read(&pinned, BLOCK + 3), 0);
            EXPECT_U64(huge_world_pool().free, POOL - 2);
        }
        EXPECT_U64(pinned_seen(&pinned, one, 0), 77);
        const uint64_t free = huge_world_pool().free;

        EXPECT_ERR(pinned_unpin(&pinned, one), ERR_OK);
        EXPECT_U64(huge_world_pool().free, free);
        EXPECT_ERR(pinned_unpin(&pinned, two), ERR_OK);
        EXPECT_U64(huge_world_pool().free, free + 1);
        end();
    }
}

TAP_TEST(p16_what_is_pinned_does_not_serve_who_maps_over_it)
{
    begin();
    huge_world_map(BLOCK + 8 * HUGE, 1, PRIVATE);
    const uint64_t number = pinned_all(&pinned, BLOCK + 3, 1, MEM_PIN_WRITE);

    /* Nothing is nobody's, and what is replaced is the pin's. */
    EXPECT_ERR(map_over_it(), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(pinned_read(&pinned, BLOCK + 3), 1003);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_ERR(map_over_it(), ERR_OK);
    EXPECT_U64(pinned_read(&pinned, BLOCK + 3), 0);
    end();
}

TAP_TEST(p16_a_shared_page_that_is_taken_out_stays_the_pins)
{
    const struct advise_request request = {.address = world_address(BLOCK + 8 * HUGE),
                                           .length = BYTES};

    begin();
    huge_world_map(BLOCK + 8 * HUGE, 1, SHARED);
    pinned_write(&pinned, BLOCK + 8 * HUGE, 5);
    struct space *child = huge_world_clone();
    const uint64_t number = pinned_all(&pinned, BLOCK + 8 * HUGE, 1, 0);

    /* Not copied: what all have is pinned. */
    huge_world_write_of(child, BLOCK + 8 * HUGE, 6);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 6);
    EXPECT_ERR(op_remove(&huge_world.world->core, huge_world.space, &request), ERR_OK);
    core_done(&huge_world.world->core);
    huge_world_expect_pool(POOL - 2, 2);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 6);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    huge_world_expect_pool(POOL - 1, 2);
    space_end(&huge_world.world->core, child);
    end();
}

TAP_TEST(p16_pins_move_with_the_page)
{
    begin();
    const uint64_t number = pinned_all(&pinned, BLOCK + 3, 1, MEM_PIN_WRITE);

    EXPECT_ERR(
        huge_world_remap(BLOCK, HUGE, HUGE, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, BLOCK + 32 * HUGE),
        ERR_OK);
    pinned_write(&pinned, BLOCK + 32 * HUGE + 3, 9);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 9);
    end();
}

TAP_TEST(p17_the_end_of_the_client_leaves_a_pinned_page_and_that_of_the_owner_frees_it)
{
    begin();
    const uint64_t number = pinned_all(&pinned, BLOCK + 3, 1, MEM_PIN_WRITE);
    struct space *other = world_space(huge_world.world);

    huge_world_expect_pool(POOL - 1, 2);
    space_end(&huge_world.world->core, huge_world.space);
    huge_world.space = other;
    world_audit(huge_world.world);
    huge_world_expect_pool(POOL - 1, 0);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 1003);
    space_end(&huge_world.world->core, pinned.driver);
    huge_world_expect_pool(POOL, 0);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, other);
    world_free(huge_world.world);
}

TAP_TEST(p17_what_a_device_may_still_write_is_in_quarantine_until_it_is_reset)
{
    begin();
    (void)pinned_device(&pinned, BLOCK, 2);
    (void)pinned_device(&pinned, BLOCK + HUGE - 1, 2);
    EXPECT_ERR(huge_world_unmap(BLOCK, 2 * HUGE), ERR_OK);
    space_end(&huge_world.world->core, pinned.driver);
    world_audit(huge_world.world);
    huge_world_expect_pool(POOL - 2, 1);
    EXPECT_U64(huge_world.world->core.head->pins.quarantined, 4);
    EXPECT_U64(pin_reset(&huge_world.world->core, PINNED_DEVICE + 1), 0);
    huge_world_expect_pool(POOL - 2, 1);
    EXPECT_U64(pin_reset(&huge_world.world->core, PINNED_DEVICE), 2);
    huge_world_expect_pool(POOL, 1);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, huge_world.space);
    world_free(huge_world.world);
}

TAP_TEST(what_a_pin_would_cost_is_told_before_it_is_made)
{
    struct pin_cost cost;

    begin();
    const struct pin_request asked = {
        .owner = pinned.driver, .address = world_address(BLOCK), .pages = 4, .flags = MEM_PIN_GET};

    (void)pinned_all(&pinned, BLOCK + 1, 1, 0);
    EXPECT_ERR(op_pin_cost(&huge_world.world->core, huge_world.space, &asked, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 4);
    EXPECT_U64(cost.counted, 3);
    EXPECT_U64(cost.copies, 0);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p1_p7_pins_are_of_parts_and_go_across_huge_pages_in_order),
        TAP(query_counts_pins_of_parts_of_huge_pages_and_dirty_ones),
        TAP(p3_p5_rights_and_an_empty_pool_are_faults_of_the_first_page),
        TAP(p4_a_page_that_a_clone_has_is_copied_before_it_is_pinned_for_reading),
        TAP(p6_p10_touch_and_prefault_map_the_leaf_and_get_does_not),
        TAP(p9_p13_a_pin_that_has_pages_filled_starts_over_and_waits_for_nobody),
        TAP(p14_parts_count_against_the_lock_limit_once_for_each_owner),
        TAP(p15_a_clone_gets_a_copy_of_a_pinned_page_at_once_or_is_refused),
        TAP(p16_a_page_that_is_gone_stays_out_of_the_pool_until_its_last_pin_goes),
        TAP(p16_what_is_pinned_does_not_serve_who_maps_over_it),
        TAP(p16_a_shared_page_that_is_taken_out_stays_the_pins),
        TAP(p16_pins_move_with_the_page),
        TAP(p17_the_end_of_the_client_leaves_a_pinned_page_and_that_of_the_owner_frees_it),
        TAP(p17_what_a_device_may_still_write_is_in_quarantine_until_it_is_reset),
        TAP(what_a_pin_would_cost_is_told_before_it_is_made),
    };

    return TAP_RUN(argc, argv, tests);
}
