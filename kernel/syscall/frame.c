/* SPDX-License-Identifier: MIT */
/*
 * What the memory server does with frames (abi/authority.h): SYS_MAP, a vector of page-table
 * changes (abi/map.h, mm/aspace.h), and SYS_FRAME_COPY, bytes of user frames copied or zeroed
 * without the kernel lock (mm/fill.h).
 *
 * Vectors are cut where an interrupt is pending, or frames are to be filled: that is done, and the
 * vector goes on. The caller keeps the hart all the while, since nobody is more urgent than the
 * memory server. The space, whose object another thread of the server may have taken away, is found
 * anew each time.
 */
#include "mm/frame.h"

#include <abi/authority.h>

#include "debug/trace.h"
#include "mm/aspace.h"
#include "mm/fill.h"
#include "mm/page.h"
#include "syscall/syscall.h"
#include "task/harts.h"

/* The only flag: zeros are written, nothing is read. */
#define COPY_ZERO UINT64_C(1)

/* Fewer are not worth giving the kernel lock back. */
#define BYTES_UNLOCKED 256u

struct copy {
    pfn_t to;
    pfn_t from;
    uint64_t to_offset;
    uint64_t from_offset;
    uint64_t bytes;
    bool is_zero;
};

static bool is_in_page(uint64_t offset, uint64_t bytes)
{
    return offset <= PAGE_SIZE && bytes <= PAGE_SIZE - offset;
}

static bool is_user(enum frame_kind kind)
{
    return kind == FRAME_USER || kind == FRAME_CLEAN;
}

/* See whether the frames are of the right kinds. */
static enum err check(const struct copy *copy) REQUIRES(memory_lock)
{
    const enum frame_kind to = frame_kind_of(copy->to);
    const enum frame_kind from = copy->is_zero ? FRAME_WIRED : frame_kind_of(copy->from);
    const bool can_be_free = copy->bytes == PAGE_SIZE; /* nothing is left of what it held */

    return (is_user(to) || (can_be_free && to == FRAME_FREE)) &&
                   (is_user(from) || from == FRAME_WIRED)
               ? ERR_OK
               : ERR_FRAME_KIND;
}

static void store(const struct copy *copy)
{
    uint8_t *to = frame_address(copy->to);

    if (copy->is_zero) {
        page_clear(to + copy->to_offset, copy->bytes);
        return;
    }
    const uint8_t *from = frame_address(copy->from);
    if (copy->bytes == PAGE_SIZE && to != from) {
        page_copy(to, from);
    } else {
        page_move(to + copy->to_offset, from + copy->from_offset, copy->bytes);
    }
}

/* Keep others from the frames, and give the lock back meanwhile. */
static void store_unlocked(const struct copy *copy) REQUIRES(memory_lock)
{
    fill_begin_bytes(frame_word(copy->to));
    if (!copy->is_zero) {
        fill_read(frame_word(copy->from));
    }
    harts_leave_to_fill();
    store(copy);
    harts_enter_filled();
}

struct sys_result sys_frame_copy(uint64_t to, uint64_t to_offset, uint64_t from,
                                 uint64_t from_offset, uint64_t bytes, uint64_t flags)
{
    const struct copy copy = {
        .to = pfn_from_number(to),
        .from = pfn_from_number(from),
        .to_offset = to_offset,
        .from_offset = from_offset,
        .bytes = bytes,
        .is_zero = flags == COPY_ZERO,
    };
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (flags > COPY_ZERO || (copy.is_zero && (from | from_offset) != 0)) {
        return sys_make_error(ERR_INVAL);
    }
    if (!is_in_page(to_offset, bytes) || !is_in_page(from_offset, bytes)) {
        return sys_make_error(ERR_RANGE);
    }
    lock_take(&memory_lock);
    error = check(&copy);
    if (error == ERR_OK && (bytes < BYTES_UNLOCKED || hart_self()->is_alone)) {
        uint64_t *word = frame_word(copy.to);
        *word = frame_word_is_unused(*word) ? FRAME_USER : *word; /* CLEAN or FREE no more */
        store(&copy);
    } else if (error == ERR_OK) {
        store_unlocked(&copy);
    }
    lock_release(&memory_lock);
    return sys_make_error(error);
}

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
