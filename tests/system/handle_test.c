/* SPDX-License-Identifier: MIT */
/*
 * Handles: deriving, closing, giving, slots, rights, and objects that end.
 */
#include <hf/kernel.h>
#include <hf/mem.h>
#include <tap.h>

#include "child.h"

#define SLOT     40
#define SLOT_FAR UINT64_C(1000000)

/* A notification with all rights, closed and destroyed by the test. */
static uint64_t object;

static bool setup(void)
{
    return object_make(OBJECT_NOTIFICATION, &object);
}

static void teardown(void)
{
    EXPECT_ERR(hf_object_destroy(object), ERR_OK);
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
}

TAP_TEST(a_derived_handle_has_only_the_rights_it_was_given)
{
    uint64_t handle = 0;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT, &handle), ERR_OK));
    EXPECT_U64(handle, SLOT);
    EXPECT_ERR(hf_notify(handle, 1), ERR_OK);
    EXPECT_ERR(hf_wait(handle, 0, 1, &bits), ERR_RIGHTS);
    EXPECT_ERR(hf_object_destroy(handle), ERR_RIGHTS);
    EXPECT_ERR(hf_wait(object, 0, 1, &bits), ERR_OK);
    EXPECT_U64(bits, 1);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    teardown();
}

TAP_TEST(rights_can_only_be_taken_away)
{
    uint64_t handle = 0;
    uint64_t more = 0;
    REQUIRE(setup());
    REQUIRE(
        EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL | RIGHT_DERIVE, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_handle_derive(handle, RIGHT_SIGNAL | RIGHT_WAIT, 0, 0, &more), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_derive(handle, UINT64_MAX, 0, 0, &more), ERR_RIGHTS);
    EXPECT_U64(more, 0);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    teardown();
}

TAP_TEST(a_handle_without_the_right_cannot_be_derived_from)
{
    uint64_t handle = 0;
    uint64_t more = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_handle_derive(handle, RIGHT_SIGNAL, 0, 0, &more), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    teardown();
}

TAP_TEST(a_slot_is_free_taken_or_beyond_the_table)
{
    uint64_t handle = 0;
    uint64_t other = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT, &handle), ERR_OK));
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT, &other), ERR_EXIST);
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, HANDLE_MEM, &other), ERR_EXIST);
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT_FAR, &other), ERR_RANGE);
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, UINT64_MAX, &other), ERR_RANGE);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT, &other), ERR_OK);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    teardown();
}

TAP_TEST(any_free_slot_is_none_that_is_promised)
{
    uint64_t handle = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, 0, &handle), ERR_OK));
    EXPECT(handle >= HANDLE_FREE);
    EXPECT(handle != object);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    teardown();
}

TAP_TEST(an_empty_slot_is_bad_for_every_call)
{
    uint64_t result = 0;
    EXPECT_ERR(hf_handle_close(SLOT), ERR_BADF);
    EXPECT_ERR(hf_handle_close(HANDLE_NONE), ERR_BADF);
    EXPECT_ERR(hf_handle_close(SLOT_FAR), ERR_BADF);
    EXPECT_ERR(hf_handle_close(UINT64_MAX), ERR_BADF);
    EXPECT_ERR(hf_handle_derive(SLOT, 0, 0, 0, &result), ERR_BADF);
    EXPECT_ERR(hf_handle_give(SLOT, HANDLE_LOG, 0, 0, &result), ERR_BADF);
    EXPECT_ERR(hf_object_destroy(SLOT), ERR_BADF);
    EXPECT_ERR(hf_notify(SLOT, 1), ERR_BADF);
    EXPECT_ERR(hf_wait(SLOT, 0, 1, &result), ERR_BADF);
    EXPECT_ERR(hf_bind(SLOT), ERR_BADF);
    EXPECT_ERR(hf_thread_stop(SLOT), ERR_BADF);
    EXPECT_ERR(hf_thread_continue(SLOT), ERR_BADF);
    EXPECT_ERR(hf_thread_end(SLOT, 0), ERR_BADF);
    EXPECT_ERR(hf_thread_upcall(SLOT, 0), ERR_BADF);
    EXPECT_ERR(hf_thread_priority(SLOT, 0), ERR_BADF);
    const struct hf_start start = {0};
    EXPECT_ERR(hf_thread_start(SLOT, &start), ERR_BADF);
    struct hf_message message = {.tag = 0};
    EXPECT_ERR(hf_call(SLOT, &message), ERR_BADF);
    EXPECT_ERR(hf_call_timed(SLOT, 0, &message), ERR_BADF);
    struct hf_request request = {.badge = 0};
    EXPECT_ERR(hf_reply_wait(SLOT, &request), ERR_BADF);
}

TAP_TEST(a_handle_to_another_kind_is_refused_by_type)
{
    uint64_t result = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_notify(HANDLE_MEM, 1), ERR_TYPE);
    EXPECT_ERR(hf_wait(HANDLE_LOG, 0, 1, &result), ERR_TYPE);
    EXPECT_ERR(hf_bind(HANDLE_MEM), ERR_TYPE);
    EXPECT_ERR(hf_thread_stop(object), ERR_TYPE);
    EXPECT_ERR(hf_thread_end(object, 0), ERR_TYPE);
    EXPECT_ERR(hf_thread_priority(HANDLE_MEM, 0), ERR_TYPE);
    EXPECT_ERR(hf_handle_give(object, HANDLE_LOG, 0, 0, &result), ERR_TYPE);
    EXPECT_ERR(hf_object_destroy(HANDLE_LOG), ERR_TYPE);
    struct hf_message message = {.tag = 0};
    EXPECT_ERR(hf_call(object, &message), ERR_TYPE);
    struct hf_request request = {.badge = 0};
    /* Whatever is wrong with the endpoint of a wait is BADF: the answer was delivered. */
    EXPECT_ERR(hf_reply_wait(object, &request), ERR_BADF);
    teardown();
}

TAP_TEST(destroying_an_object_makes_every_handle_to_it_stale)
{
    uint64_t handle = 0;
    uint64_t result = 0;
    REQUIRE(setup());
    REQUIRE(EXPECT_ERR(hf_handle_derive(object,
                                        RIGHT_ALL & ~(RIGHT_CALL | RIGHT_RECEIVE | RIGHT_CONTROL),
                                        0, 0, &handle),
                       ERR_OK));
    EXPECT_ERR(hf_object_destroy(object), ERR_OK);
    EXPECT_ERR(hf_notify(object, 1), ERR_STALE);
    EXPECT_ERR(hf_notify(handle, 1), ERR_STALE);
    EXPECT_ERR(hf_wait(handle, 0, 1, &result), ERR_STALE);
    EXPECT_ERR(hf_object_destroy(handle), ERR_STALE);
    EXPECT_ERR(hf_handle_derive(handle, RIGHT_SIGNAL, 0, 0, &result), ERR_STALE);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
}

TAP_TEST(a_stale_handle_does_not_name_the_next_object_in_its_place)
{
    uint64_t next = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_object_destroy(object), ERR_OK);
    REQUIRE(object_make(OBJECT_NOTIFICATION, &next));
    EXPECT_ERR(hf_notify(object, 1), ERR_STALE);
    EXPECT_ERR(hf_notify(next, 1), ERR_OK);
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
    object = next;
    teardown();
}

TAP_TEST(a_badge_needs_an_endpoint_to_receive_from_and_is_given_once)
{
    uint64_t endpoint = 0;
    uint64_t badged = 0;
    uint64_t result = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 5, 0, &result), ERR_RIGHTS);
    teardown();
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(
        EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_DERIVE, 5, 0, &badged), ERR_OK));
    EXPECT_ERR(hf_handle_derive(badged, RIGHT_CALL, 6, 0, &result), ERR_RIGHTS);
    struct hf_request request = {.badge = 0};
    EXPECT_ERR(hf_reply_wait(badged, &request), ERR_BADF);
    uint64_t weak = 0;
    REQUIRE(EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_DERIVE, 0, 0, &weak), ERR_OK));
    EXPECT_ERR(hf_handle_derive(weak, RIGHT_CALL, 6, 0, &result), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(weak), ERR_OK);
    EXPECT_ERR(hf_handle_close(badged), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

TAP_TEST(only_endpoints_and_notifications_can_be_made)
{
    static const unsigned kinds[] = {OBJECT_NONE,      OBJECT_THREAD,     OBJECT_SPACE,
                                     OBJECT_AUTHORITY, OBJECT_LOG,        OBJECT_MACHINE,
                                     OBJECT_HANDLES,   OBJECT_HANDLES + 1};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint64_t handle = 0;
        EXPECT_ERR(hf_object_make((enum object_kind)kinds[i], 0, &handle), ERR_INVAL);
    }
}

TAP_TEST(making_an_object_checks_its_slot)
{
    uint64_t handle = 0;
    REQUIRE(setup());
    EXPECT_ERR(hf_object_make(OBJECT_NOTIFICATION, HANDLE_MEM, &handle), ERR_EXIST);
    EXPECT_ERR(hf_object_make(OBJECT_NOTIFICATION, SLOT_FAR, &handle), ERR_RANGE);
    REQUIRE(EXPECT_ERR(hf_object_make(OBJECT_NOTIFICATION, SLOT, &handle), ERR_OK));
    EXPECT_U64(handle, SLOT);
    EXPECT_ERR(hf_object_destroy(SLOT), ERR_OK);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    teardown();
}

TAP_TEST(objects_can_be_made_until_the_slab_is_full_and_after_one_more_donation)
{
    enum { OBJECTS_MAX = 200 };
    static uint64_t handles[OBJECTS_MAX];
    unsigned count = 0;
    enum err error = ERR_OK;
    while (count < OBJECTS_MAX &&
           (error = hf_object_make(OBJECT_NOTIFICATION, 0, &handles[count])) == ERR_OK) {
        count++;
    }
    /* Either comes first: the slab or the table of handles is full. */
    EXPECT(error == ERR_NO_OBJECT || error == ERR_NO_SLOT);
    enum object_kind what = error == ERR_NO_OBJECT ? OBJECT_NOTIFICATION : OBJECT_HANDLES;
    EXPECT_ERR(hf_donate(HF_OWN_SPACE, what), ERR_OK);
    REQUIRE(EXPECT(count < OBJECTS_MAX));
    if (EXPECT_ERR(hf_object_make(OBJECT_NOTIFICATION, 0, &handles[count]), ERR_OK)) {
        count++;
    }
    for (unsigned i = 0; i < count; i++) {
        EXPECT_ERR(hf_object_destroy(handles[i]), ERR_OK);
        EXPECT_ERR(hf_handle_close(handles[i]), ERR_OK);
    }
}

TAP_TEST(accept_refuses_slots_beyond_the_table)
{
    EXPECT_ERR(hf_accept(SLOT_FAR, 1), ERR_RANGE);
    EXPECT_ERR(hf_accept(HANDLE_FREE, SLOT_FAR), ERR_RANGE);
    EXPECT_ERR(hf_accept(HANDLE_FREE, UINT64_MAX), ERR_RANGE);
    EXPECT_ERR(hf_accept(UINT64_MAX, 2), ERR_RANGE);
}

TAP_TEST(a_handle_given_to_a_child_has_the_rights_and_the_slot_asked_for)
{
    struct child child;
    struct mem_next_rep end;
    uint64_t bits = 0;
    REQUIRE(setup());
    REQUIRE(child_make(&child, "signal", "4"));
    REQUIRE(child_give(&child, object, RIGHT_SIGNAL, CHILD_HANDLE));
    uint64_t given = 0;
    uint64_t space = child.process.kernel_space;
    EXPECT_ERR(hf_handle_give(space, object, RIGHT_SIGNAL, CHILD_HANDLE, &given), ERR_EXIST);
    EXPECT_ERR(hf_handle_give(space, object, RIGHT_SIGNAL, SLOT_FAR, &given), ERR_RANGE);
    EXPECT_ERR(hf_handle_give(space, SLOT, RIGHT_SIGNAL, 0, &given), ERR_SENDER_HANDLE);
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL, 0, SLOT, &given), ERR_OK));
    EXPECT_ERR(hf_handle_give(space, SLOT, RIGHT_SIGNAL, 0, &given), ERR_SENDER_HANDLE);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_handle_derive(object, RIGHT_SIGNAL | RIGHT_TRANSFER, 0, SLOT, &given),
                       ERR_OK));
    EXPECT_ERR(hf_handle_give(space, SLOT, RIGHT_WAIT, 0, &given), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    REQUIRE(child_go(&child));
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, 1);
    EXPECT_U64(end.detail, 0);
    EXPECT_ERR(hf_wait(object, 0, 1, &bits), ERR_OK);
    EXPECT_U64(bits, 4);
    teardown();
}

/* In the child: signal the bits, and see that the handle can do nothing else. */
static int role_signal(void)
{
    uint64_t bits = 0;
    if (hf_wait(CHILD_HANDLE, 0, 1, &bits) != ERR_RIGHTS) {
        return 1;
    }
    if (hf_handle_derive(CHILD_HANDLE, RIGHT_SIGNAL, 0, 0, &bits) != ERR_RIGHTS) {
        return 2;
    }
    return hf_notify(CHILD_HANDLE, 4) == ERR_OK ? 0 : 3;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_derived_handle_has_only_the_rights_it_was_given),
        TAP(rights_can_only_be_taken_away),
        TAP(a_handle_without_the_right_cannot_be_derived_from),
        TAP(a_slot_is_free_taken_or_beyond_the_table),
        TAP(any_free_slot_is_none_that_is_promised),
        TAP(an_empty_slot_is_bad_for_every_call),
        TAP(a_handle_to_another_kind_is_refused_by_type),
        TAP(destroying_an_object_makes_every_handle_to_it_stale),
        TAP(a_stale_handle_does_not_name_the_next_object_in_its_place),
        TAP(a_badge_needs_an_endpoint_to_receive_from_and_is_given_once),
        TAP(only_endpoints_and_notifications_can_be_made),
        TAP(making_an_object_checks_its_slot),
        TAP(objects_can_be_made_until_the_slab_is_full_and_after_one_more_donation),
        TAP(accept_refuses_slots_beyond_the_table),
        TAP(a_handle_given_to_a_child_has_the_rights_and_the_slot_asked_for),
    };
    if (child_role(argc, argv) != NULL) {
        return role_signal();
    }
    return TAP_RUN(argc, argv, tests);
}
