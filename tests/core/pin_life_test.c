/* SPDX-License-Identifier: MIT */
/*
 * Pinned frames later on: what they count (P14), clones (P15), their page going (P16), the end of
 * who pinned them (P17).
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

static struct core *core_of(void)
{
    return &pinned.world->core;
}

static uint64_t entry_at(uint32_t page)
{
    const uint64_t *entry = shadow_find(core_of(), pinned.client, page);

    return entry == NULL ? 0 : *entry;
}

static uint64_t detained(void)
{
    return core_of()->head->pins.detained;
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

TAP_TEST(p14_pinned_pages_count_against_the_lock_limit)
{
    start();
    pinned.driver->settings.locked_max = 3 * PAGE_SIZE;
    EXPECT_ERR(pin(at, 4, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 3);
    EXPECT_ERR(pin(at + 3, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_NOMEM);
    EXPECT_U64(pinned.driver->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(pinned.driver->refusal.used, 3);
    EXPECT_U64(pinned.driver->pins, 1);
    pinned.driver->settings.privileges |= SPACE_PRIVILEGE_LOCK;
    EXPECT_ERR(pin(at, 4, MEM_PIN_GET | MEM_PIN_WRITE), ERR_OK);
    EXPECT_U64(answer.pages, 4);
    finish();
}

TAP_TEST(p14_a_long_pin_leaves_a_page_in_its_frame)
{
    start();
    struct object *memory = pinned_memory(&pinned, 1);

    pinned_map(&pinned, at + 8, 1, RW, MEM_MAP_SHARED, memory);
    pinned_write(&pinned, at, 10);
    pinned_write(&pinned, at + 8, 18);
    const uint64_t entry = entry_at(at);
    const uint32_t frame = content_frame(core_of(), memory, 0);
    const uint64_t own = pinned_all(&pinned, at, 1, MEM_PIN_LONGTERM | MEM_PIN_WRITE);
    const uint64_t shared = pinned_all(&pinned, at + 8, 1, MEM_PIN_LONGTERM | MEM_PIN_WRITE);

    EXPECT_U64(entry_at(at), entry);
    EXPECT_U64(content_frame(core_of(), memory, 0), frame);
    EXPECT_U64(pinned_seen(&pinned, own, 0), 10);
    EXPECT_U64(pinned_seen(&pinned, shared, 0), 18);
    EXPECT_ERR(pinned_unpin(&pinned, shared), ERR_OK);
    EXPECT_ERR(pinned_unpin(&pinned, own), ERR_OK);
    finish();
}

TAP_TEST(p14_locked_and_pinned_pages_share_the_limit)
{
    start();
    pinned.driver->settings.locked_max = 4 * PAGE_SIZE;
    (void)pinned_all(&pinned, at, 3, MEM_PIN_WRITE);
    world_map(pinned.world, pinned.driver, at, 2, RW);
    const struct lock_request two = {.address = world_address(at), .length = 2 * PAGE_SIZE};
    const struct lock_request one = {.address = world_address(at), .length = PAGE_SIZE};

    EXPECT_ERR(op_lock(core_of(), pinned.driver, &two), ERR_NOMEM);
    EXPECT_ERR(op_lock(core_of(), pinned.driver, &one), ERR_OK);
    EXPECT_ERR(pin(at + 3, 1, MEM_PIN_GET | MEM_PIN_WRITE), ERR_NOMEM);
    finish();
}

TAP_TEST(p14_a_page_counts_once_for_an_owner_however_often_he_pins_it)
{
    start();
    pinned.driver->settings.locked_max = 2 * PAGE_SIZE;
    const uint64_t first = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);
    const uint64_t second = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);
    const uint64_t third = pinned_all(&pinned, at + 1, 1, 0);

    EXPECT_U64(pinned.driver->pinned, 2);
    EXPECT_ERR(pinned_unpin(&pinned, first), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 2);
    EXPECT_ERR(pinned_unpin(&pinned, second), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 1);
    EXPECT_ERR(pinned_unpin(&pinned, third), ERR_OK);
    EXPECT_U64(pinned.driver->pinned, 0);
    finish();
}

/* The client himself pins, beside the driver. */
static uint64_t pin_own(uint32_t page, uint32_t pages)
{
    const struct pin_request request = {.owner = pinned.client,
                                        .address = world_address(page),
                                        .pages = pages,
                                        .flags = MEM_PIN_GET | MEM_PIN_WRITE};

    EXPECT_ERR(op_pin(core_of(), pinned.client, &request, &answer), ERR_OK);
    EXPECT_U64(answer.pages, pages);
    world_audit(pinned.world);
    return answer.pin_opt->number;
}

TAP_TEST(p14_each_owner_counts_a_page_for_himself)
{
    start();
    const uint64_t his = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);
    const uint64_t own = pin_own(at + 1, 2);
    const uint64_t again = pin_own(at, 2);

    EXPECT_U64(pinned.driver->pinned, 2);
    EXPECT_U64(pinned.client->pinned, 3);
    EXPECT_U64(pool_record(core_of(), shadow_entry_frame(entry_at(at + 1)))->pins, 3);
    EXPECT_ERR(pinned_unpin(&pinned, his), ERR_OK);
    EXPECT_U64(pinned.client->pinned, 3);
    EXPECT_ERR(op_unpin(core_of(), pinned.client, own, 0), ERR_OK);
    EXPECT_U64(pinned.client->pinned, 2);
    EXPECT_ERR(op_unpin(core_of(), pinned.client, again, 0), ERR_OK);
    EXPECT_U64(pinned.client->pinned, 0);
    EXPECT_U64(core_of()->head->pins.pinners.records, 0);
    finish();
}

TAP_TEST(p14_a_frame_carries_only_so_many_pins)
{
    start();
    (void)pinned_all(&pinned, at, 1, MEM_PIN_WRITE);
    struct frame *record = pool_record(core_of(), shadow_entry_frame(entry_at(at)));

    record->pins = PINNER_PINS_MAX;
    const struct pin_request request = {.owner = pinned.driver,
                                        .address = world_address(at),
                                        .pages = 2,
                                        .flags = MEM_PIN_GET | MEM_PIN_WRITE};

    EXPECT_ERR(op_pin(core_of(), pinned.client, &request, &answer), ERR_NOMEM);
    EXPECT_U64(record->pins, PINNER_PINS_MAX);
    record->pins = 1;
    finish();
}

TAP_TEST(p14_records_of_pins_are_charged_to_who_pins)
{
    start();
    pinned_map(&pinned, at, 64, RW, MEM_MAP_PRIVATE, NULL);
    const uint64_t before = pinned.driver->charged;
    const uint64_t large = pinned_all(&pinned, at, 64, MEM_PIN_WRITE);

    EXPECT_U64(pinned.driver->charged, before + 2);
    const uint64_t few = pinned_all(&pinned, at, 1, MEM_PIN_WRITE);

    EXPECT_U64(pinned.driver->charged, before + 2);
    EXPECT_ERR(pinned_unpin(&pinned, large), ERR_OK);
    EXPECT_U64(pinned.driver->charged, before + 1);
    EXPECT_ERR(pinned_unpin(&pinned, few), ERR_OK);
    EXPECT_U64(pinned.driver->charged, before);
    world_budget(pinned.driver, 0);
    EXPECT_ERR(pin(at, 1, MEM_PIN_GET), ERR_NOMEM);
    EXPECT_U64(pinned.driver->refusal.limit, MEM_LIMIT_BUDGET);
    finish();
}

TAP_TEST(p15_a_clone_gets_a_copy_of_a_pinned_page_at_once)
{
    start();
    pinned_write(&pinned, at, 10);
    pinned_write(&pinned, at + 1, 11);
    const uint64_t number = pinned_all(&pinned, at, 1, MEM_PIN_WRITE);
    const uint64_t entry = entry_at(at);
    struct space *clone = pinned_clone(&pinned);

    EXPECT_U64(entry_at(at), entry);
    EXPECT_U64(shadow_entry_state(entry_at(at + 1)), SHADOW_SHARED);
    EXPECT_U64(shadow_entry_state(*shadow_find(core_of(), clone, at)), SHADOW_OWN);
    pinned_write(&pinned, at, 20);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 20);
    pinned_written(&pinned, number, 0, 30);
    EXPECT_U64(pinned_read(&pinned, at), 30);
    uint64_t word = 0;

    EXPECT_U64(world_read(pinned.world, clone, at, &word), FAULT_READY);
    EXPECT_U64(word, 10);
    EXPECT_U64(world_write(pinned.world, clone, at, 40), FAULT_READY);
    EXPECT_U64(pinned_read(&pinned, at), 30);
    space_end(core_of(), clone);
    finish();
}

TAP_TEST(p15_a_clone_without_frames_for_the_copies_is_refused)
{
    struct space *clone = NULL;

    start();
    (void)pinned_all(&pinned, at, 4, MEM_PIN_WRITE);
    const uint64_t needed = pinned_left(&pinned);
    struct space *whole = pinned_clone(&pinned);
    const uint64_t frames = needed - pinned_left(&pinned);

    space_end(core_of(), whole);
    world_starve(pinned.world, frames - 1);
    EXPECT_ERR(op_clone(core_of(), pinned.client, &(struct clone_request){.priority = 10}, &clone),
               ERR_NOMEM);
    EXPECT_U64(pinned_left(&pinned), frames - 1);
    finish();
}

TAP_TEST(p16_unmap_leaves_a_pinned_frame_to_its_pins_alone)
{
    start();
    pinned_write(&pinned, at, 10);
    pinned_write(&pinned, at + 1, 11);
    const uint64_t before = pinned_left(&pinned);
    const uint64_t number = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);
    const uint64_t left = pinned_left(&pinned);
    const uint64_t used = budget_view(core_of(), pinned.client).used;
    const uint64_t again = pinned_all(&pinned, at, 1, 0);

    pinned_unmap(&pinned, at, 1);
    EXPECT_U64(detained(), 1);
    EXPECT_U64(pinned_left(&pinned), left);
    EXPECT_U64(budget_view(core_of(), pinned.client).used, used);
    pinned_map(&pinned, at, 1, RW, MEM_MAP_PRIVATE, NULL);
    pinned_write(&pinned, at, 20);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    pinned_written(&pinned, number, 0, 11);
    EXPECT_U64(pinned_read(&pinned, at), 20);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(detained(), 1);
    EXPECT_U64(pinned_left(&pinned), left - 1);
    EXPECT_ERR(pinned_unpin(&pinned, again), ERR_OK);
    EXPECT_U64(detained(), 0);
    EXPECT_U64(pinned_left(&pinned), before);
    finish();
}

TAP_TEST(p16_dontneed_gives_the_page_a_new_frame)
{
    start();
    pinned_write(&pinned, at, 10);
    const uint64_t number = pinned_all(&pinned, at, 1, MEM_PIN_WRITE);
    const struct advise_request request = {
        .address = world_address(at), .length = PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};

    EXPECT_ERR(op_advise(core_of(), pinned.client, &request), ERR_OK);
    EXPECT_U64(pinned_read(&pinned, at), 0);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    finish();
}

TAP_TEST(p16_a_shrunk_object_leaves_pinned_frames_to_their_pins)
{
    start();
    struct object *memory = pinned_memory(&pinned, 3);

    pinned_map(&pinned, at + 8, 3, RW, MEM_MAP_SHARED, memory);
    pinned_write(&pinned, at + 9, 10);
    const uint64_t used = budget_view(core_of(), pinned.client).used;
    const uint64_t number = pinned_all(&pinned, at + 9, 1, MEM_PIN_WRITE);

    EXPECT_ERR(op_object_resize(core_of(), pinned.client, memory, MAP_RIGHT_WRITE, PAGE_SIZE),
               ERR_OK);
    world_audit(pinned.world);
    EXPECT_U64(detained(), 1);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    EXPECT_ERR(op_object_resize(core_of(), pinned.client, memory, MAP_RIGHT_WRITE, 3 * PAGE_SIZE),
               ERR_OK);
    EXPECT_U64(pinned_read(&pinned, at + 9), 0);
    pinned_write(&pinned, at + 9, 12);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(budget_view(core_of(), pinned.client).used, used);
    finish();
}

TAP_TEST(p16_an_object_that_goes_leaves_pinned_frames_to_their_pins)
{
    start();
    pinned_map(&pinned, at + 8, 2, RW, MEM_MAP_SHARED, NULL);
    pinned_write(&pinned, at + 8, 10);
    const uint64_t number = pinned_all(&pinned, at + 8, 2, MEM_PIN_WRITE);

    pinned_unmap(&pinned, at + 8, 2);
    EXPECT_U64(detained(), 2);
    EXPECT_U64(core_of()->head->objects.records, 0);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(detained(), 0);
    finish();
}

TAP_TEST(p16_remap_moves_the_page_with_frame_and_pin)
{
    start();
    pinned_write(&pinned, at, 10);
    const uint64_t number = pinned_all(&pinned, at, 1, MEM_PIN_WRITE);
    const uint64_t entry = entry_at(at);
    const struct remap_request request = {.address = world_address(at),
                                          .length_old = PAGE_SIZE,
                                          .length_new = PAGE_SIZE,
                                          .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                          .target = world_address(at + 600)};
    uaddr_t address;

    EXPECT_ERR(op_remap(core_of(), pinned.client, &request, &address), ERR_OK);
    EXPECT_U64(entry_at(at + 600), entry);
    EXPECT_U64(detained(), 0);
    pinned_written(&pinned, number, 0, 11);
    EXPECT_U64(pinned_read(&pinned, at + 600), 11);
    finish();
}

TAP_TEST(p16_the_end_of_a_client_leaves_his_pinned_frames_charged_to_who_lent)
{
    struct space_settings settings = world_settings();
    struct space *child = NULL;

    start();
    settings.maker = pinned.client->number;
    settings.frames_max = 100;
    EXPECT_ERR(space_make(core_of(), &settings, &child), ERR_OK);
    world_map(pinned.world, child, at, 2, RW);
    EXPECT_U64(world_write(pinned.world, child, at, 10), FAULT_READY);
    const uint64_t before = budget_view(core_of(), pinned.client).used;
    const struct pin_request request = {.owner = pinned.driver,
                                        .address = world_address(at),
                                        .pages = 2,
                                        .flags = MEM_PIN_GET | MEM_PIN_WRITE};

    EXPECT_ERR(op_pin(core_of(), child, &request, &answer), ERR_OK);
    const uint64_t number = answer.pin_opt->number;

    space_end(core_of(), child);
    world_audit(pinned.world);
    EXPECT_U64(detained(), 2);
    EXPECT_U64(budget_view(core_of(), pinned.client).used, before - 100 + 2);
    EXPECT_U64(pin_find(core_of(), number)->space, 0);
    EXPECT_U64(pinned_seen(&pinned, number, 0), 10);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    EXPECT_U64(budget_view(core_of(), pinned.client).used, before - 100);
    finish();
}

TAP_TEST(p17_pins_end_with_their_process)
{
    start();
    const uint64_t number = pinned_all(&pinned, at, 2, MEM_PIN_WRITE);

    space_end(core_of(), pinned.driver);
    world_audit(pinned.world);
    EXPECT(pin_find(core_of(), number) == NULL);
    EXPECT_U64(pool_record(core_of(), shadow_entry_frame(entry_at(at)))->pins, 0);
    EXPECT_U64(pinned.client->pinned_by, 0);
    pinned.driver = world_space(pinned.world);
    finish();
}

TAP_TEST(p17_frames_for_a_device_stay_in_quarantine_until_it_is_reset)
{
    start();
    pinned_write(&pinned, at, 10);
    const uint64_t number = pinned_device(&pinned, at, 2);
    const uint64_t other = pinned_all(&pinned, at + 1, 2, MEM_PIN_WRITE);
    const uint64_t again = pinned_device(&pinned, at + 1, 1);

    space_end(core_of(), pinned.driver);
    world_audit(pinned.world);
    pinned.driver = world_space(pinned.world);
    EXPECT_U64(core_of()->head->pins.quarantined, 2);
    EXPECT(pin_find(core_of(), other) == NULL);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_STALE);
    pinned_unmap(&pinned, at, 4);
    EXPECT_U64(detained(), 2);
    const uint64_t left = pinned_left(&pinned);

    pinned_written(&pinned, number, 0, 666);
    EXPECT_U64(pin_reset(core_of(), PINNED_DEVICE + 1), 0);
    EXPECT_U64(detained(), 2);
    EXPECT_U64(pinned_seen(&pinned, again, 0), pinned_seen(&pinned, number, 1));
    EXPECT_U64(pin_reset(core_of(), PINNED_DEVICE), 2);
    world_audit(pinned.world);
    EXPECT_U64(core_of()->head->pins.quarantined, 0);
    EXPECT_U64(detained(), 0);
    EXPECT(pinned_left(&pinned) >= left + 2);
    finish();
}

TAP_TEST(p17_memory_of_the_driver_himself_is_in_quarantine_too)
{
    start();
    world_map(pinned.world, pinned.driver, at, 1, RW);
    EXPECT_U64(world_write(pinned.world, pinned.driver, at, 5), FAULT_READY);
    const struct pin_request request = {.owner = pinned.driver,
                                        .address = world_address(at),
                                        .pages = 1,
                                        .flags = MEM_PIN_GET | MEM_PIN_LONGTERM | MEM_PIN_FRAMES,
                                        .device = PINNED_DEVICE};

    EXPECT_ERR(op_pin(core_of(), pinned.driver, &request, &answer), ERR_OK);
    space_end(core_of(), pinned.driver);
    world_audit(pinned.world);
    EXPECT_U64(detained(), 1);
    pinned.driver = world_space(pinned.world);
    EXPECT_U64(pin_reset(core_of(), PINNED_DEVICE), 1);
    EXPECT_U64(detained(), 0);
    finish();
}

TAP_TEST(p16_the_end_of_a_space_leaves_all_pins_of_its_pages)
{
    start();
    struct space *clone = pinned_clone(&pinned);
    uint64_t numbers[3];

    for (uint32_t i = 0; i < 3; i++) {
        const struct pin_request request = {.owner = pinned.driver,
                                            .address = world_address(at + i),
                                            .pages = 1,
                                            .flags = MEM_PIN_GET | MEM_PIN_WRITE};

        EXPECT_ERR(op_pin(core_of(), clone, &request, &answer), ERR_OK);
        numbers[i] = answer.pin_opt->number;
    }
    space_end(core_of(), clone);
    world_audit(pinned.world);
    EXPECT_U64(detained(), 3);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_ERR(pinned_unpin(&pinned, numbers[i]), ERR_OK);
    }
    EXPECT_U64(detained(), 0);
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p14_pinned_pages_count_against_the_lock_limit),
        TAP(p14_a_long_pin_leaves_a_page_in_its_frame),
        TAP(p14_locked_and_pinned_pages_share_the_limit),
        TAP(p14_a_page_counts_once_for_an_owner_however_often_he_pins_it),
        TAP(p14_each_owner_counts_a_page_for_himself),
        TAP(p14_a_frame_carries_only_so_many_pins),
        TAP(p14_records_of_pins_are_charged_to_who_pins),
        TAP(p15_a_clone_gets_a_copy_of_a_pinned_page_at_once),
        TAP(p15_a_clone_without_frames_for_the_copies_is_refused),
        TAP(p16_unmap_leaves_a_pinned_frame_to_its_pins_alone),
        TAP(p16_dontneed_gives_the_page_a_new_frame),
        TAP(p16_a_shrunk_object_leaves_pinned_frames_to_their_pins),
        TAP(p16_an_object_that_goes_leaves_pinned_frames_to_their_pins),
        TAP(p16_remap_moves_the_page_with_frame_and_pin),
        TAP(p16_the_end_of_a_client_leaves_his_pinned_frames_charged_to_who_lent),
        TAP(p17_pins_end_with_their_process),
        TAP(p17_frames_for_a_device_stay_in_quarantine_until_it_is_reset),
        TAP(p17_memory_of_the_driver_himself_is_in_quarantine_too),
        TAP(p16_the_end_of_a_space_leaves_all_pins_of_its_pages),
    };

    return TAP_RUN(argc, argv, tests);
}
