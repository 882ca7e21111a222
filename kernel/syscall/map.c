/* SPDX-License-Identifier: MIT */
/*
 * SYS_MAP: a vector of page-table changes (abi/authority.h, abi/map.h; mechanism in mm/aspace.h).
 *
 * Vectors are cut where an interrupt is pending, or frames are to be filled: that is done, and the
 * vector goes on. The caller keeps the hart all the while, since nobody is more urgent than the
 * memory server. The space, whose object another thread of the server may have taken away, is found
 * anew each time.
 */
#include "debug/trace.h"
#include "mm/aspace.h"
#include "mm/fill.h"
#include "syscall/syscall.h"
#include "task/harts.h"
#include <abi/authority.h>

struct sys_result sys_map(uint64_t number, uint64_t count)
{
    const struct thread *self = thread_current();
    struct map_progress progress = {0, 0};
    struct space *space;
    enum err error = authority_check();

    if (error == ERR_OK && (count == 0 || count > MAP_ENTRIES_MAX)) {
        error = ERR_INVAL;
    }
    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    do {
        lock_take(&memory_lock);
        error = authority_find_space(number, &space);
        if (error == ERR_OK) {
            error = aspace_apply(&space->aspace, self->message, count, &progress);
        }
        lock_release(&memory_lock);
        if (error == ERR_INTR || fill_is_open()) {
            harts_cut();
        }
    } while (error == ERR_INTR && thread_current() == self);
    trace_emit(TRACE_MAP, count, progress.entries);
    return sys_make_result(error, progress.entries);
}
