/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(PAGEOUT) of private pages and shared memory, with a swap area and without; and how it goes
 * on in turns.
 */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "pageout.h"
#include "swapper.h"

#include "server/core/shadow.h"
#include "server/core/work.h"
#include "server/core/writeback.h"

#define PAGES 8u
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)

static struct pager_work work;

static enum err out_of_client(uint32_t page, uint32_t pages)
{
    return pageout_run(swapper.patient.world, swapper.client, SWAPPER_AT + page, pages);
}

static void start_swap(uint32_t pages)
{
    swapper_start(4 * SWAPPER_FRAMES, SWAPPER_SLOTS, 8);
    swapper_map(0, pages);
    for (uint32_t page = 0; page < pages; page++) {
        swapper_write(page, swapper_word(page));
    }
}

/* Write-back and the pager go on until nothing is left to do. */
static void let_go_on(void)
{
    for (unsigned i = 0; i < 40; i++) {
        patient_pass(&swapper.patient, 1);
        swapper_serve();
    }
    world_audit(swapper.patient.world);
}

TAP_TEST(private_pages_go_to_the_swap_area_and_their_frames_when_they_are_saved)
{
    start_swap(PAGES);
    const uint64_t frames = pool_free(swapper_core());

    EXPECT_ERR(out_of_client(1, 4), ERR_OK);
    EXPECT_U64(swapper.client->swapped, 4);
    EXPECT_U64(swapper.client->own, PAGES);
    EXPECT_U64(swapper.saved, 0);
    let_go_on();
    EXPECT_U64(swapper.saved, 4);
    EXPECT(swapper_is_away(1) && swapper_is_away(4));
    EXPECT_U64(shadow_entry_state(swapper_entry(0)), SHADOW_OWN);
    EXPECT_U64(shadow_entry_state(swapper_entry(5)), SHADOW_OWN);
    EXPECT(pool_free(swapper_core()) + 2 >= frames + 4); /* less what holds the slots */
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(a_page_with_its_copy_in_the_area_goes_at_once)
{
    swapper_start_away(PAGES);
    const uint64_t saved = swapper.saved;

    EXPECT_U64(swapper_read(3), swapper_word(3));
    EXPECT(!swapper_is_away(3));
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT(swapper_is_away(3));
    let_go_on();
    EXPECT_U64(swapper.saved, saved);
    EXPECT_U64(swapper_read(3), swapper_word(3));
    swapper_finish();
}

TAP_TEST(a_touch_before_the_frame_has_gone_has_it_stay)
{
    start_swap(PAGES);
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(swapper_read(2), swapper_word(2));
    swapper_write(3, 333);
    let_go_on();
    EXPECT(!swapper_is_away(2));
    EXPECT_U64(shadow_entry_state(swapper_entry(3)), SHADOW_OWN);
    EXPECT(swapper_is_away(1) && swapper_is_away(4));
    EXPECT_U64(swapper_read(3), 333);
    swapper_finish();
}

TAP_TEST(without_an_area_private_pages_stay_as_they_are)
{
    swapper_prepare(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, PAGES);
    for (uint32_t page = 0; page < PAGES; page++) {
        swapper_write(page, swapper_word(page));
    }
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(swapper.client->swapped, 0);
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(shadow_entry_state(swapper_entry(page)), SHADOW_OWN);
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(pages_that_a_clone_has_too_stay_until_it_has_ended)
{
    struct space *clone = NULL;

    start_swap(PAGES);
    EXPECT_ERR(
        op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
    swapper_write(5, 555);
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(swapper.client->swapped, 1);
    EXPECT_U64(shadow_entry_state(swapper_entry(5)), SHADOW_SWAPPED);
    EXPECT_U64(shadow_entry_state(swapper_entry(0)), SHADOW_SHARED);
    space_end(swapper_core(), clone);
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(swapper.client->swapped, PAGES);
    let_go_on();
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT(swapper_is_away(page));
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(swapper_read(page), page == 5 ? 555 : swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(a_pinned_page_stays_and_one_of_who_makes_memory_too)
{
    struct pin_answer answer;

    start_swap(PAGES);
    const struct pin_request pin = {.owner = swapper.client,
                                    .address = world_address(SWAPPER_AT + 2),
                                    .pages = 1,
                                    .flags = MEM_PIN_GET};

    EXPECT_ERR(op_pin(swapper_core(), swapper.client, &pin, &answer), ERR_OK);
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(swapper.client->swapped, PAGES - 1);
    EXPECT_U64(shadow_entry_state(swapper_entry(2)), SHADOW_OWN);
    EXPECT_ERR(op_unlock_all(swapper_core(), swapper.server), ERR_OK);
    EXPECT_ERR(pageout_run(swapper.patient.world, swapper.server, SWAPPER_FROM, 8), ERR_OK);
    EXPECT_U64(swapper.server->swapped, 0);
    swapper_finish();
}

TAP_TEST(many_pages_are_saved_a_few_at_a_time_until_none_is_left)
{
    const uint32_t pages = 300;
    uint32_t taken = 0;

    start_swap(pages);
    EXPECT_ERR(out_of_client(0, pages), ERR_OK);
    EXPECT_U64(swapper.client->swapped, pages);
    patient_pass(&swapper.patient, 0);
    while (swapper_take(&work) == ERR_OK) {
        taken++;
    }
    EXPECT_U64(taken, WRITEBACK_PULLS / 2);
    EXPECT_ERR(swapper_answer(&work), ERR_OK);
    patient_pass(&swapper.patient, 0); /* one has ended: the next begins */
    EXPECT_ERR(swapper_take(&work), ERR_OK);
    EXPECT_ERR(swapper_take(&work), ERR_WOULD_BLOCK);
    patient_pass(&swapper.patient, SWAPPER_PATIENCE); /* what was taken and not answered ends */
    EXPECT_ERR(out_of_client(0, pages), ERR_OK);
    let_go_on();
    swapper_squeeze(); /* what could not be saved is left to reclaim */
    let_go_on();
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT(swapper_is_away(page));
    }
    swapper_finish();
}

TAP_TEST(all_of_many_pages_are_away_in_the_end)
{
    const uint32_t pages = 300;

    start_swap(pages);
    EXPECT_ERR(out_of_client(0, pages), ERR_OK);
    let_go_on();
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT(swapper_is_away(page));
    }
    EXPECT_U64(swapper.saved, pages);
    swapper_finish();
}

TAP_TEST(a_message_is_about_few_pages_and_the_rest_is_for_the_next_one)
{
    const uint32_t pages = 100;
    uint32_t page = 0;
    unsigned turns = 0;

    start_swap(pages);
    swapper_core()->has_turns = true;
    while (page < pages) {
        const uint64_t swapped = swapper.client->swapped;

        swapper_core()->left = WORK_FILLED;
        const enum err error = out_of_client(page, pages - page);

        EXPECT(swapper.client->swapped - swapped <= 40);
        if (error == ERR_OK) {
            break;
        }
        ASSERT(error == ERR_WAIT && swapper_core()->need.kind == NEED_TURN);
        page = (uint32_t)swapper_core()->need.progress - SWAPPER_AT;
        swapper_core()->need = (struct need){0};
        turns++;
    }
    swapper_core()->has_turns = false;
    EXPECT_U64(swapper.client->swapped, pages);
    EXPECT(turns >= 2 && turns <= 5);
    swapper_finish();
}

/* What a turn passed it takes along to the next. */
TAP_TEST(behind_a_hole_the_linux_form_comes_to_an_end_and_says_so)
{
    const uint32_t pages = 200;
    struct advise_request request = pageout_request(SWAPPER_AT, pages);
    enum err error;
    unsigned turns = 0;

    start_swap(pages);
    EXPECT_ERR(op_unmap(swapper_core(), swapper.client, world_address(SWAPPER_AT + 4), PAGE_SIZE),
               ERR_OK);
    request.is_linux = true;
    swapper_core()->has_turns = true;
    do {
        swapper_core()->left = WORK_FILLED;
        error = op_pageout(swapper_core(), swapper.client, &request);
        if (error == ERR_WAIT) {
            const uint32_t page = (uint32_t)swapper_core()->need.progress;

            request.length -= (uint64_t)(page * PAGE_SIZE) - uaddr_to_bytes(request.address);
            request.address = world_address(page);
            request.has_hole = swapper_core()->need.has_hole;
            swapper_core()->need = (struct need){0};
        }
    } while (error == ERR_WAIT && ++turns < 20);
    swapper_core()->has_turns = false;
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_U64(swapper.client->swapped, pages - 1);
    swapper_finish();
}

TAP_TEST(shared_memory_goes_to_the_area_if_nobody_else_maps_it)
{
    const struct object_request object_request = {.bytes = PAGES * PAGE_SIZE};
    struct object *memory = NULL;

    swapper_start(4 * SWAPPER_FRAMES, 256, 8);
    ASSERT(op_object_make(swapper_core(), swapper.client, &object_request, &memory) == ERR_OK);
    ASSERT(patient_ask(&swapper.patient, swapper.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, SWAPPER_AT, PAGES, RW, MEM_MAP_SHARED,
                                              memory->number, 0}));
    ASSERT(patient_ask(&swapper.patient, swapper.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, SWAPPER_AT + PAGES, 2, RW,
                                              MEM_MAP_SHARED, memory->number, 0}));
    for (uint32_t page = 0; page < PAGES; page++) {
        swapper_write(page, swapper_word(page));
    }
    EXPECT_U64(swapper_read(PAGES), swapper_word(0));
    EXPECT_ERR(out_of_client(0, PAGES), ERR_OK);
    EXPECT_U64(memory->swapped, PAGES - 1);
    EXPECT_U64(swapper.client->wired, 1);
    let_go_on();
    EXPECT_U64(swapper.saved, PAGES - 1);
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(a_large_leaf_is_split_and_goes_if_there_is_an_area)
{
    const uint32_t block = 0x10000;

    swapper_start(WORLD_FRAMES, SWAPPER_SLOTS, 64);
    world_map(swapper.patient.world, swapper.client, block, 512, RW);
    EXPECT_ERR(op_advise(swapper_core(), swapper.client,
                         &(struct advise_request){.address = world_address(block),
                                                  .length = 512 * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_HUGEPAGE}),
               ERR_OK);
    EXPECT_U64(world_write(swapper.patient.world, swapper.client, block + 7, 77), FAULT_READY);
    REQUIRE(EXPECT_U64(swapper.client->larges, 1));
    EXPECT_ERR(pageout_run(swapper.patient.world, swapper.client, block, 16), ERR_OK);
    EXPECT_U64(swapper.client->larges, 0);
    EXPECT_U64(swapper.client->swapped, 16);
    EXPECT_U64(swapper.client->own, 512);
    let_go_on();
    EXPECT_U64(swapper_read(block + 7 - SWAPPER_AT), 77);
    swapper_finish();
}

TAP_TEST(a_batch_takes_it_and_leaves_pages_as_they_are)
{
    struct batch_op ops[] = {
        {.sort = BATCH_ADVISE, .advise = pageout_request(SWAPPER_AT, PAGES)},
    };
    uint32_t refused;

    start_swap(PAGES);
    EXPECT_ERR(op_batch(swapper_core(), swapper.client, ops, 1, &refused), ERR_OK);
    EXPECT_U64(swapper.client->swapped, 0);
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(private_pages_go_to_the_swap_area_and_their_frames_when_they_are_saved),
        TAP(a_page_with_its_copy_in_the_area_goes_at_once),
        TAP(a_touch_before_the_frame_has_gone_has_it_stay),
        TAP(without_an_area_private_pages_stay_as_they_are),
        TAP(pages_that_a_clone_has_too_stay_until_it_has_ended),
        TAP(a_pinned_page_stays_and_one_of_who_makes_memory_too),
        TAP(many_pages_are_saved_a_few_at_a_time_until_none_is_left),
        TAP(all_of_many_pages_are_away_in_the_end),
        TAP(a_message_is_about_few_pages_and_the_rest_is_for_the_next_one),
        TAP(behind_a_hole_the_linux_form_comes_to_an_end_and_says_so),
        TAP(shared_memory_goes_to_the_area_if_nobody_else_maps_it),
        TAP(a_large_leaf_is_split_and_goes_if_there_is_an_area),
        TAP(a_batch_takes_it_and_leaves_pages_as_they_are),
    };

    return TAP_RUN(argc, argv, tests);
}
