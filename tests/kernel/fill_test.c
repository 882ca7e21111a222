/* SPDX-License-Identifier: MIT */
/*
 * What happens to pages that another hart is filling: they look as if they had been in place from
 * the beginning, but nobody can reach them before they are filled (mm/fill.h).
 *
 * Frames: 0 the root, 1 the level-1 table, 2 the level-0 table, from 16 on what is mapped.
 */
#include <abi/fault.h>

#include "mm/aspace.h"
#include "mm/fill.h"
#include "model.h"
#include "tap.h"

#define F(n)  (MODEL_FIRST + (n))
#define DATA  16u
#define PAGE  UINT64_C(0x400)
#define RW    (MAP_READ | MAP_WRITE)
#define ENTRY model_entry

static struct aspace ready_space(void)
{
    struct aspace aspace;

    model_start(MODEL_PAGES);
    model_space(&aspace, 0, false);
    ASSERT(model_map(&aspace, MAP_TABLE, PAGE, 1, F(1), 1, 0) == ERR_OK);
    ASSERT(model_map(&aspace, MAP_TABLE, PAGE, 1, F(2), 0, 0) == ERR_OK);
    model_settles = 0;
    return aspace;
}

/* Let the other hart carry out entries up to the point where it gives the lock back. */
static void other_begins(struct aspace *aspace, const struct map_entry *entries, uint64_t count)
{
    struct map_progress progress = {0, 0};
    struct hart *self = model_hart;

    model_hart = &model_other;
    EXPECT_ERR(aspace_apply(aspace, entries, count, &progress), ERR_INTR);
    EXPECT(fill_is_open());
    model_hart = self;
}

/* The other hart comes to its end without having been waited for. */
static void other_ends(void)
{
    struct hart *self = model_hart;

    model_hart = &model_other;
    fill_finish();
    model_hart = self;
}

static void other_zeroes(struct aspace *aspace)
{
    const struct map_entry entry = ENTRY(MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0);

    other_begins(aspace, &entry, 1);
}

static pte_t leaf_of(const struct aspace *aspace, uint64_t page)
{
    unsigned level;
    return model_leaf(aspace, page, &level);
}

TAP_TEST(a_page_cannot_be_reached_before_it_is_filled)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    EXPECT(!aspace_allows(&aspace, (uaddr_t){PAGE << 12}, FAULT_READ));
    EXPECT_U64(model_word(DATA), FRAME_BUSY + FRAME_ONE);
    other_ends();
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER + FRAME_ONE);
    EXPECT(model_is_painted(DATA, 0));
    EXPECT_U64(model_settles, 0);
}

TAP_TEST(a_page_that_is_removed_meanwhile_does_not_come_back)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, PAGE, 1, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_BUSY);
    EXPECT_U64(model_settles, 0);
    other_ends();
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT(model_is_painted(DATA, 0));
}

TAP_TEST(a_page_that_is_restricted_meanwhile_has_no_more_rights_afterwards)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, PAGE, 1, 0, MAP_READ, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    other_ends();
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | 0x53);
}

TAP_TEST(a_page_that_is_replaced_meanwhile_stays_replaced)
{
    struct aspace aspace = ready_space();

    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 1, 1, F(DATA + 1), RW, 0), ERR_OK);
    other_zeroes(&aspace);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA + 1), MAP_READ, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_BUSY);
    other_ends();
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA + 1) << 10 | 0x53);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_U64(model_word(DATA + 1), FRAME_USER + 2 * FRAME_ONE);
}

TAP_TEST(a_frame_that_is_wanted_elsewhere_is_waited_for)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 1, 1, F(DATA), MAP_READ, 0), ERR_OK);
    EXPECT_U64(model_settles, 1);
    EXPECT(model_is_painted(DATA, 0));
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER + 2 * FRAME_ONE);
}

TAP_TEST(a_frame_whose_page_was_removed_can_be_donated_at_once)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT(!frame_is_unused(model_frame(DATA)));
    EXPECT_U64(model_settles, 1);

    other_begins(
        &aspace,
        &(struct map_entry){map_where(PAGE + 1, 1), map_what(MAP_INSTALL_ZERO, F(DATA + 1), RW, 0)},
        1);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, PAGE + 1, 1, 0, 0, 0), ERR_OK);
    EXPECT(frame_is_unused(model_frame(DATA + 1)));
    EXPECT_U64(model_settles, 2);
}

TAP_TEST(a_table_goes_only_when_nobody_fills_pages_in_it)
{
    struct aspace aspace = ready_space();

    other_zeroes(&aspace);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
    EXPECT(model_settles > 0);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_U64(model_word(2), FRAME_FREE);
}

TAP_TEST(what_is_copied_cannot_be_made_writable_before)
{
    struct aspace aspace = ready_space();
    const struct map_entry entries[] = {
        ENTRY(MAP_INSTALL_COPY, PAGE, 1, F(DATA + 1), RW, 0),
        {0, map_what(MAP_COPY_SOURCE, F(DATA), 0, 0)},
    };

    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), MAP_READ, 0), ERR_OK);
    model_paint(DATA, 0x77);
    other_begins(&aspace, entries, 2);
    EXPECT_U64(model_word(DATA), FRAME_BUSY); /* its leaf has been replaced */
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 1, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(model_settles, 1);
    EXPECT(model_is_painted(DATA + 1, 0x77));
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA + 1) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER + FRAME_ONE);
}

TAP_TEST(pages_of_a_vector_are_filled_together)
{
    struct aspace aspace = ready_space();
    struct map_entry entries[FILL_MAX + 2];
    struct map_progress progress = {0, 0};

    for (uint64_t i = 0; i < FILL_MAX + 2; i++) {
        entries[i] = ENTRY(MAP_INSTALL_ZERO, PAGE + i, 1, F(DATA + i), RW, 0);
    }
    entries[0].what = map_what(MAP_INSTALL_ZERO, F(DATA), MAP_READ, 0);
    EXPECT_ERR(aspace_apply(&aspace, entries, FILL_MAX + 2, &progress), ERR_INTR);
    EXPECT_U64(progress.entries, FILL_MAX);
    fill_finish();
    EXPECT_ERR(aspace_apply(&aspace, entries, FILL_MAX + 2, &progress), ERR_INTR);
    EXPECT_U64(progress.entries, FILL_MAX + 2);
    fill_finish();
    EXPECT_ERR(aspace_apply(&aspace, entries, FILL_MAX + 2, &progress), ERR_OK);
    for (uint64_t i = 0; i < FILL_MAX + 2; i++) {
        EXPECT_U64(leaf_of(&aspace, PAGE + i), F(DATA + i) << 10 | (i == 0 ? 0x53u : 0xd7u));
        EXPECT(model_is_painted(DATA + i, 0));
    }
}

TAP_TEST(a_frame_of_the_same_vector_is_filled_before_it_is_used_again)
{
    struct aspace aspace = ready_space();
    const struct map_entry entries[] = {
        ENTRY(MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0),
        ENTRY(MAP_INSTALL, PAGE + 1, 1, F(DATA), MAP_READ, 0),
    };
    uint64_t done;

    EXPECT_ERR(model_apply(&aspace, entries, 2, &done), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_USER + 2 * FRAME_ONE);
    EXPECT_U64(model_settles, 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_page_cannot_be_reached_before_it_is_filled),
        TAP(a_page_that_is_removed_meanwhile_does_not_come_back),
        TAP(a_page_that_is_restricted_meanwhile_has_no_more_rights_afterwards),
        TAP(a_page_that_is_replaced_meanwhile_stays_replaced),
        TAP(a_frame_that_is_wanted_elsewhere_is_waited_for),
        TAP(a_frame_whose_page_was_removed_can_be_donated_at_once),
        TAP(a_table_goes_only_when_nobody_fills_pages_in_it),
        TAP(what_is_copied_cannot_be_made_writable_before),
        TAP(pages_of_a_vector_are_filled_together),
        TAP(a_frame_of_the_same_vector_is_filled_before_it_is_used_again),
    };
    return TAP_RUN(argc, argv, tests);
}
