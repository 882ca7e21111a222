/* SPDX-License-Identifier: MIT */
/*
 * Traps of user threads (riscv/trap.h), and whether assembly knows the numbers of C.
 */
#include "riscv/trap.h"

#include <abi/layout.h>

#include "ipc/endpoint.h"
#include "ipc/fault.h"
#include "ipc/upcall.h"
#include "riscv/csr.h"
#include "riscv/direct.h"
#include "task/fpu.h"
#include "task/sched.h"
#include "task/space.h"

#define TRAP_IS_INTERRUPT (UINT64_C(1) << 63)
#define TRAPS             16u

/* Privileged ISA 4.1.9: scause of exceptions */
enum trap_cause {
    TRAP_FETCH_MISALIGNED = 0,
    TRAP_FETCH_ACCESS = 1,
    TRAP_ILLEGAL = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_LOAD_MISALIGNED = 4,
    TRAP_LOAD_ACCESS = 5,
    TRAP_STORE_MISALIGNED = 6,
    TRAP_STORE_ACCESS = 7,
    TRAP_FETCH_PAGE = 12,
    TRAP_LOAD_PAGE = 13,
    TRAP_STORE_PAGE = 15,
};

#define CHECK_NUMBER(name, number, expression) STATIC_ASSERT((expression) == (number), #name);
OFFSETS(CHECK_NUMBER)
STATIC_ASSERT((uint64_t)FAST_DIRECT_HIGH << FAST_DIRECT_SHIFT == DIRECT_BASE, "see offsets.h");

/* Access of a page fault; 0: something else. */
static const uint8_t trap_accesses[TRAPS] = {
    [TRAP_FETCH_PAGE] = FAULT_EXEC,
    [TRAP_LOAD_PAGE] = FAULT_READ,
    [TRAP_STORE_PAGE] = FAULT_WRITE,
};

/* What an upcall is told of something else; 0, of reserved codes too: as for an illegal one. */
static const uint8_t trap_upcalls[TRAPS] = {
    [TRAP_BREAKPOINT] = CAUSE_BREAKPOINT,      [TRAP_FETCH_MISALIGNED] = CAUSE_MISALIGNED,
    [TRAP_LOAD_MISALIGNED] = CAUSE_MISALIGNED, [TRAP_STORE_MISALIGNED] = CAUSE_MISALIGNED,
    [TRAP_FETCH_ACCESS] = CAUSE_ACCESS,        [TRAP_LOAD_ACCESS] = CAUSE_ACCESS,
    [TRAP_STORE_ACCESS] = CAUSE_ACCESS,
};

/* Current did something that has a cause: make it an upcall, or end it. */
static void trap_refuse(struct thread *self, uint64_t trap, uint64_t detail)
{
    const uint8_t cause = trap < TRAPS ? trap_upcalls[trap] : 0;

    if (self->space->aspace.is_server) {
        trap_panic("memory server", self->x);
    }
    (void)upcall_enter(self, cause == 0 ? CAUSE_ILLEGAL : (enum cause)cause, detail, 0);
}

void trap_user(struct thread *self)
{
    const uint64_t trap = csr_read_scause();
    const uint64_t value = csr_read_stval();

    if ((trap & TRAP_IS_INTERRUPT) != 0) {
        sched_tick();
    } else if (trap < TRAPS && trap_accesses[trap] != 0) {
        fault_take(self, value, trap_accesses[trap]);
    } else if (trap != TRAP_ILLEGAL || !fpu_claim(hart_self(), self)) {
        trap_refuse(self, trap, value);
    }
}
