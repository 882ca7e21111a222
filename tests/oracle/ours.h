/* SPDX-License-Identifier: MIT */
/*
 * Carrying out sequences on core, on the model of the kernel, in this process.
 *
 *   ours_init -> ours_begin -> ours_step ... -> ours_end -> ours_begin ... -> ours_fini
 *
 * A sequence gets a space of its own whose addresses outside the zones are filled, as on Linux;
 * when it ends, every frame must have come back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "look.h"
#include "slot.h"

struct ours;

/* A machine of core's and no space; `commit_mode` is an enum commit_mode of core's. */
struct ours *ours_init(uint32_t commit_mode);

/* Have a pool of `pages` huge pages from now on. */
void ours_set_pool(struct ours *ours, uint32_t pages);

/* Make the space of a sequence, which stays where it is until its end. */
void ours_begin(struct ours *ours, const struct stage *stage, const struct sequence *sequence);

/*
 * Carry out a step of the sequence and write its record into the log: in full if the step says so,
 * or was refused. The step, and the others of a batch, are looked at when it is their turn.
 */
void ours_step(struct ours *ours, uint32_t index, struct look_log *log);

/*
 * Whether a step would make Linux forget for good what it promised of the machine's huge pages
 * (pool.h): it moves a part of a private region of them.
 */
bool ours_would_leak(struct ours *ours, uint32_t index);

/* Whether the zero page is mapped in the space that was acted for last. */
bool ours_has_zero(const struct ours *ours);

/* End the space; asserts that nothing is left of it. */
void ours_end(struct ours *ours);

/* Free the machine. */
void ours_fini(struct ours *ours);
