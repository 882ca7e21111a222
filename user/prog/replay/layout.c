/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "object.h"
#include "page.h"

/*
 * Regions [first, last) of the trace, each starting where the one before ends, with room around
 * them.
 */
struct layout_group {
    size_t first;
    size_t last;
    uint64_t start;
    uint64_t end;
    bool has_heap;
};

bool layout_reserve(uint64_t own_hint, uint64_t length, uint64_t *own)
{
    void *answer = mmap((void *)(uintptr_t)own_hint, (size_t)length, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (answer == MAP_FAILED) {
        return false;
    }
    *own = (uint64_t)(uintptr_t)answer;
    return true;
}

bool layout_is_clear(const struct layout *layout, uint64_t start, uint64_t end)
{
    const struct layout_room *rooms[] = {&layout->heap, &layout->stack};

    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        uint64_t room_start = rooms[i]->start + rooms[i]->distance;
        uint64_t room_end = rooms[i]->end + rooms[i]->distance;

        if (room_start < room_end && start < room_end && room_start < end) {
            return false;
        }
    }
    return true;
}

/* The group that starts with region `first`, widened by the rooms that touch it. */
static struct layout_group layout_group_of(const struct trace *trace, const struct survey *survey,
                                           size_t first)
{
    const struct trace_region *regions = trace->regions;
    struct layout_group group = {.first = first, .last = first + 1, .start = regions[first].start};

    while (group.last < trace->regions_count &&
           regions[group.last].start == regions[group.last - 1].end) {
        group.last++;
    }
    group.end = regions[group.last - 1].end;
    if (regions[first].kind == REGION_STACK) {
        group.start = survey->stack_low;
    }
    group.has_heap = group.end == survey->heap_start && survey->heap_start < survey->heap_end;
    if (group.has_heap) {
        group.end = survey->heap_end;
    }
    return group;
}

static enum outcome layout_place_region(const struct trace *trace, size_t index, uint64_t distance,
                                        const struct file_table *files, struct block_map *map)
{
    const struct trace_region *region = &trace->regions[index];
    struct place place = {.path = trace->path, .line = region->line};
    struct object_mapping mapping = object_mapping_of_region(files, region);
    void *own = (void *)(uintptr_t)(region->start + distance);
    void *answer = mmap(own, (size_t)(region->end - region->start), mapping.prot, mapping.flags,
                        mapping.file, mapping.offset);

    if (answer == MAP_FAILED) {
        return complain_answer(place, "the region cannot be mapped: %s", strerror(errno));
    }
    if (answer != own) {
        return complain_answer(place, "a fixed map was answered by another address");
    }
    block_insert(map, region->start, region->end, distance,
                 object_traits_of_region(files, region, (uint32_t)index));
    return OUTCOME_OK;
}

static enum outcome layout_place_group(const struct trace *trace, const struct layout_group *group,
                                       const struct file_table *files, struct block_map *map,
                                       uint64_t *distance)
{
    struct place place = {.path = trace->path, .line = trace->regions[group->first].line};
    uint64_t length = group->end - group->start;
    uint64_t own;

    if (!layout_reserve(group->start, length, &own)) {
        return complain_answer(place, "no room for the start regions: %s", strerror(errno));
    }
    if (!page_is_aligned(own) || !block_own_is_free(map, own, own + length)) {
        return complain_answer(place, "the room given, %lx, is not aligned or in use",
                               (unsigned long)own);
    }
    *distance = own - group->start;
    for (size_t i = group->first; i < group->last; i++) {
        enum outcome outcome = layout_place_region(trace, i, *distance, files, map);

        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    }
    return OUTCOME_OK;
}

/* A heap that starts at no region's end gets a room of its own. */
static enum outcome layout_place_heap(const struct trace *trace, struct layout_room *heap)
{
    struct place place = {.path = trace->path, .line = trace->events[0].line};
    uint64_t own;

    if (!layout_reserve(heap->start, heap->end - heap->start, &own)) {
        return complain_answer(place, "no room for the heap: %s", strerror(errno));
    }
    heap->distance = own - heap->start;
    return OUTCOME_OK;
}

enum outcome layout_place(const struct trace *trace, const struct survey *survey,
                          const struct file_table *files, struct block_map *map,
                          struct layout *layout)
{
    bool has_heap_room = survey->heap_start == survey->heap_end;
    size_t first = 0;

    *layout = (struct layout){.heap = {.start = survey->heap_start, .end = survey->heap_end}};
    while (first < trace->regions_count) {
        struct layout_group group = layout_group_of(trace, survey, first);
        uint64_t group_start = trace->regions[first].start;
        uint64_t distance = 0;
        enum outcome outcome = layout_place_group(trace, &group, files, map, &distance);

        if (outcome != OUTCOME_OK) {
            return outcome;
        }
        if (trace->regions[first].kind == REGION_STACK) {
            layout->stack = (struct layout_room){group.start, group_start, distance};
        }
        if (group.has_heap) {
            layout->heap.distance = distance;
            has_heap_room = true;
        }
        block_settle(map, group.start, group.end);
        first = group.last;
    }
    return has_heap_room ? OUTCOME_OK : layout_place_heap(trace, &layout->heap);
}
