/* SPDX-License-Identifier: MIT */
/* Swap: what goes, what comes back, and what stays. */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "swapper.h"

#include "server/core/budget.h"
#include "server/core/paged.h"
#include "server/core/shadow.h"

TAP_TEST(more_pages_than_frames_hold_what_was_written_to_them)
{
    const uint32_t pages = 3 * SWAPPER_FRAMES;

    swapper_start(SWAPPER_FRAMES, SWAPPER_SLOTS, 16);
    swapper_map(0, pages);
    for (uint32_t page = 0; page < pages; page++) {
        swapper_write(page, swapper_word(page));
    }
    world_audit(swapper.patient.world);
    EXPECT_U64(swapper.client->own, pages);
    EXPECT(swapper.client->swapped > pages - SWAPPER_FRAMES);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t page = 0; page < pages; page++) {
            EXPECT_U64(swapper_read(page), swapper_word(page));
        }
        world_audit(swapper.patient.world);
    }
    for (uint32_t page = 0; page < pages; page += 3) {
        swapper_write(page, swapper_word(page) + 1);
    }
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page) + (page % 3 == 0 ? 1 : 0));
    }
    tap_note(
        "saved %llu, supplied %llu, swapped %llu, dropped %llu, sampled %llu, runs %llu",
        (unsigned long long)swapper.saved, (unsigned long long)swapper.supplied,
        (unsigned long long)swapper_counts().swapped, (unsigned long long)swapper_counts().dropped,
        (unsigned long long)swapper_counts().sampled, (unsigned long long)swapper_counts().runs);
    EXPECT(swapper_counts().swapped != 0 && swapper_counts().dropped != 0 &&
           swapper_counts().failed == 0);
    swapper_finish();
}

TAP_TEST(a_page_that_is_only_read_keeps_its_copy_and_is_not_saved_again)
{
    swapper_start_away(8);
    EXPECT_U64(swapper.saved, 8);
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t page = 0; page < 8; page++) {
            EXPECT_U64(swapper_read(page), swapper_word(page));
            EXPECT_U64(shadow_entry_state(swapper_entry(page)), SHADOW_SWAPPED);
        }
        world_audit(swapper.patient.world);
        swapper_squeeze();
        EXPECT(swapper_is_away(0) && swapper_is_away(7));
    }
    EXPECT_U64(swapper.saved, 8);
    EXPECT_U64(swapper_used(), 8);
    swapper_finish();
}

TAP_TEST(a_page_that_is_written_gives_its_slot_back)
{
    swapper_start_away(8);
    swapper_write(3, 77);
    EXPECT_U64(shadow_entry_state(swapper_entry(3)), SHADOW_OWN);
    EXPECT_U64(swapper_used(), 7);
    EXPECT_U64(swapper_read(3), 77);
    world_audit(swapper.patient.world);
    swapper_squeeze();
    EXPECT(swapper_is_away(3));
    EXPECT_U64(swapper.saved, 9);
    EXPECT_U64(swapper_read(3), 77);
    swapper_finish();
}

TAP_TEST(a_touch_before_the_frame_has_gone_finds_it_there)
{
    struct pager_work work;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, 4);
    for (uint32_t page = 0; page < 4; page++) {
        swapper_write(page, swapper_word(page));
    }
    swapper_core()->head->pool.low = MODEL_FRAMES;
    reclaim_serve(swapper_core());
    EXPECT_U64(swapper.client->swapped, 4);
    EXPECT_U64(swapper_read(0), swapper_word(0));
    swapper_write(1, 100);
    EXPECT_ERR(swapper_take(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    /* While it is being saved: reading leaves it there, writing takes it out. */
    EXPECT_U64(swapper_read(2), swapper_word(2));
    swapper_write(3, 300);
    EXPECT_U64(swapper.client->swapped, 2);
    world_audit(swapper.patient.world);
    /* The slot is not given out again before the pager is done with it. */
    EXPECT_U64(swapper_used(), 3);
    EXPECT_ERR(swapper_answer(&work), ERR_OK);
    EXPECT_U64(swapper_used(), 2);
    EXPECT_U64(swapper.supplied, 0);
    const uint64_t words[] = {swapper_word(0), 100, swapper_word(2), 300};
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT_U64(swapper_read(page), words[page]);
    }
    swapper_finish();
}

TAP_TEST(what_a_range_had_in_swap_is_free_when_it_goes)
{
    struct core *core;

    swapper_start_away(32);
    core = swapper_core();
    EXPECT_ERR(op_unmap(core, swapper.client, world_address(SWAPPER_AT), 8 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(swapper_used(), 24);
    EXPECT_ERR(op_advise(core, swapper.client,
                         &(struct advise_request){.address = world_address(SWAPPER_AT + 8),
                                                  .length = 8 * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_DONTNEED}),
               ERR_OK);
    EXPECT_U64(swapper_used(), 16);
    EXPECT_U64(swapper_read(8), 0);
    world_map(swapper.patient.world, swapper.client, SWAPPER_AT + 16, 8,
              MEM_PROT_READ | MEM_PROT_WRITE);
    EXPECT_U64(swapper_used(), 8);
    EXPECT_U64(swapper.client->swapped, 8);
    world_audit(swapper.patient.world);
    space_end(core, swapper.client);
    EXPECT_U64(swapper_used(), 0);
    swapper_finish();
}

TAP_TEST(a_page_that_is_moved_takes_its_slot_along)
{
    swapper_start_away(8);
    EXPECT_U64(swapper_read(0), swapper_word(0)); /* mapped, in memory */
    swapper_move();
    world_audit(swapper.patient.world);
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT_U64(swapper_read(64 + page), swapper_word(page));
        swapper_write(64 + page, page);
        EXPECT_U64(swapper_read(64 + page), page);
    }
    swapper_finish();
}

TAP_TEST(a_page_that_is_moved_from_swap_comes_back_when_it_is_touched)
{
    swapper_start_away(8);
    swapper_move();
    core_done(swapper_core());
    /* The request waits for none of them, and leaves nothing behind for the next one. */
    EXPECT_U64(swapper_core()->need.kind, NEED_NOTHING);
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT_U64(swapper_read(64 + page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(protection_that_changes_leaves_swapped_pages_what_they_are)
{
    swapper_start_away(4);
    EXPECT_U64(swapper_read(1), swapper_word(1));
    EXPECT_ERR(op_protect(swapper_core(), swapper.client,
                          &(struct protect_request){.address = world_address(SWAPPER_AT),
                                                    .length = 4 * PAGE_SIZE,
                                                    .prot = MEM_PROT_READ}),
               ERR_OK);
    world_audit(swapper.patient.world);
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    const struct patient_answer *answer = swapper_ask(
        swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT, MEM_PROT_WRITE, 1});
    EXPECT_U64(answer->outcome, FAULT_DENIED);
    swapper_finish();
}

TAP_TEST(clones_share_a_slot_until_one_writes)
{
    struct space *clone = NULL;
    uint64_t word = 0;

    swapper_start_away(8);
    EXPECT_ERR(
        op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
    EXPECT_U64(clone->swapped, 8);
    EXPECT_U64(swapper_used(), 8);
    struct thread *thread = patient_thread(&swapper.patient, clone);
    world_audit(swapper.patient.world);
    swapper_write(0, 500);
    EXPECT_U64(
        swapper_ask(thread, (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT, MEM_PROT_READ})->value,
        swapper_word(0));
    EXPECT_ERR(
        swapper_ask(thread, (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + 1, MEM_PROT_WRITE, 600})
            ->error,
        ERR_OK);
    EXPECT_U64(swapper_read(1), swapper_word(1));
    EXPECT_U64(swapper_used(), 8);
    world_audit(swapper.patient.world);
    /* Both have it mapped; it goes from both. */
    EXPECT_U64(swapper_read(2), swapper_word(2));
    EXPECT_U64(swapper_ask(thread, (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + 2, MEM_PROT_READ})
                   ->value,
               swapper_word(2));
    swapper_squeeze();
    EXPECT(swapper_is_away(2));
    EXPECT_U64(world_read(swapper.patient.world, clone, SWAPPER_AT + 2, &word), FAULT_WAIT);
    swapper_core()->need = (struct need){0};
    space_end(swapper_core(), clone);
    for (uint32_t page = 0; page < 8; page++) {
        EXPECT_U64(swapper_read(page), page == 0 ? 500 : swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(pages_that_clones_share_go_together_and_come_back_apart)
{
    struct space *clone = NULL;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, 8);
    for (uint32_t page = 0; page < 8; page++) {
        swapper_write(page, swapper_word(page));
    }
    EXPECT_ERR(
        op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
    struct thread *thread = patient_thread(&swapper.patient, clone);
    swapper_squeeze();
    EXPECT(swapper_is_away(0) && swapper_is_away(7));
    EXPECT_U64(clone->swapped, 8);
    EXPECT_U64(clone->shared, 0);
    EXPECT_U64(swapper.saved, 8);
    world_audit(swapper.patient.world);
    for (uint32_t page = 0; page < 8; page++) {
        swapper_write(page, 1000 + page);
    }
    for (uint32_t page = 0; page < 8; page++) {
        EXPECT_U64(
            swapper_ask(thread, (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + page, MEM_PROT_READ})
                ->value,
            swapper_word(page));
        EXPECT_U64(swapper_read(page), 1000 + page);
    }
    swapper_finish();
}

TAP_TEST(pages_of_shared_memory_go_and_come_back_by_touch_and_by_copy)
{
    swapper_start(SWAPPER_FRAMES, 256, 8);
    struct object *object = swapper_map_memory(16);
    for (uint32_t page = 0; page < 16; page++) {
        swapper_write(page, swapper_word(page));
    }
    swapper_map(32, 1);
    swapper_squeeze();
    EXPECT_U64(object->swapped, 16);
    EXPECT_U64(swapper.client->wired, 0);
    world_audit(swapper.patient.world);
    EXPECT_U64(swapper_read(0), swapper_word(0));
    swapper_write(1, 11);
    const struct patient_answer *answer =
        swapper_ask(swapper.threads[0],
                    (uint64_t[WAIT_WORDS]){ASK_READ_OBJECT, SWAPPER_AT + 32, object->number, 2, 1});
    EXPECT_ERR(answer->error, ERR_OK);
    EXPECT_U64(swapper_read(32), swapper_word(2));
    for (uint32_t page = 0; page < 16; page++) {
        EXPECT_U64(swapper_read(page), page == 1 ? 11 : swapper_word(page));
    }
    EXPECT_U64(object->swapped, 0);
    swapper_squeeze();
    EXPECT_ERR(
        op_object_resize(swapper_core(), swapper.client, object, MAP_RIGHT_WRITE, 4 * PAGE_SIZE),
        ERR_OK);
    EXPECT_U64(object->swapped, 4);
    EXPECT_U64(swapper_used(), 5);
    swapper_finish();
}

TAP_TEST(locked_and_pinned_pages_and_those_of_pagers_stay)
{
    struct pin_answer pinned;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, 24);
    for (uint32_t page = 0; page < 24; page++) {
        swapper_write(page, swapper_word(page));
    }
    EXPECT_ERR(
        swapper_ask(swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_LOCK, SWAPPER_AT, 8})->error,
        ERR_OK);
    const struct pin_request pin = {.owner = swapper.client,
                                    .address = world_address(SWAPPER_AT + 8),
                                    .pages = 8,
                                    .flags = MEM_PIN_GET};
    EXPECT_ERR(op_pin(swapper_core(), swapper.client, &pin, &pinned), ERR_OK);
    EXPECT_U64(pinned.pages, 8);
    swapper_squeeze();
    for (uint32_t page = 0; page < 24; page++) {
        EXPECT_U64(shadow_entry_state(swapper_entry(page)),
                   page < 16 ? SHADOW_OWN : SHADOW_SWAPPED);
    }
    EXPECT_U64(swapper.server->swapped, 0);
    EXPECT_ERR(op_unpin(swapper_core(), swapper.client, pinned.pin_opt->number, 0), ERR_OK);
    swapper_squeeze();
    EXPECT_U64(swapper.client->swapped, 16);
    swapper_finish();
}

TAP_TEST(locking_and_pinning_bring_pages_back_first)
{
    struct pin_answer pinned;

    swapper_start_away(16);
    EXPECT_ERR(
        swapper_ask(swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_LOCK, SWAPPER_AT, 8})->error,
        ERR_OK);
    swapper_squeeze();
    for (uint32_t page = 0; page < 8; page++) {
        EXPECT_U64(shadow_entry_state(swapper_entry(page)), SHADOW_OWN);
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    const struct pin_request pin = {.owner = swapper.client,
                                    .address = world_address(SWAPPER_AT + 8),
                                    .pages = 8,
                                    .flags = MEM_PIN_GET};
    enum err error;
    for (unsigned i = 0; i < 20; i++) {
        error = op_pin(swapper_core(), swapper.client, &pin, &pinned);
        if (error != ERR_WAIT) {
            break;
        }
        EXPECT_ERR(
            wait_begin(swapper_core(), swapper.client, swapper.threads[1],
                       &(struct wait_request){.words = {ASK_TOUCH, SWAPPER_AT + 8, MEM_PROT_READ}}),
            ERR_OK);
        swapper.patient.answers[swapper.threads[1]->number].is_there = false;
        swapper_serve();
    }
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(pinned.pages, 8);
    swapper_squeeze();
    for (uint32_t page = 8; page < 16; page++) {
        EXPECT_U64(shadow_entry_state(swapper_entry(page)), SHADOW_OWN);
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(incore_and_query_know_what_is_swapped)
{
    uint8_t pages[8];
    uint32_t count = 0;
    struct query_region region;

    swapper_start_away(8);
    EXPECT_U64(swapper_read(2), swapper_word(2)); /* and what is asked for ahead */
    EXPECT_ERR(op_incore(swapper_core(), swapper.client, world_address(SWAPPER_AT), 8 * PAGE_SIZE,
                         8, pages, &count),
               ERR_OK);
    EXPECT_U64(count, 8);
    EXPECT_U64(pages[0], 0);
    EXPECT_U64(pages[2], 1);
    EXPECT_U64(op_query(swapper_core(), swapper.client, world_address(SWAPPER_AT), 1, &region), 1);
    EXPECT_U64(region.own, 0);
    EXPECT_U64(region.swapped, 8);
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(more_pages_than_frames_hold_what_was_written_to_them),
        TAP(a_page_that_is_only_read_keeps_its_copy_and_is_not_saved_again),
        TAP(a_page_that_is_written_gives_its_slot_back),
        TAP(a_touch_before_the_frame_has_gone_finds_it_there),
        TAP(what_a_range_had_in_swap_is_free_when_it_goes),
        TAP(a_page_that_is_moved_takes_its_slot_along),
        TAP(a_page_that_is_moved_from_swap_comes_back_when_it_is_touched),
        TAP(protection_that_changes_leaves_swapped_pages_what_they_are),
        TAP(clones_share_a_slot_until_one_writes),
        TAP(pages_that_clones_share_go_together_and_come_back_apart),
        TAP(pages_of_shared_memory_go_and_come_back_by_touch_and_by_copy),
        TAP(locked_and_pinned_pages_and_those_of_pagers_stay),
        TAP(locking_and_pinning_bring_pages_back_first),
        TAP(incore_and_query_know_what_is_swapped),
    };

    return TAP_RUN(argc, argv, tests);
}
