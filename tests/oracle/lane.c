/* SPDX-License-Identifier: MIT */
/*
 * Sequences on both sides.
 */
#include "lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "known.h"

bool lane_start(struct lane *lane, const char *program, bool is_privileged, bool is_crowded)
{
    *lane = (struct lane){.is_privileged = is_privileged, .is_crowded = is_crowded};
    unsigned char *bytes = malloc(SLOT_LOG_BYTES);
    if (bytes == NULL) {
        perror("oracle");
        exit(2);
    }
    look_log_init(&lane->log, bytes, SLOT_LOG_BYTES);
    if (!peer_start(&lane->peer, program, is_privileged, is_crowded)) {
        return false;
    }
    lane->options.flags = LOOK_VISIBLE | LOOK_NORESERVE | LOOK_ACCOUNT | LOOK_DONTFORK |
                          LOOK_WIPEONFORK | LOOK_SEQUENTIAL | LOOK_RANDOM | LOOK_HUGEPAGE |
                          LOOK_NOHUGEPAGE | LOOK_LOCKED | LOOK_ONFAULT | LOOK_GROWSDOWN |
                          LOOK_HUGETLB;
    lane->options.is_zero_hidden = lane->peer.slot->is_zero_hidden != 0;
    return true;
}

void lane_stop(struct lane *lane)
{
    peer_stop(&lane->peer);
    free(lane->log.bytes);
}

static struct composer composer_of(struct lane *lane, struct ours *ours)
{
    return (struct composer){.ours = ours,
                             .stage = &lane->peer.slot->stage,
                             .log = &lane->log,
                             .dodged = lane->dodged,
                             .is_privileged = lane->is_privileged};
}

/* Give what was composed to Linux. */
static void post(struct lane *lane)
{
    peer_post(&lane->peer);
    lane->is_busy = true;
}

void lane_draw(struct lane *lane, struct ours *ours, uint64_t seed, uint32_t steps)
{
    struct composer composer = composer_of(lane, ours);

    lane->seed = seed;
    compose_sequence(&composer, seed, steps, lane->is_crowded, &lane->peer.slot->sequence);
    post(lane);
}

void lane_draw_again(struct lane *lane, struct ours *ours, const struct lane *other)
{
    struct composer composer = composer_of(lane, ours);

    lane->seed = other->seed;
    compose_again(&composer, other->seed, &other->peer.slot->sequence, &lane->peer.slot->sequence);
    post(lane);
}

void lane_run(struct lane *lane, struct ours *ours, const struct sequence *sequence)
{
    struct sequence *copy = &lane->peer.slot->sequence;

    *copy = *sequence;
    look_log_init(&lane->log, lane->log.bytes, lane->log.capacity);
    ours_begin(ours, &lane->peer.slot->stage, copy);
    lane->is_over = false;
    lane->is_barred = false;
    for (uint32_t i = 0; i < copy->steps && !lane->is_barred; i++) {
        copy->step[i].level = LOOK_FULL;
        lane->is_barred = ours_would_leak(ours, i);
        ours_step(ours, i, &lane->log);
        lane->is_over = lane->is_over || compose_is_over(ours, &lane->peer.slot->stage);
    }
    ours_end(ours);
    if (lane->is_barred) {
        return;
    }
    peer_post(&lane->peer);
    lane->is_busy = true;
}

bool lane_probe(struct lane *lane, const struct sequence *sequence, struct look_log *log)
{
    struct slot *slot = lane->peer.slot;

    slot->sequence = *sequence;
    for (uint32_t i = 0; i < sequence->steps; i++) {
        slot->sequence.step[i].level = LOOK_FULL;
    }
    peer_post(&lane->peer);
    if (!peer_wait(&lane->peer)) {
        return false;
    }
    *log = (struct look_log){.bytes = slot->log, .used = slot->log_used};
    return true;
}

/*
 * Compare after one step and forgive what is known.
 *
 * Returns: whether the sequence may go on; if not and `verdict->aspect` is COMPARE_EQUAL, what
 * parted the two is known.
 */
static bool compare_step(const struct lane *lane, struct found *found, struct verdict *verdict,
                         uint64_t *skipped)
{
    for (unsigned part = 0; part < 2; part++) {
        unsigned row;
        verdict->aspect = part == 0 ? compare_answers(found->linux_look, found->ours, verdict->text)
                                    : compare_states(&lane->options, found->linux_look, found->ours,
                                                     verdict->text);
        if (verdict->aspect == COMPARE_EQUAL) {
            continue;
        }
        verdict->step = found->index;
        verdict->linux_error = found->linux_look->head->error;
        verdict->ours_error = found->ours->head->error;
        found->aspect = verdict->aspect;
        enum known_effect effect = known_find(found, &row);
        if (effect == KNOWN_NOT) {
            return false;
        }
        verdict->aspect = COMPARE_EQUAL;
        skipped[row] += effect == KNOWN_STEP ? 1 : found->sequence->steps - found->index;
        if (effect == KNOWN_SEQUENCE) {
            return false;
        }
    }
    return true;
}

void lane_finish(struct lane *lane, struct verdict *verdict, uint64_t *skipped)
{
    struct slot *slot = lane->peer.slot;
    /* What each side looked like last; valid up to `last`. */
    struct look linux_looks[STEP_SIDES];
    struct look ours_looks[STEP_SIDES];
    uint32_t last = 0;
    size_t linux_at = 0;
    size_t ours_at = 0;

    *verdict = (struct verdict){.steps = slot->sequence.steps};
    lane->is_busy = false;
    verdict->is_dead = !peer_wait(&lane->peer);
    if (verdict->is_dead) {
        return;
    }
    struct look_log log = {.bytes = slot->log, .used = slot->log_used};
    for (uint32_t i = 0; i < slot->sequence.steps; i++) {
        const struct step *step = &slot->sequence.step[i];
        struct look linux_look = look_next(&log, &linux_at);
        struct look ours = look_next(&lane->log, &ours_at);
        uint32_t side = step_side(step, last);
        verdict->full += ours.head->level == LOOK_FULL;
        verdict->refused += ours.head->error != 0 || ours.head->signal != 0;
        struct found found = {
            .sequence = &slot->sequence,
            .index = i,
            .linux_log = &log,
            .ours_log = &lane->log,
            .linux_look = &linux_look,
            .ours = &ours,
            .linux_before_opt = i == 0 ? NULL : &linux_looks[side],
            .ours_before_opt = i == 0 ? NULL : &ours_looks[side],
        };
        if (!compare_step(lane, &found, verdict, skipped)) {
            return;
        }
        if (step->op == STEP_CLONE && ours.head->error == 0) {
            side++;
            last = side;
        }
        /* In its own turn, a step of a batch sees nothing. */
        if (ours.head->level != LOOK_NONE || i == 0) {
            linux_looks[side] = linux_look;
            ours_looks[side] = ours;
        }
    }
}

static void print_look(const char *who, const struct look *look)
{
    const struct look_head *head = look->head;
    struct look_walk walk = look_walk_begin(look);
    struct look_page page;

    printf("  %s: error %d signal %u answer 0x%" PRIx64 ", %" PRIu64 " pages, %" PRIu64
           " of data\n",
           who, head->error, head->signal, head->answer, head->pages, head->data);
    for (uint32_t i = 0; i < head->regions; i++) {
        const struct look_region *region = &look->regions[i];
        printf("    [0x%" PRIx32 ", 0x%" PRIx32 ") flags 0x%" PRIx32 "\n", region->first,
               region->end, region->flags);
    }
    while (look_walk_next(&walk, &page)) {
        printf("    page 0x%" PRIx32 " %s 0x%" PRIx64 " .. 0x%" PRIx64 "\n", page.page,
               page.state == LOOK_ZERO ? "zero" : "own", page.word.head, page.word.tail);
    }
}

void lane_print(const struct lane *lane)
{
    const struct slot *slot = lane->peer.slot;
    struct look_log log = {.bytes = (unsigned char *)slot->log, .used = slot->log_used};
    size_t linux_at = 0;
    size_t ours_at = 0;
    char text[STEP_TEXT_MAX];

    for (uint32_t i = 0; i < slot->sequence.steps; i++) {
        struct look linux_look = look_next(&log, &linux_at);
        struct look ours = look_next(&lane->log, &ours_at);
        step_print(&slot->sequence.step[i], text);
        printf("%s\n", text);
        print_look("Linux", &linux_look);
        print_look("ours", &ours);
    }
}
