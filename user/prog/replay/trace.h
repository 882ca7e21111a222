/* SPDX-License-Identifier: MIT */
/*
 * A recorded address-space life: the start regions and the events, in order, parsed and checked.
 *
 * Everything a line can say wrong by itself is refused here: what depends on the lines before it is
 * found while replaying (run.h). The format is described in user/traces/README.md.
 *
 * I1  Start regions ascend and do not overlap; every bound is page aligned and below
 *     PAGE_SPACE_END.
 * I2  An event with error 0 has aligned addresses where the call demands it, a range inside the
 *     recorded space, and an answer that such a call can give. An event with another error has none
 *     of that.
 * Owner: who called trace_load() calls trace_fini().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complain.h"

enum event_kind {
    EVENT_MAP,
    EVENT_UNMAP,
    EVENT_PROTECT,
    EVENT_BRK,
    EVENT_REMAP,
    EVENT_ADVISE,
    EVENT_LOCK,
    EVENT_UNLOCK,
    EVENT_SYNC,
    EVENT_TOUCH,
};
#define EVENT_KINDS 10

enum region_kind {
    REGION_FILE,
    REGION_ANON,
    REGION_STACK,
};

#define TRACE_PROT_READ  0x1u
#define TRACE_PROT_WRITE 0x2u
#define TRACE_PROT_EXEC  0x4u

/* Map flags, numbered by this program; object.c turns them into the system's. */
#define TRACE_MAP_SHARED          0x0001u
#define TRACE_MAP_PRIVATE         0x0002u
#define TRACE_MAP_SHARED_VALIDATE 0x0004u
#define TRACE_MAP_FIXED           0x0008u
#define TRACE_MAP_FIXED_NOREPLACE 0x0010u
#define TRACE_MAP_ANON            0x0020u
#define TRACE_MAP_GROWSDOWN       0x0040u
#define TRACE_MAP_NORESERVE       0x0080u
#define TRACE_MAP_LOCKED          0x0100u
#define TRACE_MAP_POPULATE        0x0200u
#define TRACE_MAP_NONBLOCK        0x0400u
#define TRACE_MAP_STACK           0x0800u
#define TRACE_MAP_HUGETLB         0x1000u
/* Recorded, and without effect on what a replayer sees: denywrite, executable, 32bit. */
#define TRACE_MAP_NO_EFFECT 0x2000u
#define TRACE_MAP_TYPE      (TRACE_MAP_SHARED | TRACE_MAP_PRIVATE | TRACE_MAP_SHARED_VALIDATE)

/* remap flags, as Linux numbers them (mremap(2)). */
#define TRACE_REMAP_MAYMOVE   0x1u
#define TRACE_REMAP_FIXED     0x2u
#define TRACE_REMAP_DONTUNMAP 0x4u
#define TRACE_REMAP_ALL       0x7u

#define TRACE_NAME_BYTES 64

/* One `region` line. */
struct trace_region {
    uint64_t start;
    uint64_t end;
    uint32_t line;
    uint8_t prot;
    uint8_t kind;                /* enum region_kind */
    char name[TRACE_NAME_BYTES]; /* its first word, cut to what fits */
};

struct event {
    uint64_t address; /* touch: the page */
    uint64_t length;  /* bytes as asked, not rounded */
    union {
        uint64_t offset;     /* map */
        uint64_t length_new; /* remap */
    };
    uint64_t address_new; /* remap */
    uint64_t answer;      /* valid in: error is 0 */
    uint32_t line;
    uint32_t flags;  /* map: TRACE_MAP_...; remap: TRACE_REMAP_... */
    uint32_t number; /* map: file; advise: advice; sync: flags */
    uint16_t error;  /* 0, or the errno value that the recorded call gave */
    uint8_t kind;    /* enum event_kind */
    uint8_t prot;    /* map, protect: TRACE_PROT_...; touch: the one kind of access */
};

struct trace {
    const char *path;
    struct trace_region *regions;
    size_t regions_count;
    struct event *events;
    size_t events_count;
};

/*
 * Read and check the trace in the file `path`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if the file cannot be read or a line is wrong;
 *            OUTCOME_MEMORY.
 * On error:  nothing is held; the reason was printed.
 */
MUST_USE enum outcome trace_load(const char *path, struct trace *trace);

/* Give everything back. */
void trace_fini(struct trace *trace);

/* Where a complaint about `event` points. */
struct place trace_place(const struct trace *trace, const struct event *event);
