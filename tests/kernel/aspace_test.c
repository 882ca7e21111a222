/* SPDX-License-Identifier: MIT */
/*
 * Leaves, by vectors of map entries, one case at a time. Tables are in aspace_table_test.c. Random
 * sequences are in aspace_random_test.c.
 *
 * Frames: 0 the root, 1 the level-1 table, 2.. level-0 tables, from 16 on what is mapped.
 */
#include <abi/fault.h>
#include <abi/layout.h>

#include "mm/aspace.h"
#include "mm/device.h"
#include "mm/fill.h"
#include "model.h"
#include "tap.h"

#define F(n)  (MODEL_FIRST + (n))
#define DATA  16u
#define PAGE  UINT64_C(0x400) /* first page under the level-0 table that ready_space() makes */
#define LEAF  UINT64_C(0x51)  /* V, U, A */
#define RW    (MAP_READ | MAP_WRITE)
#define RWX   (MAP_READ | MAP_WRITE | MAP_EXEC)
#define ENTRY model_entry

/* A space with tables for 2 MiB from PAGE on. */
static struct aspace ready_space(bool is_server)
{
    struct aspace aspace;
    model_start(MODEL_PAGES);
    model_space(&aspace, 0, is_server);
    ASSERT(model_map(&aspace, MAP_TABLE, PAGE, 1, F(1), 1, 0) == ERR_OK);
    ASSERT(model_map(&aspace, MAP_TABLE, PAGE, 1, F(2), 0, 0) == ERR_OK);
    return aspace;
}

static pte_t leaf_of(const struct aspace *aspace, uint64_t page)
{
    unsigned level;
    return model_leaf(aspace, page, &level);
}

TAP_TEST(a_zeroed_page_is_zero_user_memory_and_counted_once)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 3, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE + 3), F(DATA) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER + FRAME_ONE);
    EXPECT(model_is_painted(DATA, 0));
}

TAP_TEST(leaves_have_accessed_and_writable_ones_read_and_dirty)
{
    static const uint64_t flags[8] = {0, 0x53, 0xd7, 0xd7, 0x59, 0x5b, 0xdf, 0xdf};
    struct aspace aspace = ready_space(false);
    for (uint64_t prot = 1; prot < 8; prot++) {
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + prot, 1, F(DATA + prot), prot, 0),
                   ERR_OK);
        EXPECT_U64(leaf_of(&aspace, PAGE + prot), F(DATA + prot) << 10 | flags[prot]);
    }
}

TAP_TEST(executable_pages_flush_instruction_fetch)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(model_fetch_flushes, 0);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 1, 1, F(DATA), MAP_EXEC, 0), ERR_OK);
    EXPECT_U64(model_fetch_flushes, 1);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 1, 2, F(DATA), MAP_EXEC, 0), ERR_FRAME_KIND);
    EXPECT_U64(model_fetch_flushes, 2);
}

TAP_TEST(a_mapped_frame_is_not_zeroed_under_its_users)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    model_paint(DATA, 7);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 1, 1, F(DATA), RW, 0), ERR_FRAME_KIND);
    EXPECT_U64(leaf_of(&aspace, PAGE + 1), 0);
    EXPECT(model_is_painted(DATA, 7));
}

TAP_TEST(what_is_no_user_memory_is_never_installed_as_it_is)
{
    static const enum frame_kind kinds[] = {FRAME_FREE,  FRAME_SERVER, FRAME_MESSAGE,
                                            FRAME_TABLE, FRAME_OBJECT, FRAME_KERNEL};
    struct aspace aspace = ready_space(false);
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        model_fill(DATA, 1, kinds[i]);
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA), MAP_READ, 0), ERR_FRAME_KIND);
        EXPECT_U64(model_word(DATA), kinds[i]);
        EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    }
    for (unsigned i = 1; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        model_fill(DATA, 1, kinds[i]);
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), MAP_READ, 0),
                   ERR_FRAME_KIND);
    }
}

TAP_TEST(frames_outside_of_ram_are_refused)
{
    static const uint64_t frames[] = {0, MODEL_FIRST - 1, MODEL_FIRST + MODEL_PAGES, MAP_PFN_MASK,
                                      UINT64_C(0xf00000000000)};
    struct aspace aspace = ready_space(false);
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, frames[i], RW, 0), ERR_FRAME_KIND);
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, frames[i], RW, 0), ERR_FRAME_KIND);
        EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0, 1, frames[i], 0, 0), ERR_FRAME_KIND);
    }
}

TAP_TEST(the_boot_archive_is_never_writable)
{
    struct aspace aspace = ready_space(false);
    model_fill(DATA, 1, FRAME_WIRED);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA), RW, 0), ERR_FRAME_KIND);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA), MAP_READ | MAP_EXEC, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_WIRED + FRAME_ONE);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, PAGE, 1, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_WIRED);
}

TAP_TEST(an_install_takes_the_place_of_the_leaf_that_is_there)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), MAP_READ, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA + 1), RW, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA + 1) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_U64(model_word(DATA + 1), FRAME_USER + FRAME_ONE);
    /* The same frame with other rights. */
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA + 1), MAP_READ, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA + 1) << 10 | 0x53);
    EXPECT_U64(model_word(DATA + 1), FRAME_USER + FRAME_ONE);
    /* What is there already is counted once, beside what is not and what had fewer rights. */
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 2, 1, F(DATA + 3), RW, 0), ERR_OK);
    model_fill(DATA + 2, 1, FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 3, F(DATA + 1), RW, 0), ERR_OK);
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_U64(leaf_of(&aspace, PAGE + i), F(DATA + 1 + i) << 10 | 0xd7);
        EXPECT_U64(model_word(DATA + 1 + i), FRAME_USER + FRAME_ONE);
    }
}

TAP_TEST(a_copy_has_the_bytes_of_its_source)
{
    struct aspace aspace = ready_space(false);
    uint64_t done;
    model_fill(DATA, 1, FRAME_USER);
    model_paint(DATA, 0x3c);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA), MAP_READ, 0), ERR_OK);
    const struct map_entry copy[2] = {
        ENTRY(MAP_INSTALL_COPY, PAGE, 1, F(DATA + 1), RW, 0),
        ENTRY(MAP_COPY_SOURCE, 0, 0, F(DATA), 0, 0),
    };
    EXPECT_ERR(model_apply(&aspace, copy, 2, &done), ERR_OK);
    EXPECT_U64(done, 2);
    EXPECT(model_is_painted(DATA + 1, 0x3c));
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA + 1) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER);
}

TAP_TEST(a_copy_without_a_legal_source_is_refused)
{
    static const uint64_t sources[] = {DATA + 1, DATA + 2, MODEL_PAGES};
    struct aspace aspace = ready_space(false);
    uint64_t done;
    for (unsigned i = 0; i < 3; i++) { /* the same frame, a free one, none of RAM */
        const struct map_entry copy[2] = {
            ENTRY(MAP_INSTALL_COPY, PAGE, 1, F(DATA + 1), RW, 0),
            ENTRY(MAP_COPY_SOURCE, 0, 0, F(sources[i]), 0, 0),
        };
        EXPECT_ERR(model_apply(&aspace, copy, 2, &done), ERR_FRAME_KIND);
        EXPECT_U64(done, 0);
        EXPECT_U64(model_word(DATA + 1), FRAME_FREE);
    }
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_COPY, PAGE, 1, F(DATA + 1), RW, 0), ERR_INVAL);
    EXPECT_ERR(model_map(&aspace, MAP_COPY_SOURCE, 0, 0, F(DATA), 0, 0), ERR_INVAL);
}

TAP_TEST(malformed_entries_are_refused_and_change_nothing)
{
    static const struct {
        enum map_op op;
        uint64_t page, pages, frame, prot, flags;
    } bad[] = {
        {MAP_INSTALL_ZERO, PAGE, 0, F(DATA), RW, 0},
        {MAP_INSTALL_ZERO, 0, 1, F(DATA), RW, 0},
        {MAP_INSTALL_ZERO, 0x3ffffff, 1, F(DATA), RW, 0},
        {MAP_INSTALL_ZERO, 0x3fffffe, 2, F(DATA), RW, 0},
        {MAP_INSTALL_ZERO, 0xffffffff, 1, F(DATA), RW, 0},
        {MAP_INSTALL_ZERO, PAGE, 1, F(DATA), 0, 0},
        {MAP_INSTALL_ZERO, PAGE, 1, F(DATA), 8, 0},
        {MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, MAP_IN_WINDOW},
        {MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, MAP_LARGE},
        {MAP_INSTALL_ZERO, PAGE, 512, F(DATA), RW, MAP_LARGE},
        {MAP_INSTALL_ZERO, PAGE + 1, 512, F(512), RW, MAP_LARGE},
        {MAP_INSTALL_ZERO, 0x40000, 0x40000, F(512), RW, MAP_GIANT},
        {MAP_INSTALL_ZERO, PAGE, 512, F(512), RW, MAP_LARGE | MAP_GIANT},
        {MAP_INSTALL_COPY, PAGE, 2, F(DATA), RW, 0},
        {MAP_INSTALL_SERVER, PAGE, 1, F(DATA), RW, 0},
        {MAP_REMOVE_SERVER, PAGE, 1, 0, 0, 0},
        {MAP_REMOVE, PAGE, 0, 0, 0, 0},
        {MAP_REMOVE, PAGE, 0x4000000, 0, 0, 0},
        {MAP_REMOVE, PAGE, 1, 1, 0, 0},
        {MAP_REMOVE, PAGE, 1, 0, 1, 0},
        {MAP_RESTRICT, PAGE, 1, 0, 8, 0},
        {MAP_RESTRICT, PAGE, 1, 0, 0, MAP_LARGE},
        {MAP_TABLE, PAGE, 2, F(DATA), 0, 0},
        {MAP_TABLE, PAGE, 1, F(DATA), 2, 0},
        {MAP_TABLE, WINDOW_PAGES, 1, F(DATA), 0, MAP_IN_WINDOW},
        {MAP_TABLE, 0x4000000, 1, F(DATA), 0, 0},
        {MAP_NOP, PAGE, 1, 0, 0, 0},
        {(enum map_op)12, PAGE, 1, F(DATA), RW, 0},
        {(enum map_op)255, PAGE, 1, F(DATA), RW, 0},
    };
    struct aspace aspace = ready_space(false);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct map_entry entry =
            ENTRY(bad[i].op, bad[i].page, bad[i].pages, bad[i].frame, bad[i].prot, bad[i].flags);
        uint64_t done;
        if (!EXPECT_ERR(aspace_check(&aspace, &entry, 1), ERR_INVAL) ||
            !EXPECT_ERR(model_apply(&aspace, &entry, 1, &done), ERR_INVAL)) {
            tap_note("entry %u of the list", i);
        }
        EXPECT_U64(model_word(DATA), FRAME_FREE);
        EXPECT_U64(model_word(512), FRAME_FREE);
    }
}

TAP_TEST(without_tables_an_install_is_refused_and_a_remove_is_not)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 512, 1, F(DATA), RW, 0), ERR_NO_TABLE);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x80000, 1, F(DATA), RW, 0), ERR_NO_TABLE);
    EXPECT_U64(model_word(DATA), FRAME_FREE);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, 0, 0x4000000, 0, 0, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, 0, 0x4000000, 0, MAP_READ, 0), ERR_OK);
}

TAP_TEST(a_range_that_is_refused_part_way_leaves_nothing_mapped)
{
    struct aspace aspace = ready_space(false);
    model_fill(DATA + 5, 1, FRAME_KERNEL);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 10, F(DATA), RW, 0), ERR_FRAME_KIND);
    for (uint64_t i = 0; i < 10; i++) {
        EXPECT_U64(leaf_of(&aspace, PAGE + i), 0);
    }
    EXPECT_U64(model_word(DATA + 4), FRAME_USER);
    /* Across the end of the table. */
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 510, 4, F(DATA + 6), RW, 0),
               ERR_NO_TABLE);
    EXPECT_U64(leaf_of(&aspace, PAGE + 510), 0);
    EXPECT_U64(model_word(DATA + 6), FRAME_USER);
}

TAP_TEST(the_first_refused_entry_ends_the_vector)
{
    struct aspace aspace = ready_space(false);
    const struct map_entry entries[4] = {
        ENTRY(MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0),
        ENTRY(MAP_NOP, 0, 0, 0, 0, 0),
        ENTRY(MAP_INSTALL_ZERO, PAGE + 512, 1, F(DATA + 1), RW, 0),
        ENTRY(MAP_INSTALL_ZERO, PAGE + 1, 1, F(DATA + 2), RW, 0),
    };
    uint64_t done;
    EXPECT_ERR(model_apply(&aspace, entries, 4, &done), ERR_NO_TABLE);
    EXPECT_U64(done, 2);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | 0xd7);
    EXPECT_U64(leaf_of(&aspace, PAGE + 1), 0);
}

TAP_TEST(a_count_that_is_full_is_not_exceeded)
{
    struct aspace aspace = ready_space(false);
    *frame_word(model_frame(DATA)) = FRAME_USER + (UINT64_C(0xffffffff) << 32);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA), RW, 0), ERR_OVERFLOW);
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
}

TAP_TEST(restrict_takes_rights_and_gives_none)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RWX, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 1, 1, F(DATA + 1), MAP_READ, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, PAGE, 2, 0, MAP_READ | MAP_EXEC, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | LEAF | PTE_READ | PTE_EXEC);
    EXPECT_U64(leaf_of(&aspace, PAGE + 1), F(DATA + 1) << 10 | LEAF | PTE_READ);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, PAGE, 2, 0, MAP_EXEC, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | LEAF | PTE_EXEC);
    EXPECT_U64(leaf_of(&aspace, PAGE + 1), 0);
    EXPECT_U64(model_word(DATA + 1), FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, PAGE, 2, 0, 0, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
}

TAP_TEST(a_large_leaf_counts_in_each_of_its_frames)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x600, 512, F(512), RW, MAP_LARGE), ERR_OK);
    unsigned level;
    EXPECT_U64(model_leaf(&aspace, 0x6ff, &level), F(512) << 10 | 0xd7);
    EXPECT_U64(level, 1);
    for (uint64_t i = 512; i < 1024; i++) {
        EXPECT_U64(model_word(i), FRAME_USER + FRAME_ONE);
        EXPECT(model_is_painted(i, 0));
    }
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, 0x600, 512, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(700), FRAME_USER);
    EXPECT_U64(model_leaf(&aspace, 0x600, &level), 0);
}

TAP_TEST(a_large_leaf_partly_in_the_way_goes_as_a_whole)
{
    static const uint64_t starts[] = {0x600, 0x6ff, 0x7ff, 0x5ff};
    struct aspace aspace = ready_space(false);
    model_fill(512, 512, FRAME_USER);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_ERR(model_map(&aspace, MAP_INSTALL, 0x600, 512, F(512), RW, MAP_LARGE), ERR_OK);
        EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, starts[i], 2, 0, MAP_READ, 0), ERR_OK);
        EXPECT_U64(leaf_of(&aspace, 0x6f0), 0);
        EXPECT_U64(model_word(512), FRAME_USER);
    }
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, 0x600, 512, F(512), RW, MAP_LARGE), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, 0x600, 512, 0, MAP_READ, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, 0x6f0), F(512) << 10 | LEAF | PTE_READ);
}

TAP_TEST(zeroing_that_is_cut_comes_to_an_end)
{
    struct aspace aspace = ready_space(false);
    const struct map_entry entry = ENTRY(MAP_INSTALL_ZERO, 0x600, 512, F(512), RW, MAP_LARGE);
    struct map_progress progress = {0, 0};
    unsigned cuts = 0;
    enum err error;
    do {
        error = aspace_apply(&aspace, &entry, 1, &progress);
        if (fill_is_open()) {
            fill_finish();
        }
        cuts += error == ERR_INTR ? 1 : 0;
    } while (error == ERR_INTR && cuts < 1000);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(cuts, 512 / FILL_MAX);
    EXPECT_U64(model_word(1023), FRAME_USER + FRAME_ONE);
}

TAP_TEST(zeroing_alone_is_cut_by_interrupts_and_comes_to_an_end)
{
    struct aspace aspace = ready_space(false);
    const struct map_entry entry = ENTRY(MAP_INSTALL_ZERO, 0x600, 512, F(512), RW, MAP_LARGE);
    struct map_progress progress = {0, 0};
    unsigned cuts = 0;
    unsigned level;
    enum err error;

    hart_self()->is_alone = true;
    do {
        model_interrupt_in = 1; /* whenever it looks */
        error = aspace_apply(&aspace, &entry, 1, &progress);
        cuts += error == ERR_INTR ? 1 : 0;
    } while (error == ERR_INTR && cuts < 1000);
    model_interrupt_in = 0;
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(cuts, 512 / FILL_MAX - 1);
    EXPECT_U64(model_leaf(&aspace, 0x600, &level), F(512) << 10 | 0xd7);
    for (uint64_t i = 512; i < 1024; i++) {
        EXPECT_U64(model_word(i), FRAME_USER + FRAME_ONE);
        EXPECT(model_is_painted(i, 0));
    }
    /* Once more: the leaf that stands there goes first. */
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x600, 512, F(512), RW, MAP_LARGE), ERR_OK);
    EXPECT_U64(model_word(512), FRAME_USER + FRAME_ONE);
    hart_self()->is_alone = false;
}

TAP_TEST(a_leaf_allows_what_its_rights_say)
{
    struct aspace aspace = ready_space(false);
    const uaddr_t address = {PAGE << 12 | 0x123};
    EXPECT(!aspace_allows(&aspace, address, FAULT_READ));
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), MAP_READ, 0), ERR_OK);
    EXPECT(aspace_allows(&aspace, address, FAULT_READ));
    EXPECT(!aspace_allows(&aspace, address, FAULT_WRITE));
    EXPECT(!aspace_allows(&aspace, address, FAULT_EXEC));
    EXPECT(!aspace_allows(&aspace, (uaddr_t){UINT64_C(1) << 38}, FAULT_READ));
    EXPECT(!aspace_allows(&aspace, (uaddr_t){WINDOW_START}, FAULT_READ));
}

TAP_TEST(what_the_quick_way_leaves_is_decided_by_the_general_one)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), F(DATA) << 10 | 0xd7);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 1, 1, F(DATA), MAP_READ, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_USER + 2 * FRAME_ONE);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 2, 1, F(DATA), 8, 0), ERR_INVAL);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 512, 1, F(DATA), RW, 0), ERR_NO_TABLE);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 2, 2, F(DATA), RW, 0), ERR_FRAME_KIND);
    EXPECT_U64(leaf_of(&aspace, PAGE + 2), 0);
    EXPECT_U64(model_word(DATA + 1), FRAME_FREE);
}

TAP_TEST(the_first_page_is_refused_when_its_table_is_near)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0, 1, F(3), 0, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 1, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0, 1, F(DATA + 1), RW, 0), ERR_INVAL);
    EXPECT_U64(leaf_of(&aspace, 0), 0);
}

TAP_TEST(the_last_page_is_refused_when_its_table_is_known)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0x3ffffff, 1, F(3), 1, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0x3ffffff, 1, F(4), 0, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x3fffffe, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x3ffffff, 1, F(DATA + 1), RW, 0), ERR_INVAL);
}

TAP_TEST(registers_of_a_device_are_mapped_uncounted_and_nothing_else_that_is_no_ram)
{
    const uint64_t device = 0x10000;
    struct aspace aspace = ready_space(false);
    device_add(pfn_from_number(device), (npages_t){2});
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_DEVICE, PAGE, 2, device, RW, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE + 1), (device + 1) << 10 | 0xd7);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_DEVICE, PAGE + 2, 3, device, RW, 0), ERR_FRAME_KIND);
    EXPECT_U64(leaf_of(&aspace, PAGE + 2), 0);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_DEVICE, PAGE + 2, 1, F(DATA), RW, 0), ERR_FRAME_KIND);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE + 2, 1, device, RW, 0), ERR_FRAME_KIND);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_DEVICE, PAGE + 2, 1, device, RWX, 0), ERR_INVAL);
    EXPECT_ERR(model_map(&aspace, MAP_RESTRICT, PAGE, 1, 0, MAP_READ, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), device << 10 | 0x53);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE + 1, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, PAGE, 4, 0, 0, 0), ERR_OK);
    EXPECT_U64(leaf_of(&aspace, PAGE), 0);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_DEVICE, PAGE, 2, device, RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_zeroed_page_is_zero_user_memory_and_counted_once),
        TAP(leaves_have_accessed_and_writable_ones_read_and_dirty),
        TAP(executable_pages_flush_instruction_fetch),
        TAP(a_mapped_frame_is_not_zeroed_under_its_users),
        TAP(what_is_no_user_memory_is_never_installed_as_it_is),
        TAP(frames_outside_of_ram_are_refused),
        TAP(the_boot_archive_is_never_writable),
        TAP(an_install_takes_the_place_of_the_leaf_that_is_there),
        TAP(a_copy_has_the_bytes_of_its_source),
        TAP(a_copy_without_a_legal_source_is_refused),
        TAP(malformed_entries_are_refused_and_change_nothing),
        TAP(without_tables_an_install_is_refused_and_a_remove_is_not),
        TAP(a_range_that_is_refused_part_way_leaves_nothing_mapped),
        TAP(the_first_refused_entry_ends_the_vector),
        TAP(a_count_that_is_full_is_not_exceeded),
        TAP(restrict_takes_rights_and_gives_none),
        TAP(a_large_leaf_counts_in_each_of_its_frames),
        TAP(a_large_leaf_partly_in_the_way_goes_as_a_whole),
        TAP(zeroing_that_is_cut_comes_to_an_end),
        TAP(zeroing_alone_is_cut_by_interrupts_and_comes_to_an_end),
        TAP(a_leaf_allows_what_its_rights_say),
        TAP(what_the_quick_way_leaves_is_decided_by_the_general_one),
        TAP(the_first_page_is_refused_when_its_table_is_near),
        TAP(the_last_page_is_refused_when_its_table_is_known),
        TAP(registers_of_a_device_are_mapped_uncounted_and_nothing_else_that_is_no_ram),
    };
    return TAP_RUN(argc, argv, tests);
}
