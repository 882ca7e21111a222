/* SPDX-License-Identifier: MIT */
/*
 * A batch on core: all of it, or none and then one operation after the other, as on Linux.
 *
 * The answer is a number made of all addresses that operations answered; a refused batch must be
 * refused as its operations are, and leave nothing done.
 */
#pragma once

#include "look.h"
#include "ours_look.h"
#include "step.h"

/* The step. */
void ours_batch(struct ours *ours, const struct step *step, struct look_head *head);
