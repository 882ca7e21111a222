/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of devices as bits of notifications.
 *
 *   QUIET --irq_bind--> ARMED --irq_take--> HELD --irq_done--> ARMED
 *
 *   QUIET  disabled at the controller.
 *   ARMED  enabled; the next interrupt sets the bits that the line is bound to.
 *   HELD   claimed and not completed: silent until whoever serves the device says so.
 *
 * I1  A line whose notification has ended is not completed, so that it cannot storm; the next
 *     irq_bind() starts it anew.
 */
#pragma once

#include <stdint.h>

#include "task/handle.h"

/* Lines that can be bound; further ones of the controller do not exist here. */
#define IRQ_LINES 128u

/* Whether there is a line of this number. */
bool irq_has_line(uint64_t line);

/*
 * Let interrupts of `line` set `bits` of the notification that `target` names; bits 0: none any
 * longer.
 */
void irq_bind(uint64_t line, struct handle_slot target, uint64_t bits);

/* Let a line that is HELD interrupt again; others are left alone. */
void irq_done(uint64_t line);

/* Pass on every interrupt that is pending at the controller. */
void irq_take(void);

/* Provided by ipc/attend.c: set bits of the notification, if it still lives. */
void irq_signal(const struct handle_slot *target, uint64_t bits);
