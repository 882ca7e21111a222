/* SPDX-License-Identifier: MIT */
/*
 * The last events of each hart, kept in a ring, for SYS_TRACE_READ and for the epitaph.
 *
 * Off unless the kernel option `trace` is given; off, an event is one predicted branch.
 *
 * Owner: each hart its own ring.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/trace.h>
#include <base/attr.h>

#define TRACE_RING_SIZE 128u

/* Set once at boot. */
extern bool trace_is_on;

/* Put an event of this hart into its ring. */
void trace_record(enum trace_kind kind, uint64_t first, uint64_t second);

static inline void trace_emit(enum trace_kind kind, uint64_t first, uint64_t second)
{
    if (UNLIKELY(trace_is_on)) {
        trace_record(kind, first, second);
    }
}

/*
 * Copy the last events, at most `count`, to `events`, oldest first.
 *
 * Returns: how many.
 */
uint64_t trace_copy(struct trace_event *events, uint64_t count);

/* Name of a kind of events, with the meaning of its two numbers. */
const char *trace_text(uint32_t kind);
