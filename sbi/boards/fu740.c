/* SPDX-License-Identifier: MIT */
/*
 * FU740-C000 (HiFive Unmatched): the clock of the core.
 *
 * After SPL the core runs on the crystal, 26 MHz. It has a second PLL, for changing speed while it
 * runs, and a multiplexer that says which of the two is behind CORECLKSEL: ours must be, whatever
 * was there before. The UART has a clock of its own, from HFPCLKPLL, which SPL has set.
 *
 * Sources: U-Boot 2025.01, drivers/clk/sifive/sifive-prci.h (COREPLLSEL) and fu740-prci.c (what
 * stands in front of what); dts/fu740-c000-u-boot.dtsi, from where U-Boot takes 1.2 GHz.
 *
 * Not here: the gates of the cache's clocks, which U-Boot lets close to save power.
 */
#include "clock.h"

#define CORE_PLL_SELECT 16u /* byte 0x40 */
#define SELECT_DVFS     1u

bool fu740_raise_clock(const struct board *board, struct board_registers registers)
{
    registers.clock[CORE_PLL_SELECT] &= ~SELECT_DVFS;
    (void)registers.clock[CORE_PLL_SELECT]; /* has happened once it can be read */
    return clock_use_core_pll(registers.clock, board->pll);
}
