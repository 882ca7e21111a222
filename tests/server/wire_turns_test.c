/* SPDX-License-Identifier: MIT */
/*
 * What a request that is done in turns carries from one to the next.
 */
#include "shapes.h"

#include <mem/proto.h>
#include <tap.h>

/* Words 4 and 5 of a dry run: progress, and both kinds of cost. */
static void expect_carried(struct message *message)
{
    union out out;

    message->words[4] = 7 | UINT64_C(5) << 32;
    message->words[5] = 9;
    REQUIRE(EXPECT_ERR(read_message(message, &out), ERR_OK));
    EXPECT((out.lock.lock.flags & MEM_LOCK_DRY) != 0);
    EXPECT_U64(out.lock.progress, 7);
    EXPECT_U64(out.lock.cost.charged, 5);
    EXPECT_U64(out.lock.cost.frames, 9);
    message->words[5] = UINT64_C(1) << 32;
    EXPECT_ERR(read_message(message, &out), ERR_INVAL);
    message->words[5] = 9;
    message->words[4] = RANGE_PAGES + 1;
    EXPECT_ERR(read_message(message, &out), ERR_INVAL);
    message->words[4] = 7;
}

TAP_TEST(only_the_dry_run_of_lock_carries_what_was_found_so_far)
{
    struct message message = {.words = {MEM_LOCK, 0x1000, 0x2000, MEM_LOCK_DRY}};
    union out out;

    expect_carried(&message);
    message.words[3] = MEM_LOCK_ONFAULT;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[5] = 0;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.lock.progress, 7);
    message.words[4] |= UINT64_C(5) << 32;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(that_of_lock_all_does_so_too)
{
    struct message message = {.words = {MEM_LOCK_ALL, MEM_LOCK_DRY | MEM_LOCK_CURRENT}};
    union out out;

    expect_carried(&message);
    message.words[3] = 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[3] = 0;
    message.words[1] = MEM_LOCK_CURRENT;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[1] = MEM_LOCK_DRY | UINT64_C(1) << 32;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(a_hole_that_was_passed_is_of_the_linux_form_only)
{
    struct message message = {.words = {MEM_ADVISE | MEM_HEAD_LINUX, 0, PAGE_SIZE, 0, 1}};
    union out out;

    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT(out.advise.advise.has_hole);
    message.words[4] = 2;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[4] = 0;
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT(!out.advise.advise.has_hole);
    message.words[0] = MEM_ADVISE;
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    message.words[4] = 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(only_the_dry_run_of_lock_carries_what_was_found_so_far),
        TAP(that_of_lock_all_does_so_too),
        TAP(a_hole_that_was_passed_is_of_the_linux_form_only),
    };

    return TAP_RUN(argc, argv, tests);
}
