/* SPDX-License-Identifier: MIT */
#include "ipc/fault.h"

#include <abi/layout.h>

#include "debug/trace.h"
#include "ipc/ipc.h"
#include "ipc/pending.h"
#include "ipc/upcall.h"
#include "mm/aspace.h"
#include "mm/frame.h"
#include "riscv/trap.h"
#include "task/sched.h"
#include "task/space.h"

#define ACTION_BITS 8u
#define BYTE        UINT64_C(0xff)

/* The page tables allow the access by now; what is kept for them counts as done. */
static bool fault_is_over(struct thread *self, uint64_t address, uint32_t access)
{
    if (!pending_flush()) {
        return true; /* there is nobody left to go on */
    }
    lock_take(&memory_lock);
    const bool is_allowed = aspace_allows(&self->space->aspace, (uaddr_t){address}, access);
    lock_release(&memory_lock);
    return is_allowed;
}

void fault_take(struct thread *self, uint64_t address, uint32_t access)
{
    struct space *space = self->space;

    if (space->aspace.is_server) {
        trap_panic("memory server", self->x);
    }
    if (address < USER_START || address >= USER_END) {
        upcall_enter(self, CAUSE_MAPERR, address, access);
        return;
    }
    if (fault_is_over(self, address, access)) {
        return;
    }
    self->fault_address = address;
    self->fault_access = access;
    trace_emit(TRACE_FAULT, self->number << 8 | access, address);
    if (!handle_is_live(&space->pager) || ipc_send(self, &space->pager, true) != ERR_OK) {
        upcall_enter(self, CAUSE_BUS, address, access);
        return;
    }
    hart_self()->fault_count++;
}

static bool fault_is_cause(uint64_t cause)
{
    return cause == CAUSE_MAPERR || cause == CAUSE_ACCERR || cause == CAUSE_BUS;
}

/* Copy the entries out of the registers. Returns: how many there are; trailing zeros are none. */
static uint64_t fault_read_entries(const struct thread *self,
                                   struct map_entry entries[THREAD_PENDING_MAX])
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < THREAD_PENDING_MAX; i++) {
        entries[i].where = self->x[REG_A0 + 2 * i];
        entries[i].what = self->x[REG_A0 + 2 * i + 1];
        if ((entries[i].where | entries[i].what) != 0) {
            count = i + 1;
        }
    }
    return count;
}

static enum err fault_resume(struct thread *self, struct thread *faulted)
{
    struct map_entry entries[THREAD_PENDING_MAX];
    const uint64_t count = fault_read_entries(self, entries);

    if (count != 0 && aspace_check(&faulted->space->aspace, entries, count) != ERR_OK) {
        return ERR_INVAL;
    }
    faulted->serial = 0;
    if (count != 0) {
        pending_add(faulted, entries, count);
    }
    sched_wake_first(faulted);
    return ERR_OK;
}

void fault_install(struct thread *faulted, uint64_t where, uint64_t what)
{
    const struct map_entry entry = {where, what};

    pending_add(faulted, &entry, 1);
    if (!pending_flush()) {
        return; /* fastpath_fault.S sees it */
    }
}

static enum err fault_refuse(struct thread *faulted, uint64_t cause)
{
    if (!fault_is_cause(cause)) {
        return ERR_INVAL;
    }
    faulted->serial = 0;
    if (upcall_enter(faulted, (enum cause)cause, faulted->fault_address, faulted->fault_access)) {
        sched_wake_first(faulted);
    }
    return ERR_OK;
}

enum err fault_answer(struct thread *self, struct thread *faulted)
{
    const uint64_t action = self->x[REG_T5];

    trace_emit(TRACE_FAULT_ANSWER, faulted->number, action);
    if (action == FAULT_RESUME) {
        return fault_resume(self, faulted);
    }
    if ((action & BYTE) == FAULT_REFUSE && action >> (2 * ACTION_BITS) == 0) {
        return fault_refuse(faulted, action >> ACTION_BITS);
    }
    return ERR_INVAL;
}
