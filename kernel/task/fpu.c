/* SPDX-License-Identifier: MIT */
#include "task/fpu.h"

#include <riscv/csr.h>

#include "task/harts.h"

void fpu_switch(struct hart *hart, const struct thread *next)
{
    if (hart->fpu_owner == next) {
        csr_set_sstatus(SSTATUS_FS);
    } else {
        csr_clear_sstatus(SSTATUS_FS);
    }
}

bool fpu_claim(struct hart *hart, struct thread *current)
{
    if (hart->fpu_owner == current) {
        return false;
    }
    csr_set_sstatus(SSTATUS_FS);
    if (hart->fpu_owner != NULL) {
        fpu_save(hart->fpu_owner->f);
    }
    fpu_load(current->f); /* zeros, the first time */
    current->has_float = true;
    hart->fpu_owner = current;
    return true;
}

void fpu_put_back(struct thread *thread)
{
    struct hart *hart = thread_hart(thread);

    if (hart->fpu_owner != thread) {
        return;
    }
    if (hart != hart_self()) {
        harts_have_done(hart, REQUEST_PUT_BACK);
        return;
    }
    csr_set_sstatus(SSTATUS_FS);
    fpu_save(thread->f);
    hart->fpu_owner = NULL;
    csr_clear_sstatus(SSTATUS_FS);
}

void fpu_drop(struct thread *thread)
{
    struct hart *hart = thread_hart(thread);

    if (hart->fpu_owner == thread) {
        hart->fpu_owner = NULL;
        if (hart == hart_self()) {
            csr_clear_sstatus(SSTATUS_FS);
        }
    }
}
