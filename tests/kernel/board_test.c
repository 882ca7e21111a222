/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the SiFive boards, against memory in place of registers.
 */
#include <string.h>

#include <sbi/board.h>

#include "tap.h"

#define LOCKED  0x80000000u
#define CRYSTAL 1u

static uint32_t clock[32];
static uint32_t uart[8];
static uint32_t cache[8];

/* What was waited for, and what the registers were then. */
static uint32_t waited_us;
static uint32_t select_at_wait;
static uint32_t pll_at_wait;
static uint32_t divisor_at_wait;

static void note_wait(uint32_t us)
{
    waited_us += us;
    select_at_wait = clock[9];
    pll_at_wait = clock[1];
    divisor_at_wait = uart[6];
}

/* As SPL leaves a FU540: on the crystal, one of 16 ways, the UART idle. */
static void after_spl(void)
{
    memset(clock, 0, sizeof(clock));
    memset(uart, 0, sizeof(uart));
    memset(cache, 0, sizeof(cache));
    clock[9] = CRYSTAL;
    uart[2] = 0x1;
    uart[5] = 1;
    uart[6] = 0x242;
    cache[0] = 16u << 8;
    waited_us = 0;
}

static void expect_start(const struct board *board, enum board_clock clock_expected,
                         bool is_cache_enabled)
{
    const struct board_outcome outcome =
        board_start(board, (struct board_registers){clock, uart, cache, note_wait});

    EXPECT_U64(outcome.clock, clock_expected);
    EXPECT_U64(outcome.is_cache_enabled, is_cache_enabled);
}

static const struct board *find(const char *name)
{
    return board_find(name, (uint32_t)strlen(name) + 1);
}

TAP_TEST(boards_are_found_by_any_name_of_the_list)
{
    static const char list[] = "sifive,hifive-unleashed-a00\0sifive,fu540-c000\0sifive,fu540";
    static const char late[] = "someone,board\0sifive,fu740";
    EXPECT_U64(board_find(list, sizeof(list))->core_mhz, 1000);
    EXPECT_U64(board_find(late, sizeof(late))->core_mhz, 1196);
    EXPECT(board_find("riscv-virtio", 13) == NULL);
    EXPECT(board_find("sifive,fu540", 12) == NULL); /* no NUL in the value */
    EXPECT(board_find("sifive,fu540x", 14) == NULL);
    EXPECT(board_find("xsifive,fu540", 14) == NULL);
    EXPECT(board_find("", 0) == NULL);
}

TAP_TEST(a_core_that_runs_on_the_crystal_keeps_it_if_its_pll_does_not_lock)
{
    after_spl();

    clock[1] = 0;
    expect_start(find("sifive,fu540-c000"), BOARD_CLOCK_SLOW, true);
    EXPECT_U64(clock[9], CRYSTAL);
    EXPECT_U64(cache[2], 15);
    EXPECT_U64(uart[6], 0x242);
    EXPECT_U64(clock[1], 0x02091dc1);
    EXPECT_U64(clock[2], LOCKED);
    EXPECT_U64(uart[2], 0x1);
}

/* The board, with a PLL that locks at once: memory keeps what is written. */
static struct board quick(const char *name)
{
    struct board board = *find(name);

    board.pll |= LOCKED;
    return board;
}

TAP_TEST(a_core_that_runs_on_the_crystal_gets_its_pll_and_all_ways)
{
    const struct board board = quick("sifive,fu540");

    after_spl();
    expect_start(&board, BOARD_CLOCK_RAISED, true);
    EXPECT_U64(clock[1], LOCKED | 0x02091dc1);
    EXPECT_U64(clock[9], 0);
    EXPECT_U64(clock[16], 0);
    EXPECT_U64(uart[6], 500000000 / 115200);
    EXPECT_U64(uart[2], 0x1);
    EXPECT_U64(cache[2], 15);
    expect_start(&board, BOARD_CLOCK_KEPT, false);
}

TAP_TEST(the_last_character_is_sent_before_the_clock_of_the_uart_changes)
{
    const struct board board = quick("sifive,fu540");

    after_spl();
    expect_start(&board, BOARD_CLOCK_RAISED, true);
    /* 12 bits of 0x243 cycles of 16.67 MHz are 417 us. */
    EXPECT(waited_us >= 417 && waited_us < 430);
    EXPECT_U64(select_at_wait, CRYSTAL);
    EXPECT_U64(pll_at_wait, 0);
    EXPECT_U64(divisor_at_wait, 0x242);
}

TAP_TEST(a_uart_with_a_clock_of_its_own_is_not_waited_for)
{
    const struct board board = quick("sifive,fu740");

    after_spl();
    expect_start(&board, BOARD_CLOCK_RAISED, true);
    EXPECT_U64(waited_us, 0);
}

TAP_TEST(the_fu740_has_its_first_pll_behind_the_core_and_its_uart_left_alone)
{
    const struct board board = quick("sifive,fu740");

    for (uint32_t turn = 0; turn < 2; turn++) {
        after_spl();
        clock[16] = turn; /* the core's PLL, or the other one */
        expect_start(&board, BOARD_CLOCK_RAISED, true);
        EXPECT_U64(clock[1], LOCKED | 0x020d16c0);
        EXPECT_U64(clock[2], LOCKED);
        EXPECT_U64(clock[9], 0);
        EXPECT_U64(clock[16], 0);
        EXPECT_U64(uart[6], 0x242);
        EXPECT_U64(uart[2], 0x1);
        EXPECT_U64(cache[2], 15);
    }
}

TAP_TEST(after_other_firmware_nothing_is_touched)
{
    after_spl();
    clock[9] = 0;
    cache[2] = 15;
    uint32_t before[32];
    memcpy(before, clock, sizeof(before));
    expect_start(find("sifive,fu540-c000"), BOARD_CLOCK_KEPT, false);
    EXPECT_BYTES(clock, before, sizeof(before));
    EXPECT_U64(uart[6], 0x242);
    EXPECT_U64(cache[2], 15);
}

TAP_TEST(a_cache_that_lacks_ways_gets_them_though_the_clock_is_raised_already)
{
    after_spl();
    clock[9] = 0;
    expect_start(find("sifive,fu540-c000"), BOARD_CLOCK_KEPT, true);
    EXPECT_U64(cache[2], 15);
    EXPECT_U64(clock[1], 0);
}

TAP_TEST(a_clock_is_raised_though_the_cache_has_its_ways_already)
{
    const struct board board = quick("sifive,fu540");

    after_spl();
    cache[2] = 15;
    expect_start(&board, BOARD_CLOCK_RAISED, false);
}

TAP_TEST(a_cache_that_says_nothing_of_ways_is_left_alone)
{
    after_spl();
    clock[9] = 0;
    cache[0] = 0;
    expect_start(find("sifive,fu740-c000"), BOARD_CLOCK_KEPT, false);
    EXPECT_U64(cache[2], 0);
}

TAP_TEST(divisors_give_the_frequencies_that_are_named)
{
    static const struct {
        const char *name;
        uint64_t crystal_khz;
    } rows[] = {{"sifive,fu540", 33333}, {"sifive,fu740", 26000}};

    for (size_t i = 0; i < 2; i++) {
        const struct board *board = find(rows[i].name);
        const uint64_t r = board->pll & 0x3f;
        const uint64_t f = board->pll >> 6 & 0x1ff;
        const uint64_t q = board->pll >> 15 & 7;
        const uint64_t vco_khz = rows[i].crystal_khz / (r + 1) * 2 * (f + 1);
        EXPECT(vco_khz >= 2400000 && vco_khz <= 4800000); /* what the PLL's oscillator can do */
        EXPECT_U64(((vco_khz >> q) + 500) / 1000, board->core_mhz);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(boards_are_found_by_any_name_of_the_list),
        TAP(a_core_that_runs_on_the_crystal_keeps_it_if_its_pll_does_not_lock),
        TAP(a_core_that_runs_on_the_crystal_gets_its_pll_and_all_ways),
        TAP(the_last_character_is_sent_before_the_clock_of_the_uart_changes),
        TAP(a_uart_with_a_clock_of_its_own_is_not_waited_for),
        TAP(the_fu740_has_its_first_pll_behind_the_core_and_its_uart_left_alone),
        TAP(after_other_firmware_nothing_is_touched),
        TAP(a_cache_that_lacks_ways_gets_them_though_the_clock_is_raised_already),
        TAP(a_clock_is_raised_though_the_cache_has_its_ways_already),
        TAP(a_cache_that_says_nothing_of_ways_is_left_alone),
        TAP(divisors_give_the_frequencies_that_are_named),
    };
    return TAP_RUN(argc, argv, tests);
}
