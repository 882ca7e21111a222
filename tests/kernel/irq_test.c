/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines and the notifications that they are bound to.
 */
#include "irq/irq.h"

#include <riscv/csr.h>

#include "controller.h"
#include "ipc/end.h"
#include "stage.h"
#include "tap.h"
#include "task/sched.h"

#define LINE 5u
#define SLOT 20u

static struct notification *notification;
static struct handle_slot target;

/* A driver that has bound the line to bit 1 of a notification. */
static struct space *start_driver(void)
{
    stage_start();
    controller_start();
    irq_bind(LINE, (struct handle_slot){.object = NULL}, 0); /* of the test before */
    struct space *driver = stage_space(7);
    struct object *object = stage_object(driver, OBJECT_NOTIFICATION, SLOT);
    notification = (struct notification *)(void *)object;
    target = handle_make(object, OBJECT_NOTIFICATION, RIGHT_ALL, 0);
    irq_bind(LINE, target, 1);
    return driver;
}

TAP_TEST(an_interrupt_sets_its_bits_once_until_it_is_done)
{
    (void)start_driver();
    controller_raise(LINE, true);
    attend_interrupts();
    EXPECT_U64(notification->bits, 1);
    notification->bits = 0;
    attend_interrupts();
    EXPECT_U64(notification->bits, 0);
    irq_done(LINE);
    attend_interrupts();
    EXPECT_U64(notification->bits, 1);
    controller_raise(LINE, false);
    irq_done(LINE);
    EXPECT(!controller_is_claimed(LINE));
}

TAP_TEST(a_line_that_is_done_without_need_stays_as_it_is)
{
    (void)start_driver();
    irq_done(LINE);
    controller_raise(LINE, true);
    attend_interrupts();
    EXPECT(controller_is_claimed(LINE));
}

TAP_TEST(a_line_whose_driver_has_ended_is_silent)
{
    struct space *driver = start_driver();
    lock_take(&task_lock);
    end_space(driver);
    lock_release(&task_lock);
    controller_raise(LINE, true);
    attend_interrupts();
    EXPECT(controller_is_claimed(LINE));
    EXPECT_U64(csr_read_sip(), 0);
}

TAP_TEST(a_line_that_was_left_claimed_starts_anew_when_it_is_bound)
{
    (void)start_driver();
    controller_raise(LINE, true);
    attend_interrupts();
    irq_bind(LINE, target, 4);
    EXPECT(!controller_is_claimed(LINE));
    notification->bits = 0;
    attend_interrupts();
    EXPECT_U64(notification->bits, 4);
}

TAP_TEST(a_line_that_is_bound_to_nothing_does_not_interrupt)
{
    (void)start_driver();
    irq_bind(LINE, (struct handle_slot){.object = NULL}, 0);
    controller_raise(LINE, true);
    attend_interrupts();
    EXPECT(!controller_is_claimed(LINE));
    EXPECT_U64(notification->bits, 0);
}

TAP_TEST(lines_that_do_not_exist_are_known)
{
    EXPECT(!irq_has_line(0));
    EXPECT(irq_has_line(1));
    EXPECT(irq_has_line(CONTROLLER_LINES));
    EXPECT(!irq_has_line(CONTROLLER_LINES + 1));
    EXPECT(!irq_has_line((UINT64_C(1) << 32) + 1));
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(an_interrupt_sets_its_bits_once_until_it_is_done),
        TAP(a_line_that_is_done_without_need_stays_as_it_is),
        TAP(a_line_whose_driver_has_ended_is_silent),
        TAP(a_line_that_was_left_claimed_starts_anew_when_it_is_bound),
        TAP(a_line_that_is_bound_to_nothing_does_not_interrupt),
        TAP(lines_that_do_not_exist_are_known),
    };
    return TAP_RUN(argc, argv, tests);
}
