/* SPDX-License-Identifier: MIT */
/*
 * Drawing a sequence while core carries it out, so that each step knows what is there by then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "look.h"
#include "ours.h"
#include "slot.h"

/*
 * Draw a sequence of up to `steps` steps from a seed, for a process that `stage` describes; the
 * log gets what core answered and looks like after each of them.
 */
void compose_sequence(struct ours *ours, const struct stage *stage, uint64_t seed, uint32_t steps,
                      bool is_privileged, bool is_crowded, struct sequence *sequence,
                      struct look_log *log);
