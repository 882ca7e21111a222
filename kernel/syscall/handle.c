/* SPDX-License-Identifier: MIT */
#include "task/handle.h"

#include "ipc/end.h"
#include "ipc/ipc.h"
#include "ipc/notify.h"
#include "syscall/syscall.h"
#include "task/slab.h"

STATIC_ASSERT(offsetof(struct endpoint, owner) == offsetof(struct cell, link.owner), "see slab.h");
STATIC_ASSERT(offsetof(struct notification, owner) == offsetof(struct cell, link.owner),
              "as above");

struct sys_result sys_put(struct space *space, uint64_t wanted, struct handle_slot value)
{
    uint64_t number = 0;

    lock_take(&handle_lock);
    const enum err error = handle_choose(space, wanted, &number);
    if (error == ERR_OK) {
        handle_put(space, number, value);
    }
    lock_release(&handle_lock);
    return sys_make_result(error, number);
}

/* The value of a handle with `rights`, a subset of those of `source`. */
static struct handle_slot sys_restrict(const struct handle_slot *source, uint64_t rights)
{
    struct handle_slot value = *source;
    value.id = (value.id & ~(uint64_t)RIGHT_ALL) | rights;
    return value;
}

struct sys_result sys_handle_derive(uint64_t rights, uint64_t badge, uint64_t slot)
{
    struct space *space = thread_current()->space;
    struct handle_slot *source;
    const enum err error = handle_get(space, sys_handle(), &source);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (!handle_is_live(source)) {
        return sys_make_error(ERR_STALE);
    }
    if ((source->id & RIGHT_DERIVE) == 0 || (rights & ~(source->id & RIGHT_ALL)) != 0) {
        return sys_make_error(ERR_RIGHTS);
    }
    struct handle_slot value = sys_restrict(source, rights);
    if (badge != 0) {
        const enum object_kind kind = object_id_kind(source->id);
        const bool may_badge =
            kind == OBJECT_LOG || (kind == OBJECT_ENDPOINT && (source->id & RIGHT_RECEIVE) != 0);
        if (!may_badge || source->badge != 0) {
            return sys_make_error(ERR_RIGHTS);
        }
        value.badge = badge;
        value.id &= ~(uint64_t)RIGHT_RECEIVE;
    }
    return sys_put(space, slot, value);
}

struct sys_result sys_handle_close(void)
{
    struct space *space = thread_current()->space;
    struct handle_slot *slot;
    const enum err error = handle_get(space, sys_handle(), &slot);

    if (error == ERR_OK) {
        lock_take(&handle_lock);
        handle_clear(space, sys_handle());
        lock_release(&handle_lock);
    }
    return sys_make_error(error);
}

struct sys_result sys_handle_give(uint64_t own, uint64_t rights, uint64_t slot)
{
    struct space *space = thread_current()->space;
    struct handle_slot *target;
    struct handle_slot *source;
    const enum err error = sys_find(OBJECT_SPACE, RIGHT_CONTROL, &target);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (handle_get(space, own, &source) != ERR_OK || !handle_is_live(source) ||
        (source->id & RIGHT_TRANSFER) == 0) {
        return sys_make_error(ERR_SENDER_HANDLE);
    }
    if ((rights & ~(source->id & RIGHT_ALL)) != 0) {
        return sys_make_error(ERR_RIGHTS);
    }
    return sys_put((struct space *)(void *)target->object, slot, sys_restrict(source, rights));
}

struct sys_result sys_accept(uint64_t first, uint64_t count)
{
    struct thread *self = thread_current();
    const uint64_t end = space_slot_count(self->space);

    if (first > end || count > end - first) {
        return sys_make_error(ERR_RANGE);
    }
    self->accept_first = first;
    self->accept_count = count;
    return sys_make_error(ERR_OK);
}

/* Make an endpoint or a notification and a handle to it in slot `number`, which is free. */
static enum err sys_make_object(struct space *space, enum object_kind kind, uint64_t number)
    REQUIRES(task_lock, handle_lock)
{
    struct object *object;
    const enum err error = slab_take(space, kind, &object);

    if (error != ERR_OK) {
        return error;
    }
    if (kind == OBJECT_ENDPOINT) {
        endpoint_init((struct endpoint *)(void *)object);
    }
    handle_put(space, number, handle_make(object, kind, RIGHT_ALL, 0));
    return ERR_OK;
}

struct sys_result sys_object_make(uint64_t kind, uint64_t slot)
{
    struct space *space = thread_current()->space;
    uint64_t number = 0;

    if (kind != OBJECT_ENDPOINT && kind != OBJECT_NOTIFICATION) {
        return sys_make_error(ERR_INVAL);
    }
    lock_take(&task_lock);
    lock_take(&handle_lock);
    enum err error = handle_choose(space, slot, &number);
    if (error == ERR_OK) {
        error = sys_make_object(space, (enum object_kind)kind, number);
    }
    lock_release(&handle_lock);
    lock_release(&task_lock);
    return sys_make_result(error, error == ERR_OK ? number : 0);
}

struct sys_result sys_object_destroy(void)
{
    struct handle_slot *slot;
    enum err error = sys_find(OBJECT_ENDPOINT, RIGHT_DESTROY, &slot);

    if (error == ERR_TYPE) {
        error = sys_find(OBJECT_NOTIFICATION, RIGHT_DESTROY, &slot);
    }
    if (error == ERR_OK) {
        lock_take(&task_lock);
        end_object(((struct cell *)(void *)slot->object)->link.owner, slot->object);
        lock_release(&task_lock);
    }
    return sys_make_error(error);
}

struct sys_result sys_handles_read(uint64_t first)
{
    struct space *space = thread_current()->space;
    struct handle_info *infos = thread_current()->message;
    struct handle_slot *slot;
    uint64_t count = 0;

    if (sys_handle() != HANDLE_NONE) {
        const enum err error = sys_find(OBJECT_SPACE, RIGHT_CONTROL, &slot);
        if (error != ERR_OK) {
            return sys_make_error(error);
        }
        space = (struct space *)(void *)slot->object;
    }
    for (uint64_t i = first; i < space_slot_count(space) && count < HANDLE_INFOS_MAX; i++) {
        if (i % SLOTS_FIRST != 0 && handle_get(space, i, &slot) == ERR_OK) {
            infos[count++] = (struct handle_info){
                .slot = (uint32_t)i,
                .kind = (uint16_t)(handle_is_live(slot) ? object_id_kind(slot->id) : OBJECT_NONE),
                .rights = (uint16_t)(slot->id & RIGHT_ALL),
                .badge = slot->badge,
            };
        }
    }
    return sys_make_result(ERR_OK, count);
}
