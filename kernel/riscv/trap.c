/* SPDX-License-Identifier: MIT */
#include "riscv/trap.h"

#include <riscv/csr.h>

#include "debug/panic.h"

uint64_t trap_registers[32]; /* of a trap of the kernel's own; filled by trap.S */

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
    trap_panic("kernel", trap_registers);
}
