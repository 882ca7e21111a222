/* SPDX-License-Identifier: MIT */
#include "object.h"

#include <stddef.h>
#include <sys/mman.h>

/*
 * Objects are numbered apart: files by their number, start regions and shared anonymous maps each
 * alone.
 */
#define OBJECT_FIRST_FILE   1u
#define OBJECT_FIRST_REGION 0x40000000u
#define OBJECT_FIRST_SHARED 0x80000000u

int object_prot(uint32_t prot)
{
    int bits = PROT_NONE;

    bits |= (prot & TRACE_PROT_READ) != 0 ? PROT_READ : 0;
    bits |= (prot & TRACE_PROT_WRITE) != 0 ? PROT_WRITE : 0;
    bits |= (prot & TRACE_PROT_EXEC) != 0 ? PROT_EXEC : 0;
    return bits;
}

static int object_map_flags(const struct event *event)
{
    static const struct {
        uint32_t recorded;
        int system;
    } pairs[] = {
        {TRACE_MAP_FIXED, MAP_FIXED},         {TRACE_MAP_FIXED_NOREPLACE, MAP_FIXED_NOREPLACE},
        {TRACE_MAP_GROWSDOWN, MAP_GROWSDOWN}, {TRACE_MAP_NORESERVE, MAP_NORESERVE},
        {TRACE_MAP_LOCKED, MAP_LOCKED},       {TRACE_MAP_POPULATE, MAP_POPULATE},
        {TRACE_MAP_NONBLOCK, MAP_NONBLOCK},   {TRACE_MAP_STACK, MAP_STACK},
        {TRACE_MAP_HUGETLB, MAP_HUGETLB},
    };
    int flags = MAP_ANONYMOUS;

    if ((event->flags & TRACE_MAP_ANON) == 0 || (event->flags & TRACE_MAP_PRIVATE) != 0) {
        flags |= MAP_PRIVATE;
    } else {
        flags |= (event->flags & TRACE_MAP_SHARED) != 0 ? MAP_SHARED : MAP_SHARED_VALIDATE;
    }
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        flags |= (event->flags & pairs[i].recorded) != 0 ? pairs[i].system : 0;
    }
    return flags;
}

struct object_mapping object_mapping_of(const struct event *event)
{
    bool is_anon = (event->flags & TRACE_MAP_ANON) != 0;

    return (struct object_mapping){.prot = object_prot(event->prot),
                                   .flags = object_map_flags(event),
                                   .file = -1,
                                   .offset = is_anon ? (off_t)event->offset : 0};
}

struct block_traits object_protect(struct block_traits traits, uint32_t prot)
{
    traits.prot = (uint8_t)prot;
    if ((prot & TRACE_PROT_WRITE) != 0 &&
        (traits.attributes & (BLOCK_SHARED | BLOCK_NORESERVE | BLOCK_HUGETLB)) == 0) {
        traits.attributes |= BLOCK_CHARGED;
    }
    return traits;
}

struct block_traits object_traits_of(const struct event *event)
{
    static const struct {
        uint32_t flag;
        uint32_t attribute;
    } pairs[] = {
        {TRACE_MAP_SHARED, BLOCK_SHARED},       {TRACE_MAP_SHARED_VALIDATE, BLOCK_SHARED},
        {TRACE_MAP_NORESERVE, BLOCK_NORESERVE}, {TRACE_MAP_GROWSDOWN, BLOCK_GROWSDOWN},
        {TRACE_MAP_LOCKED, BLOCK_LOCKED},       {TRACE_MAP_HUGETLB, BLOCK_HUGETLB},
        {TRACE_MAP_STACK, BLOCK_NOHUGEPAGE}, /* so Linux since 6.7 */
    };
    bool is_anon = (event->flags & TRACE_MAP_ANON) != 0;
    struct block_traits traits = {.kind = is_anon ? REGION_ANON : REGION_FILE};

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        traits.attributes |= (event->flags & pairs[i].flag) != 0 ? pairs[i].attribute : 0;
    }
    if (!is_anon) {
        traits.object = OBJECT_FIRST_FILE + event->number;
        traits.object_base = event->offset - event->answer;
    } else if ((traits.attributes & BLOCK_SHARED) != 0) {
        traits.attributes |= BLOCK_OWN_SHARED;
        traits.object = OBJECT_FIRST_SHARED | event->line;
        traits.object_base = 0 - event->answer;
    }
    return object_protect(traits, event->prot);
}

struct object_mapping object_mapping_of_region(const struct trace_region *region)
{
    return (struct object_mapping){.prot = object_prot(region->prot),
                                   .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                                   .file = -1,
                                   .offset = 0};
}

struct block_traits object_traits_of_region(const struct trace_region *region, uint32_t index)
{
    struct block_traits traits = {.kind = region->kind};

    if (region->kind == REGION_FILE) {
        traits.object = OBJECT_FIRST_REGION | index;
    }
    return object_protect(traits, region->prot);
}

bool object_can_refuse(const struct event *event)
{
    return (event->flags & TRACE_MAP_ANON) != 0;
}

bool object_is_one_region(const struct block_traits *a, const struct block_traits *b)
{
    bool is_shared = ((a->attributes | b->attributes) & BLOCK_OWN_SHARED) != 0;

    return a->prot == b->prot && !is_shared &&
           (a->attributes & ~BLOCK_SHARED) == (b->attributes & ~BLOCK_SHARED);
}
