/* SPDX-License-Identifier: MIT */
/*
 * One question for each known difference that a drawn step can run into.
 */
#include "dodge.h"

#include <base/types.h>
#include <mem/prot.h>

static uint64_t pages_of(uint64_t length)
{
    return length / PAGE_SIZE + ((length & PAGE_MASK) != 0);
}

static const struct look_region *find_region(const struct draw *draw, uint64_t page)
{
    for (uint32_t i = 0; i < draw->now.regions; i++) {
        if (page >= draw->now.region[i].first && page < draw->now.region[i].end) {
            return &draw->now.region[i];
        }
    }
    return NULL;
}

/* Whether a border that only Linux has may be inside the range. */
static bool holds_suspect(const struct draw *draw, uint64_t first, uint64_t pages)
{
    uint32_t count = draw->now.suspects < DRAW_SUSPECTS ? draw->now.suspects : DRAW_SUSPECTS;

    for (uint32_t i = 0; i < count; i++) {
        if (draw->now.suspect[i] > first && draw->now.suspect[i] < first + pages) {
            return true;
        }
    }
    return false;
}

static bool remap_hits(const struct draw *draw, const struct step *step)
{
    uint64_t first = step->addr >> PAGE_SHIFT;
    uint64_t pages = pages_of(step->length);
    const struct look_region *region = find_region(draw, first);

    if (holds_suspect(draw, first, pages)) {
        return true;
    }
    if ((step->flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) == 0) {
        return false;
    }
    if (pages_of(step->size) == pages) {
        /* A move of more than a part of one region, or lengths that are equal only when rounded. */
        return region == NULL || first + pages > region->end || step->size != step->length;
    }
    if (region != NULL && (first + pages > region->end || pages == 0)) {
        return true;
    }
    uint64_t more = pages_of(step->size) - pages;
    return pages_of(step->size) > pages &&
           (draw->now.pages + more > draw->now.limit[STEP_LIMIT_PAGES] ||
            draw->now.data + more > draw->now.limit[STEP_LIMIT_DATA]);
}

/* Whether a region in the range may only be executed. */
static bool holds_exec_only(const struct draw *draw, uint64_t first, uint64_t pages)
{
    const uint32_t prot = LOOK_READ | LOOK_WRITE | LOOK_EXEC;

    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        if ((region->flags & prot) == LOOK_EXEC && region->end > first &&
            region->first < first + pages) {
            return true;
        }
    }
    return false;
}

bool dodge_hits(const struct draw *draw, const struct step *step)
{
    uint64_t page = step->addr >> PAGE_SHIFT;

    if (step->op == STEP_REMAP) {
        return remap_hits(draw, step);
    }
    if (step->op == STEP_PROTECT) {
        return holds_suspect(draw, page, pages_of(step->length)) &&
               draw->now.limit[STEP_LIMIT_DATA] != STEP_UNLIMITED;
    }
    if (step->op == STEP_NAME) {
        return draw->now.had_name[step->object - 1];
    }
    if (step->op == STEP_PUT) {
        return draw->now.is_barred[step->object - 1] ||
               holds_exec_only(draw, page, pages_of(step->length + (step->addr & PAGE_MASK)));
    }
    if (step->op == STEP_READ) {
        const struct look_region *region = find_region(draw, page);
        return region != NULL &&
               (region->flags & (LOOK_READ | LOOK_WRITE | LOOK_EXEC)) == LOOK_EXEC;
    }
    return false;
}

static bool holds_object(const struct draw *draw, uint64_t first, uint64_t pages)
{
    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        if (region->object != 0 && region->end > first &&
            (region->first < first + pages || first + pages < first)) {
            return true;
        }
    }
    return false;
}

bool dodge_must(const struct draw *draw, const struct step *step)
{
    uint64_t page = step->addr >> PAGE_SHIFT;
    const struct look_region *region = find_region(draw, page);

    /* Pages that Linux takes at once, which may show only later. */
    if (step->op == STEP_ADVISE && step->value == MEM_ADVISE_PAGEOUT) {
        return draw->now.has_freed || holds_object(draw, page, pages_of(step->length));
    }
    /* Locked pages that Linux counts twice from then on. */
    return step->op == STEP_REMAP && (step->flags & MEM_REMAP_DONTUNMAP) != 0 && region != NULL &&
           (region->flags & LOOK_LOCKED) != 0;
}
