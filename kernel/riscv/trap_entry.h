/* SPDX-License-Identifier: MIT */
/*
 * What trap.S and trap.c call: functions here are in trap.c, those below in ipc/traps.c, since
 * riscv/ knows neither threads nor messages.
 */
#pragma once

#include <stdint.h>

#include <abi/fault.h>
#include <base/attr.h>

struct thread;

/* Called by trap.S: a trap in user mode; the registers of current are in struct thread. */
void trap_user(struct thread *self);

/* Called by trap.S: a trap in the kernel; x[] of trap_registers is filled. */
NORETURN void trap_kernel(void);

/* Current met a page fault; `access` is one of FAULT_READ, _WRITE, _EXEC. */
void trap_page_fault(struct thread *self, uint64_t address, uint32_t access);

/* Current met an instruction that it may not execute; perhaps it only lacks the FPU. */
void trap_illegal(struct thread *self, uint64_t instruction);

/* Current did something that has a cause: make it an upcall, or end it. */
void trap_refuse(struct thread *self, enum cause cause, uint64_t detail);

/* An interrupt is pending. */
void trap_interrupt(void);
