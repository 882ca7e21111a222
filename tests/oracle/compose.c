/* SPDX-License-Identifier: MIT */
/*
 * Draw, carry out, look, and so on.
 */
#include "compose.h"

#include "draw.h"

/* A sequence ends when one more look of the largest size might not fit into the log. */
#define LOG_RESERVE (1u << 20)
/* Every so many steps are looked at in full, refused or not. */
#define FULL_PERIOD 8u

/* Carry out a step and let the drawing know. */
static void carry_out(struct ours *ours, struct draw *draw, struct step *step, uint32_t index,
                      struct look_log *log)
{
    size_t at = log->used;

    ours_step(ours, index, log);
    struct look look = look_next(log, &at);
    step->level = look.head->level;
    draw_see(draw, step, &look);
}

void compose_sequence(struct ours *ours, const struct stage *stage, uint64_t seed, uint32_t steps,
                      bool is_privileged, bool is_crowded, struct sequence *sequence,
                      struct look_log *log)
{
    struct random random = random_make(seed);
    static struct draw draw;

    look_log_init(log, log->bytes, log->capacity);
    draw_begin(&draw, &random, stage, is_crowded);
    sequence->room = draw.room;
    sequence->is_privileged = is_privileged;
    sequence->spare = draw.spare;
    sequence->steps = 0;
    ours_begin(ours, stage, sequence);
    while (sequence->steps < steps && log->capacity - log->used > LOG_RESERVE) {
        uint32_t at = sequence->steps++;
        struct step *step = &sequence->step[at];
        uint32_t who = draw.who;
        draw_step(&draw, step);
        while (step->op == STEP_BATCH && sequence->steps < steps &&
               sequence->steps - at <= step->length) {
            draw_member(&draw, &sequence->step[sequence->steps++]);
        }
        bool is_full = at % FULL_PERIOD == 0 || step->op == STEP_CLONE || step->op == STEP_BATCH ||
                       step->who != who;
        step->level = is_full ? LOOK_FULL : LOOK_LIGHT;
        carry_out(ours, &draw, step, at, log);
        for (uint32_t member = at + 1; member < sequence->steps; member++) {
            carry_out(ours, &draw, &sequence->step[member], member, log);
        }
    }
    ours_end(ours);
}
