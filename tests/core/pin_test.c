/* SPDX-License-Identifier: MIT */
/*
 * PIN: which pages, in what order, refused for what (P1 to P7, P10 to P14). What becomes of them
 * later: pin_life_test.c.
 */
#include <tap.h>

#include "pinned.h"

#include "server/core/content.h"
#include "server/core/shadow.h"

static struct pinned pinned;

static const uint32_t at = PINNED_AT;

static struct pin_answer answer;

static enum err pin(uint32_t page, uint32_t pages, uint32_t flags)
{
    return pinned_pin(&pinned, page, pages, flags, &answer);
}

static uint64_t entry_at(uint32_t page)
{
    const uint64_t *entry = shadow_find(&pinned.world->core, pinned.client, page);

    return entry == NULL ? 0 : *entry;
}

static bool has_leaf(uint32_t page)
{
    return model_leaf(pinned.world->port, pinned.client->kernel, page) != NULL;
}

static void start(void)
{
    pinned_make(&pinned);
    pinned_map(&pinned, at, 4, RW, MEM_MAP_PRIVATE, NULL);
}

static void finish(void)
{
    pinned_free(&pinned);
}

TAP_TEST(p1_pages_are_taken_in_order_and_the_answer_counts_them)
{
    start();
    pinned_write(&pinned, at, 10);
    EXPECT_ERR(pin(at, 7, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 4);
    REQUIRE(EXPECT(answer.pin_opt != NULL));
    EXPECT_U64(answer.pin_opt->count, 4);
    EXPECT_U64(answer.pin_opt->first, at);
    EXPECT_U64(pinned_seen(&pinned, answer.pin_opt->number, 0), 10);
    for (uint32_t i = 0; i < 4; i++) {
        pinned_write(&pinned, at + i, 20 + i);
        EXPECT_U64(pinned_seen(&pinned, answer.pin_opt->number, i), 20 + i);
    }
    EXPECT_U64(pinned.driver->refusal.error, ERR_OK);
    EXPECT_U64(pinned.client->refusal.error, ERR_OK);
    EXPECT_ERR(pin(at, 0, MEM_PIN_GET), ERR_OK);
    EXPECT_U64(answer.pages, 0);
    EXPECT(answer.pin_opt == NULL);
    finish();
}

TAP_TEST(p1_a_request_has_at_most_so_many_pages)
{
    start();
    pinned_map(&pinned, at, MEM_PIN_PAGES_MAX + 1, RW, MEM_MAP_PRIVATE, NULL);
    EXPECT_ERR(pin(at, MEM_PIN_PAGES_MAX + 1, MEM_PIN_GET), ERR_INVAL);
    EXPECT_ERR(pin(at, MEM_PIN_PAGES_MAX, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, MEM_PIN_PAGES_MAX);
    EXPECT_U64(pinned.driver->pinned, MEM_PIN_PAGES_MAX);
    finish();
}

TAP_TEST(p2_a_page_in_no_region_or_a_device_ends_the_walk)
{
    struct object *device = NULL;

    start();
    EXPECT_ERR(pin(at + 4, 1, MEM_PIN_GET), ERR_FAULT);
    EXPECT_U64(pinned.driver->pins, 0);
    EXPECT_ERR(pin(at + 3, 2, MEM_PIN_GET), ERR_OK);
    EXPECT_U64(answer.pages, 1);
    EXPECT_ERR(pin(RANGE_USER_END, 1, MEM_PIN_GET), ERR_FAULT);
    pinned.world->port->frames[3700].kind = MODEL_DEVICE;
    EXPECT_ERR(
        object_make_device(&pinned.world->core, (pfn_t){MODEL_BASE + 3700}, (npages_t){1}, &device),
        ERR_OK);
    pinned_map(&pinned, at + 4, 1, RW, MEM_MAP_SHARED, device);
    EXPECT_ERR(pin(at + 4, 1, MEM_PIN_GET), ERR_FAULT);
    EXPECT_ERR(pin(at + 4, 1, MEM_PIN_GET | MEM_PIN_FORCE | MEM_PIN_WRITE), ERR_FAULT);
    EXPECT_ERR(pin(at + 4, 1, 0), ERR_FAULT);
    finish();
}

TAP_TEST(p2_a_stack_grows_first)
{
    start();
    pinned_map(&pinned, at + 600, 1, RW, MEM_MAP_PRIVATE | MEM_MAP_GROWSDOWN, NULL);
    EXPECT_ERR(pin(at + 598, 3, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 3);
    EXPECT_U64(pinned.client->stack, 3);
    finish();
}

TAP_TEST(p3_rights_decide_and_force_helps_where_the_region_could_allow_it)
{
    start();
    struct object *object = world_object(pinned.world, 4);

    pinned_write(&pinned, at, 10);
    pinned_protect(&pinned, at, 4, MEM_PROT_READ);
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_FAULT);
    EXPECT_ERR(pin(at, 2, MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_FORCE), ERR_OK);
    EXPECT_U64(answer.pages, 2);
    EXPECT_U64(shadow_entry_state(entry_at(at + 1)), SHADOW_OWN);
    EXPECT(!has_leaf(at + 1) ||
           model_leaf(pinned.world->port, pinned.client->kernel, at + 1)->prot == MEM_PROT_READ);
    pinned_written(&pinned, answer.pin_opt->number, 1, 77);
    EXPECT_U64(pinned_read(&pinned, at + 1), 77);

    pinned_protect(&pinned, at, 4, 0);
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET), ERR_FAULT);
    EXPECT_ERR(pin(at, 4, MEM_PIN_GET | MEM_PIN_FORCE), ERR_OK);
    EXPECT_U64(answer.pages, 4);
    EXPECT_U64(pinned_seen(&pinned, answer.pin_opt->number, 0), 10);
    EXPECT_U64(pinned_seen(&pinned, answer.pin_opt->number, 2), 0);
    EXPECT_ERR(pin(at + 2, 1, MEM_PIN_GET | MEM_PIN_FORCE | MEM_PIN_WRITE), ERR_OK);
    EXPECT(!has_leaf(at + 2));
    pinned_written(&pinned, answer.pin_opt->number, 0, 78);
    pinned_protect(&pinned, at, 4, RW);
    EXPECT_U64(pinned_read(&pinned, at + 2), 78);

    pinned_map(&pinned, at + 8, 1, MEM_PROT_READ, MEM_MAP_SHARED, object);
    EXPECT_ERR(pin(at + 8, 1, MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_FORCE), ERR_FAULT);
    pinned_map(&pinned, at + 8, 1, MEM_PROT_READ, MEM_MAP_PRIVATE, object);
    EXPECT_ERR(pin(at + 8, 1, MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_FORCE), ERR_OK);
    EXPECT_U64(pinned_seen(&pinned, answer.pin_opt->number, 0), WORLD_WORD);
    finish();
}

TAP_TEST(p3_what_may_only_be_executed_is_read_by_force)
{
    start();
    pinned_map(&pinned, at + 8, 1, MEM_PROT_EXEC, MEM_MAP_PRIVATE, NULL);
    EXPECT_ERR(pin(at + 8, 1, MEM_PIN_GET), ERR_FAULT);
    EXPECT_ERR(pin(at + 8, 1, MEM_PIN_GET | MEM_PIN_FORCE), ERR_OK);
    finish();
}

TAP_TEST(p4_what_is_absent_or_shared_is_faulted_in_first)
{
    start();
    pinned_write(&pinned, at, 10);
    struct space *clone = pinned_clone(&pinned);

    EXPECT_U64(shadow_entry_state(entry_at(at)), SHADOW_SHARED);
    const uint64_t number = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);

    EXPECT_U64(shadow_entry_state(entry_at(at)), SHADOW_OWN);
    pinned_written(&pinned, number, 0, 11);
    pinned_written(&pinned, number, 1, 12);
    EXPECT_U64(pinned_read(&pinned, at), 11);
    EXPECT_U64(pinned_read(&pinned, at + 1), 12);
    uint64_t word = 0;

    EXPECT_U64(world_read(pinned.world, clone, at, &word), FAULT_READY);
    EXPECT_U64(word, 10);
    space_end(&pinned.world->core, clone);
    finish();
}

TAP_TEST(p4_a_read_pin_of_a_shared_page_sees_the_next_write)
{
    start();
    pinned_write(&pinned, at, 10);
    struct space *clone = pinned_clone(&pinned);
    const uint64_t number = pinned_all(&pinned, at, 1, 0);

    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    pinned_write(&pinned, at, 11);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 11);
    space_end(&pinned.world->core, clone);
    finish();
}

TAP_TEST(p4_a_read_pin_unshares_where_the_owner_may_not_write_now)
{
    start();
    pinned_write(&pinned, at, 10);
    struct space *clone = pinned_clone(&pinned);

    pinned_protect(&pinned, at, 1, MEM_PROT_READ);
    const uint64_t number = pinned_all(&pinned, at, 1, 0);

    EXPECT_U64(shadow_entry_state(entry_at(at)), SHADOW_OWN);
    pinned_protect(&pinned, at, 1, RW);
    pinned_write(&pinned, at, 11);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 11);
    space_end(&pinned.world->core, clone);
    finish();
}

TAP_TEST(p4_the_zero_page_is_unshared_for_long_pins_alone)
{
    start();
    const uint64_t brief = pinned_all(&pinned, at, 1, 0);

    EXPECT_U64(shadow_entry_state(entry_at(at)), SHADOW_ZERO);
    EXPECT_U64(pinned.driver->pinned, 0);
    pinned_write(&pinned, at, 10);
    EXPECT_U64(pinned_seen(&pinned, brief, 0), 0);
    EXPECT_ERR(pinned_unpin(&pinned, brief), ERR_OK);

    (void)pinned_read(&pinned, at + 1);
    const uint64_t number = pinned_all(&pinned, at + 1, 2, MEM_PIN_LONGTERM);

    EXPECT_U64(pinned.driver->pinned, 2);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_U64(pinned_seen(&pinned, number, i), 0);
        pinned_write(&pinned, at + 1 + i, 20 + i);
        EXPECT_U64(pinned_seen(&pinned, number, i), 20 + i);
    }
    finish();
}

TAP_TEST(p4_a_private_page_of_an_object_is_unshared_for_long_pins_alone)
{
    start();
    struct object *object = world_object(pinned.world, 4);

    pinned_map(&pinned, at + 8, 2, RW, MEM_MAP_PRIVATE, object);
    const uint64_t brief = pinned_all(&pinned, at + 8, 1, 0);

    EXPECT_U64(shadow_entry_state(entry_at(at + 8)), SHADOW_WIRED);
    EXPECT_U64(pinned_frame(&pinned, brief, 0), WORLD_ARCHIVE);
    const uint64_t number = pinned_all(&pinned, at + 8, 2, MEM_PIN_LONGTERM);

    EXPECT_U64(pinned_seen(&pinned, number, 1), WORLD_WORD + 1);
    pinned_write(&pinned, at + 9, 30);
    EXPECT_U64(pinned_seen(&pinned, number, 1), 30);
    finish();
}

TAP_TEST(p4_a_page_of_a_large_leaf_is_pinned_as_one_of_many)
{
    const uint32_t large = (at + 1023) & ~511u;
    const struct advise_request advice = {
        .address = world_address(large), .length = 512 * PAGE_SIZE, .advice = MEM_ADVISE_HUGEPAGE};

    start();
    pinned_map(&pinned, large, 512, RW, MEM_MAP_PRIVATE, NULL);
    EXPECT_ERR(op_advise(&pinned.world->core, pinned.client, &advice), ERR_OK);
    pinned_write(&pinned, large + 7, 70);
    REQUIRE(EXPECT_U64(pinned.client->larges, 1));
    const uint64_t number = pinned_all(&pinned, large + 7, 2, MEM_PIN_WRITE);

    EXPECT_U64(pinned.client->larges, 0);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 70);
    pinned_write(&pinned, large + 8, 80);
    EXPECT_U64(pinned_seen(&pinned, number, 1), 80);
    pinned_unmap(&pinned, large, 512);
    EXPECT_U64(pinned.world->core.head->pins.detained, 2);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    /* And one that comes by the pin itself. */
    pinned_map(&pinned, large, 512, RW, MEM_MAP_PRIVATE, NULL);
    EXPECT_ERR(op_advise(&pinned.world->core, pinned.client, &advice), ERR_OK);
    (void)pinned_all(&pinned, large + 9, 4, MEM_PIN_WRITE);
    EXPECT_U64(pinned.client->larges, 0);
    finish();
}

TAP_TEST(p5_no_frame_is_nomem_and_a_bus_error_fault_of_the_first_page_alone)
{
    start();
    struct object *memory = pinned_memory(&pinned, 1);

    pinned_map(&pinned, at + 8, 3, RW, MEM_MAP_SHARED, memory);
    EXPECT_ERR(pin(at + 9, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_FAULT);
    EXPECT_ERR(pin(at + 8, 3, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 1);
    EXPECT_ERR(pinned_unpin(&pinned, answer.pin_opt->number), ERR_OK);
    pinned_write(&pinned, at, 1);
    pinned_write(&pinned, at + 1, 2);
    world_budget(pinned.client, 0);
    EXPECT_ERR(pin(at + 2, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_NOMEM);
    EXPECT_U64(pinned.client->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_ERR(pin(at + 1, 2, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 1);
    EXPECT_U64(pinned.client->refusal.error, ERR_OK);
    finish();
}

TAP_TEST(p6_touch_maps_the_page_with_the_right_to_write)
{
    start();
    pinned_write(&pinned, at, 1);
    pinned_write(&pinned, at + 1, 1);
    port_remove(pinned.world->port, pinned.client->kernel, page_to_vpn(at), (npages_t){2});
    (void)pinned_all(&pinned, at, 1, MEM_PIN_WRITE);
    EXPECT(!has_leaf(at));
    (void)pinned_all(&pinned, at, 2, MEM_PIN_WRITE | MEM_PIN_TOUCH);
    REQUIRE(EXPECT(has_leaf(at)) && EXPECT(has_leaf(at + 1)));
    EXPECT_U64(model_leaf(pinned.world->port, pinned.client->kernel, at)->prot, RW);
    finish();
}

TAP_TEST(p7_a_pin_stands_until_unpin_and_is_its_owners)
{
    start();
    const uint64_t number = pinned_all(&pinned, at, 3, MEM_PIN_WRITE);
    const struct frame *record =
        pool_record(&pinned.world->core, shadow_entry_frame(entry_at(at + 1)));

    EXPECT_U64(record->pins, 1);
    EXPECT_U64(pinned.driver->pinned, 3);
    EXPECT_ERR(op_unpin(&pinned.world->core, pinned.client, number, 0), ERR_PERM);
    EXPECT_ERR(op_unpin(&pinned.world->core, pinned.driver, number, 2), ERR_INVAL);
    EXPECT_ERR(pinned_unpin(&pinned, number + 1), ERR_STALE);
    EXPECT_ERR(pinned_unpin(&pinned, UINT64_MAX), ERR_STALE);
    EXPECT_U64(record->pins, 1);
    EXPECT_ERR(op_unpin(&pinned.world->core, pinned.driver, number, MEM_UNPIN_DIRTY), ERR_OK);
    EXPECT_U64(record->pins, 0);
    EXPECT_U64(pinned.driver->pinned, 0);
    EXPECT_U64(pinned.driver->pins, 0);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_STALE);
    finish();
}

TAP_TEST(p7_without_get_nothing_is_pinned)
{
    start();
    const uint64_t charged = pinned.driver->charged;

    EXPECT_ERR(pin(at, 3, MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 3);
    EXPECT(answer.pin_opt == NULL);
    EXPECT(has_leaf(at + 2));
    EXPECT_U64(pinned.driver->pinned, 0);
    EXPECT_U64(pinned.driver->charged, charged);
    EXPECT_ERR(pin(at, 1, MEM_PIN_LONGTERM), ERR_INVAL);
    EXPECT_ERR(pin(at, 1, MEM_PIN_FRAMES), ERR_INVAL);
    EXPECT_ERR(pin(at, 1, MEM_PIN_HANDLE), ERR_INVAL);
    EXPECT_ERR(pin(at, 1, MEM_PIN_FLAGS + 1), ERR_INVAL);
    finish();
}

TAP_TEST(p12_regions_and_dropping_do_not_go_together)
{
    start();
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_REGIONS | MEM_PIN_MAY_DROP), ERR_INVAL);
    EXPECT_ERR(pin(at, 1, MEM_PIN_REGIONS | MEM_PIN_MAY_DROP), ERR_INVAL);
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_REGIONS), ERR_OK);
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_MAY_DROP), ERR_OK);
    EXPECT(!answer.is_dropped);
    finish();
}

TAP_TEST(frames_are_told_and_devices_are_let_in_by_privilege_alone)
{
    start();
    pinned.driver->settings.privileges = SPACE_PRIVILEGE_DMA;
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_FRAMES), ERR_PERM);
    pinned.driver->settings.privileges = SPACE_PRIVILEGE_PHYSICAL;
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET | MEM_PIN_FRAMES), ERR_OK);
    const struct pin_request request = {.owner = pinned.driver,
                                        .address = world_address(at),
                                        .pages = 1,
                                        .flags = MEM_PIN_GET,
                                        .device = PINNED_DEVICE};
    EXPECT_ERR(op_pin(&pinned.world->core, pinned.client, &request, &answer), ERR_PERM);
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p1_pages_are_taken_in_order_and_the_answer_counts_them),
        TAP(p1_a_request_has_at_most_so_many_pages),
        TAP(p2_a_page_in_no_region_or_a_device_ends_the_walk),
        TAP(p2_a_stack_grows_first),
        TAP(p3_rights_decide_and_force_helps_where_the_region_could_allow_it),
        TAP(p3_what_may_only_be_executed_is_read_by_force),
        TAP(p4_what_is_absent_or_shared_is_faulted_in_first),
        TAP(p4_a_read_pin_of_a_shared_page_sees_the_next_write),
        TAP(p4_a_read_pin_unshares_where_the_owner_may_not_write_now),
        TAP(p4_the_zero_page_is_unshared_for_long_pins_alone),
        TAP(p4_a_private_page_of_an_object_is_unshared_for_long_pins_alone),
        TAP(p4_a_page_of_a_large_leaf_is_pinned_as_one_of_many),
        TAP(p5_no_frame_is_nomem_and_a_bus_error_fault_of_the_first_page_alone),
        TAP(p6_touch_maps_the_page_with_the_right_to_write),
        TAP(p7_a_pin_stands_until_unpin_and_is_its_owners),
        TAP(p7_without_get_nothing_is_pinned),
        TAP(p12_regions_and_dropping_do_not_go_together),
        TAP(frames_are_told_and_devices_are_let_in_by_privilege_alone),
    };

    return TAP_RUN(argc, argv, tests);
}
