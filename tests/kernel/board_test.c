/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the SiFive boards, against memory in place of registers.
 */
#include <string.h>

#include <sbi/board.h>

#include "tap.h"

#define LOCKED  0x80000000u
#define CRYSTAL 1u

static uint32_t clock[16];
static uint32_t uart[8];
static uint32_t cache[8];

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
}

static enum board_outcome start(const char *name)
{
    const struct board *board = board_find(name, (uint32_t)strlen(name) + 1);

    return board == NULL ? BOARD_READY
                         : board_start(board, (struct board_registers){clock, uart, cache});
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
    EXPECT_U64(start("sifive,fu540-c000"), BOARD_SLOW);
    EXPECT_U64(clock[9], CRYSTAL);
    EXPECT_U64(cache[2], 15);
    EXPECT_U64(uart[6], 0x242);
    EXPECT_U64(clock[1], 0x02091dc1);
    EXPECT_U64(clock[2], LOCKED);
    EXPECT_U64(uart[2], 0x1);
}

TAP_TEST(a_core_that_runs_on_the_crystal_gets_its_pll_and_all_ways)
{
    /* Memory keeps what is written: this PLL locks at once. */
    const struct board board = {.pll = LOCKED | 0x1234, .uart_divisor = 4340, .core_mhz = 1};

    after_spl();
    EXPECT_U64(board_start(&board, (struct board_registers){clock, uart, cache}), BOARD_STARTED);
    EXPECT_U64(clock[1], LOCKED | 0x1234);
    EXPECT_U64(clock[9], 0);
    EXPECT_U64(uart[6], 4340);
    EXPECT_U64(cache[2], 15);
    EXPECT_U64(board_start(&board, (struct board_registers){clock, uart, cache}), BOARD_READY);
}

TAP_TEST(after_other_firmware_nothing_is_touched)
{
    after_spl();
    clock[9] = 0;
    cache[2] = 15;
    uint32_t before[16];
    memcpy(before, clock, sizeof(before));
    EXPECT_U64(start("sifive,fu540-c000"), BOARD_READY);
    EXPECT_BYTES(clock, before, sizeof(before));
    EXPECT_U64(uart[6], 0x242);
    EXPECT_U64(cache[2], 15);
}

TAP_TEST(a_cache_that_says_nothing_of_ways_is_left_alone)
{
    after_spl();
    clock[9] = 0;
    cache[0] = 0;
    EXPECT_U64(start("sifive,fu740-c000"), BOARD_READY);
    EXPECT_U64(cache[2], 0);
}

TAP_TEST(divisors_give_the_frequencies_that_are_named)
{
    static const struct {
        const char *name;
        uint64_t crystal_khz;
    } rows[] = {{"sifive,fu540", 33333}, {"sifive,fu740", 26000}};

    for (size_t i = 0; i < 2; i++) {
        const struct board *board = board_find(rows[i].name, (uint32_t)strlen(rows[i].name) + 1);
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
        TAP(after_other_firmware_nothing_is_touched),
        TAP(a_cache_that_says_nothing_of_ways_is_left_alone),
        TAP(divisors_give_the_frequencies_that_are_named),
    };
    return TAP_RUN(argc, argv, tests);
}
