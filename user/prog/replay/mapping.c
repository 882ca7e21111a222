/* SPDX-License-Identifier: MIT */
#include "mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "object.h"
#include "page.h"
#include "touch.h"

/* The own address for a recorded hint: next to what it was next to in the recording. */
static void *mapping_hint(struct replay *replay, uint64_t hint)
{
    const struct block *block = hint == 0 ? NULL : block_find(&replay->blocks, hint);

    if (block == NULL && hint != 0) {
        block = block_find(&replay->blocks, hint - 1);
    }
    return replay_own(hint, block == NULL ? 0 : block->distance);
}

static void *mapping_call(const struct object_mapping *mapping, void *own, uint64_t length)
{
    return mmap(own, (size_t)length, mapping->prot, mapping->flags, mapping->file, mapping->offset);
}

/* Map over [start, end), known in one piece; `ragged` bytes of the last page were not asked for. */
static enum outcome mapping_replace(struct replay *replay, const struct event *event,
                                    uint64_t start, uint64_t end, uint64_t ragged)
{
    struct place place = replay_place(replay, event);
    struct object_mapping mapping = object_mapping_of(&replay->files, event);
    uint64_t distance = block_find(&replay->blocks, start)->distance;
    void *own = replay_own(start, distance);

    mapping.offset += (off_t)(start - event->answer);
    void *answer = mapping_call(&mapping, own, end - start - ragged);
    if (answer == MAP_FAILED) {
        return complain_answer(place, "the map was refused here: %s", strerror(errno));
    }
    if (answer != own) {
        return complain_answer(place, "a fixed map was answered by another address");
    }
    pattern_drop(&replay->patterns, start, end);
    block_cut(&replay->blocks, start, end);
    block_insert(&replay->blocks, start, end, distance, object_traits_of(&replay->files, event));
    return OUTCOME_OK;
}

static enum outcome mapping_replay_fixed(struct replay *replay, const struct event *event,
                                         uint64_t start, uint64_t end)
{
    if (!block_is_covered(&replay->blocks, start, end)) {
        return complain_trace(replay_place(replay, event),
                              "a fixed map where not all of %lx-%lx is mapped",
                              (unsigned long)start, (unsigned long)end);
    }
    enum outcome outcome = touch_check(replay, event, start, end);
    uint64_t pieces = 0;
    for (uint64_t at = start; at < end && outcome == OUTCOME_OK; pieces++) {
        uint64_t piece_end = block_piece_end(&replay->blocks, at, end);
        uint64_t ragged = piece_end == end ? end - start - event->length : 0;

        outcome = mapping_replace(replay, event, at, piece_end, ragged);
        at = piece_end;
    }
    replay->counts.calls_split += pieces > 1;
    block_settle(&replay->blocks, start, end);
    return outcome;
}

/* Not fixed, or fixed without replacing: there the own range may be in use by the replayer. */
static enum outcome mapping_replay_free(struct replay *replay, const struct event *event,
                                        uint64_t start, uint64_t end)
{
    struct place place = replay_place(replay, event);
    struct object_mapping mapping = object_mapping_of(&replay->files, event);

    if (!block_is_free(&replay->blocks, start, end)) {
        return complain_trace(place, "the answer %lx-%lx is memory in use", (unsigned long)start,
                              (unsigned long)end);
    }
    void *hint = mapping_hint(replay, event->address);
    void *answer = mapping_call(&mapping, hint, event->length);
    if (answer == MAP_FAILED && errno == EEXIST) {
        mapping.flags &= ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
        answer = mapping_call(&mapping, NULL, event->length);
    }
    if (answer == MAP_FAILED) {
        return complain_answer(place, "the map was refused here: %s", strerror(errno));
    }
    uint64_t own = (uint64_t)(uintptr_t)answer;
    enum outcome outcome = replay_check_answer(replay, event, own, end - start);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    block_insert(&replay->blocks, start, end, own - start, object_traits_of(&replay->files, event));
    block_settle(&replay->blocks, start, end);
    return OUTCOME_OK;
}

/*
 * A map that the recording saw refused. A fixed one is made only where it cannot hit the replayer's
 * own memory; one of a file is not made, since the reason was the file's.
 */
static enum outcome mapping_replay_refused(struct replay *replay, const struct event *event)
{
    struct object_mapping mapping = object_mapping_of(&replay->files, event);
    bool is_fixed = (event->flags & (TRACE_MAP_FIXED | TRACE_MAP_FIXED_NOREPLACE)) != 0;
    void *own = mapping_hint(replay, event->address);

    if (!object_can_refuse(event)) {
        replay->counts.calls_skipped++;
        return OUTCOME_OK;
    }
    if (is_fixed) {
        uint64_t start = event->address;
        bool is_sane =
            page_is_aligned(start) && page_range_fits(start, event->length) && event->length != 0;
        uint64_t end = is_sane ? start + page_round_up(event->length) : 0;

        if (!is_sane || !block_is_covered(&replay->blocks, start, end) ||
            block_piece_end(&replay->blocks, start, end) != end) {
            replay->counts.calls_skipped++;
            return OUTCOME_OK;
        }
    }
    return replay_check_refusal(replay, event,
                                (intptr_t)mapping_call(&mapping, own, event->length));
}

/* What the call itself brings in is in the file before it. */
static bool mapping_fill(struct replay *replay, const struct event *event)
{
    bool is_anon = (event->flags & TRACE_MAP_ANON) != 0;
    uint32_t file = is_anon ? 0 : file_of_descriptor(&replay->files, event->number);

    return file == 0 || (event->flags & (TRACE_MAP_LOCKED | TRACE_MAP_POPULATE)) == 0 ||
           file_fill(&replay->files, file, event->offset, event->length);
}

enum outcome mapping_replay(struct replay *replay, const struct event *event)
{
    uint64_t start = event->answer;

    if (event->error != 0) {
        return mapping_replay_refused(replay, event);
    }
    uint64_t end = start + page_round_up(event->length);
    if (!mapping_fill(replay, event)) {
        return complain_answer(replay_place(replay, event), "the file cannot be written: %s",
                               strerror(errno));
    }
    bool is_replacing =
        (event->flags & TRACE_MAP_FIXED) != 0 && (event->flags & TRACE_MAP_FIXED_NOREPLACE) == 0;
    return is_replacing ? mapping_replay_fixed(replay, event, start, end)
                        : mapping_replay_free(replay, event, start, end);
}
