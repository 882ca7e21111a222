/* SPDX-License-Identifier: MIT */
/*
 * The last words of the kernel.
 *
 * An epitaph has the reason, the registers if there are any, addresses found on the stack that
 * follow call instructions ("  at 0x..."), the last trace events, and one framed line; then the
 * machine is powered off. A panic during a panic prints only the framed line.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

/*
 * What a trap leaves, as panic_trap() prints it. x[0] is unused.
 */
struct panic_registers {
    uint64_t x[32];
    uint64_t pc;
    uint64_t cause;
    uint64_t value; /* stval */
    uint64_t status;
};

/* Print the epitaph with a reason, and power off. */
NORETURN void panic(const char *reason);

/* The same for a trap; `who` names what trapped ("kernel", "memory server"). */
NORETURN void panic_trap(const char *who, const struct panic_registers *registers);
