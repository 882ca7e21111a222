/* SPDX-License-Identifier: MIT */
/*
 * SYS_FRAME_COPY: bytes of user frames, copied or zeroed (abi/authority.h).
 */
#include "mm/frame.h"
#include "ipc/pending.h"
#include "mm/page.h"
#include "syscall/authority.h"
#include "syscall/syscall.h"

/* The only flag: zeros are written, nothing is read. */
#define COPY_ZERO UINT64_C(1)

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

static bool is_user(pfn_t pfn) REQUIRES(memory_lock)
{
    const enum frame_kind kind = frame_kind_of(pfn);
    return kind == FRAME_USER || kind == FRAME_CLEAN;
}

/* Zero bytes of user memory, or all of an unused frame, which is user memory then. */
static enum err zero(const struct copy *copy) REQUIRES(memory_lock)
{
    if (frame_is_unused(copy->to) && copy->bytes == PAGE_SIZE) {
        uint64_t *word = frame_word(copy->to);
        if (*word != FRAME_CLEAN) {
            page_zero(frame_address(copy->to));
            *word = FRAME_CLEAN;
        }
        return ERR_OK;
    }
    if (!is_user(copy->to)) {
        return ERR_FRAME_KIND;
    }
    page_clear((uint8_t *)frame_address(copy->to) + copy->to_offset, copy->bytes);
    return ERR_OK;
}

static enum err move(const struct copy *copy) REQUIRES(memory_lock)
{
    if (!is_user(copy->to) || (!is_user(copy->from) && frame_kind_of(copy->from) != FRAME_WIRED)) {
        return ERR_FRAME_KIND;
    }
    uint64_t *word = frame_word(copy->to);
    uint8_t *to = frame_address(copy->to);
    const uint8_t *from = frame_address(copy->from);
    if (*word == FRAME_CLEAN) {
        *word = FRAME_USER;
    }
    if (copy->bytes == PAGE_SIZE && to != from) {
        page_copy(to, from);
    } else {
        page_move(to + copy->to_offset, from + copy->from_offset, copy->bytes);
    }
    return ERR_OK;
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
    pending_flush();
    lock_take(&memory_lock);
    error = copy.is_zero ? zero(&copy) : move(&copy);
    lock_release(&memory_lock);
    return sys_make_error(error);
}
