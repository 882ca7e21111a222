/* SPDX-License-Identifier: MIT */
/*
 * Leases of pins: who is told that one is over, when, and how often.
 */
#include <tap.h>

#include <base/assert.h>

#include "stall.h"

#include "server/core/lease.h"

#define GET    (MEM_PIN_GET | MEM_PIN_WRITE)
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define PAGES  4u
#define MANY   600u
#define PINS   40u
#define LATEST 100u

/* A client with some memory of its own at TO. */
static void begin(void)
{
    stall_start(8, 1);
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP, TO, PAGES, RW}));
}

static const struct patient_answer *answer_of(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread]);
}

/* PIN by thread 0 with a lease; 0: without. Returns: its number. */
static uint64_t pin(uint64_t lease)
{
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_PIN, TO, PAGES, GET, 0, lease}));
    EXPECT_ERR(answer_of(0)->error, ERR_OK);
    return answer_of(0)->pin;
}

static void unpin(uint64_t number)
{
    EXPECT(
        patient_ask(&stall.patient, stall.threads[0], (uint64_t[WAIT_WORDS]){ASK_UNPIN, number}));
    EXPECT_ERR(answer_of(0)->error, ERR_OK);
}

/* PIN_NEXT. Returns: whether it was answered at once. */
static bool ask(unsigned thread)
{
    return patient_ask(&stall.patient, stall.threads[thread], (uint64_t[WAIT_WORDS]){ASK_PIN_NEXT});
}

static void pass(uint64_t time)
{
    patient_pass(&stall.patient, time);
    world_audit(stall.patient.world);
}

static void expect_waits(unsigned thread)
{
    EXPECT(!answer_of(thread)->is_there);
    EXPECT_U64(stall.threads[thread]->wait.state, WAIT_LEASE);
}

static void expect_told(unsigned thread, uint64_t number)
{
    EXPECT(answer_of(thread)->is_there);
    EXPECT_ERR(answer_of(thread)->error, ERR_OK);
    EXPECT_U64(answer_of(thread)->pin, number);
    EXPECT_U64(answer_of(thread)->value, PAGES);
    EXPECT_U64(stall.threads[thread]->wait.state, WAIT_NONE);
}

TAP_TEST(who_waits_is_told_when_the_lease_is_over_and_not_before)
{
    begin();
    const uint64_t number = pin(LATEST);

    EXPECT(!ask(1));
    expect_waits(1);
    EXPECT_U64(stall_core()->head->pins.lease_at, stall_core()->time + LATEST);
    pass(LATEST - 1);
    expect_waits(1);
    pass(1);
    expect_told(1, number);
    EXPECT_U64(stall_core()->head->pins.lease_at, UINT64_MAX);
    EXPECT_U64(stall.client->pinned, PAGES); /* nothing happens to it */
    stall_finish();
}

TAP_TEST(each_pin_is_told_once)
{
    begin();
    const uint64_t number = pin(1);

    pass(5);
    EXPECT(ask(1));
    expect_told(1, number);
    EXPECT(!ask(1));
    pass(1000);
    expect_waits(1);
    const uint64_t other = pin(3);

    pass(3);
    expect_told(1, other);
    stall_finish();
}

TAP_TEST(a_pin_that_comes_meanwhile_makes_it_earlier_and_one_without_a_lease_does_not)
{
    begin();
    EXPECT(!ask(1));
    EXPECT_U64(stall_core()->head->pins.lease_at, UINT64_MAX);
    (void)pin(0);
    pass(1000);
    expect_waits(1);
    const uint64_t late = pin(50);
    const uint64_t soon = pin(20);

    pass(19);
    expect_waits(1);
    pass(1);
    expect_told(1, soon);
    EXPECT(!ask(1));
    pass(29);
    expect_waits(1);
    pass(1);
    expect_told(1, late);
    stall_finish();
}

TAP_TEST(a_pin_that_was_given_up_is_not_told)
{
    begin();
    const uint64_t gone = pin(10);
    const uint64_t kept = pin(30);

    EXPECT(!ask(1));
    unpin(gone);
    pass(10);
    expect_waits(1);
    EXPECT_U64(stall_core()->head->pins.lease_at, stall_core()->time + 20);
    pass(20);
    expect_told(1, kept);
    stall_finish();
}

TAP_TEST(the_owner_is_told_and_not_whose_pages_they_are)
{
    begin();
    struct thread *thread = patient_thread(&stall.patient, stall.server);

    EXPECT(patient_ask(&stall.patient, thread,
                       (uint64_t[WAIT_WORDS]){ASK_PIN, TO, PAGES, GET, stall.client->number, 5}));
    const uint64_t number = patient_answer(&stall.patient, thread)->pin;

    EXPECT(number != 0);
    EXPECT(!ask(1));
    pass(5);
    expect_waits(1);
    EXPECT(patient_ask(&stall.patient, thread, (uint64_t[WAIT_WORDS]){ASK_PIN_NEXT}));
    EXPECT_U64(patient_answer(&stall.patient, thread)->pin, number);
    stall_finish();
}

TAP_TEST(one_thread_waits_and_when_it_ends_another_can)
{
    begin();
    const uint64_t number = pin(10);

    EXPECT(!ask(1));
    EXPECT(ask(2));
    EXPECT_ERR(answer_of(2)->error, ERR_BUSY);
    wait_cancel(stall_core(), stall.threads[1]);
    EXPECT_U64(stall.client->lessee, 0);
    EXPECT(!ask(2));
    pass(10);
    expect_told(2, number);
    /* And one whose time had come, but that was not answered yet. */
    const uint64_t other = pin(10);

    EXPECT(!ask(1));
    stall_core()->time += 10;
    shared_enter(stall_core());
    lease_expire(stall_core());
    shared_leave(stall_core());
    EXPECT_U64(stall.threads[1]->wait.state, WAIT_READY);
    wait_cancel(stall_core(), stall.threads[1]);
    EXPECT(ask(2));
    expect_told(2, other);
    stall_finish();
}

TAP_TEST(what_could_not_be_told_is_told_to_the_next)
{
    struct lease_look look = {0};
    struct pin *found = NULL;

    begin();
    const uint64_t number = pin(1);

    pass(1);
    EXPECT_ERR(lease_next(stall_core(), stall.client, &look, &found), ERR_OK);
    EXPECT_U64(found->number, number);
    EXPECT_U64(found->is_told, 1);
    lease_take_back(stall_core(), found);
    EXPECT(ask(1));
    expect_told(1, number);
    stall_finish();
}

/* Ask as the shell does, message by message. Returns: how many it took, and in `*error` the end. */
static unsigned in_turns(struct lease_look *look, struct pin **found, enum err *error)
{
    unsigned turns = 1;

    stall_core()->has_turns = true;
    while ((*error = lease_next(stall_core(), stall.client, look, found)) == ERR_WAIT) {
        EXPECT_U64(stall_core()->need.kind, NEED_TURN);
        stall_core()->need = (struct need){0};
        turns++;
    }
    stall_core()->has_turns = false;
    return turns;
}

TAP_TEST(many_pins_are_looked_through_in_turns_from_where_the_last_one_ended)
{
    struct lease_look look = {0};
    struct pin *found = NULL;
    uint64_t numbers[MANY];
    enum err error;

    begin();
    for (unsigned i = 0; i < MANY; i++) {
        numbers[i] = pin(i == 0 ? 50 : 100 + i);
    }
    EXPECT_U64(in_turns(&look, &found, &error), (MANY + LEASE_LOOKS - 1) / LEASE_LOOKS);
    EXPECT_ERR(error, ERR_WOULD_BLOCK);
    EXPECT_U64(look.earliest, stall_core()->time + 50);
    pass(50);
    look = (struct lease_look){0};
    EXPECT_U64(in_turns(&look, &found, &error), (MANY + LEASE_LOOKS - 1) / LEASE_LOOKS);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(found->number, numbers[0]);
    /* The pin at which the turn ended has gone: from the start. */
    look = (struct lease_look){0};
    stall_core()->has_turns = true;
    EXPECT_ERR(lease_next(stall_core(), stall.client, &look, &found), ERR_WAIT);
    stall_core()->has_turns = false;
    stall_core()->need = (struct need){0};
    EXPECT_U64(look.before, numbers[MANY - LEASE_LOOKS]);
    unpin(look.before);
    look.earliest = 1;
    EXPECT_ERR(lease_next(stall_core(), stall.client, &look, &found), ERR_WOULD_BLOCK);
    EXPECT_U64(look.earliest, stall_core()->time + 51);
    stall_finish();
}

TAP_TEST(a_new_server_knows_who_was_told_and_waits_for_those_who_ask_again)
{
    begin();
    (void)pin(1);
    const uint64_t number = pin(20);

    pass(1);
    EXPECT(ask(1));
    EXPECT(!ask(1));
    stall_restart();
    EXPECT_U64(stall.client->lessee, 0);
    EXPECT(!ask(1));
    pass(19);
    expect_told(1, number);
    stall_finish();
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state % below);
}

/* Pins come and go with leases of any length while time passes by any steps. */
TAP_TEST(every_pin_that_outlives_its_lease_is_told_once_and_never_early)
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t numbers[PINS] = {0};
    uint64_t due[PINS] = {0};
    bool was_told[PINS] = {false};
    unsigned told = 0;

    tap_note("seed %#llx", (unsigned long long)state);
    begin();
    for (unsigned step = 0; step < 20000; step++) {
        const uint32_t i = draw(&state, PINS);

        if (numbers[i] == 0) {
            const uint32_t lease = draw(&state, LATEST);

            numbers[i] = pin(lease);
            due[i] = lease == 0 ? UINT64_MAX : stall_core()->time + lease;
            was_told[i] = false;
        } else if (draw(&state, 3) == 0) {
            unpin(numbers[i]);
            numbers[i] = 0;
        }
        if (answer_of(1)->is_there || step == 0) {
            (void)ask(1);
        }
        stall_core()->time += draw(&state, 8);
        shared_enter(stall_core());
        lease_expire(stall_core());
        shared_leave(stall_core());
        patient_go_on(&stall.patient);
        while (answer_of(1)->is_there) {
            unsigned found = 0;

            REQUIRE(EXPECT_ERR(answer_of(1)->error, ERR_OK));
            while (found < PINS && numbers[found] != answer_of(1)->pin) {
                found++;
            }
            REQUIRE(EXPECT(found < PINS));
            REQUIRE(EXPECT(due[found] <= stall_core()->time && !was_told[found]));
            was_told[found] = true;
            told++;
            (void)ask(1);
        }
        for (unsigned j = 0; j < PINS; j++) {
            REQUIRE(EXPECT(numbers[j] == 0 || was_told[j] || due[j] > stall_core()->time));
        }
    }
    tap_note("%u told", told);
    EXPECT(told > 1000);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_waits_is_told_when_the_lease_is_over_and_not_before),
        TAP(each_pin_is_told_once),
        TAP(a_pin_that_comes_meanwhile_makes_it_earlier_and_one_without_a_lease_does_not),
        TAP(a_pin_that_was_given_up_is_not_told),
        TAP(the_owner_is_told_and_not_whose_pages_they_are),
        TAP(one_thread_waits_and_when_it_ends_another_can),
        TAP(what_could_not_be_told_is_told_to_the_next),
        TAP(many_pins_are_looked_through_in_turns_from_where_the_last_one_ended),
        TAP(a_new_server_knows_who_was_told_and_waits_for_those_who_ask_again),
        TAP(every_pin_that_outlives_its_lease_is_told_once_and_never_early),
    };
    return TAP_RUN(argc, argv, tests);
}
