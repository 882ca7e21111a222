/* SPDX-License-Identifier: MIT */
/*
 * The registers of the core's clock that FU540 and FU740 both have (PRCI).
 *
 * Sources: FU540-C000 and FU740-C000 manuals, chapter 7; U-Boot 2025.01 and Linux,
 * drivers/clk/sifive/sifive-prci.h, whose names of them stand behind each.
 */
#include "clock.h"

#define CORE_PLL_CONFIG 1u          /* index of 32-bit registers: COREPLLCFG0, byte 0x04 */
#define CORE_PLL_OUTPUT 2u          /* COREPLLCFG1, 0x08 */
#define CORE_SELECT     9u          /* CORECLKSEL, 0x24 */
#define PLL_LOCKED      0x80000000u /* COREPLLCFG0_LOCK */
#define PLL_OUTPUT_ON   0x80000000u /* COREPLLCFG1_CKE */
#define SELECT_CRYSTAL  1u          /* CORECLKSEL_CORECLKSEL */

/* Looks at a register, at the speed of the crystal, until something is given up. */
#define LOOKS_MAX 200000u

bool clock_await(const volatile uint32_t *where, uint32_t bit)
{
    for (uint32_t i = 0; i < LOOKS_MAX; i++) {
        if ((*where & bit) != 0) {
            return true;
        }
    }
    return false;
}

bool clock_use_core_pll(volatile uint32_t *clock, uint32_t pll)
{
    clock[CORE_PLL_CONFIG] = pll;
    clock[CORE_PLL_OUTPUT] = PLL_OUTPUT_ON;
    if (!clock_await(&clock[CORE_PLL_CONFIG], PLL_LOCKED)) {
        return false;
    }
    clock[CORE_SELECT] &= ~SELECT_CRYSTAL;
    (void)clock[CORE_SELECT]; /* has happened once it can be read */
    return true;
}
