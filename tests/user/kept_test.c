/* SPDX-License-Identifier: MIT */
/*
 * What the file system keeps for its callers: advisory locks, waiters, and bytes left in parts.
 */
#include "lock.h"
#include "part.h"

#include <string.h>

#include <tap.h>

static struct lock_table locks;
static struct part_table parts;

static bool take(uint64_t id, uint64_t file, bool is_exclusive, uint32_t owner)
{
    const struct lock lock = {.id = id, .file = file, .owner = owner, .is_exclusive = is_exclusive};
    return lock_take(&locks, &lock);
}

static bool is_free(uint64_t file, bool is_exclusive)
{
    return lock_against(&locks, file, is_exclusive, NULL) == NULL;
}

TAP_TEST(an_exclusive_lock_stands_against_all_and_shared_ones_against_exclusive_ones)
{
    memset(&locks, 0, sizeof(locks));
    EXPECT(take(1, 7, false, 0));
    EXPECT(is_free(7, false));
    EXPECT(!is_free(7, true));
    EXPECT(is_free(8, true));
    EXPECT(take(2, 7, false, 0));
    lock_drop(lock_find(&locks, 1));
    EXPECT(!is_free(7, true));
    lock_drop(lock_find(&locks, 2));
    EXPECT(take(3, 7, true, 0));
    EXPECT(!is_free(7, false));
    EXPECT(lock_find(&locks, 1) == NULL);
    EXPECT(lock_against(&locks, 7, true, lock_find(&locks, 3)) == NULL);
}

TAP_TEST(waiters_go_on_in_order_as_soon_as_nothing_stands_against_them)
{
    struct lock_waiter waiter;
    memset(&locks, 0, sizeof(locks));
    EXPECT(take(1, 7, true, 0));
    EXPECT(take(2, 8, false, 0));
    for (uint64_t i = 0; i < LOCK_WAITERS_MAX; i++) {
        const struct lock_waiter one = {.file = 7 + i % 2, .serial = i, .is_exclusive = i % 3 == 0};
        EXPECT(lock_wait(&locks, &one));
    }
    EXPECT(!lock_wait(&locks, &waiter));
    /* 1, a shared one of file 8, is the first that can. */
    EXPECT(lock_next_waiter(&locks, &waiter));
    EXPECT_U64(waiter.serial, 1);
    lock_drop(lock_find(&locks, 1));
    EXPECT(lock_next_waiter(&locks, &waiter));
    EXPECT_U64(waiter.serial, 0);
    EXPECT_U64(locks.waiters_count, LOCK_WAITERS_MAX - 2);
}

TAP_TEST(locks_run_out_and_are_counted_for_each_owner)
{
    memset(&locks, 0, sizeof(locks));
    for (uint64_t i = 0; i < LOCKS_MAX; i++) {
        EXPECT(take(i + 1, i, true, i % 4 == 0 ? 1 : 2));
    }
    EXPECT(!take(LOCKS_MAX + 1, LOCKS_MAX, true, 1));
    EXPECT_U64(lock_count(&locks, 1), LOCKS_MAX / 4);
    EXPECT_U64(lock_count(&locks, 3), 0);
    lock_drop(lock_find(&locks, 5));
    EXPECT(take(LOCKS_MAX + 1, LOCKS_MAX, true, 1));
}

TAP_TEST(parts_are_put_behind_each_other_for_their_caller_alone)
{
    memset(&parts, 0, sizeof(parts));
    EXPECT(part_put(&parts, 1, 1, 0, "abc", 3));
    EXPECT(part_put(&parts, 1, 2, 0, "x", 1));
    EXPECT(part_put(&parts, 1, 1, 3, "de", 2));
    EXPECT_U64(part_find(&parts, 1, 1)->length, 5);
    EXPECT_BYTES(part_find(&parts, 1, 1)->bytes, "abcde", 5);
    EXPECT_U64(part_find(&parts, 1, 2)->length, 1);
    EXPECT(part_find(&parts, 2, 1) == NULL);
    /* Begun anew; and a gap, which loses all. */
    EXPECT(part_put(&parts, 1, 1, 0, "f", 1));
    EXPECT_U64(part_find(&parts, 1, 1)->length, 1);
    EXPECT(!part_put(&parts, 1, 1, 2, "g", 1));
    EXPECT(part_find(&parts, 1, 1) == NULL);
    EXPECT(!part_put(&parts, 3, 1, 48, "h", 1));
    part_drop(part_find(&parts, 1, 2));
    EXPECT(part_find(&parts, 1, 2) == NULL);
}

TAP_TEST(parts_have_an_end_and_the_oldest_makes_room)
{
    static const char bytes[FILES_PART_MAX] = {1};
    memset(&parts, 0, sizeof(parts));
    uint64_t offset = 0;
    while (part_put(&parts, 1, 1, offset, bytes, sizeof(bytes))) {
        offset += sizeof(bytes);
    }
    EXPECT_U64(offset, FILES_PARTS_MAX / sizeof(bytes) * sizeof(bytes));
    EXPECT(part_find(&parts, 1, 1) == NULL);
    for (uint64_t thread = 0; thread < PARTS_MAX; thread++) {
        EXPECT(part_put(&parts, 1, thread, 0, bytes, 1));
    }
    EXPECT(part_put(&parts, 1, 0, 1, bytes, 1));
    EXPECT(part_put(&parts, 1, 99, 0, bytes, 1));
    EXPECT(part_find(&parts, 1, 1) == NULL);
    EXPECT_U64(part_find(&parts, 1, 0)->length, 2);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(an_exclusive_lock_stands_against_all_and_shared_ones_against_exclusive_ones),
        TAP(waiters_go_on_in_order_as_soon_as_nothing_stands_against_them),
        TAP(locks_run_out_and_are_counted_for_each_owner),
        TAP(parts_are_put_behind_each_other_for_their_caller_alone),
        TAP(parts_have_an_end_and_the_oldest_makes_room),
    };
    return TAP_RUN(argc, argv, tests);
}
