/* SPDX-License-Identifier: MIT */
/*
 * Registers of the host tests: interrupts never come by themselves, waiting lets the time go on to
 * what the timer is set to. Takes the place of kernel/riscv/csr.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIE_SOFTWARE UINT64_C(0x2)
#define SIE_TIMER    UINT64_C(0x20)
#define SIE_EXTERNAL UINT64_C(0x200)
#define SSTATUS_FS   UINT64_C(0x6000)

extern uint64_t model_satp;
extern uint64_t model_sstatus;

/* Let the time come that the timer is set to; a test that waits for ever has failed. */
void model_wait(void);

/* Whether a line of the model of the interrupt controller (controller.h) is raised. */
uint64_t csr_read_sip(void);

static inline void csr_set_sie(uint64_t bits)
{
    (void)bits;
}

static inline void csr_clear_sip(uint64_t bits)
{
    (void)bits;
}

static inline void csr_write_satp(uint64_t satp)
{
    model_satp = satp;
}

static inline void csr_set_sstatus(uint64_t bits)
{
    model_sstatus |= bits;
}

static inline void csr_clear_sstatus(uint64_t bits)
{
    model_sstatus &= ~bits;
}

static inline void csr_wfi(void)
{
    model_wait();
}

static inline bool csr_has_interrupt(void)
{
    return true;
}
