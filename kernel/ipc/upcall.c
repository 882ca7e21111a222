/* SPDX-License-Identifier: MIT */
#include "ipc/upcall.h"

#include <abi/layout.h>

#include "debug/trace.h"
#include "ipc/end.h"
#include "task/fpu.h"

#define REGISTERS 32

STATIC_ASSERT(MESSAGE_UPCALL_OFFSET + sizeof(struct upcall_context) <= PAGE_SIZE,
              "the context fits behind the data");

static struct upcall_context *upcall_context_of(const struct thread *thread)
{
    return (struct upcall_context *)(void *)((char *)thread->message + MESSAGE_UPCALL_OFFSET);
}

static void upcall_save(struct thread *thread, struct upcall_context *context)
{
    context->x[0] = 0;
    for (int i = 1; i < REGISTERS; i++) {
        context->x[i] = thread->x[i];
    }
    context->pc = thread->x[REG_PC];
    context->has_float = thread->has_float;
    if (thread->has_float) {
        fpu_put_back(thread);
        for (int i = 0; i < REGISTERS; i++) {
            context->f[i] = thread->f[i];
        }
        context->fcsr = thread->fcsr;
    }
}

bool upcall_enter(struct thread *thread, enum cause cause, uint64_t detail, uint64_t access)
{
    trace_emit(TRACE_UPCALL, thread->number, cause);
    if (thread->upcall_entry == 0 || thread->is_in_upcall) {
        lock_take(&task_lock);
        end_thread(thread, cause, detail, access);
        lock_release(&task_lock);
        return false;
    }
    struct upcall_context *context = upcall_context_of(thread);
    upcall_save(thread, context);
    context->cause = (uint64_t)cause;
    context->detail = detail;
    context->access = access;

    thread->is_in_upcall = true;
    thread->x[REG_PC] = thread_user_pc(thread->upcall_entry);
    thread->x[REG_SP] = thread->upcall_stack;
    thread->x[REG_A0] = (uint64_t)cause;
    thread->x[REG_A0 + 1] = detail;
    thread->x[REG_A0 + 2] = WINDOW_START + thread->window_page * PAGE_SIZE + MESSAGE_UPCALL_OFFSET;
    return true;
}

void upcall_resume(struct thread *self)
{
    const struct upcall_context *context = upcall_context_of(self);

    if (!self->is_in_upcall) {
        thread_set_results(self, ERR_INVAL, 0);
        return;
    }
    self->is_in_upcall = false;
    for (int i = 1; i < REGISTERS; i++) {
        self->x[i] = context->x[i];
    }
    self->x[REG_PC] = thread_user_pc(context->pc);
    if (context->has_float != 0) {
        fpu_put_back(self);
        for (int i = 0; i < REGISTERS; i++) {
            self->f[i] = context->f[i];
        }
        self->fcsr = context->fcsr;
        self->has_float = true;
    }
}
