/* SPDX-License-Identifier: MIT */
/*
 * Making a sequence that shows a difference as short and as plain as possible.
 *
 * A change is kept if the sequence still shows a difference of the same aspect, with the same
 * errors, after a step of the same kind.
 */
#pragma once

#include "lane.h"

/*
 * Shrink `sequence`, whose run gave `verdict`; both are brought up to date.
 *
 * Returns: how many sequences were run. The result is the last one that was run on both sides,
 *          unless the process of
 * Linux failed (`verdict->is_dead`).
 */
unsigned shrink(struct lane *lane, struct ours *ours, struct sequence *sequence,
                struct verdict *verdict);
