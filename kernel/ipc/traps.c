/* SPDX-License-Identifier: MIT */
/*
 * Traps of user threads, for riscv/trap.c (declared in riscv/trap_entry.h).
 */
#include "riscv/trap_entry.h"

#include "ipc/fault.h"
#include "ipc/upcall.h"
#include "riscv/trap.h"
#include "task/fpu.h"
#include "task/sched.h"
#include "task/space.h"

void trap_page_fault(struct thread *self, uint64_t address, uint32_t access)
{
    fault_take(self, address, access);
}

void trap_illegal(struct thread *self, uint64_t instruction)
{
    if (!fpu_claim(hart_self(), self)) {
        trap_refuse(self, CAUSE_ILLEGAL, instruction);
    }
}

void trap_refuse(struct thread *self, enum cause cause, uint64_t detail)
{
    if (self->space->aspace.is_server) {
        trap_panic("memory server", self->x);
    }
    (void)upcall_enter(self, cause, detail, 0);
}

void trap_interrupt(void)
{
    sched_tick();
}
