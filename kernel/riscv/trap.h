/* SPDX-License-Identifier: MIT */
/*
 * Entries to and exits from the kernel (trap.S, fastpath.S, trap.c).
 *
 * A kernel call whose registers are its arguments and results is a C function with those arguments
 * (syscall/syscall.h). One that blocks, or has more than one result, gets all registers in struct
 * thread and leaves its results there. Everything else that a trap can be goes to trap_user(), with
 * all registers in struct thread.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

struct thread;

/* The address for stvec. */
void trap_entry(void);

/* Where the firmware starts another hart, by its physical address; argument: its struct hart. */
void entry_hart(void);

/* Switch to the most urgent thread and enter user mode. Once per hart,
 * with the kernel lock. */
NORETURN void trap_start(void);

/* Panic because of the trap that was taken last, in user mode, with the registers `x` (x[0]:
 * pc). */
NORETURN void trap_panic(const char *who, const uint64_t x[32]);

/* Called by trap.S: a trap in the kernel; trap_registers is filled. */
NORETURN void trap_kernel(void);

/*
 * Provided by ipc/traps.c, called by trap.S: a trap in user mode that is no call; the registers of
 * current are in struct thread.
 */
void trap_user(struct thread *self);
