/* SPDX-License-Identifier: MIT */
/*
 * The steps as requests to the memory server, in the LINUX form, and as touches of the hand.
 */
#pragma once

#include <stdbool.h>

#include "guest_place.h"
#include "tests/oracle/look.h"
#include "tests/oracle/step.h"

/* What a step came to, in core's addresses. */
struct guest_answer {
    int32_t error;
    uint32_t signal; /* enum look_signal */
    uint64_t answer;
};

/* Carry out a step. Returns: false if the place is of no use any longer. */
bool guest_step(struct place *place, const struct step *step, struct guest_answer *answer);
