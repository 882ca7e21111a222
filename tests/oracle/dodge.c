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

/* Whether core has one region where Linux may have a border. */
static bool is_hidden(const struct draw *draw, uint64_t border)
{
    const struct look_region *region = find_region(draw, border);

    return region != NULL && region->first != border;
}

/* Whether a border that only Linux has may be inside the range. */
static bool holds_suspect(const struct draw *draw, uint64_t first, uint64_t pages)
{
    uint32_t count = draw->now.suspects < DRAW_SUSPECTS ? draw->now.suspects : DRAW_SUSPECTS;

    for (uint32_t i = 0; i < count; i++) {
        if (draw->now.suspect[i] > first && draw->now.suspect[i] < first + pages &&
            is_hidden(draw, draw->now.suspect[i])) {
            return true;
        }
    }
    return false;
}

static enum dodge remap_hits(const struct draw *draw, const struct step *step)
{
    uint64_t first = step->addr >> PAGE_SHIFT;
    uint64_t pages = pages_of(step->length);
    const struct look_region *region = find_region(draw, first);

    const bool is_placed = (step->flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) != 0;

    /* What stays where it is and does not grow may be of several regions. */
    if ((is_placed || pages_of(step->size) > pages) && holds_suspect(draw, first, pages)) {
        return DODGE_REMAP_BORDER;
    }
    if (!is_placed) {
        return DODGE_NONE;
    }
    if (pages_of(step->size) == pages) {
        /* A move of more than a part of one region, or lengths that are equal only when rounded. */
        if (region == NULL || first + pages > region->end) {
            return DODGE_REMAP_SEVERAL;
        }
        return step->size != step->length ? DODGE_REMAP_ROUNDED : DODGE_NONE;
    }
    if (region != NULL && (first + pages > region->end || pages == 0)) {
        return DODGE_REMAP_TARGET;
    }
    uint64_t more = pages_of(step->size) - pages;
    bool is_over = pages_of(step->size) > pages &&
                   (draw->now.pages + more > draw->now.limit[STEP_LIMIT_PAGES] ||
                    draw->now.data + more > draw->now.limit[STEP_LIMIT_DATA]);

    return is_over ? DODGE_REMAP_LIMIT : DODGE_NONE;
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

/*
 * Huge pages of private regions in the range, without those that have flags of `but`; in
 * `*holds_any`, whether there is any region.
 */
static uint64_t count_huge(const struct draw *draw, uint64_t first, uint64_t pages, uint32_t but,
                           bool *holds_any)
{
    uint64_t count = 0;

    *holds_any = false;
    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        const uint64_t start = region->first > first ? region->first : first;
        const uint64_t end = region->end < first + pages ? region->end : first + pages;

        if (start < end) {
            *holds_any = true;
            count += (region->flags & (LOOK_HUGETLB | LOOK_SHARED | but)) == LOOK_HUGETLB
                         ? (end - start + STAGE_HUGE - 1) / STAGE_HUGE
                         : 0;
        }
    }
    return count;
}

/* known_huge.c: what MAP replaces is gone when it is refused late; offsets. */
static enum dodge map_hits(const struct draw *draw, const struct step *step)
{
    const uint64_t unit = (uint64_t)STAGE_HUGE * PAGE_SIZE;
    const uint64_t needs = (step->length + unit - 1) / unit;
    bool replaces;

    if ((step->flags & MEM_MAP_HUGETLB) == 0) {
        return DODGE_NONE;
    }
    uint64_t returns =
        count_huge(draw, step->addr >> PAGE_SHIFT, needs * STAGE_HUGE, LOOK_NORESERVE, &replaces);

    returns = draw->last == 0 ? returns : 0; /* a clone may have them */
    replaces = replaces && (step->flags & MEM_MAP_FIXED) != 0;
    if (step->offset % unit == 0 && step->offset != 0) {
        return DODGE_HUGE_OFFSET;
    }
    bool is_late = step->offset != 0 || needs > draw->now.huge_spare + returns;
    return replaces && is_late ? DODGE_HUGE_HOLE : DODGE_NONE;
}

/* known_huge.c: what is locked on fault is made present at once. */
static bool lock_hits(const struct draw *draw, const struct step *step)
{
    const uint64_t first = step->addr >> PAGE_SHIFT;
    const uint64_t last = (step->addr + step->length + PAGE_MASK) >> PAGE_SHIFT;

    if (step->op == STEP_LOCK_ALL) {
        return draw->is_huge && (step->flags & MEM_LOCK_ALL_ONFAULT) != 0;
    }
    for (uint32_t i = 0; i < draw->now.regions && (step->flags & MEM_LOCK_ONFAULT) != 0; i++) {
        const struct look_region *region = &draw->now.region[i];

        if (region->end > first && region->first < last && (region->flags & LOOK_HUGETLB) != 0) {
            return true;
        }
    }
    return false;
}

/* known_huge.c: small pages that move onto huge ones. */
static bool moves_onto_huge(const struct draw *draw, const struct step *step)
{
    const struct look_region *from = find_region(draw, step->addr >> PAGE_SHIFT);
    const uint64_t first = step->target >> PAGE_SHIFT;
    const uint64_t end = first + pages_of(step->size);

    if (step->op != STEP_REMAP || (step->flags & MEM_REMAP_FIXED) == 0 || from == NULL ||
        (from->flags & LOOK_HUGETLB) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        if (region->end > first && region->first < end && (region->flags & LOOK_HUGETLB) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * known_huge.c: what is done to private huge pages that a clone may have too. Some of these is not
 * about any.
 */
static bool clone_hits(const struct draw *draw, const struct step *step)
{
    const bool is_moved = step->op == STEP_REMAP && (step->flags & MEM_REMAP_FIXED) != 0;
    const bool takes = step->op == STEP_UNMAP || step->op == STEP_REMAP ||
                       (step->op == STEP_MAP && (step->flags & MEM_MAP_FIXED) != 0) ||
                       (step->op == STEP_ADVISE && (step->value == MEM_ADVISE_DONTNEED ||
                                                    step->value == MEM_ADVISE_DONTNEED_LOCKED));
    const bool writes = step->op == STEP_WRITE || step->op == STEP_GET || step->op == STEP_LOCK ||
                        step->op == STEP_LOCK_ALL ||
                        (step->op == STEP_ADVISE && step->value == MEM_ADVISE_POPULATE_WRITE);
    bool holds_any;

    if (draw->last == 0 || !(takes || (writes && draw->now.huge_spare == 0))) {
        return false;
    }
    return step->op == STEP_LOCK_ALL ||
           count_huge(draw, step->addr >> PAGE_SHIFT,
                      pages_of(step->length + (step->addr & PAGE_MASK)) + STAGE_HUGE, 0,
                      &holds_any) != 0 ||
           (is_moved && count_huge(draw, step->target >> PAGE_SHIFT,
                                   pages_of(step->size) + STAGE_HUGE, 0, &holds_any) != 0);
}

/* The same for what a range of huge pages is asked; and borders within those (known_border.c). */
static enum dodge range_hits(const struct draw *draw, const struct step *step)
{
    const uint64_t first = step->addr >> PAGE_SHIFT;
    const uint64_t pages = pages_of(step->length);
    const bool has_parts = step->op == STEP_PROTECT || step->op == STEP_ADVISE ||
                           step->op == STEP_LOCK || step->op == STEP_UNLOCK;

    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        if (region->end <= first || region->first >= first + pages ||
            (region->flags & LOOK_HUGETLB) == 0) {
            continue;
        }
        if (step->op == STEP_INCORE && (region->flags & LOOK_SHARED) != 0) {
            return DODGE_HUGE_INCORE;
        }
        if (has_parts && (first % STAGE_HUGE != 0 || (first + pages) % STAGE_HUGE != 0) &&
            holds_suspect(draw, first, pages)) {
            return DODGE_HUGE_BORDER;
        }
    }
    return DODGE_NONE;
}

/* Of what is so where there are huge pages. */
static enum dodge huge_hits(const struct draw *draw, const struct step *step)
{
    enum dodge dodge = step->op == STEP_MAP ? map_hits(draw, step) : DODGE_NONE;

    if (dodge == DODGE_NONE && (step->op == STEP_LOCK || step->op == STEP_LOCK_ALL) &&
        lock_hits(draw, step)) {
        dodge = DODGE_HUGE_ONFAULT;
    }
    if (dodge == DODGE_NONE && draw->is_huge) {
        dodge = clone_hits(draw, step)        ? DODGE_HUGE_CLONE
                : moves_onto_huge(draw, step) ? DODGE_HUGE_ONTO
                                              : range_hits(draw, step);
    }
    return dodge;
}

/* Of what copying between an object and pages meets. */
static enum dodge put_hits(const struct draw *draw, const struct step *step)
{
    if (draw->now.is_barred[step->object - 1]) {
        return DODGE_PUT_BARRED;
    }
    return holds_exec_only(draw, step->addr >> PAGE_SHIFT,
                           pages_of(step->length + (step->addr & PAGE_MASK)))
               ? DODGE_EXEC_ONLY
               : DODGE_NONE;
}

enum dodge dodge_hits(const struct draw *draw, const struct step *step)
{
    const uint64_t page = step->addr >> PAGE_SHIFT;
    const enum dodge huge = huge_hits(draw, step);

    if (huge != DODGE_NONE) {
        return huge;
    }
    if (step->op == STEP_REMAP) {
        return remap_hits(draw, step);
    }
    if (step->op == STEP_PUT) {
        return put_hits(draw, step);
    }
    if (step->op == STEP_PROTECT && holds_suspect(draw, page, pages_of(step->length)) &&
        draw->now.limit[STEP_LIMIT_DATA] != STEP_UNLIMITED) {
        return DODGE_PROTECT_BORDER;
    }
    if (step->op == STEP_NAME && draw->now.had_name[step->object - 1]) {
        return DODGE_NAME_AGAIN;
    }
    if (step->op == STEP_READ && holds_exec_only(draw, page, 1)) {
        return DODGE_EXEC_ONLY;
    }
    return DODGE_NONE;
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

/* ours_would_leak() */
static bool moves_a_part(const struct look_region *region, const struct step *step)
{
    return (step->flags & MEM_REMAP_FIXED) != 0 &&
           (region->flags & (LOOK_HUGETLB | LOOK_SHARED)) == LOOK_HUGETLB &&
           (region->first < step->addr >> PAGE_SHIFT ||
            pages_of(step->length) + STAGE_HUGE - 1 < region->end - region->first);
}

enum dodge dodge_must(const struct draw *draw, const struct step *step)
{
    uint64_t page = step->addr >> PAGE_SHIFT;
    const struct look_region *region = find_region(draw, page);

    if (step->op == STEP_REMAP && region != NULL && moves_a_part(region, step)) {
        return DODGE_HUGE_LEAK;
    }
    /* Pages that Linux takes at once, which may show only later. */
    if (step->op == STEP_ADVISE && step->value == MEM_ADVISE_PAGEOUT) {
        return draw->now.has_freed                                ? DODGE_PAGEOUT_FREED
               : holds_object(draw, page, pages_of(step->length)) ? DODGE_PAGEOUT_SHARED
                                                                  : DODGE_NONE;
    }
    /* Locked pages that Linux counts twice from then on. */
    return step->op == STEP_REMAP && (step->flags & MEM_REMAP_DONTUNMAP) != 0 && region != NULL &&
                   (region->flags & LOOK_LOCKED) != 0
               ? DODGE_MOVED_LOCK
               : DODGE_NONE;
}
