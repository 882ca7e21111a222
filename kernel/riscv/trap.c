/* SPDX-License-Identifier: MIT */
#include "riscv/trap.h"

#include <riscv/csr.h>

#include "debug/panic.h"

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
