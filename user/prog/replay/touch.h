/* SPDX-License-Identifier: MIT */
/*
 * Touching pages as recorded, and checking what pages hold before it is given up and at the end.
 */
#pragma once

#include "replay.h"

/*
 * Replay the touch number `index`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if no block knows the page, or its protection forbids the
 *            access; OUTCOME_ANSWER if the page does not hold what it must.
 */
MUST_USE enum outcome touch_replay(struct replay *replay, uint32_t index);

/*
 * Have what is mapped in [start, end) in files that are written as needed: before a page is
 * touched, and before a call that makes private copies. False: errno says why not.
 */
MUST_USE bool touch_fill(struct replay *replay, uint64_t start, uint64_t end);

/*
 * Check a sample of each readable page of [start, end) that was touched, before `event` gives the
 * pages up.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER.
 */
MUST_USE enum outcome touch_check(struct replay *replay, const struct event *event, uint64_t start,
                                  uint64_t end);

/*
 * Check all of every touched page. Blocks that cannot be read are made readable for it: nothing is
 * replayed afterwards.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER.
 */
MUST_USE enum outcome touch_check_all(struct replay *replay);
