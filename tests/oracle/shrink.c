/* SPDX-License-Identifier: MIT */
/*
 * Shrinking: first fewer steps, then smaller arguments, until nothing more works.
 */
#include "shrink.h"

#include <string.h>

#include <base/types.h>

#include "known.h"
#include "sequence.h"

#define RUNS_MAX    1500u
#define SKIPPED_MAX 64u

struct shrinking {
    struct lane *lane;
    struct ours *ours;
    uint32_t op;
    bool is_first; /* any difference will do */
    unsigned runs;
    struct sequence *best;
    struct verdict *verdict;
};

static bool is_same(const struct verdict *verdict, const struct verdict *best,
                    const struct sequence *candidate, uint32_t op)
{
    return verdict->aspect == best->aspect && verdict->linux_error == best->linux_error &&
           verdict->ours_error == best->ours_error && candidate->step[verdict->step].op == op;
}

/* Run a candidate; make it the best if it still shows the difference. Returns: whether it does. */
static bool try(struct shrinking *shrinking, const struct sequence *candidate)
{
    uint64_t skipped[SKIPPED_MAX] = {0};
    struct verdict verdict;

    for (uint32_t i = 0; i < candidate->steps; i++) {
        if (!stage_is_safe(&candidate->room, &candidate->step[i])) {
            return false;
        }
    }
    if (shrinking->runs >= RUNS_MAX || shrinking->verdict->is_dead) {
        return false;
    }
    shrinking->runs++;
    lane_run(shrinking->lane, shrinking->ours, candidate);
    if (shrinking->lane->is_barred) {
        return false;
    }
    lane_finish(shrinking->lane, &verdict, skipped);
    if (verdict.is_dead) {
        *shrinking->verdict = verdict;
        return false;
    }
    if (shrinking->lane->is_over) {
        return false; /* what it shows may be that alone */
    }
    if (shrinking->is_first ? verdict.aspect == COMPARE_EQUAL
                            : !is_same(&verdict, shrinking->verdict, candidate, shrinking->op)) {
        return false;
    }
    *shrinking->best = *candidate;
    sequence_cut(shrinking->best, verdict.step);
    *shrinking->verdict = verdict;
    return true;
}

/* Leave out stretches of `count` steps. Returns: whether any could be. */
static bool drop_steps(struct shrinking *shrinking, uint32_t count)
{
    bool has_changed = false;

    for (uint32_t at = 0; at < shrinking->best->steps;) {
        struct sequence candidate = *shrinking->best;
        uint32_t end = at + count < candidate.steps ? at + count : candidate.steps;
        memmove(&candidate.step[at], &candidate.step[end],
                (candidate.steps - end) * sizeof(candidate.step[0]));
        candidate.steps -= end - at;
        if (candidate.steps > 0 && try(shrinking, &candidate)) {
            has_changed = true;
        } else {
            at += count;
        }
    }
    return has_changed;
}

static bool try_word(struct shrinking *shrinking, uint32_t at, size_t offset, uint64_t word)
{
    struct sequence candidate = *shrinking->best;
    uint64_t old;

    memcpy(&old, (char *)&candidate.step[at] + offset, sizeof(old));
    if (old == word || at >= candidate.steps) {
        return false;
    }
    memcpy((char *)&candidate.step[at] + offset, &word, sizeof(word));
    return try(shrinking, &candidate);
}

static bool try_shorter(struct shrinking *shrinking, uint32_t at, size_t offset, uint64_t length)
{
    return length > PAGE_SIZE &&
           (try_word(shrinking, at, offset, PAGE_SIZE) ||
            try_word(shrinking, at, offset, length / 2 & ~(uint64_t)PAGE_MASK) ||
            try_word(shrinking, at, offset, length - PAGE_SIZE));
}

/* Make one step plainer. Returns: whether it could be. */
static bool simplify(struct shrinking *shrinking, uint32_t at)
{
    const struct step step = shrinking->best->step[at];
    bool has_changed = false;

    has_changed |= try_shorter(shrinking, at, offsetof(struct step, length), step.length);
    has_changed |= try_shorter(shrinking, at, offsetof(struct step, size), step.size);
    has_changed |= step.offset != 0 && try_word(shrinking, at, offsetof(struct step, offset), 0);
    has_changed |=
        step.prot != 0 && step.prot != 3 && try_word(shrinking, at, offsetof(struct step, prot), 3);
    has_changed |= step.prot != 0 && try_word(shrinking, at, offsetof(struct step, prot), 0);
    for (uint64_t bit = 1; bit != 0 && bit <= step.flags; bit <<= 1) {
        has_changed |=
            (step.flags & bit) != 0 && try_word(shrinking, at, offsetof(struct step, flags),
                                                shrinking->best->step[at].flags & ~bit);
    }
    return has_changed;
}

unsigned shrink(struct lane *lane, struct ours *ours, struct sequence *sequence,
                struct verdict *verdict)
{
    struct shrinking shrinking = {
        .lane = lane, .ours = ours, .is_first = true, .best = sequence, .verdict = verdict};
    struct sequence first = *sequence;

    sequence_cut(&first, verdict->step);
    if (!try(&shrinking, &first)) {
        return shrinking.runs;
    }
    /* Looked at in full after each step, it may show earlier and otherwise. */
    shrinking.is_first = false;
    shrinking.op = sequence->step[verdict->step].op;
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (uint32_t count = sequence->steps / 2 + 1; count > 0; count /= 2) {
            has_changed |= drop_steps(&shrinking, count);
        }
        for (uint32_t at = 0; at < sequence->steps; at++) {
            has_changed |= simplify(&shrinking, at);
        }
    }
    /* Once more, so that what is in the lane is the result. */
    first = *sequence;
    try(&shrinking, &first);
    return shrinking.runs;
}
