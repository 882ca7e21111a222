/* SPDX-License-Identifier: MIT */
#include "debug/trace.h"

#include <abi/ipc.h>

#include "riscv/hart.h"
#include "riscv/timer.h"
#include <base/bits.h>

STATIC_ASSERT((TRACE_RING_SIZE & (TRACE_RING_SIZE - 1)) == 0, "indices wrap by masking");

/* Events of one hart; total counts all that were ever recorded. */
struct ring {
    uint64_t total;
    struct trace_event events[TRACE_RING_SIZE];
};

bool trace_is_on;
static struct ring trace_rings[HARTS_MAX];

void trace_record(enum trace_kind kind, uint64_t first, uint64_t second)
{
    const uint64_t hart = hart_self()->index;
    struct ring *ring = &trace_rings[hart];
    ring->events[ring->total % TRACE_RING_SIZE] = (struct trace_event){
        .time = timer_now(),
        .kind = (uint32_t)kind,
        .hart = (uint32_t)hart,
        .first = first,
        .second = second,
    };
    ring->total++;
}

uint64_t trace_copy(struct trace_event *events, uint64_t count)
{
    const struct ring *ring = &trace_rings[hart_self()->index];
    const uint64_t kept = ring->total < TRACE_RING_SIZE ? ring->total : TRACE_RING_SIZE;
    count = count < kept ? count : kept;
    for (uint64_t i = 0; i < count; i++) {
        events[i] = ring->events[(ring->total - count + i) % TRACE_RING_SIZE];
    }
    return count;
}

const char *trace_text(uint32_t kind)
{
    switch (kind) {
#define TRACE(name, number, text) \
    case (number):                \
        return (text);
#include <abi/trace.def>
#undef TRACE
    default:
        return "unknown event";
    }
}
