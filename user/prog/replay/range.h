/* SPDX-License-Identifier: MIT */
/*
 * The calls about a range of existing memory: unmap, protect, advise, lock, unlock, sync.
 */
#pragma once

#include "replay.h"

/*
 * Replay one of these calls.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if no block knows the range, or (but for unmap) only part of
 *            it, and the recorded call succeeded; OUTCOME_ANSWER if the system answers differently,
 *            or a page that goes does not hold what it must.
 */
MUST_USE enum outcome range_replay(struct replay *replay, const struct event *event);

/*
 * Unmap the known part of the recorded pages [start, end) for `event`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER as above.
 */
MUST_USE enum outcome range_unmap(struct replay *replay, const struct event *event, uint64_t start,
                                  uint64_t end);
