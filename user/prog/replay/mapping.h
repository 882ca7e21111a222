/* SPDX-License-Identifier: MIT */
/*
 * The map call: fixed, fixed without replacing, and free.
 */
#pragma once

#include "replay.h"

/*
 * Replay a map.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if a fixed map lies outside what is known, or another answer
 *            lies on memory in use; OUTCOME_ANSWER if the system answers differently or with memory
 *            in use, or a page that is replaced does not hold what it must.
 */
MUST_USE enum outcome mapping_replay(struct replay *replay, const struct event *event);
