/* SPDX-License-Identifier: MIT */
#include "irq/irq.h"

#include "syscall/syscall.h"

struct sys_result sys_interrupt_handle(uint64_t line, uint64_t slot)
{
    struct space *space = thread_current()->space;
    struct handle_slot *machine;
    const enum err error = sys_find(OBJECT_MACHINE, RIGHT_CONTROL, &machine);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (!irq_has_line(line)) {
        return sys_make_error(ERR_RANGE);
    }
    return sys_put(space, slot, handle_make(NULL, OBJECT_INTERRUPT, RIGHT_ALL, line));
}

struct sys_result sys_interrupt_bind(uint64_t notification, uint64_t bits)
{
    struct handle_slot *line;
    struct handle_slot *target;
    enum err error = sys_find(OBJECT_INTERRUPT, RIGHT_CONTROL, &line);

    if (error == ERR_OK && notification == HANDLE_NONE) {
        irq_bind(line->badge, (struct handle_slot){.object = NULL}, 0);
        return sys_make_error(ERR_OK);
    }
    if (error == ERR_OK) {
        error = handle_find(thread_current()->space, notification, OBJECT_NOTIFICATION,
                            RIGHT_SIGNAL, &target);
    }
    if (error == ERR_OK && bits == 0) {
        error = ERR_INVAL;
    }
    if (error == ERR_OK) {
        irq_bind(line->badge, *target, bits);
    }
    return sys_make_error(error);
}

struct sys_result sys_interrupt_done(void)
{
    struct handle_slot *line;
    const enum err error = sys_find(OBJECT_INTERRUPT, RIGHT_CONTROL, &line);

    if (error == ERR_OK) {
        irq_done(line->badge);
    }
    return sys_make_error(error);
}
