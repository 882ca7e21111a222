/* SPDX-License-Identifier: MIT */
/*
 * P7 and P14 where a pager saves what is pinned.
 */
#include <tap.h>

#include "pinner.h"

#include "server/core/paged.h"

#define GET MEM_PIN_GET

TAP_TEST(p14_shared_pages_that_are_saved_are_not_written_for_long)
{
    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_LONGTERM | MEM_PIN_WRITE));
    EXPECT_ERR(pinner_answer(0)->error, ERR_FAULT);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_LONGTERM));
    pinner_expect(0, 1, false);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_WRITE));
    pinner_expect(0, 1, false);
    stall_finish();
}

TAP_TEST(p7_what_is_pinned_stays_dirty_when_it_is_saved)
{
    struct pager_work work;

    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_WRITE));
    const uint64_t number = pinner_answer(0)->pin;
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_DIRTY);
    EXPECT(!pinner_ask(1, ASK_SYNC, AT, 8, 0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(pinner_answer(1)->is_there);
    EXPECT_ERR(pinner_answer(1)->error, ERR_OK);
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_DIRTY);
    EXPECT(pinner_ask(0, ASK_UNPIN, number, 0, 0));
    EXPECT(!pinner_ask(1, ASK_SYNC, AT, 8, 0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_CLEAN);
    stall_finish();
}

/* Page 0, pinned with WRITE, is given to the pager to be saved. Returns: the number of the pin. */
static uint64_t save_pinned(struct pager_work *work)
{
    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_WRITE));
    EXPECT(!pinner_ask(1, ASK_SYNC, AT, 8, 0));
    EXPECT_ERR(stall_next(work), ERR_OK);
    EXPECT_U64(work->kind, PAGER_WORK_SAVE);
    world_audit(stall.patient.world);
    return pinner_answer(0)->pin;
}

/* The pager has saved the page; what was written to it since it looked is saved after that. */
static void expect_saved_again(struct pager_work *work)
{
    EXPECT_ERR(stall_wrote(work, ERR_OK), ERR_OK);
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_DIRTY);
    EXPECT(!pinner_ask(1, ASK_SYNC, AT, 8, 0));
    EXPECT_ERR(stall_next(work), ERR_OK);
    EXPECT_ERR(stall_wrote(work, ERR_OK), ERR_OK);
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_CLEAN);
    stall_finish();
}

TAP_TEST(p7_what_is_unpinned_while_it_is_saved_is_saved_again)
{
    struct pager_work work;
    const uint64_t number = save_pinned(&work);

    EXPECT(pinner_ask(0, ASK_UNPIN, number, 0, 0));
    expect_saved_again(&work);
}

TAP_TEST(p7_unpin_dirty_while_it_is_saved_has_it_saved_again)
{
    struct pager_work work;
    const uint64_t number = save_pinned(&work);

    EXPECT(pinner_ask(0, ASK_UNPIN, number, MEM_UNPIN_DIRTY, 0));
    EXPECT_ERR(pinner_answer(0)->error, ERR_OK);
    expect_saved_again(&work);
}

TAP_TEST(p7_what_is_pinned_for_writing_while_it_is_saved_is_saved_again)
{
    struct pager_work work;

    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(stall_write(0, AT, 1));
    EXPECT(!pinner_ask(1, ASK_SYNC, AT, 8, 0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT(pinner_pin(0, AT, 1, GET | MEM_PIN_WRITE));
    EXPECT(pinner_ask(0, ASK_UNPIN, pinner_answer(0)->pin, MEM_UNPIN_DIRTY, 0));
    expect_saved_again(&work);
}

TAP_TEST(p7_a_pin_for_reading_makes_no_page_dirty)
{
    struct pager_work work;

    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(pinner_pin(0, AT, 1, GET));
    EXPECT(pinner_ask(0, ASK_UNPIN, pinner_answer(0)->pin, MEM_UNPIN_DIRTY, 0));
    EXPECT_U64(paged_word_state(paged_word(stall_core(), stall.object, 0)), PAGED_CLEAN);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p7_what_is_pinned_stays_dirty_when_it_is_saved),
        TAP(p7_what_is_unpinned_while_it_is_saved_is_saved_again),
        TAP(p7_unpin_dirty_while_it_is_saved_has_it_saved_again),
        TAP(p7_what_is_pinned_for_writing_while_it_is_saved_is_saved_again),
        TAP(p7_a_pin_for_reading_makes_no_page_dirty),
        TAP(p14_shared_pages_that_are_saved_are_not_written_for_long),
    };

    return TAP_RUN(argc, argv, tests);
}
