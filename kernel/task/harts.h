/* SPDX-License-Identifier: MIT */
/*
 * The harts together: the kernel lock, and what one hart asks of another.
 *
 *     trap --harts_enter()--> in the kernel --trap_return--> user mode
 *                              |        ^
 *                   harts_leave()      harts_enter()     around the sleep of an idle hart, and
 *                                                          while frames are filled (mm/fill.h)
 *
 * Whoever is in the kernel may change every hart's queue and notes. What only the other hart itself
 * can do (forget translations, leave a thread, save floating-point registers) is asked of it and
 * waited for: it is in user mode, asleep, fills a few pages, or waits for the kernel lock, and each
 * of these ends, or is interrupted, soon. So a request is done when the function returns, and none
 * is ever left over while the lock is free.
 *
 * After taking the lock a hart looks at hart->reschedule: if something is due, the trap that
 * brought it here is forgotten, and happens again if its thread still runs later.
 *
 * I1  hart->current changes only under the kernel lock, or at another hart's request; the hart's
 *     satp is that of current, or of the kernel alone while there is none.
 * I2  A hart takes no note of requests while it has the lock.
 * Waiting never spins without bound: some emulators run nobody else meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "riscv/hart.h"

/* The first harts_count of them are used; those with is_online have arrived. */
extern struct hart harts[HARTS_MAX];
extern uint64_t harts_count; /* constant after boot */

/* Take the kernel lock, doing what others ask in the meantime. */
void harts_enter(void);

/* Give the kernel lock back. */
void harts_leave(void);

/* Give the kernel lock back while this hart fills what it began to fill (mm/fill.h). */
void harts_leave_to_fill(void);

/*
 * It has done so: take the kernel lock and end it.
 *
 * On return: hart->current is NULL if its thread was ended in between, on behalf of another hart.
 * Then nothing that belongs to the thread may be looked at, and what is due is in reschedule.
 */
void harts_enter_filled(void);

/* aspace_apply() was cut: fill what it began to fill, as above, and serve an interrupt. */
void harts_cut(void);

/*
 * The end of boot: make the pages of its code writable and no longer executable, and enter user
 * mode. The boot code calls it as its last act. What the pages hold is no secret.
 */
NORETURN void harts_retire_boot(void);

/* First C function of a hart that another one started. */
void harts_join(void);

/* Have `hart`, another one, look at its run queue and at the flags of its thread soon. */
void harts_poke(struct hart *hart);

/* What `hart`'s counter of instructions says. */
uint64_t harts_instructions(struct hart *hart);

/*
 * What can be asked of another hart, beside forgetting translations and fetched instructions, which
 * it does each time: run none of its threads from now on; bring f and fcsr of its fpu_owner up to
 * date, which owns it no more.
 */
#define REQUEST_FLUSH    1u
#define REQUEST_EVICT    2u
#define REQUEST_PUT_BACK 4u

/* Have `hart`, another one, do it, and wait until it is done. */
void harts_have_done(struct hart *hart, unsigned request);
