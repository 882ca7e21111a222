/* SPDX-License-Identifier: MIT */
/*
 * Control and status registers, fences and waiting, each as one instruction.
 *
 * With tlb.c the only place for inline assembly. Every write and every fence has a memory clobber:
 * the compiler must not move loads and stores over an instruction that changes what they mean.
 *
 * Not here: decisions. Policy is in the callers (tlb.h, timer.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Privileged ISA 3.1.6, 4.1.1: sstatus */
#define SSTATUS_SIE  UINT64_C(0x2)
#define SSTATUS_SPIE UINT64_C(0x20)
#define SSTATUS_SPP  UINT64_C(0x100)
#define SSTATUS_FS   UINT64_C(0x6000)
#define SSTATUS_SUM  UINT64_C(0x40000)
#define SSTATUS_MXR  UINT64_C(0x80000)

/* Privileged ISA 4.1.3: sie, sip */
#define SIE_SOFTWARE UINT64_C(0x2)
#define SIE_TIMER    UINT64_C(0x20)
#define SIE_EXTERNAL UINT64_C(0x200)

/* Privileged ISA 4.1.11: satp, mode Sv39, ASID 0 */
#define SATP_SV39 UINT64_C(0x8000000000000000)

/* Defines csr_read_NAME(). */
#define CSR_READ(name)                                     \
    static inline uint64_t csr_read_##name(void)           \
    {                                                      \
        uint64_t value;                                    \
        __asm__ volatile("csrr %0, " #name : "=r"(value)); \
        return value;                                      \
    }

CSR_READ(sstatus)
CSR_READ(sie)
CSR_READ(sip)
CSR_READ(scause)
CSR_READ(stval)
CSR_READ(time)
CSR_READ(instret) /* instructions that this hart has executed */

/* Defines csr_VERB_NAME(bits): write, or set or clear some bits. */
#define CSR_CHANGE(verb, instruction, name, csr)                             \
    static inline void csr_##verb##_##name(uint64_t bits)                    \
    {                                                                        \
        __asm__ volatile(instruction " " csr ", %0" ::"r"(bits) : "memory"); \
    }

CSR_CHANGE(write, "csrw", sie, "sie")
CSR_CHANGE(write, "csrw", stvec, "stvec")
CSR_CHANGE(write, "csrw", satp, "satp")
CSR_CHANGE(write, "csrw", stimecmp, "0x14d") /* Sstc; not every assembler knows the name */
CSR_CHANGE(set, "csrs", sie, "sie")
CSR_CHANGE(clear, "csrc", sip, "sip")
CSR_CHANGE(set, "csrs", sstatus, "sstatus")
CSR_CHANGE(clear, "csrc", sstatus, "sstatus")

/*
 * An enabled interrupt waits to be taken; with interrupts masked in sstatus nothing happens by
 * itself.
 */
static inline bool csr_has_interrupt(void)
{
    return (csr_read_sip() & csr_read_sie()) != 0;
}

/* Forget all translations of this hart: always all of them, see tlb.h. */
static inline void csr_sfence_vma(void)
{
    __asm__ volatile("sfence.vma zero, zero" ::: "memory");
}

/* Make stores visible to instruction fetch of this hart. */
static inline void csr_fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

/* Wait for an interrupt that is enabled in sie, whether or not sstatus lets it be taken. */
static inline void csr_wfi(void)
{
    __asm__ volatile("wfi" ::: "memory");
}
