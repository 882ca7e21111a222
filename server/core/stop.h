/* SPDX-License-Identifier: MIT */
/*
 * The end of a space that has more memory than one step gives back: it is stopped, its memory goes
 * in steps (work.h), with the shared memory that nobody else has (burial.h), and then it ends
 * (space_end). It stays LIVE until then, for core.
 *
 * Owner: who has `processes`, and no bucket.
 */
#pragma once

#include <stdbool.h>

struct core;
struct space;

/*
 * Let none of the space's threads run any longer. Its memory goes in steps from now on, unless it
 * is one step's worth (stop_is_over); space_end() is for when that is done, or any time before.
 */
void stop_space(struct core *core, struct space *space);

/* Whether what a stopped space still has is at most a step's worth. */
bool stop_is_over(struct core *core, const struct space *space);

/* Make a step. Returns: stop_is_over(). */
bool stop_step(struct core *core, struct space *space);
