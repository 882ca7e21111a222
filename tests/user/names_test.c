/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include <tap.h>

static struct table table;
static struct table_waiter taken;

static void add(const char *name, uint64_t handle)
{
    EXPECT(table_add(&table, name, handle, handle));
}

static void wait_for(const char *name, uint64_t latest, uint64_t serial)
{
    struct table_waiter waiter = {.latest = latest, .serial = serial};
    strncpy(waiter.name, name, sizeof(waiter.name) - 1);
    EXPECT(!table_wait(&table, &waiter, &taken));
}

static bool is_name(const char *text, size_t bytes)
{
    char name[NAMES_BYTES] = {0};
    memcpy(name, text, bytes);
    return table_is_name(name);
}

TAP_TEST(a_name_is_printable_and_ends)
{
    EXPECT(is_name("a", 1));
    EXPECT(is_name("disk.0/part-1", 13));
    EXPECT(is_name("0123456789012345678901234567890", 31));
    EXPECT(!is_name("01234567890123456789012345678901", 32));
    EXPECT(!is_name("", 0));
    EXPECT(!is_name("a b", 3));
    EXPECT(!is_name("a*", 2));
    EXPECT(!is_name("a\0b", 3));
    EXPECT(!is_name("\x7f", 1));
    EXPECT(!is_name("\xc3\xa4", 2));
}

TAP_TEST(a_name_is_here_then_gone_then_here_again)
{
    table_init(&table);
    EXPECT(table_find(&table, "a") == NULL);
    add("a", 9);
    add("ab", 10);
    REQUIRE(EXPECT(table_find(&table, "a") != NULL));
    EXPECT_U64(table_find(&table, "a")->handle, 9);
    table_lose(table_find(&table, "a"));
    REQUIRE(EXPECT(table_find(&table, "a") != NULL));
    EXPECT(table_find(&table, "a")->state == TABLE_GONE);
    add("a", 11);
    EXPECT_U64(table_find(&table, "a")->handle, 11);
    EXPECT_U64(table_find(&table, "ab")->handle, 10);
    table_remove(table_find(&table, "a"));
    EXPECT(table_find(&table, "a") == NULL);
}

TAP_TEST(a_full_table_forgets_the_gone_but_nobody_who_is_here)
{
    char name[NAMES_BYTES];
    table_init(&table);
    for (unsigned i = 0; i < TABLE_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        add(name, 100 + i);
    }
    EXPECT(!table_add(&table, "more", 1, 1));
    table_lose(table_find(&table, "n7"));
    add("more", 1);
    EXPECT(table_find(&table, "n7") == NULL);
    EXPECT(!table_add(&table, "n7", 2, 2));
    EXPECT_U64(table_find(&table, "n6")->handle, 106);
}

TAP_TEST(one_owner_leaves_room_for_others)
{
    char name[NAMES_BYTES];
    table_init(&table);
    for (unsigned i = 0; i < NAMES_EACH_MAX; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        EXPECT(table_add(&table, name, 100 + i, 5));
    }
    EXPECT(!table_add(&table, "more", 1, 5));
    EXPECT(table_find(&table, "more") == NULL);
    EXPECT(table_add(&table, "more", 1, 6));
    /* What has gone, or was given back, does not count. */
    table_lose(table_find(&table, "n7"));
    EXPECT(table_add(&table, "n7", 2, 5));
    table_remove(table_find(&table, "n8"));
    EXPECT(table_add(&table, "again", 3, 5));
    EXPECT(!table_add(&table, "once more", 3, 5));
}

TAP_TEST(those_who_wait_are_taken_in_their_order)
{
    table_init(&table);
    wait_for("a", UINT64_MAX, 1);
    wait_for("b", UINT64_MAX, 2);
    wait_for("a", UINT64_MAX, 3);
    REQUIRE(EXPECT(table_take_waiter(&table, "a", &taken)));
    EXPECT_U64(taken.serial, 1);
    REQUIRE(EXPECT(table_take_waiter(&table, "a", &taken)));
    EXPECT_U64(taken.serial, 3);
    EXPECT(!table_take_waiter(&table, "a", &taken));
    EXPECT_U64(table.waiters_count, 1);
}

TAP_TEST(time_is_over_for_each_at_its_own_time)
{
    table_init(&table);
    EXPECT_U64(table_next_time(&table), 0);
    wait_for("a", UINT64_MAX, 1);
    EXPECT_U64(table_next_time(&table), 0);
    wait_for("a", 50, 2);
    wait_for("b", 40, 3);
    EXPECT_U64(table_next_time(&table), 40);
    EXPECT(!table_take_late(&table, 39, &taken));
    REQUIRE(EXPECT(table_take_late(&table, 40, &taken)));
    EXPECT_U64(taken.serial, 3);
    EXPECT(!table_take_late(&table, 40, &taken));
    EXPECT_U64(table_next_time(&table), 50);
    REQUIRE(EXPECT(table_take_late(&table, UINT64_MAX - 1, &taken)));
    EXPECT_U64(taken.serial, 2);
    EXPECT(!table_take_late(&table, UINT64_MAX - 1, &taken));
}

TAP_TEST(one_more_than_can_wait_sends_the_first_away)
{
    table_init(&table);
    for (unsigned i = 0; i < TABLE_WAITERS_MAX; i++) {
        wait_for("a", UINT64_MAX, 1 + i);
    }
    struct table_waiter waiter = {.latest = UINT64_MAX, .serial = 1000, .name = "b"};
    REQUIRE(EXPECT(table_wait(&table, &waiter, &taken)));
    EXPECT_U64(taken.serial, 1);
    EXPECT_U64(table.waiters_count, TABLE_WAITERS_MAX);
    REQUIRE(EXPECT(table_take_waiter(&table, "b", &taken)));
    EXPECT_U64(taken.serial, 1000);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_name_is_printable_and_ends),
        TAP(a_name_is_here_then_gone_then_here_again),
        TAP(a_full_table_forgets_the_gone_but_nobody_who_is_here),
        TAP(one_owner_leaves_room_for_others),
        TAP(those_who_wait_are_taken_in_their_order),
        TAP(time_is_over_for_each_at_its_own_time),
        TAP(one_more_than_can_wait_sends_the_first_away),
    };
    return TAP_RUN(argc, argv, tests);
}
