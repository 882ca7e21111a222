/* SPDX-License-Identifier: MIT */
#include "range.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "event.h"
#include "locking.h"
#include "object.h"
#include "page.h"
#include "touch.h"

/* Advice as Linux numbers it (madvise(2)). */
#define ADVICE_NORMAL          0u
#define ADVICE_RANDOM          1u
#define ADVICE_SEQUENTIAL      2u
#define ADVICE_DONTNEED        4u
#define ADVICE_FREE            8u
#define ADVICE_REMOVE          9u
#define ADVICE_DONTFORK        10u
#define ADVICE_DOFORK          11u
#define ADVICE_MERGEABLE       12u
#define ADVICE_UNMERGEABLE     13u
#define ADVICE_HUGEPAGE        14u
#define ADVICE_NOHUGEPAGE      15u
#define ADVICE_DONTDUMP        16u
#define ADVICE_DODUMP          17u
#define ADVICE_WIPEONFORK      18u
#define ADVICE_KEEPONFORK      19u
#define ADVICE_POPULATE_WRITE  23u
#define ADVICE_DONTNEED_LOCKED 24u
/* From here on advice injects memory errors. */
#define ADVICE_HARDWARE 100u

static const struct {
    uint32_t advice;
    uint32_t set;
    uint32_t clear;
} range_advice[] = {
    {ADVICE_NORMAL, 0, BLOCK_RANDOM | BLOCK_SEQUENTIAL},
    {ADVICE_RANDOM, BLOCK_RANDOM, BLOCK_SEQUENTIAL},
    {ADVICE_SEQUENTIAL, BLOCK_SEQUENTIAL, BLOCK_RANDOM},
    {ADVICE_DONTFORK, BLOCK_DONTFORK, 0},
    {ADVICE_DOFORK, 0, BLOCK_DONTFORK},
    {ADVICE_MERGEABLE, BLOCK_MERGEABLE, 0},
    {ADVICE_UNMERGEABLE, 0, BLOCK_MERGEABLE},
    {ADVICE_HUGEPAGE, BLOCK_HUGEPAGE, BLOCK_NOHUGEPAGE},
    {ADVICE_NOHUGEPAGE, BLOCK_NOHUGEPAGE, BLOCK_HUGEPAGE},
    {ADVICE_DONTDUMP, BLOCK_DONTDUMP, 0},
    {ADVICE_DODUMP, 0, BLOCK_DONTDUMP},
    {ADVICE_WIPEONFORK, BLOCK_WIPEONFORK, 0},
    {ADVICE_KEEPONFORK, 0, BLOCK_WIPEONFORK},
};

/*
 * Make the recorded call on `length` bytes at `own`; of brk and remap that is the part that takes
 * memory away. 0, or -1 with errno set.
 */
static int range_call(const struct event *event, void *own, size_t length)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_BRK:
    case EVENT_REMAP:
    case EVENT_UNMAP:
        return munmap(own, length);
    case EVENT_PROTECT:
        return mprotect(own, length, object_prot(event->prot));
    case EVENT_ADVISE:
        return madvise(own, length, (int)event->number);
    case EVENT_LOCK:
        return locking_lock(own, length);
    case EVENT_UNLOCK:
        return locking_unlock(own, length);
    case EVENT_SYNC:
        return locking_sync(own, length, (int)event->number);
    case EVENT_MAP:
    case EVENT_TOUCH:
        break;
    }
    assert(!"no call about a range");
    return -1;
}

/* Whether the call may make private copies of pages, without a touch. */
static bool range_brings_pages(const struct event *event)
{
    return event->kind == EVENT_LOCK ||
           (event->kind == EVENT_ADVISE && event->number == ADVICE_POPULATE_WRITE);
}

/*
 * Make the call on each piece of the known part of [start, end). The last piece is `ragged` bytes
 * short of whole pages, as the recorded length was.
 */
static enum outcome range_call_pieces(struct replay *replay, const struct event *event,
                                      uint64_t start, uint64_t end, uint64_t ragged)
{
    uint64_t pieces = 0;
    uint64_t at = start;

    while (!block_is_free(&replay->blocks, at, end)) {
        const struct block *block = block_first(&replay->blocks, at);
        uint64_t low = block_start(block) > at ? block_start(block) : at;
        uint64_t high = block_piece_end(&replay->blocks, low, end);
        uint64_t length = high - low - (high == end ? ragged : 0);

        if (range_brings_pages(event) && !touch_fill(replay, low, high)) {
            return complain_answer(replay_place(replay, event), "the file cannot be written: %s",
                                   strerror(errno));
        }
        if (range_call(event, replay_own(low, block->distance), (size_t)length) != 0) {
            return complain_answer(replay_place(replay, event), "%s of %lx was refused here: %s",
                                   event_name(event->kind), (unsigned long)low, strerror(errno));
        }
        pieces++;
        at = high;
    }
    replay->counts.calls_split += pieces > 1;
    return OUTCOME_OK;
}

static struct block_traits range_change_attributes(struct block_traits traits, uint32_t index)
{
    traits.attributes |= range_advice[index].set;
    traits.attributes &= ~range_advice[index].clear;
    return traits;
}

static struct block_traits range_change_lock(struct block_traits traits, uint32_t is_locked)
{
    traits.attributes &= ~BLOCK_LOCKED;
    traits.attributes |= is_locked != 0 ? BLOCK_LOCKED : 0;
    return traits;
}

/* Whether the call takes the contents of private pages away. */
static bool range_drops_contents(const struct event *event)
{
    return event->kind == EVENT_ADVISE &&
           (event->number == ADVICE_DONTNEED || event->number == ADVICE_DONTNEED_LOCKED);
}

/*
 * Whether the pages cannot be read behind the call: they are checked now, since they may go unread.
 */
static bool range_hides_contents(const struct event *event)
{
    return event->kind == EVENT_PROTECT &&
           (event->prot & (TRACE_PROT_READ | TRACE_PROT_WRITE)) == 0;
}

/* What advice does to contents. Shared memory keeps them, but for REMOVE. */
static void range_apply_contents(struct replay *replay, const struct event *event, uint64_t start,
                                 uint64_t end)
{
    for (const struct block *block = block_first(&replay->blocks, start);
         block != NULL && block_start(block) < end; block = block_next(block)) {
        uint64_t low = block_start(block) > start ? block_start(block) : start;
        uint64_t high = block->end < end ? block->end : end;
        bool is_shared = (block->traits.attributes & BLOCK_OWN_SHARED) != 0;

        if (event->number == ADVICE_REMOVE || (range_drops_contents(event) && !is_shared)) {
            pattern_drop(&replay->patterns, low, high);
        } else if (event->number == ADVICE_FREE && !is_shared) {
            pattern_loosen(&replay->patterns, low, high);
        }
    }
}

/* Do to blocks and patterns what the successful call did. */
static void range_apply(struct replay *replay, const struct event *event, uint64_t start,
                        uint64_t end)
{
    if (event->kind == EVENT_PROTECT) {
        block_change(&replay->blocks, start, end, object_protect, event->prot);
    } else if (event->kind == EVENT_LOCK || event->kind == EVENT_UNLOCK) {
        block_change(&replay->blocks, start, end, range_change_lock, event->kind == EVENT_LOCK);
    } else if (event->kind == EVENT_ADVISE) {
        range_apply_contents(replay, event, start, end);
        for (uint32_t i = 0; i < sizeof range_advice / sizeof range_advice[0]; i++) {
            if (range_advice[i].advice == event->number) {
                block_change(&replay->blocks, start, end, range_change_attributes, i);
            }
        }
    }
    block_settle(&replay->blocks, start, end);
}

static enum outcome range_do(struct replay *replay, const struct event *event, uint64_t start,
                             uint64_t end, uint64_t ragged)
{
    enum outcome outcome = OUTCOME_OK;

    if (range_drops_contents(event) || range_hides_contents(event)) {
        outcome = touch_check(replay, event, start, end);
    }
    if (outcome == OUTCOME_OK) {
        outcome = range_call_pieces(replay, event, start, end, ragged);
    }
    if (outcome == OUTCOME_OK) {
        range_apply(replay, event, start, end);
    }
    return outcome;
}

static enum outcome range_do_unmap(struct replay *replay, const struct event *event, uint64_t start,
                                   uint64_t end, uint64_t ragged)
{
    enum outcome outcome = touch_check(replay, event, start, end);

    if (outcome == OUTCOME_OK) {
        outcome = range_call_pieces(replay, event, start, end, ragged);
    }
    if (outcome == OUTCOME_OK) {
        pattern_drop(&replay->patterns, start, end);
        block_cut(&replay->blocks, start, end);
        block_settle(&replay->blocks, start, end);
    }
    return outcome;
}

enum outcome range_unmap(struct replay *replay, const struct event *event, uint64_t start,
                         uint64_t end)
{
    return range_do_unmap(replay, event, start, end, 0);
}

/* The end of what is known without a hole from `start`, at most `end`. */
static uint64_t range_known_end(struct replay *replay, uint64_t start, uint64_t end)
{
    uint64_t at = start;

    while (at < end && block_find(&replay->blocks, at) != NULL) {
        at = block_piece_end(&replay->blocks, at, end);
    }
    return at;
}

/*
 * A call that the recording saw refused.
 *
 * Over a hole Linux answers ENOMEM and has done part of the work by then: protect, lock and unlock
 * what lies before the hole, advise what lies on both sides (mprotect(2), mlock(2), madvise(2)).
 * Here the hole may be no hole, so that only the part is done. Other refusals have a reason in the
 * arguments, and are made alike where the range is in one piece.
 */
static enum outcome range_replay_refused(struct replay *replay, const struct event *event)
{
    uint64_t start = event->address;

    if (!page_is_aligned(start) || !page_range_fits(start, event->length)) {
        replay->counts.calls_skipped++;
        return OUTCOME_OK;
    }
    uint64_t end = start + page_round_up(event->length);
    uint64_t known_end = range_known_end(replay, start, end);
    bool is_known = start < end && known_end == end;
    if (is_known && block_piece_end(&replay->blocks, start, end) == end) {
        const struct block *block = block_find(&replay->blocks, start);
        void *own = replay_own(start, block->distance);

        return replay_check_refusal(replay, event, range_call(event, own, (size_t)event->length));
    }
    replay->counts.calls_skipped++;
    if (is_known || event->error != ENOMEM || event->kind == EVENT_UNMAP) {
        return OUTCOME_OK;
    }
    return range_do(replay, event, start, event->kind == EVENT_ADVISE ? end : known_end, 0);
}

enum outcome range_replay(struct replay *replay, const struct event *event)
{
    struct place place = replay_place(replay, event);

    if (event->kind == EVENT_ADVISE && event->number >= ADVICE_HARDWARE) {
        return complain_trace(place, "advice %lu damages memory and is not replayed",
                              (unsigned long)event->number);
    }
    if (event->error != 0) {
        return range_replay_refused(replay, event);
    }
    /* lock and unlock take in the page that their address lies in. */
    uint64_t start = event->address - event->address % PAGE_BYTES;
    uint64_t end = page_round_up(event->address + event->length);
    uint64_t ragged = end - (event->address + event->length);
    if (event->kind == EVENT_UNMAP) {
        if (block_is_free(&replay->blocks, start, end)) {
            return complain_trace(place, "an unmap of %lx, where nothing is mapped",
                                  (unsigned long)start);
        }
        return range_do_unmap(replay, event, start, end, ragged);
    }
    if (!block_is_covered(&replay->blocks, start, end)) {
        return complain_trace(place, "not all of %lx-%lx is mapped, yet %s succeeded",
                              (unsigned long)start, (unsigned long)end, event_name(event->kind));
    }
    return range_do(replay, event, start, end, ragged);
}
