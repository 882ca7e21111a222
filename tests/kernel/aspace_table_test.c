/* SPDX-License-Identifier: MIT */
/*
 * Tables of a space: donated, taken back, of the window, of the memory server, of the kernel.
 *
 * Frames: 0 the root, 1 the level-1 table, 2.. level-0 tables, from 16 on what is mapped.
 */
#include <abi/fault.h>
#include <abi/layout.h>

#include "mm/aspace.h"
#include "model.h"
#include "tap.h"

#define F(n) (MODEL_FIRST + (n))
#define DATA 16u
#define PAGE UINT64_C(0x400) /* first page under the level-0 table that ready_space() makes */
#define RW   (MAP_READ | MAP_WRITE)

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

TAP_TEST(tables_are_given_and_taken_back)
{
    struct aspace aspace;
    model_start(MODEL_PAGES);
    model_space(&aspace, 0, false);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, PAGE, 1, F(2), 0, 0), ERR_NO_TABLE);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, PAGE, 1, F(1), 1, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, PAGE, 1, F(2), 1, 0), ERR_EXIST);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, PAGE, 1, F(1), 0, 0), ERR_FRAME_KIND);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(1), 1, 0), ERR_BUSY);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(3), 0, 0), ERR_FRAME_KIND);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE + 512, 1, F(2), 0, 0), ERR_NO_TABLE);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_USER);
    EXPECT_U64(model_word(2), FRAME_FREE);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(1), 1, 0), ERR_OK);
    EXPECT(aspace_is_empty(&aspace));
    aspace_fini(&aspace);
    EXPECT_U64(model_word(0), FRAME_FREE);
}

TAP_TEST(message_pages_hold_their_tables)
{
    struct aspace aspace;
    unsigned level;
    model_start(MODEL_PAGES);
    model_space(&aspace, 0, false);
    EXPECT_ERR(aspace_check_message(&aspace, 5), ERR_NO_TABLE);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 5, 1, F(1), 1, MAP_IN_WINDOW), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 5, 1, F(2), 0, MAP_IN_WINDOW), ERR_OK);
    EXPECT_ERR(aspace_check_message(&aspace, 5), ERR_OK);
    EXPECT_ERR(aspace_check_message(&aspace, WINDOW_PAGES), ERR_RANGE);
    frame_take(model_frame(DATA), FRAME_MESSAGE, 0);
    aspace_map_message(&aspace, 5, model_frame(DATA));
    EXPECT_U64(model_leaf(&aspace, 0x4000005, &level), F(DATA) << 10 | 0xd7);
    EXPECT_ERR(aspace_check_message(&aspace, 5), ERR_EXIST);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, 5, 1, F(2), 0, MAP_IN_WINDOW), ERR_BUSY);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, 0, 0x4000000, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_MESSAGE + FRAME_ONE);
    aspace_unmap_message(&aspace, 5);
    EXPECT_U64(model_word(DATA), FRAME_MESSAGE);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, 5, 1, F(2), 0, MAP_IN_WINDOW), ERR_OK);
}

TAP_TEST(the_server_gets_its_own_memory_and_nobody_elses)
{
    struct aspace aspace = ready_space(true);
    model_fill(DATA + 8, 1, FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, PAGE, 1, F(DATA + 8), RW, 0), ERR_INVAL);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA + 8), RW, 0), ERR_INVAL);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_SERVER, PAGE, 3, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_SERVER + FRAME_ONE);
    EXPECT(model_is_painted(DATA + 2, 0));
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE_SERVER, PAGE, 2, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_FREE);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_SERVER, PAGE + 2, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_U64(model_word(DATA + 2), FRAME_FREE);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
    EXPECT_U64(model_word(DATA), FRAME_FREE);
}

TAP_TEST(the_kernel_half_is_in_every_root)
{
    struct aspace aspace = ready_space(false);
    EXPECT_U64(aspace.root[DIRECT_ROOT_FIRST], (MODEL_FIRST + DIRECT_ROOT_FIRST) << 10 | 1);
    EXPECT_U64(aspace.root[DIRECT_ROOT_LAST], (MODEL_FIRST + DIRECT_ROOT_LAST) << 10 | 1);
    EXPECT_U64(aspace.root[257], 0);
    EXPECT_U64(aspace.satp, UINT64_C(0x8000000000000000) | MODEL_FIRST);
}

TAP_TEST(a_table_that_was_taken_back_is_not_near_any_longer)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_UNTABLE, PAGE, 1, F(2), 0, 0), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 1, F(DATA), RW, 0), ERR_NO_TABLE);
    EXPECT(!aspace_allows(&aspace, (uaddr_t){PAGE << 12}, FAULT_READ));
}

TAP_TEST(a_large_leaf_does_not_push_a_table_out)
{
    struct aspace aspace = ready_space(false);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, PAGE, 512, F(512), RW, MAP_LARGE), ERR_EXIST);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x600, 512, F(512), RW, MAP_LARGE), ERR_OK);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0x600, 1, F(3), 0, 0), ERR_EXIST);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL_ZERO, 0x600, 1, F(DATA), RW, 0), ERR_NO_TABLE);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(tables_are_given_and_taken_back),
        TAP(message_pages_hold_their_tables),
        TAP(the_server_gets_its_own_memory_and_nobody_elses),
        TAP(the_kernel_half_is_in_every_root),
        TAP(a_table_that_was_taken_back_is_not_near_any_longer),
        TAP(a_large_leaf_does_not_push_a_table_out),
    };
    return TAP_RUN(argc, argv, tests);
}
