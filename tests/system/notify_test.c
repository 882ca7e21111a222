/* SPDX-License-Identifier: MIT */
/*
 * Notifications: bits set and taken, waiting with and without a time, binding, timers.
 */
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"
#include "waiter.h"

#define PAST UINT64_C(1)

static uint64_t notification;
static uint64_t endpoint;

static bool setup(void)
{
    return object_make(OBJECT_NOTIFICATION, &notification);
}

static void teardown(void)
{
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
}

TAP_TEST(bits_add_up_until_they_are_taken)
{
    uint64_t bits = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_notify(notification, 0x1), ERR_OK);
    EXPECT_ERR(hf_notify(notification, UINT64_C(1) << 63), ERR_OK);
    EXPECT_ERR(hf_notify(notification, 0x1), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, 0, &bits), ERR_OK);
    EXPECT_U64(bits, UINT64_C(1) << 63 | 1);
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_TIMEDOUT);
    teardown();
}

TAP_TEST(a_wait_takes_only_the_bits_it_wants)
{
    uint64_t bits = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_notify(notification, 0x6), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0x1, PAST, &bits), ERR_TIMEDOUT);
    EXPECT_ERR(hf_wait(notification, 0x3, PAST, &bits), ERR_OK);
    EXPECT_U64(bits, 0x2);
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_OK);
    EXPECT_U64(bits, 0x4);
    teardown();
}

TAP_TEST(notifying_no_bits_is_inval)
{
    REQUIRE(setup());
    EXPECT_ERR(hf_notify(notification, 0), ERR_INVAL);
    teardown();
}

TAP_TEST(a_wait_ends_at_its_time_and_not_before)
{
    uint64_t bits = 0;
    REQUIRE(setup());
    uint64_t latest = time_after(5);
    EXPECT_ERR(hf_wait(notification, 0, latest, &bits), ERR_TIMEDOUT);
    EXPECT(time_now() >= latest);
    EXPECT_ERR(hf_notify(notification, 1), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, time_after(1000), &bits), ERR_OK);
    EXPECT_U64(bits, 1);
    teardown();
}

TAP_TEST(signalling_and_waiting_are_separate_rights)
{
    uint64_t handle = 0;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(notification, RIGHT_WAIT, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_notify(handle, 1), ERR_RIGHTS);
    EXPECT_ERR(hf_notify(notification, 1), ERR_OK);
    EXPECT_ERR(hf_wait(handle, 0, 0, &bits), ERR_OK);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_handle_derive(notification, RIGHT_SIGNAL, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_wait(handle, 0, PAST, &bits), ERR_RIGHTS);
    EXPECT_ERR(hf_bind(handle), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    teardown();
}

/* A thread that waits, and what it was told. */
static struct {
    uint64_t wanted;
    uint64_t latest;
    uint64_t bits;
    enum err error;
} waiter;

static void waiter_run(void *argument)
{
    (void)argument;
    waiter.error = hf_wait(notification, waiter.wanted, waiter.latest, &waiter.bits);
}

/* Start the waiter and let it come to its wait. */
static bool waiter_start(struct hf_thread *thread, uint64_t wanted)
{
    waiter.wanted = wanted;
    waiter.latest = 0;
    waiter.bits = 0;
    waiter.error = ERR_NOSYS;
    if (!EXPECT_ERR(hf_thread_run(thread, PRIORITY_DEFAULT, waiter_run, NULL), ERR_OK)) {
        return false;
    }
    return waiter_is_there(notification);
}

TAP_TEST(a_waiting_thread_wakes_for_a_bit_it_wants_and_no_other)
{
    struct hf_thread thread;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(waiter_start(&thread, 0x2));
    EXPECT_ERR(hf_notify(notification, 0x1), ERR_OK);
    for (int i = 0; i < 10; i++) {
        (void)hf_yield();
    }
    EXPECT_ERR(waiter.error, ERR_NOSYS);
    EXPECT_ERR(hf_notify(notification, 0x2), ERR_OK);
    hf_thread_join(&thread);
    EXPECT_ERR(waiter.error, ERR_OK);
    EXPECT_U64(waiter.bits, 0x2);
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_OK);
    EXPECT_U64(bits, 0x1);
    teardown();
}

TAP_TEST(a_second_waiter_is_told_busy)
{
    struct hf_thread thread;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(waiter_start(&thread, 0));
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_BUSY);
    EXPECT_ERR(hf_bind(notification), ERR_BUSY);
    EXPECT_ERR(hf_notify(notification, 1), ERR_OK);
    hf_thread_join(&thread);
    teardown();
}

TAP_TEST(destroying_the_notification_ends_the_wait)
{
    struct hf_thread thread;
    REQUIRE(setup());
    REQUIRE(waiter_start(&thread, 0));
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    hf_thread_join(&thread);
    EXPECT_ERR(waiter.error, ERR_STALE);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
}

TAP_TEST(a_waiter_that_is_ended_leaves_the_notification_free)
{
    struct hf_thread thread;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(waiter_start(&thread, 0));
    EXPECT_ERR(hf_thread_end(thread.handle, 0), ERR_OK);
    hf_thread_release(&thread);
    EXPECT_ERR(hf_notify(notification, 0x8), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_OK);
    EXPECT_U64(bits, 0x8);
    teardown();
}

/* A bound notification and an endpoint to wait at. */
static bool bind_setup(void)
{
    return setup() && object_make(OBJECT_ENDPOINT, &endpoint) &&
           EXPECT_ERR(hf_bind(notification), ERR_OK);
}

static void bind_teardown(void)
{
    EXPECT_ERR(hf_bind(HANDLE_NONE), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    teardown();
}

TAP_TEST(bits_of_a_bound_notification_arrive_as_a_message)
{
    struct hf_request request = {.badge = 9};
    REQUIRE(bind_setup());
    EXPECT_ERR(hf_notify(notification, 0x30), ERR_OK);
    EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK);
    EXPECT_U64(request.message.tag & IPC_TAG_KIND, IPC_NOTIFY);
    EXPECT_U64(request.message.words[0], 0x30);
    EXPECT_U64(request.badge, 0);
    EXPECT_U64(request.token.serial, 0);
    bind_teardown();
}

TAP_TEST(a_bound_notification_cannot_be_waited_for)
{
    uint64_t bits = 0;
    REQUIRE(bind_setup());
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_BUSY);
    EXPECT_ERR(hf_bind(HANDLE_NONE), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, PAST, &bits), ERR_TIMEDOUT);
    EXPECT_ERR(hf_bind(notification), ERR_OK);
    bind_teardown();
}

static void binder_run(void *argument)
{
    *(enum err *)argument = hf_bind(notification);
}

TAP_TEST(a_notification_is_bound_to_one_thread)
{
    struct hf_thread thread;
    enum err error = ERR_OK;
    REQUIRE(bind_setup());
    REQUIRE(EXPECT_ERR(hf_thread_run(&thread, PRIORITY_DEFAULT, binder_run, &error), ERR_OK));
    hf_thread_join(&thread);
    EXPECT_ERR(error, ERR_EXIST);
    bind_teardown();
}

TAP_TEST(a_timer_sets_its_bits_at_its_time)
{
    struct hf_request request = {.badge = 0};
    REQUIRE(bind_setup());
    uint64_t time = time_after(5);
    EXPECT_ERR(hf_timer(time, 0x40), ERR_OK);
    EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK);
    EXPECT(time_now() >= time);
    EXPECT_U64(request.message.tag & IPC_TAG_KIND, IPC_NOTIFY);
    EXPECT_U64(request.message.words[0], 0x40);
    bind_teardown();
}

TAP_TEST(the_last_timer_counts_and_none_stops_it)
{
    struct hf_request request = {.badge = 0};
    uint64_t bits = 0;
    REQUIRE(bind_setup());
    /* Long enough that a busy host does not let it come before the second call. */
    EXPECT_ERR(hf_timer(time_after(1000), 0x1), ERR_OK);
    EXPECT_ERR(hf_timer(time_after(4), 0x2), ERR_OK);
    EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK);
    EXPECT_U64(request.message.words[0], 0x2);
    EXPECT_ERR(hf_timer(time_after(500), 0x4), ERR_OK);
    EXPECT_ERR(hf_timer(0, 0), ERR_OK);
    EXPECT_ERR(hf_bind(HANDLE_NONE), ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, time_after(600), &bits), ERR_TIMEDOUT);
    EXPECT_ERR(hf_bind(notification), ERR_OK);
    bind_teardown();
}

TAP_TEST(a_timer_needs_bits_and_a_bound_notification)
{
    REQUIRE(bind_setup());
    EXPECT_ERR(hf_timer(time_after(1), 0), ERR_INVAL);
    EXPECT_ERR(hf_bind(HANDLE_NONE), ERR_OK);
    EXPECT_ERR(hf_timer(time_after(1), 1), ERR_INVAL);
    EXPECT_ERR(hf_bind(notification), ERR_OK);
    bind_teardown();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(bits_add_up_until_they_are_taken),
        TAP(a_wait_takes_only_the_bits_it_wants),
        TAP(notifying_no_bits_is_inval),
        TAP(a_wait_ends_at_its_time_and_not_before),
        TAP(signalling_and_waiting_are_separate_rights),
        TAP(a_waiting_thread_wakes_for_a_bit_it_wants_and_no_other),
        TAP(a_second_waiter_is_told_busy),
        TAP(destroying_the_notification_ends_the_wait),
        TAP(a_waiter_that_is_ended_leaves_the_notification_free),
        TAP(bits_of_a_bound_notification_arrive_as_a_message),
        TAP(a_bound_notification_cannot_be_waited_for),
        TAP(a_notification_is_bound_to_one_thread),
        TAP(a_timer_sets_its_bits_at_its_time),
        TAP(the_last_timer_counts_and_none_stops_it),
        TAP(a_timer_needs_bits_and_a_bound_notification),
    };
    return TAP_RUN(argc, argv, tests);
}
