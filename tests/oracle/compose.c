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

bool compose_is_over(const struct ours *ours, const struct stage *stage)
{
    return (stage->rights & STAGE_NO_ZERO_PAGE) != 0 && ours_has_zero(ours);
}

/* Carry out the steps from `at` on, a step with its batch. Returns: whether they count. */
static bool carry_out_all(struct composer *composer, struct draw *draw, struct sequence *sequence,
                          uint32_t at)
{
    const size_t used = composer->log->used;

    for (uint32_t i = at; i < sequence->steps; i++) {
        carry_out(composer->ours, draw, &sequence->step[i], i, composer->log);
    }
    if (compose_is_over(composer->ours, composer->stage)) {
        sequence->steps = at;
        composer->log->used = used;
        return false;
    }
    return true;
}

static void begin(struct composer *composer, struct draw *draw, struct random *random,
                  bool is_crowded, struct sequence *sequence)
{
    look_log_init(composer->log, composer->log->bytes, composer->log->capacity);
    draw_begin(draw, random, composer->stage, is_crowded, composer->dodged);
    sequence->room = draw->room;
    sequence->is_privileged = composer->is_privileged;
    sequence->spare = draw->spare;
    sequence->steps = 0;
    ours_begin(composer->ours, composer->stage, sequence);
}

static bool has_room(const struct composer *composer)
{
    return composer->log->capacity - composer->log->used > LOG_RESERVE;
}

void compose_sequence(struct composer *composer, uint64_t seed, uint32_t steps, bool is_crowded,
                      struct sequence *sequence)
{
    struct random random = random_make(seed);
    static struct draw draw;
    bool goes_on = true;

    begin(composer, &draw, &random, is_crowded, sequence);
    while (goes_on && sequence->steps < steps && has_room(composer)) {
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
        goes_on = carry_out_all(composer, &draw, sequence, at);
    }
    ours_end(composer->ours);
}

void compose_again(struct composer *composer, uint64_t seed, const struct sequence *drawn,
                   struct sequence *sequence)
{
    struct random random = random_make(seed);
    static struct draw draw;
    bool goes_on = true;

    begin(composer, &draw, &random, false, sequence);
    while (goes_on && sequence->steps < drawn->steps && has_room(composer)) {
        uint32_t at = sequence->steps;
        const struct step *step = &drawn->step[at];
        if (step->op == STEP_CLONE && (composer->stage->rights & STAGE_MAY_CLONE) == 0) {
            break;
        }
        uint32_t members = step->op == STEP_BATCH ? step_members(step, drawn->steps - at - 1) : 0;
        for (uint32_t i = 0; i <= members; i++) {
            sequence->step[at + i] = step[i];
            draw_fit(&draw, &sequence->step[at + i], i > 0);
        }
        sequence->steps += members + 1;
        goes_on = carry_out_all(composer, &draw, sequence, at);
    }
    ours_end(composer->ours);
}
