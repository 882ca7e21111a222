/* SPDX-License-Identifier: MIT */
#include "riscv/timer.h"

#include "riscv/csr.h"
#include <sbi/ecall.h>

static bool timer_has_sstc; /* constant after init */

void timer_init(bool has_sstc)
{
    timer_has_sstc = has_sstc;
}

void timer_set(uint64_t time)
{
    if (timer_has_sstc) {
        csr_write_stimecmp(time);
    } else {
        sbi_timer_set(time);
    }
}

uint64_t timer_now(void)
{
    return csr_read_time();
}
