/* SPDX-License-Identifier: MIT */
/*
 * The platform-level interrupt controller (RISC-V PLIC 1.0.0), as one hart sees it.
 *
 * All lines go to the S-mode context of the hart that booted. A line that was claimed is quiet
 * until it is completed: the gateway keeps back what the device has to say.
 *
 * Its registers are in the direct map. Constant after boot; which line is enabled is irq.c's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>

/* Registers up to those of the context. */
#define PLIC_BYTES(context) (UINT64_C(0x201000) + UINT64_C(0x1000) * (context))

/*
 * Once per boot: registers at `start`, lines 1..`lines`, and the context to be used. Without this
 * call there are no lines.
 */
void plic_init(paddr_t start, uint32_t lines, uint32_t context);

/* Lines are 1..plic_lines(). */
uint32_t plic_lines(void);

/* Let a line interrupt, or no longer. */
void plic_enable(uint32_t line, bool is_enabled);

/* Take the most urgent line that interrupts; 0: none. */
uint32_t plic_claim(void);

/* A line that was claimed, and is enabled, may interrupt again. */
void plic_complete(uint32_t line);
