/* SPDX-License-Identifier: MIT */
/*
 * Trace events: what SYS_TRACE_READ copies out and a panic prints.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

enum trace_kind {
#define TRACE(name, number, text) TRACE_##name = (number),
#include <abi/trace.def>
#undef TRACE
};

struct trace_event {
    uint64_t time; /* time CSR */
    uint32_t kind; /* enum trace_kind */
    uint32_t hart;
    uint64_t first; /* meaning by kind, see trace.def */
    uint64_t second;
};

STATIC_ASSERT(sizeof(struct trace_event) == 32, "copied out as it is");
