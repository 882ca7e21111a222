/* SPDX-License-Identifier: MIT */
/*
 * Drawing a sequence while core carries it out, so that each step knows what is there by then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "draw.h"
#include "look.h"
#include "ours.h"
#include "slot.h"

/*
 * Whether a sequence has to end before the step that core has just carried out, since it has the
 * zero page now where this Linux has none: a page of its own there counts as written.
 */
bool compose_is_over(const struct ours *ours, const struct stage *stage);

/* Who draws, and for whom. */
struct composer {
    struct ours *ours;
    const struct stage *stage; /* the process */
    struct look_log *log;      /* what core answered and looks like after each step */
    bool is_privileged;
    uint64_t *dodged; /* draws that known differences turned away, by enum dodge */
};

/* Draw a sequence of up to `steps` steps from a seed. */
void compose_sequence(struct composer *composer, uint64_t seed, uint32_t steps, bool is_crowded,
                      struct sequence *sequence);

/*
 * Carry out once more what was drawn from that seed for another process, up to the first step that
 * this one has no means for (CLONE). Steps that would now run into a known difference are replaced.
 */
void compose_again(struct composer *composer, uint64_t seed, const struct sequence *drawn,
                   struct sequence *sequence);
