/* SPDX-License-Identifier: MIT */
/*
 * What a board still needs when the kernel was started straight from U-Boot's SPL.
 *
 * SPL brings RAM up and leaves the core on its slow crystal and the cache with one way; U-Boot
 * proper, which does the rest, is not there. All of it can be done from S-mode. Whether it is
 * needed is read from the registers: after other firmware nothing is touched.
 *
 * Not here: what SPL and firmware do themselves: RAM, resets, the switches of machine mode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

/* Physical addresses, the same on FU540 and FU740 (their device trees). */
#define BOARD_CLOCK_PA UINT64_C(0x10000000)
#define BOARD_UART_PA  UINT64_C(0x10010000)
#define BOARD_CACHE_PA UINT64_C(0x02010000)

/* Where its registers can be reached, and what lets time pass meanwhile. */
struct board_registers {
    volatile uint32_t *clock;
    volatile uint32_t *uart;
    volatile uint32_t *cache;
    void (*wait_us)(uint32_t us); /* at least so long; by a clock that is not the core's */
};

/* Constant: what one SoC wants. */
struct board {
    const char *compatible; /* of the root of its device trees */
    /* Of its own, while the core runs on the crystal. Returns: whether its PLL locks. */
    bool (*raise_clock)(const struct board *board, struct board_registers registers);
    uint32_t pll;          /* divisors of the core PLL */
    uint32_t uart_divisor; /* for 115200 baud once the core is fast; 0: its clock is another */
    uint32_t core_mhz;
};

enum board_clock {
    BOARD_CLOCK_KEPT,   /* firmware raised it already */
    BOARD_CLOCK_RAISED, /* done now */
    BOARD_CLOCK_SLOW,   /* the PLL does not lock: the core stays on the crystal */
};

/* What was done for the board; of its two parts each may have been needed without the other. */
struct board_outcome {
    enum board_clock clock;
    bool is_cache_enabled; /* now; firmware had left it without some of its ways */
};

/*
 * The board among the names of `compatible`, `length` bytes with a NUL after each.
 *
 * Returns: NULL if it is none that needs anything.
 */
const struct board *board_find(const char *compatible, uint32_t length);

/* Raise the core's clock and give the cache all its ways, unless that was done. */
struct board_outcome board_start(const struct board *board, struct board_registers registers);
