/* SPDX-License-Identifier: MIT */
#include "riscv/trap.h"

#include <abi/fault.h>
#include <abi/ipc.h>
#include <abi/layout.h>
#include <abi/map.h>
#include <base/assert.h>
#include <riscv/csr.h>
#include <riscv/direct.h>

#include "debug/panic.h"
#include "riscv/fastpath.h"
#include "riscv/trap_entry.h"

#define CAUSE_IS_INTERRUPT (UINT64_C(1) << 63)

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

/* Numbers that fastpath.S cannot include. */
STATIC_ASSERT(FAST_RIGHT_CALL == RIGHT_CALL && FAST_RIGHT_RECEIVE == RIGHT_RECEIVE, "fastpath.h");
STATIC_ASSERT(FAST_SSTATUS_FS == SSTATUS_FS && FAST_USER_PAGES == (USER_END - USER_START) >> 12,
              "fastpath.h");
STATIC_ASSERT(FAST_IPC_FAULT == IPC_FAULT && FAULT_RESUME == 0, "fastpath.h");
STATIC_ASSERT(FAST_FAULT_READ == FAULT_READ && FAST_FAULT_WRITE == FAULT_WRITE, "fastpath.h");
STATIC_ASSERT(FAST_FAULT_EXEC == FAULT_EXEC, "fastpath.h");
STATIC_ASSERT(FAST_TRAP_FETCH_PAGE == TRAP_FETCH_PAGE, "fastpath.h");
STATIC_ASSERT(FAST_TRAP_LOAD_PAGE == TRAP_LOAD_PAGE, "fastpath.h");
STATIC_ASSERT(FAST_TRAP_STORE_PAGE == TRAP_STORE_PAGE, "fastpath.h");
STATIC_ASSERT(FAST_MAP_PAGES_SHIFT == MAP_PAGES_SHIFT, "fastpath.h");
STATIC_ASSERT(FAST_MAP_PROT_SHIFT == MAP_PROT_SHIFT, "fastpath.h");
STATIC_ASSERT(FAST_MAP_INSTALL_ZERO == MAP_INSTALL_ZERO, "fastpath.h");
STATIC_ASSERT(FAST_MAP_INSTALL == MAP_INSTALL, "fastpath.h");
STATIC_ASSERT(FAST_PTE_EXEC == PTE_EXEC && FAST_PTE_PFN_SHIFT == PTE_PFN_SHIFT, "fastpath.h");
STATIC_ASSERT((uint64_t)FAST_DIRECT_HIGH << FAST_DIRECT_SHIFT == DIRECT_BASE, "fastpath.h");

struct panic_registers trap_registers; /* of a trap of the kernel's own; filled by trap.S */

void trap_panic(const char *who, const uint64_t x[32])
{
    struct panic_registers registers = {.pc = x[0],
                                        .cause = csr_read_scause(),
                                        .value = csr_read_stval(),
                                        .status = csr_read_sstatus()};

    for (int i = 1; i < 32; i++) {
        registers.x[i] = x[i];
    }
    panic_trap(who, &registers);
}

void trap_kernel(void)
{
    trap_registers.pc = csr_read_sepc();
    trap_registers.cause = csr_read_scause();
    trap_registers.value = csr_read_stval();
    trap_registers.status = csr_read_sstatus();
    panic_trap("kernel", &trap_registers);
}

/* Hand an exception to those who know threads. */
static void trap_exception(struct thread *self, uint64_t cause, uint64_t value)
{
    switch (cause) {
    case TRAP_FETCH_PAGE:
        trap_page_fault(self, value, FAULT_EXEC);
        return;
    case TRAP_LOAD_PAGE:
        trap_page_fault(self, value, FAULT_READ);
        return;
    case TRAP_STORE_PAGE:
        trap_page_fault(self, value, FAULT_WRITE);
        return;
    case TRAP_ILLEGAL:
        trap_illegal(self, value);
        return;
    case TRAP_BREAKPOINT:
        trap_refuse(self, CAUSE_BREAKPOINT, value);
        return;
    case TRAP_FETCH_MISALIGNED:
    case TRAP_LOAD_MISALIGNED:
    case TRAP_STORE_MISALIGNED:
        trap_refuse(self, CAUSE_MISALIGNED, value);
        return;
    case TRAP_FETCH_ACCESS:
    case TRAP_LOAD_ACCESS:
    case TRAP_STORE_ACCESS:
        trap_refuse(self, CAUSE_ACCESS, value);
        return;
    default: /* reserved codes: whatever it was, the thread cannot go on */
        trap_refuse(self, CAUSE_ILLEGAL, value);
        return;
    }
}

void trap_user(struct thread *self)
{
    const uint64_t cause = csr_read_scause();

    if ((cause & CAUSE_IS_INTERRUPT) != 0) {
        trap_interrupt();
    } else {
        trap_exception(self, cause, csr_read_stval());
    }
}
