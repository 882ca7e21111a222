/* SPDX-License-Identifier: MIT */
/*
 * The timer of the hart that asks: one time at which its timer interrupt becomes pending.
 *
 * By the Sstc registers where the device tree names them, else by the firmware.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

/* Once per boot, before the others. */
void timer_init(bool has_sstc);

/* Let the timer interrupt of this hart become pending at `time`; a pending one is taken back. */
void timer_set(uint64_t time);

/* Now, on the clock that timer_set() takes and that INFO_TIMEBASE_HZ measures. */
uint64_t timer_now(void);
