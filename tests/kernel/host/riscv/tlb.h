/* SPDX-License-Identifier: MIT */
/*
 * The TLB of the host tests: it counts, and has an interrupt pending when the test wants.
 *
 * Takes the place of kernel/riscv/tlb.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>

extern uint64_t model_flushes;
extern uint64_t model_fetch_flushes;
extern uint64_t model_other_flushes;

/* Questions after which an interrupt is pending once; 0: never. */
extern uint64_t model_interrupt_in;

static inline void tlb_flush(void)
{
    model_flushes++;
}

static inline void tlb_flush_fetch(void)
{
    model_fetch_flushes++;
}

static inline void tlb_flush_others(uint64_t satp)
{
    (void)satp;
    model_other_flushes++;
}

static inline void tlb_flush_fetch_others(uint64_t satp)
{
    (void)satp;
    model_other_flushes++;
}

static inline bool tlb_has_interrupt(void)
{
    return model_interrupt_in != 0 && --model_interrupt_in == 0;
}

static inline uint64_t tlb_satp(pfn_t root)
{
    return UINT64_C(0x8000000000000000) | root.v;
}

static inline void tlb_switch(uint64_t satp)
{
    (void)satp;
    model_flushes++;
}
