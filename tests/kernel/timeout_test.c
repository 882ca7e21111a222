/* SPDX-License-Identifier: MIT */
#include "task/timeout.h"

#include "tap.h"

static struct timeout a;
static struct timeout b;
static struct timeout c;

static void start(void)
{
    while (timeout_take_due(UINT64_MAX) != NULL) {
        /* what the test before left */
    }
    timeout_init(&a, TIMEOUT_WAIT);
    timeout_init(&b, TIMEOUT_WAIT);
    timeout_init(&c, TIMEOUT_TIMER);
}

TAP_TEST(without_any_the_next_time_is_never)
{
    start();
    EXPECT_U64(timeout_next(), UINT64_MAX);
    EXPECT(timeout_take_due(UINT64_MAX) == NULL);
}

TAP_TEST(they_come_in_the_order_of_their_times)
{
    start();
    timeout_set(&a, 30);
    timeout_set(&b, 10);
    timeout_set(&c, 20);
    EXPECT_U64(timeout_next(), 10);
    EXPECT(timeout_take_due(9) == NULL);
    EXPECT(timeout_take_due(30) == &b);
    EXPECT(timeout_take_due(30) == &c);
    EXPECT(timeout_take_due(30) == &a);
    EXPECT(timeout_take_due(30) == NULL);
}

TAP_TEST(those_of_one_time_come_in_the_order_in_which_they_were_set)
{
    start();
    timeout_set(&b, 10);
    timeout_set(&a, 10);
    EXPECT(timeout_take_due(10) == &b);
    EXPECT(timeout_take_due(10) == &a);
}

TAP_TEST(setting_again_moves_and_cancelling_twice_does_no_harm)
{
    start();
    timeout_set(&a, 10);
    timeout_set(&b, 20);
    timeout_set(&a, 30);
    EXPECT_U64(timeout_next(), 20);
    timeout_cancel(&b);
    timeout_cancel(&b);
    EXPECT_U64(timeout_next(), 30);
    timeout_cancel(&a);
    EXPECT_U64(timeout_next(), UINT64_MAX);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(without_any_the_next_time_is_never),
        TAP(they_come_in_the_order_of_their_times),
        TAP(those_of_one_time_come_in_the_order_in_which_they_were_set),
        TAP(setting_again_moves_and_cancelling_twice_does_no_harm),
    };
    return TAP_RUN(argc, argv, tests);
}
