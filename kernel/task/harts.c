/* SPDX-License-Identifier: MIT */
#include "task/harts.h"

#include <riscv/csr.h>
#include <riscv/lock.h>
#include <riscv/timer.h>
#include <riscv/tlb.h>
#include <sbi/ecall.h>

#include "mm/fill.h"
#include "mm/pt.h"
#include "riscv/image.h"
#include "riscv/trap.h"
#include "task/fpu.h"
#include "task/sched.h"
#include "task/thread.h"

/* Looks at what is waited for before the hart sleeps for a moment. */
#define LOOKS 64u

atomic_uint kernel_lock;
struct hart harts[HARTS_MAX];
uint64_t harts_count = 1;

/* One look more was in vain: every so often, sleep until an interrupt comes or a moment is over. */
static void harts_pause(struct hart *hart, uint64_t *looks)
{
    ++*looks;
    if (*looks % LOOKS == 0) {
        hart->timer_armed = timer_now() + hart->pause;
        timer_set(hart->timer_armed);
        csr_wfi();
    }
}

/* Do what another hart asks for; the stores of what this one fills are done. */
static void harts_serve(struct hart *hart) NO_LOCK_CHECK
{
    const unsigned request = atomic_load_explicit(&hart->request, memory_order_acquire);

    if (request == 0) {
        return;
    }
    if (hart->fill.count != 0) {
        fill_commit(&hart->fill);
    }
    if ((request & REQUEST_EVICT) != 0) {
        hart->current = NULL;
        hart->reschedule = RESCHEDULE;
        csr_write_satp(hart->idle_satp);
    }
    if ((request & REQUEST_PUT_BACK) != 0 && hart->fpu_owner != NULL) {
        fpu_put_back(hart->fpu_owner);
    }
    hart->instret = csr_read_instret();
    tlb_flush();
    tlb_flush_fetch();
    atomic_store_explicit(&hart->request, 0, memory_order_release);
}

void harts_enter(void)
{
    struct hart *hart = hart_self();
    uint64_t looks = 0;

    csr_clear_sip(SIE_SOFTWARE);
    while (atomic_exchange_explicit(&kernel_lock, 1, memory_order_acquire) != 0) {
        hart->wait_count += looks == 0;
        csr_clear_sip(SIE_SOFTWARE); /* before looking: what comes after ends the sleep */
        harts_serve(hart);
        harts_pause(hart, &looks);
    }
}

void harts_leave(void)
{
    atomic_store_explicit(&kernel_lock, 0, memory_order_release);
}

void harts_leave_to_fill(void)
{
    const struct hart *hart = hart_self();

    if (!hart->is_alone) {
        csr_write_satp(hart->current->satp); /* the tables of whom it was of may go meanwhile */
        tlb_flush();
        harts_leave();
    }
}

void harts_enter_filled(void) NO_LOCK_CHECK
{
    struct hart *hart = hart_self();

    if (!hart->is_alone) {
        harts_enter();
    }
    if (fill_is_open()) {
        fill_commit(&hart->fill);
    }
}

void harts_cut(void)
{
    if (fill_is_open()) {
        harts_leave_to_fill();
        fill_run();
        harts_enter_filled();
    }
    if (csr_has_interrupt()) {
        sched_tick();
    }
}

void harts_join(void)
{
    sched_start(hart_self());
    harts_enter();
    hart_self()->is_online = true;
    trap_start();
}

void harts_retire_boot(void)
{
    const uint64_t page_mask = table_pages(TABLE_LEVELS) - 1;
    for (uint64_t at = image_text_end(); at < image_boot_end(); at += PAGE_SIZE) {
        const void *address = (const void *)(uintptr_t)at;
        const struct pt_place place =
            pt_find(aspace_kernel_root(), at >> PAGE_SHIFT & page_mask, 0);
        ASSERT(place.level == 0);
        *place.slot = pte_make(direct_to_pfn(address), PTE_KERNEL_WRITE);
    }
    tlb_flush();
    trap_start();
}

void harts_poke(struct hart *hart)
{
    if (hart->reschedule == RESCHEDULE_NOT) {
        hart->reschedule = RESCHEDULE;
    }
    hart->is_idle = false;
    sbi_ipi_send(hart->id);
}

static void harts_ask(struct hart *hart, unsigned request)
{
    atomic_store(&hart->request, request);
    sbi_ipi_send(hart->id);
}

static void harts_await(struct hart *hart)
{
    struct hart *self = hart_self();
    uint64_t looks = 0;

    while (atomic_load_explicit(&hart->request, memory_order_acquire) != 0) {
        csr_clear_sip(SIE_SOFTWARE); /* at most a note in reschedule, which is not lost */
        harts_pause(self, &looks);
    }
}

void harts_have_done(struct hart *hart, unsigned request)
{
    harts_ask(hart, request);
    harts_await(hart);
}

uint64_t harts_instructions(struct hart *hart)
{
    if (hart == hart_self()) {
        return csr_read_instret();
    }
    if (hart->is_online) {
        harts_have_done(hart, REQUEST_FLUSH);
    }
    return hart->instret;
}

void fill_settle(void)
{
    for (struct hart *hart = harts; hart != harts + harts_count; hart++) {
        while (hart != hart_self() && hart->fill.count != 0) {
            harts_have_done(hart, REQUEST_FLUSH);
        }
    }
}

/* Another hart than this, and it runs in the space. */
static bool harts_is_other_in(const struct hart *hart, uint64_t satp)
{
    return hart != hart_self() && hart->current != NULL && hart->current->satp == satp;
}

void tlb_flush_others(uint64_t satp)
{
    for (struct hart *hart = harts; hart != harts + harts_count; hart++) {
        if (harts_is_other_in(hart, satp)) {
            harts_ask(hart, REQUEST_FLUSH);
        }
    }
    for (struct hart *hart = harts; hart != harts + harts_count; hart++) {
        if (harts_is_other_in(hart, satp)) {
            harts_await(hart);
        }
    }
}

void tlb_flush_fetch_others(uint64_t satp)
{
    for (struct hart *hart = harts; hart != harts + harts_count; hart++) {
        if (hart->is_online && hart != hart_self() && !harts_is_other_in(hart, satp)) {
            /* Before it can enter the space it comes through the scheduler. */
            hart->is_fetch_stale = true;
            hart->reschedule = hart->reschedule == RESCHEDULE_NOT ? RESCHEDULE : hart->reschedule;
        }
    }
    tlb_flush_others(satp);
}
