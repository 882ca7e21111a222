/* SPDX-License-Identifier: MIT */
#include "boot/ranges.h"

#include <base/assert.h>

/* The range as start and end below RANGES_END; empty if nothing of it is there. */
static struct range clip(uint64_t start, uint64_t bytes)
{
    struct range range = {.start = start, .end = RANGES_END};
    if (start >= RANGES_END) {
        range.start = RANGES_END;
    } else if (bytes < RANGES_END - start) {
        range.end = start + bytes;
    }
    return range;
}

/* Make room for one range at `at`. */
static bool open_gap(struct ranges *ranges, uint64_t at)
{
    if (ranges->count == RANGES_MAX) {
        ranges->is_full = true;
        return false;
    }
    for (uint64_t i = ranges->count; i > at; i--) {
        ranges->items[i] = ranges->items[i - 1];
    }
    ranges->count++;
    return true;
}

static void close_gap(struct ranges *ranges, uint64_t first, uint64_t count)
{
    for (uint64_t i = first + count; i < ranges->count; i++) {
        ranges->items[i - count] = ranges->items[i];
    }
    ranges->count -= count;
}

void ranges_add(struct ranges *ranges, uint64_t start, uint64_t bytes)
{
    struct range range = clip(start, bytes);
    if (range.start == range.end) {
        return;
    }
    /* All that overlap or touch the new range melt into it. */
    uint64_t first = 0;
    while (first < ranges->count && ranges->items[first].end < range.start) {
        first++;
    }
    uint64_t behind = first;
    while (behind < ranges->count && ranges->items[behind].start <= range.end) {
        const struct range *old = &ranges->items[behind];
        range.start = old->start < range.start ? old->start : range.start;
        range.end = old->end > range.end ? old->end : range.end;
        behind++;
    }
    if (behind > first) {
        close_gap(ranges, first + 1, behind - first - 1);
    } else if (!open_gap(ranges, first)) {
        return;
    }
    ranges->items[first] = range;
    AUDIT(ranges_audit(ranges));
}

void ranges_remove(struct ranges *ranges, uint64_t start, uint64_t bytes)
{
    const struct range hole = clip(start, bytes);
    uint64_t i = 0;
    if (hole.start == hole.end) {
        return;
    }
    while (i < ranges->count) {
        struct range *item = &ranges->items[i];
        const struct range old = *item;
        if (old.end <= hole.start || old.start >= hole.end) {
            i++;
        } else if (old.start < hole.start) {
            item->end = hole.start;
            i++;
            if (old.end > hole.end && open_gap(ranges, i)) {
                ranges->items[i] = (struct range){.start = hole.end, .end = old.end};
                i++;
            }
        } else if (old.end > hole.end) {
            item->start = hole.end;
            i++;
        } else {
            close_gap(ranges, i, 1);
        }
    }
    AUDIT(ranges_audit(ranges));
}

void ranges_keep_lowest(struct ranges *ranges, uint64_t bytes)
{
    for (uint64_t i = 0; i < ranges->count; i++) {
        struct range *item = &ranges->items[i];
        const uint64_t kept = item->end - item->start < bytes ? item->end - item->start : bytes;
        item->end = item->start + kept;
        bytes -= kept;
        if (kept == 0) {
            ranges->count = i;
        }
    }
    AUDIT(ranges_audit(ranges));
}

void ranges_trim(struct ranges *ranges, uint64_t unit)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < ranges->count; i++) {
        const struct range whole = {
            .start = (ranges->items[i].start + unit - 1) & ~(unit - 1),
            .end = ranges->items[i].end & ~(unit - 1),
        };
        if (whole.start < whole.end) {
            ranges->items[kept++] = whole;
        }
    }
    ranges->count = kept;
}

bool ranges_take(struct ranges *ranges, uint64_t bytes, uint64_t unit, uint64_t *start)
{
    for (uint64_t i = 0; i < ranges->count; i++) {
        const uint64_t at = (ranges->items[i].start + unit - 1) & ~(unit - 1);
        const uint64_t end = ranges->items[i].end;
        if (at < end && bytes <= end - at) {
            ranges_remove(ranges, at, bytes);
            *start = at;
            return true;
        }
    }
    return false;
}

bool ranges_meet(const struct ranges *ranges, uint64_t start, uint64_t end)
{
    for (uint64_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].start < end && ranges->items[i].end > start) {
            return true;
        }
    }
    return false;
}

bool ranges_have(const struct ranges *ranges, uint64_t start, uint64_t end)
{
    for (uint64_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].start <= start && end <= ranges->items[i].end) {
            return true;
        }
    }
    return false;
}

uint64_t ranges_bytes(const struct ranges *ranges)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < ranges->count; i++) {
        bytes += ranges->items[i].end - ranges->items[i].start;
    }
    return bytes;
}

void ranges_audit(const struct ranges *ranges)
{
    ASSERT(ranges->count <= RANGES_MAX);
    for (uint64_t i = 0; i < ranges->count; i++) {
        ASSERT(ranges->items[i].start < ranges->items[i].end);
        ASSERT(ranges->items[i].end <= RANGES_END);
        ASSERT(i == 0 || ranges->items[i - 1].end < ranges->items[i].start);
    }
}
