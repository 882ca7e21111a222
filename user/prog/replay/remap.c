/* SPDX-License-Identifier: MIT */
/*
 * mremap() as Linux has it: not part of POSIX, so that _GNU_SOURCE is asked for by the build.
 */
#include "remap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "page.h"
#include "range.h"
#include "touch.h"

/* A remap on whole pages; all addresses are recorded ones. */
struct remap {
    const struct event *event;
    uint64_t start;
    uint64_t end;
    uint64_t start_new;
    uint64_t end_new;
};

static uint64_t remap_length(const struct remap *remap)
{
    return remap->end - remap->start;
}

static uint64_t remap_length_new(const struct remap *remap)
{
    return remap->end_new - remap->start_new;
}

static bool remap_has_flag(const struct remap *remap, uint32_t flag)
{
    return (remap->event->flags & flag) != 0;
}

static int remap_flags(uint32_t recorded)
{
    int flags = 0;

    flags |= (recorded & TRACE_REMAP_MAYMOVE) != 0 ? MREMAP_MAYMOVE : 0;
    flags |= (recorded & TRACE_REMAP_FIXED) != 0 ? MREMAP_FIXED : 0;
    flags |= (recorded & TRACE_REMAP_DONTUNMAP) != 0 ? MREMAP_DONTUNMAP : 0;
    return flags;
}

static enum outcome remap_complain_refused(const struct replay *replay, const struct remap *remap)
{
    return complain_answer(replay_place(replay, remap->event), "the remap was refused here: %s",
                           strerror(errno));
}

/* Shrink in place. */
static enum outcome remap_shrink(struct replay *replay, const struct remap *remap)
{
    const struct event *event = remap->event;
    uint64_t distance = block_find(&replay->blocks, remap->start)->distance;
    void *own = replay_own(remap->start, distance);

    if (block_piece_end(&replay->blocks, remap->start, remap->end) != remap->end) {
        replay->counts.calls_split++;
        return range_unmap(replay, event, remap->end_new, remap->end);
    }
    enum outcome outcome = touch_check(replay, event, remap->end_new, remap->end);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    void *answer =
        mremap(own, (size_t)event->length, (size_t)event->length_new, remap_flags(event->flags));
    if (answer == MAP_FAILED) {
        return remap_complain_refused(replay, remap);
    }
    if (answer != own) {
        return complain_answer(replay_place(replay, event), "a shrinking remap moved");
    }
    pattern_drop(&replay->patterns, remap->end_new, remap->end);
    block_cut(&replay->blocks, remap->end_new, remap->end);
    block_settle(&replay->blocks, remap->end_new, remap->end);
    return OUTCOME_OK;
}

/*
 * Find the own address that stands for the recorded target of a fixed remap. What is known there
 * goes: in one piece, the call itself replaces it; else it is unmapped, and a new range reserved.
 */
static enum outcome remap_prepare_target(struct replay *replay, const struct remap *remap,
                                         uint64_t *own)
{
    uint64_t start = remap->start_new;
    uint64_t end = remap->end_new;

    if (block_is_covered(&replay->blocks, start, end) &&
        block_piece_end(&replay->blocks, start, end) == end) {
        *own = start + block_find(&replay->blocks, start)->distance;
        enum outcome outcome = touch_check(replay, remap->event, start, end);

        pattern_drop(&replay->patterns, start, end);
        block_cut(&replay->blocks, start, end);
        block_settle(&replay->blocks, start, end);
        return outcome;
    }
    enum outcome outcome = range_unmap(replay, remap->event, start, end);
    if (outcome == OUTCOME_OK && !layout_reserve(0, end - start, own)) {
        return remap_complain_refused(replay, remap);
    }
    return outcome;
}

/*
 * Move each piece of a range that lies apart here to its place in `target`; the last one takes the
 * growth.
 */
static enum outcome remap_call_pieces(struct replay *replay, const struct remap *remap,
                                      uint64_t target)
{
    uint32_t recorded =
        (remap->event->flags & TRACE_REMAP_DONTUNMAP) | TRACE_REMAP_MAYMOVE | TRACE_REMAP_FIXED;
    uint64_t left_new = remap_length_new(remap);
    uint64_t at = remap->start;

    while (at < remap->end && left_new > 0) {
        uint64_t piece_end = block_piece_end(&replay->blocks, at, remap->end);
        uint64_t length = piece_end - at;
        uint64_t length_new = piece_end == remap->end || length > left_new ? left_new : length;
        void *own = replay_own(at, block_find(&replay->blocks, at)->distance);
        void *own_new = replay_own(target, at - remap->start);

        if (mremap(own, (size_t)length, (size_t)length_new, remap_flags(recorded), own_new) !=
            own_new) {
            return remap_complain_refused(replay, remap);
        }
        left_new -= length_new;
        at = piece_end;
    }
    replay->counts.calls_split++;
    /* Of a range that shrinks as it moves, pieces may be left over. */
    return at < remap->end ? range_unmap(replay, remap->event, at, remap->end) : OUTCOME_OK;
}

/* Move or grow in own addresses; `own_new` is where the memory is then. */
static enum outcome remap_call(struct replay *replay, const struct remap *remap, uint64_t *own_new)
{
    const struct event *event = remap->event;
    void *own = replay_own(remap->start, block_find(&replay->blocks, remap->start)->distance);
    bool is_split = block_piece_end(&replay->blocks, remap->start, remap->end) != remap->end;
    int flags = remap_flags(event->flags);
    uint64_t target = 0;

    if (remap_has_flag(remap, TRACE_REMAP_FIXED)) {
        enum outcome outcome = remap_prepare_target(replay, remap, &target);

        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    } else if (is_split && !layout_reserve(0, remap_length_new(remap), &target)) {
        return remap_complain_refused(replay, remap);
    }
    *own_new = target;
    if (is_split) {
        return remap_call_pieces(replay, remap, target);
    }
    void *answer = mremap(own, (size_t)event->length, (size_t)event->length_new, flags,
                          (void *)(uintptr_t)target);
    if (answer == MAP_FAILED && errno == ENOMEM && !remap_has_flag(remap, TRACE_REMAP_MAYMOVE)) {
        /* What lies behind the range here need not be what lay there in the recording. */
        answer =
            mremap(own, (size_t)event->length, (size_t)event->length_new, flags | MREMAP_MAYMOVE);
    }
    if (answer == MAP_FAILED) {
        return remap_complain_refused(replay, remap);
    }
    if (remap_has_flag(remap, TRACE_REMAP_FIXED) && (uint64_t)(uintptr_t)answer != target) {
        return complain_answer(replay_place(replay, event), "a fixed remap went elsewhere");
    }
    *own_new = (uint64_t)(uintptr_t)answer;
    return OUTCOME_OK;
}

/* Grow in place, or move, in recorded addresses. */
static enum outcome remap_move(struct replay *replay, const struct remap *remap)
{
    const struct event *event = remap->event;
    struct block_traits traits = block_find(&replay->blocks, remap->start)->traits;
    uint64_t shift = remap->start_new - remap->start;
    uint64_t kept_end = remap_length_new(remap) < remap_length(remap)
                            ? remap->start + remap_length_new(remap)
                            : remap->end;
    uint64_t own_new = 0;

    enum outcome outcome = touch_check(replay, event, kept_end, remap->end);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    outcome = remap_call(replay, remap, &own_new);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    pattern_drop(&replay->patterns, kept_end, remap->end);
    if (shift != 0) {
        pattern_move(&replay->patterns, remap->start, kept_end, shift);
    }
    if (!remap_has_flag(remap, TRACE_REMAP_DONTUNMAP)) {
        block_cut(&replay->blocks, remap->start, remap->end);
    }
    outcome = replay_check_answer(replay, event, own_new, remap_length_new(remap));
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    /* The offset in the object stays with the page. */
    traits.object_base -= shift;
    block_insert(&replay->blocks, remap->start_new, remap->end_new, own_new - remap->start_new,
                 traits);
    block_settle(&replay->blocks, remap->start, remap->end);
    block_settle(&replay->blocks, remap->start_new, remap->end_new);
    return OUTCOME_OK;
}

/*
 * A remap that the recording saw refused: made alike where the range is one piece and nothing is
 * replaced.
 */
static enum outcome remap_replay_refused(struct replay *replay, const struct event *event)
{
    uint64_t start = event->address;
    bool is_sane = page_is_aligned(start) && page_range_fits(start, event->length) &&
                   event->length != 0 && (event->flags & TRACE_REMAP_FIXED) == 0;
    uint64_t end = is_sane ? start + page_round_up(event->length) : 0;

    /* Growth without moving depends on what lies behind, and that may differ here. */
    if (!is_sane || event->error == ENOMEM || !block_is_covered(&replay->blocks, start, end) ||
        block_piece_end(&replay->blocks, start, end) != end) {
        replay->counts.calls_skipped++;
        return OUTCOME_OK;
    }
    void *own = replay_own(start, block_find(&replay->blocks, start)->distance);
    return replay_check_refusal(replay, event,
                                (intptr_t)mremap(own, (size_t)event->length,
                                                 (size_t)event->length_new,
                                                 remap_flags(event->flags)));
}

enum outcome remap_replay(struct replay *replay, const struct event *event)
{
    struct place place = replay_place(replay, event);

    if (event->error != 0) {
        return remap_replay_refused(replay, event);
    }
    struct remap remap = {
        .event = event,
        .start = event->address,
        .end = event->address + page_round_up(event->length),
        .start_new = event->answer,
        .end_new = event->answer + page_round_up(event->length_new),
    };
    if (!block_is_covered(&replay->blocks, remap.start, remap.end) ||
        !block_is_uniform(&replay->blocks, remap.start, remap.end)) {
        return complain_trace(place, "%lx-%lx is not one region, yet remap succeeded",
                              (unsigned long)remap.start, (unsigned long)remap.end);
    }
    bool is_in_place = remap.start_new == remap.start;
    if (is_in_place && remap.end_new <= remap.end) {
        return remap_shrink(replay, &remap);
    }
    uint64_t free_start = is_in_place ? remap.end : remap.start_new;
    if (!remap_has_flag(&remap, TRACE_REMAP_FIXED) &&
        !block_is_free(&replay->blocks, free_start, remap.end_new)) {
        return complain_trace(place, "the answer %lx-%lx is memory in use",
                              (unsigned long)remap.start_new, (unsigned long)remap.end_new);
    }
    return remap_move(replay, &remap);
}
