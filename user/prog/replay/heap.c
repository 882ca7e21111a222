/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "object.h"
#include "page.h"
#include "range.h"
#include "touch.h"

static enum outcome heap_grow(struct replay *replay, const struct event *event, uint64_t end)
{
    struct layout_room *room = &replay->layout.heap;
    struct place place = replay_place(replay, event);
    uint64_t start = room->start;
    uint64_t length = end - start;
    struct block_traits traits = {.kind = REGION_ANON};

    if (end > room->end || !block_is_free(&replay->blocks, start, end)) {
        return complain_trace(place, "the heap grows over memory in use");
    }
    void *own = replay_own(start, room->distance);
    void *answer = mmap(own, (size_t)length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (answer != own) {
        return complain_answer(place, "the heap cannot grow: %s", strerror(errno));
    }
    block_insert(&replay->blocks, start, end, room->distance,
                 object_protect(traits, TRACE_PROT_READ | TRACE_PROT_WRITE));
    room->start = end;
    block_settle(&replay->blocks, start, end);
    return OUTCOME_OK;
}

static enum outcome heap_shrink(struct replay *replay, const struct event *event, uint64_t end)
{
    struct layout_room *room = &replay->layout.heap;
    struct place place = replay_place(replay, event);
    uint64_t length = room->start - end;
    uint64_t own_start = end + room->distance;
    void *own = replay_own(end, room->distance);

    if (end < replay->heap_start) {
        return complain_trace(place, "the break goes below the start of the heap");
    }
    enum outcome outcome = range_unmap(replay, event, end, room->start);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    /*
     * Unmapped as by a real brk; then reserved, lest another map settles where the heap may grow
     * again.
     */
    bool is_free = block_own_is_free(&replay->blocks, own_start, own_start + length);
    void *answer = !is_free ? NULL
                            : mmap(own, (size_t)length, PROT_NONE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (answer != own) {
        return complain_answer(place, "the heap's room cannot be reserved again: %s",
                               is_free ? strerror(errno) : "in use");
    }
    room->start = end;
    return OUTCOME_OK;
}

enum outcome heap_replay(struct replay *replay, const struct event *event)
{
    struct place place = replay_place(replay, event);

    if (!replay->has_heap) {
        replay->has_heap = true;
        replay->heap_break = event->answer;
        return OUTCOME_OK;
    }
    if (event->answer != event->address && event->answer != replay->heap_break) {
        return complain_trace(place, "the answer is neither the break asked for nor the last one");
    }
    uint64_t end_before = page_round_up(replay->heap_break);
    uint64_t end = page_round_up(event->answer);
    replay->heap_break = event->answer;
    if (end > end_before) {
        return heap_grow(replay, event, end);
    }
    if (end < end_before) {
        return heap_shrink(replay, event, end);
    }
    return OUTCOME_OK;
}
