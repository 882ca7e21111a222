/* SPDX-License-Identifier: MIT */
#include "task/space.h"

#include <riscv/direct.h>

#include "debug/trace.h"
#include "ipc/end.h"
#include "ipc/endpoint.h"
#include "ipc/pending.h"
#include "syscall/syscall.h"
#include "task/slab.h"

enum err authority_check(void)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_AUTHORITY, RIGHT_CONTROL, &slot);

    return error != ERR_OK ? error : pending_flush() ? ERR_OK : ERR_INTR;
}

enum err authority_find_space(uint64_t number, struct space **space)
{
    const pfn_t pfn = pfn_from_number(number);

    if (!frame_is_object(pfn, OBJECT_SPACE)) {
        return ERR_FRAME_KIND;
    }
    *space = frame_address(pfn);
    return ERR_OK;
}

/* All of `count` frames are unused, and no two are the same. */
static bool sys_are_unused(const uint64_t *numbers, unsigned count) REQUIRES(memory_lock)
{
    for (unsigned i = 0; i < count; i++) {
        if (!frame_is_unused(pfn_from_number(numbers[i]))) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (numbers[j] == numbers[i]) {
                return false;
            }
        }
    }
    return true;
}

/* Everything that can be refused is checked but the frames. */
static enum err sys_build_space(const uint64_t frames[3], uint64_t badge, uint64_t priority_max,
                                const struct handle_slot *pager) REQUIRES(task_lock)
{
    lock_take(&memory_lock);
    if (!sys_are_unused(frames, 3)) {
        lock_release(&memory_lock);
        return ERR_FRAME_KIND;
    }

    /* Point of no return: nothing below may fail. */
    const pfn_t object = pfn_from_number(frames[0]);
    const pfn_t root = pfn_from_number(frames[1]);
    const pfn_t slots = pfn_from_number(frames[2]);
    struct space *space = frame_address(object);
    frame_take(object, FRAME_OBJECT, OBJECT_SPACE);
    frame_take(root, FRAME_TABLE, TABLE_ROOT);
    frame_take(slots, FRAME_OBJECT, OBJECT_HANDLES);
    aspace_init(&space->aspace, root, false);
    lock_release(&memory_lock);

    space_init(space, frame_address(slots), badge, priority_max);
    space->pager = handle_make(pager->object, OBJECT_ENDPOINT, RIGHT_CALL, badge);
    lock_take(&handle_lock);
    handle_put(space, HANDLE_MEM, space->pager);
    lock_release(&handle_lock);
    return ERR_OK;
}

struct sys_result sys_space_make(uint64_t object, uint64_t root, uint64_t slots, uint64_t badge,
                                 uint64_t pager, uint64_t priority_max)
{
    const uint64_t frames[3] = {object, root, slots};
    struct handle_slot *endpoint;
    enum err error = authority_check();

    if (error == ERR_OK) {
        error =
            handle_find(thread_current()->space, pager, OBJECT_ENDPOINT, RIGHT_RECEIVE, &endpoint);
    }
    if (error == ERR_OK && priority_max >= PRIORITY_COUNT) {
        error = ERR_RANGE;
    }
    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    lock_take(&task_lock);
    error = sys_build_space(frames, badge, priority_max, endpoint);
    lock_release(&task_lock);
    return sys_make_error(error);
}

struct sys_result sys_space_end(uint64_t number, uint64_t cause, uint64_t detail)
{
    struct space *space;
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    lock_take(&task_lock);
    lock_take(&memory_lock);
    error = authority_find_space(number, &space);
    lock_release(&memory_lock);
    if (error == ERR_OK && space->aspace.is_server) {
        error = ERR_FRAME_KIND;
    }
    if (error == ERR_OK) {
        trace_emit(TRACE_SPACE_END, space->fault_badge, cause << 32 | (detail & UINT32_MAX));
        end_space(space);
    }
    lock_release(&task_lock);
    return sys_make_error(error);
}

/* What SYS_THREAD_MAKE asks for. */
struct sys_thread_plan {
    struct space *space;
    struct space *server;
    uint64_t frames[2]; /* object, message page */
    uint64_t number;
    uint64_t window_page;
    uint64_t priority;
};

static struct sys_result sys_check_thread(const struct sys_thread_plan *plan)
    REQUIRES(task_lock, memory_lock)
{
    const struct hart *hart = hart_self();

    if (plan->number >= hart->thread_max || plan->priority > plan->space->priority_max) {
        return sys_make_error(ERR_RANGE);
    }
    if (hart->threads[plan->number] != NULL) {
        return sys_make_error(ERR_EXIST);
    }
    if (!sys_are_unused(plan->frames, 2)) {
        return sys_make_error(ERR_FRAME_KIND);
    }
    enum err error = aspace_check_message(&plan->space->aspace, plan->window_page);
    if (error != ERR_OK) {
        return sys_make_result(error, 1);
    }
    error = aspace_check_message(&plan->server->aspace, plan->number);
    if (error == ERR_OK && plan->space == plan->server && plan->window_page == plan->number) {
        error = ERR_EXIST;
    }
    return sys_make_error(error);
}

/* As planned and checked. In a space that has ended it has ended too. */
static void sys_build_thread(const struct sys_thread_plan *plan) REQUIRES(task_lock, memory_lock)
{
    const pfn_t object = pfn_from_number(plan->frames[0]);
    const pfn_t message = pfn_from_number(plan->frames[1]);

    frame_take(object, FRAME_OBJECT, OBJECT_THREAD);
    frame_take(message, FRAME_MESSAGE, 0);
    aspace_map_message(&plan->space->aspace, plan->window_page, message);
    aspace_map_message(&plan->server->aspace, plan->number, message);
    struct thread *thread = frame_address(object);
    thread_init(thread, plan->space, plan->number, frame_address(message), plan->window_page,
                (uint32_t)plan->priority);
    if (plan->space->state == SPACE_ENDED) {
        object_end(&thread->object);
        thread_set_state(thread, THREAD_ENDED);
    }
}

struct sys_result sys_thread_make(uint64_t space, uint64_t object, uint64_t message,
                                  uint64_t number, uint64_t window_page, uint64_t priority)
{
    struct sys_thread_plan plan = {
        NULL, thread_current()->space, {object, message}, number, window_page, priority};
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    lock_take(&task_lock);
    lock_take(&memory_lock);
    error = authority_find_space(space, &plan.space);
    struct sys_result result = sys_make_error(error);
    if (error == ERR_OK) {
        result = sys_check_thread(&plan);
        if (result.error == ERR_OK) {
            sys_build_thread(&plan);
        }
    }
    lock_release(&memory_lock);
    lock_release(&task_lock);
    return result;
}

/* The object, ended or not, in frame `number`, of a kind that can be named by its frame. */
static enum err sys_find_object(uint64_t number, struct object **object, enum object_kind *kind)
    REQUIRES(task_lock, memory_lock)
{
    const pfn_t pfn = pfn_from_number(number);

    if (frame_is_object(pfn, OBJECT_SPACE)) {
        *kind = OBJECT_SPACE;
    } else if (frame_is_object(pfn, OBJECT_THREAD)) {
        *kind = OBJECT_THREAD;
    } else {
        return ERR_FRAME_KIND;
    }
    *object = frame_address(pfn);
    return ERR_OK;
}

/* A handle to what may have ended: then one that is stale from the start. */
static struct handle_slot sys_make_handle(struct object *object, enum object_kind kind,
                                          uint64_t rights)
{
    if (object_id_kind(object->id) == kind) {
        return handle_make(object, kind, rights, 0);
    }
    return (struct handle_slot){object, object_id_make(0, kind), 0, 0};
}

struct sys_result sys_object_handle(uint64_t number, uint64_t rights, uint64_t slot)
{
    struct space *own = thread_current()->space;
    struct object *object;
    enum object_kind kind;
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    lock_take(&task_lock);
    lock_take(&memory_lock);
    error = sys_find_object(number, &object, &kind);
    lock_release(&memory_lock);
    const struct sys_result result = error == ERR_OK
                                         ? sys_put(own, slot, sys_make_handle(object, kind, rights))
                                         : sys_make_error(error);
    lock_release(&task_lock);
    return result;
}

/* Make the frame part of the tables or slabs of `space`, which has room for it. */
static enum err sys_add_frame(struct space *space, pfn_t pfn, uint64_t kind) REQUIRES(task_lock)
{
    enum err error;

    if (kind != OBJECT_HANDLES) {
        return slab_add(space, frame_address(pfn));
    }
    lock_take(&handle_lock);
    error = handle_add_frame(space, frame_address(pfn));
    lock_release(&handle_lock);
    return error;
}

static enum err sys_donate(uint64_t number, uint64_t frame, uint64_t kind) REQUIRES(task_lock)
{
    const pfn_t pfn = pfn_from_number(frame);
    struct space *space;

    lock_take(&memory_lock);
    enum err error = authority_find_space(number, &space);
    if (error == ERR_OK && !frame_is_unused(pfn)) {
        error = ERR_FRAME_KIND;
    }
    if (error == ERR_OK) {
        frame_take(pfn, FRAME_OBJECT, kind == OBJECT_HANDLES ? OBJECT_HANDLES : OBJECT_ENDPOINT);
    }
    lock_release(&memory_lock);
    if (error != ERR_OK) {
        return error;
    }
    error = sys_add_frame(space, pfn, kind);
    if (error != ERR_OK) {
        lock_take(&memory_lock);
        frame_release(pfn);
        lock_release(&memory_lock);
    }
    return error;
}

struct sys_result sys_slab_donate(uint64_t space, uint64_t frame, uint64_t kind)
{
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (kind != OBJECT_ENDPOINT && kind != OBJECT_NOTIFICATION && kind != OBJECT_HANDLES) {
        return sys_make_error(ERR_INVAL);
    }
    lock_take(&task_lock);
    error = sys_donate(space, frame, kind);
    lock_release(&task_lock);
    return sys_make_error(error);
}

/* Write a notice into the registers, as abi/fault.h has it. */
static void sys_write_death(struct thread *self, const struct death *death)
{
    const void *object;
    const struct space *space;

    if (death->kind == OBJECT_SPACE) {
        space = LIST_ENTRY(death, struct space, death);
        object = space;
    } else {
        const struct thread *thread = LIST_ENTRY(death, struct thread, death);
        space = thread->space;
        object = thread;
    }
    thread_set_results(self, ERR_OK, (uint64_t)death->kind);
    self->x[REG_A0 + 1] = pfn_to_number(direct_to_pfn(object));
    self->x[REG_A0 + 2] = space->fault_badge;
    self->x[REG_A0 + 3] = death->cause;
    self->x[REG_A0 + 4] = death->detail;
    self->x[REG_A0 + 5] = death->pc;
    self->x[REG_A0 + 6] = death->access;
    self->x[REG_A0 + 7] = death->thread_number;
}

void space_next_death(struct thread *self)
{
    const enum err error = authority_check();

    if (error != ERR_OK) {
        thread_set_results(self, error, 0);
        return;
    }
    lock_take(&task_lock);
    const struct death *death = end_take_notice();
    if (death == NULL) {
        thread_set_results(self, ERR_OK, OBJECT_NONE);
    } else {
        sys_write_death(self, death);
    }
    lock_release(&task_lock);
}
