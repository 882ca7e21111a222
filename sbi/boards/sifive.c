/* SPDX-License-Identifier: MIT */
/*
 * FU540 (HiFive Unleashed) and FU740 (HiFive Unmatched): core PLL, clock selector, UART, L2 cache.
 *
 * The registers of clocks are alike on both (FU540-C000 manual, chapter 7; FU740-C000 manual,
 * chapter 7; names as there). A PLL turns the crystal's f into f / (R + 1) * 2 * (F + 1) / 2^Q.
 *
 * Run in QEMU's model of the FU540 only: nothing here has been on a board.
 */
#include <sbi/board.h>

#include <stddef.h>

#define CORE_PLL_CONFIG 1u /* index of 32-bit registers */
#define CORE_PLL_OUTPUT 2u
#define CORE_SELECT     9u
#define PLL_LOCKED      0x80000000u
#define PLL_OUTPUT_ON   0x80000000u
#define SELECT_CRYSTAL  1u

/* R, F, Q, the filter's range for f / (R + 1), and internal feedback. */
#define PLL(r, f, q, range) \
    ((uint32_t)(r) | (uint32_t)(f) << 6 | (uint32_t)(q) << 15 | (uint32_t)(range) << 18 | 1u << 25)

/* SiFive UART: FU540-C000 manual, chapter 13. */
#define UART_CONTROL      2u
#define UART_PENDING      5u
#define UART_DIVISOR      6u
#define UART_WATERMARK    0x10000u /* one entry */
#define UART_WATERMARKS   0x70000u
#define UART_PENDING_SENT 1u

/* L2 cache: FU540-C000 manual, chapter 11. */
#define CACHE_CONFIG     0u
#define CACHE_WAY_ENABLE 2u

/* Looks at a register, at the speed of the crystal, until something is given up. */
#define LOOKS_MAX 200000u

static const struct board boards[] = {
    /* 33.33 MHz / 2 * 240 / 4 = 1,000 MHz; the UART's clock is half the core's. */
    {"sifive,fu540", PLL(1, 119, 2, 2), 500000000u / 115200u, 1000},
    {"sifive,fu540-c000", PLL(1, 119, 2, 2), 500000000u / 115200u, 1000},
    {"sifive,hifive-unleashed-a00", PLL(1, 119, 2, 2), 500000000u / 115200u, 1000},
    /* 26 MHz * 184 / 4 = 1,196 MHz; the UART has a PLL of its own. */
    {"sifive,fu740", PLL(0, 91, 2, 3), 0, 1196},
    {"sifive,fu740-c000", PLL(0, 91, 2, 3), 0, 1196},
    {"sifive,hifive-unmatched-a00", PLL(0, 91, 2, 3), 0, 1196},
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

/* Wait until a bit is set. Returns: whether it came. */
static bool board_await(const volatile uint32_t *where, uint32_t bit)
{
    for (uint32_t i = 0; i < LOOKS_MAX; i++) {
        if ((*where & bit) != 0) {
            return true;
        }
    }
    return false;
}

/* Let the UART send what it has: its clock is about to change. */
static void board_drain(volatile uint32_t *uart)
{
    const uint32_t control = uart[UART_CONTROL];

    uart[UART_CONTROL] = (control & ~UART_WATERMARKS) | UART_WATERMARK;
    (void)board_await(&uart[UART_PENDING], UART_PENDING_SENT);
    uart[UART_CONTROL] = control;
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

static bool board_raise_clock(const struct board *board, volatile uint32_t *clock,
                              volatile uint32_t *uart)
{
    board_drain(uart);
    clock[CORE_PLL_CONFIG] = board->pll;
    clock[CORE_PLL_OUTPUT] = PLL_OUTPUT_ON;
    if (!board_await(&clock[CORE_PLL_CONFIG], PLL_LOCKED)) {
        return false;
    }
    clock[CORE_SELECT] = 0;
    (void)clock[CORE_SELECT]; /* has happened once it can be read */
    if (board->uart_divisor != 0) {
        uart[UART_DIVISOR] = board->uart_divisor;
    }
    return true;
}

enum board_outcome board_start(const struct board *board, struct board_registers registers)
{
    enum board_outcome outcome = BOARD_READY;

    /* The PLL may be set only while the core runs on the crystal: then it also needs to be. */
    if ((registers.clock[CORE_SELECT] & SELECT_CRYSTAL) != 0) {
        outcome =
            board_raise_clock(board, registers.clock, registers.uart) ? BOARD_STARTED : BOARD_SLOW;
    }
    if (board_enable_cache(registers.cache) && outcome == BOARD_READY) {
        outcome = BOARD_STARTED;
    }
    return outcome;
}
