/* SPDX-License-Identifier: MIT */
/*
 * The remap call: shrink, grow in place, move.
 */
#pragma once

#include "replay.h"

/*
 * Replay a remap. Where the recorded call grew in place and there is no room for that here, the
 * memory moves.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if the old range is not one region, or the new one lies on
 *            memory in use; OUTCOME_ANSWER if the system answers differently or with memory in use,
 *            or a page that goes does not hold what it must.
 */
MUST_USE enum outcome remap_replay(struct replay *replay, const struct event *event);
