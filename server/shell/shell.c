/* SPDX-License-Identifier: MIT */
#include "server/shell/shell.h"

#include <abi/layout.h>
#include <base/bits.h>
#include <mem/limits.h>

/*
 * How far below the end of user space the mapping base may lie: 1 GiB (Linux: mmap_rnd_bits of 18).
 */
#define BASE_RANDOM_PAGES BIT(18)

/*
 * Left free above it for the stack, whose maker puts it there: its limit, the guard gap below it,
 * and the distance from the end of user space that its maker draws (Linux mmap_base()).
 */
#define STACK_GAP (UINT64_C(64) << 20)

/* xorshift64*: G. Marsaglia, Xorshift RNGs, 2003; S. Vigna, 2014, for the multiplier. */
uint64_t shell_random(struct shell *shell)
{
    uint64_t x = shell->head->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    shell->head->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

void shell_gather(struct shell *shell)
{
    struct core *core = &shell->core;

    mutex_take(core, &core->head->processes);
    space_lock_all(core);
    core_settle_all(core);
    port_flush(&shell->port);
    space_unlock_all(core);
    mutex_give(core, &core->head->processes);
}

struct space_settings shell_settings(struct shell *shell, uint32_t priority, uint32_t privileges)
{
    const uint64_t pages = (shell_random(shell) >> 32) % BASE_RANDOM_PAGES;

    return (struct space_settings){
        .lowest = {MEM_MAP_MIN_ADDR_DEFAULT},
        .base = {USER_END - STACK_GAP - pages * PAGE_SIZE},
        .regions_max = MEM_MAX_MAP_COUNT_DEFAULT,
        .pages_max = MEM_UNLIMITED,
        .data_max = MEM_UNLIMITED,
        .stack_max = MEM_STACK_MAX_DEFAULT,
        .locked_max = MEM_LOCKED_MAX_DEFAULT,
        .privileges = privileges,
        .priority = priority,
    };
}
