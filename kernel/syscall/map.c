/* SPDX-License-Identifier: MIT */
/*
 * SYS_MAP: a vector of page-table changes (abi/authority.h, abi/map.h; mechanism in mm/aspace.h).
 *
 * Long vectors are cut where an interrupt is pending: it is served, and the vector goes on. The
 * caller keeps the hart all the while, since nobody is more urgent than the memory server.
 */
#include "debug/trace.h"
#include "ipc/pending.h"
#include "mm/aspace.h"
#include "mm/entry.h"
#include "syscall/authority.h"
#include "syscall/syscall.h"
#include "task/sched.h"
#include <abi/authority.h>

/* Carry out all entries, with interrupts served on the way. */
static enum err apply(struct aspace *aspace, const struct map_entry *entries, uint64_t count,
                      struct map_progress *progress) REQUIRES(memory_lock)
{
    for (;;) {
        const enum err error = aspace_apply(aspace, entries, count, progress);
        if (error != ERR_INTR) {
            return error;
        }
        lock_release(&memory_lock);
        sched_tick();
        lock_take(&memory_lock);
    }
}

struct sys_result sys_map(uint64_t number, uint64_t count)
{
    const struct map_entry *entries = thread_current()->message;
    struct map_progress progress = {0, 0};
    struct space *space;
    enum err error = authority_check();

    if (error == ERR_OK && (count == 0 || count > MAP_ENTRIES_MAX)) {
        error = ERR_INVAL;
    }
    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    pending_flush();
    lock_take(&memory_lock);
    error = authority_find_space(number, &space);
    if (error == ERR_OK) {
        error = apply(&space->aspace, entries, count, &progress);
    }
    lock_release(&memory_lock);
    trace_emit(TRACE_MAP, count, progress.entries);
    return sys_make_result(error, progress.entries);
}
