/* SPDX-License-Identifier: MIT */
/*
 * The recorded program's heap: its break moves in a room that the layout reserved; the replayer's
 * own break has no part in it.
 */
#pragma once

#include "replay.h"

/*
 * Replay a brk: grow the heap by a fixed map, shrink it by an unmap.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if the recorded answer is impossible or the heap grows over
 *            a block; OUTCOME_ANSWER if the system refuses, or a page that goes does not hold what
 *            it must.
 */
MUST_USE enum outcome heap_replay(struct replay *replay, const struct event *event);
