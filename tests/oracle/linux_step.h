/* SPDX-License-Identifier: MIT */
/*
 * Carrying out one step in this process.
 */
#pragma once

#include "look.h"
#include "slot.h"

/* Have touches that fail noticed. */
void linux_step_init(void);

/* Carry out a step; error, answer and signal go to `head`. */
void linux_step(const struct slot *slot, const struct step *step, struct look_head *head);
