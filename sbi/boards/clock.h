/* SPDX-License-Identifier: MIT */
/*
 * What the clocks of FU540 and FU740 have in common, and what each does to raise its core's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <sbi/board.h>

/* Wait until a bit is set, as long as it can take. Returns: whether it came. */
bool clock_await(const volatile uint32_t *where, uint32_t bit);

/*
 * Set the core's PLL and have the core run on it.
 *
 * Requires:  the core runs on the crystal.
 * Returns:   whether the PLL locks; if not, the core stays on the crystal.
 */
MUST_USE bool clock_use_core_pll(volatile uint32_t *clock, uint32_t pll);

/* Raise the core's clock. Requires and Returns: as clock_use_core_pll(). */
MUST_USE bool fu540_raise_clock(const struct board *board, struct board_registers registers);
MUST_USE bool fu740_raise_clock(const struct board *board, struct board_registers registers);
