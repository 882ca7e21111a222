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
        struct step *step = &sequence->step[sequence->steps++];
        size_t at = log->used;
        draw_step(&draw, step);
        step->level = sequence->steps % FULL_PERIOD == 0 ? LOOK_FULL : LOOK_LIGHT;
        ours_step(ours, step, log);
        struct look look = look_next(log, &at);
        step->level = look.head->level;
        draw_see(&draw, step, &look);
    }
    ours_end(ours);
}
