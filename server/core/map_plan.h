/* SPDX-License-Identifier: MIT */
/*
 * MAP under way: what is asked, in words, and what was found out of it. Only op_map.c looks at it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mem/prot.h>

#include "server/core/object.h"
#include "server/core/op_map.h"
#include "server/core/range.h"
#include "server/core/region.h"

/* What the checks found out and the commit needs. */
struct map_plan {
    uint64_t length; /* bytes, whole pages */
    struct range range;
    struct region_kind kind;
    bool replaces;       /* regions are in the way */
    bool is_long;        /* they go in steps */
    struct region *next; /* the region after the range; valid unless `replaces` */
    bool makes_object;   /* anonymous and shared: an object of its own (R21) */
    uint64_t charge;     /* of that object, pages */
    uint32_t level;      /* of leaves of huge pages; 0: pages are not huge */
    bool is_odd;         /* its offset is none of a huge page */
    uint32_t locks;      /* REGION_LOCKS, whether or not the region has them */
};

static inline bool map_is_fixed(const struct map_request *request)
{
    return (request->flags & (MEM_MAP_FIXED | MEM_MAP_FIXED_NOREPLACE)) != 0;
}

static inline bool map_is_anonymous(const struct map_request *request)
{
    return (request->flags & MEM_MAP_ANONYMOUS) != 0;
}

/* Anonymous and private. */
static inline bool map_is_own(const struct map_request *request)
{
    return map_is_anonymous(request) && (request->flags & MEM_MAP_TYPE) == MEM_MAP_PRIVATE;
}

/* Whether what is mapped may be mapped in other spaces: then it is done in shared_enter(). */
static inline bool map_is_together(const struct map_request *request)
{
    return (request->flags & MEM_MAP_TYPE) != MEM_MAP_PRIVATE ||
           (request->flags & MEM_MAP_HUGETLB) != 0 ||
           (request->object != NULL && object_has_frames(request->object));
}
