/* SPDX-License-Identifier: MIT */
/*
 * One event line of a trace: from fields to a checked struct event.
 */
#pragma once

#include "scan.h"
#include "trace.h"

/*
 * Read the event in the current fields of `scan`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if the event is unknown, a field is missing, superfluous or
 *            not what its place demands, or the fields together cannot be (trace.h, I2).
 * On error:  `event` is not written.
 */
MUST_USE enum outcome event_parse(const struct scan *scan, struct event *event);

/* The word that lines of this kind start with. */
const char *event_name(enum event_kind kind);

/* Read a protection such as `r-x`; `prot` is written only if `text` is one. */
bool event_parse_prot(const char *text, uint8_t *prot);
