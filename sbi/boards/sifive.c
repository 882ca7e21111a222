/* SPDX-License-Identifier: MIT */
/*
 * FU540 (HiFive Unleashed) and FU740 (HiFive Unmatched): what their cores need after SPL.
 *
 * A PLL turns the crystal's f into f / (R + 1) * 2 * (F + 1) / 2^Q (FU540-C000 and FU740-C000
 * manuals, chapter 7). The range is that of its filter for f / (R + 1): 2 from 11 MHz on, 3 from 18
 * (Linux, drivers/clk/analogbits/wrpll-cln28hpc.c).
 *
 * Run in QEMU's model of the FU540 only: nothing here has been on a board.
 */
#include <sbi/board.h>

#include <stddef.h>

#include "clock.h"

#define CORE_SELECT    9u /* CORECLKSEL: clock.c */
#define SELECT_CRYSTAL 1u

/* R, F, Q, the filter's range, and internal feedback (COREPLLCFG0_FSE). */
#define PLL(r, f, q, range) \
    ((uint32_t)(r) | (uint32_t)(f) << 6 | (uint32_t)(q) << 15 | (uint32_t)(range) << 18 | 1u << 25)

/*
 * L2 cache: Config, and WayEnable, which is the number of the last way that is on (FU540-C000
 * manual, chapter 11; for both U-Boot 2025.01, drivers/cache/cache-sifive-ccache.c).
 */
#define CACHE_CONFIG     0u
#define CACHE_WAY_ENABLE 2u

/* 33.33 MHz / 2 * 240 / 4 = 1,000 MHz; the UART's clock is half of that, for 115200 baud. */
#define FU540(name)                                                            \
    {                                                                          \
        name, fu540_raise_clock, PLL(1, 119, 2, 2), 500000000u / 115200u, 1000 \
    }
/* 26 MHz * 184 / 4 = 1,196 MHz. */
#define FU740(name)                                        \
    {                                                      \
        name, fu740_raise_clock, PLL(0, 91, 2, 3), 0, 1196 \
    }

static const struct board boards[] = {
    FU540("sifive,fu540"), FU540("sifive,fu540-c000"), FU540("sifive,hifive-unleashed-a00"),
    FU740("sifive,fu740"), FU740("sifive,fu740-c000"), FU740("sifive,hifive-unmatched-a00"),
};

#define BOARDS (sizeof(boards) / sizeof(boards[0]))

/* The text of `length` bytes, its NUL included, is `name`. */
static bool board_has_name(const char *text, uint32_t length, const char *name)
{
    uint32_t i = 0;

    while (i < length && text[i] == name[i] && name[i] != '\0') {
        i++;
    }
    return i < length && text[i] == '\0' && name[i] == '\0';
}

const struct board *board_find(const char *compatible, uint32_t length)
{
    for (uint32_t at = 0; at < length; at++) {
        if (at > 0 && compatible[at - 1] != '\0') {
            continue;
        }
        for (uint32_t i = 0; i < BOARDS; i++) {
            if (board_has_name(compatible + at, length - at, boards[i].compatible)) {
                return &boards[i];
            }
        }
    }
    return NULL;
}

/* Give the cache all its ways. Ways that are on stay on until reset, so this can be repeated. */
static bool board_enable_cache(volatile uint32_t *cache)
{
    const uint32_t ways = cache[CACHE_CONFIG] >> 8 & 0xff;

    if (ways == 0 || cache[CACHE_WAY_ENABLE] >= ways - 1) {
        return false;
    }
    cache[CACHE_WAY_ENABLE] = ways - 1;
    return true;
}

struct board_outcome board_start(const struct board *board, struct board_registers registers)
{
    struct board_outcome outcome = {.clock = BOARD_CLOCK_KEPT};

    /* The PLL may be set only while the core runs on the crystal: then it also needs to be. */
    if ((registers.clock[CORE_SELECT] & SELECT_CRYSTAL) != 0) {
        outcome.clock =
            board->raise_clock(board, registers) ? BOARD_CLOCK_RAISED : BOARD_CLOCK_SLOW;
    }
    outcome.is_cache_enabled = board_enable_cache(registers.cache);
    return outcome;
}
