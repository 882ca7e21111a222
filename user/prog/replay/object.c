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

/* The same of file number `file` as of anonymous memory. */
static void object_take_file(const struct file_table *files, uint32_t file, bool is_private,
                             uint64_t offset, struct object_mapping *mapping)
{
    mapping->flags &= ~(MAP_ANONYMOUS | MAP_PRIVATE);
    mapping->flags |= is_private ? MAP_PRIVATE : MAP_SHARED;
    mapping->file = file_get(files, file)->descriptor;
    mapping->offset = (off_t)offset;
}

struct object_mapping object_mapping_of(const struct file_table *files, const struct event *event)
{
    bool is_anon = (event->flags & TRACE_MAP_ANON) != 0;
    uint32_t file = is_anon ? 0 : file_of_descriptor(files, event->number);
    struct object_mapping mapping = {.prot = object_prot(event->prot),
                                     .flags = object_map_flags(event),
                                     .file = -1,
                                     .offset = is_anon ? (off_t)event->offset : 0};

    if (file != 0) {
        object_take_file(files, file, (event->flags & TRACE_MAP_PRIVATE) != 0, event->offset,
                         &mapping);
    }
    return mapping;
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

struct block_traits object_traits_of(const struct file_table *files, const struct event *event)
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
        traits.file = file_of_descriptor(files, event->number);
        traits.object_base = event->offset - event->answer;
    } else if ((traits.attributes & BLOCK_SHARED) != 0) {
        traits.attributes |= BLOCK_OWN_SHARED;
        traits.object = OBJECT_FIRST_SHARED | event->line;
        traits.object_base = 0 - event->answer;
    }
    return object_protect(traits, event->prot);
}

/* Where a start region lies in its file. */
static uint64_t object_offset(const struct file_table *files, uint32_t file,
                              const struct trace_region *region)
{
    return region->start - file_get(files, file)->first;
}

struct object_mapping object_mapping_of_region(const struct file_table *files,
                                               const struct trace_region *region)
{
    uint32_t file = file_of_region(files, region);
    struct object_mapping mapping = {.prot = object_prot(region->prot),
                                     .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                                     .file = -1,
                                     .offset = 0};

    if (file != 0) {
        object_take_file(files, file, true, object_offset(files, file, region), &mapping);
    }
    return mapping;
}

struct block_traits object_traits_of_region(const struct file_table *files,
                                            const struct trace_region *region, uint32_t index)
{
    struct block_traits traits = {.kind = region->kind, .file = file_of_region(files, region)};

    if (region->kind == REGION_FILE) {
        traits.object = OBJECT_FIRST_REGION | index;
    }
    if (traits.file != 0) {
        traits.object_base = object_offset(files, traits.file, region) - region->start;
    }
    return object_protect(traits, region->prot);
}

bool object_can_refuse(const struct event *event)
{
    return (event->flags & TRACE_MAP_ANON) != 0;
}

/* Whether two blocks of files are neighbours in the same one. */
static bool object_continues(const struct block *a, const struct block *b)
{
    return a->traits.file == b->traits.file &&
           a->traits.object_base - a->distance == b->traits.object_base - b->distance &&
           a->traits.attributes == b->traits.attributes;
}

bool object_is_one_region(const struct block *a, const struct block *b)
{
    uint32_t attributes_a = a->traits.attributes;
    uint32_t attributes_b = b->traits.attributes;
    bool is_shared = ((attributes_a | attributes_b) & BLOCK_OWN_SHARED) != 0;

    if (a->traits.prot != b->traits.prot) {
        return false;
    }
    if (a->traits.file != 0 || b->traits.file != 0) {
        return object_continues(a, b);
    }
    return !is_shared && (attributes_a & ~BLOCK_SHARED) == (attributes_b & ~BLOCK_SHARED);
}
