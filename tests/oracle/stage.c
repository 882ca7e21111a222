/* SPDX-License-Identifier: MIT */
/*
 * Translation of addresses, and the guard in front of Linux.
 */
#include "stage.h"

#include <abi/layout.h>
#include <base/types.h>
#include <mem/prot.h>

/* Zone 0 in core. */
static uint64_t denied_page(const struct stage *stage)
{
    return stage->lowest - (uint64_t)STAGE_DENIED * PAGE_SIZE;
}

uint64_t stage_hint_to_linux(const struct stage *stage, uint64_t addr)
{
    if (addr < STAGE_LOW) {
        return addr;
    }
    if (addr < STAGE_HALF) {
        return addr + stage->shift;
    }
    return addr < STAGE_TOP ? addr - USER_END + stage->task_end : addr;
}

uint64_t stage_to_linux(const struct stage *stage, uint64_t addr)
{
    return addr < stage->lowest ? addr - denied_page(stage) + stage->denied
                                : stage_hint_to_linux(stage, addr);
}

uint64_t stage_length_to_linux(const struct stage *stage, uint64_t length)
{
    bool is_large = length >= STAGE_HALF && length < STAGE_TOP;

    return is_large ? length - USER_END + stage->task_end : length;
}

uint64_t stage_to_core(const struct stage *stage, uint64_t addr)
{
    if (addr < stage->lowest) {
        return addr - stage->denied + denied_page(stage);
    }
    return addr < STAGE_LOW ? addr : addr - stage->shift;
}

uint64_t stage_base(const struct stage *stage)
{
    return stage->base - stage->shift;
}

void stage_low_zones(const struct stage *stage, struct room *room)
{
    uint32_t lowest = (uint32_t)(stage->lowest >> PAGE_SHIFT);

    room->zones[0] = (struct zone){lowest, lowest};
    if (stage->denied != UINT64_MAX && lowest > STAGE_DENIED) {
        room->zones[0] = (struct zone){lowest - STAGE_DENIED, lowest - STAGE_DENIED + 1};
    }
    room->zones[1] = (struct zone){lowest, lowest + STAGE_LOW_PAGES};
}

bool stage_holds(const struct room *room, uint64_t page)
{
    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        if (page >= room->zones[i].first && page < room->zones[i].end) {
            return true;
        }
    }
    return false;
}

static bool is_aligned(uint64_t addr)
{
    return (addr & PAGE_MASK) == 0;
}

/* Whether rounding up leaves no length, because there is none or because it wraps. */
static bool is_empty(uint64_t length)
{
    return length + PAGE_MASK < PAGE_SIZE;
}

static bool leaves_user_space(uint64_t addr, uint64_t length)
{
    return addr > USER_END || (length + PAGE_MASK) / PAGE_SIZE * PAGE_SIZE > USER_END - addr;
}

/* Whether the aligned range is in one zone; an empty one counts as a page. */
static bool holds_range(const struct room *room, uint64_t addr, uint64_t length)
{
    uint64_t page = addr >> PAGE_SHIFT;
    uint64_t pages = is_empty(length) ? 1 : (length + PAGE_MASK) >> PAGE_SHIFT;

    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        const struct zone *zone = &room->zones[i];
        if (page >= zone->first && page < zone->end && pages <= zone->end - page) {
            return true;
        }
    }
    return false;
}

/* Below the lowest address Linux has other numbers, and refuses other lengths. */
static bool is_below(const struct room *room, uint64_t addr)
{
    return addr >> PAGE_SHIFT < room->zones[1].first;
}

/* Linux's number for such an address may be one of the last page, which it takes for an error. */
static bool is_nowhere(const struct room *room, uint64_t addr)
{
    return is_below(room, addr) && !stage_holds(room, addr >> PAGE_SHIFT);
}

/* What becomes of a length of huge pages; what wraps is left alone. */
static uint64_t huge_length(uint64_t length)
{
    const uint64_t mask = (uint64_t)STAGE_HUGE * PAGE_SIZE - 1;

    return length + mask < length ? length : (length + mask) & ~mask;
}

static bool is_huge_aligned(uint64_t addr)
{
    return addr % ((uint64_t)STAGE_HUGE * PAGE_SIZE) == 0;
}

/* Whether [addr, addr + length) is in a zone or will be refused for what it is. */
static bool is_range_safe(const struct room *room, uint64_t addr, uint64_t length)
{
    if (is_nowhere(room, addr)) {
        return false;
    }
    return !is_aligned(addr) || is_empty(length) || holds_range(room, addr, length) ||
           (leaves_user_space(addr, length) && !is_below(room, addr));
}

/* The same for requests that Linux would carry out up to the end of user space. */
static bool is_walk_safe(const struct room *room, uint64_t addr, uint64_t length)
{
    if (is_nowhere(room, addr)) {
        return false;
    }
    return !is_aligned(addr) || is_empty(length) || holds_range(room, addr, length) ||
           (addr + length < addr && !is_below(room, addr)) || addr >= USER_END;
}

/* For requests that round the address down. */
static bool is_lock_safe(const struct room *room, uint64_t addr, uint64_t length)
{
    uint64_t start = addr & ~(uint64_t)PAGE_MASK;

    return is_walk_safe(room, start, length + (addr - start));
}

/* For requests that touch what they can of the bytes. */
static bool is_copy_safe(const struct room *room, uint64_t addr, uint64_t length)
{
    uint64_t start = addr & ~(uint64_t)PAGE_MASK;

    return length <= STAGE_HALF && holds_range(room, start, length + (addr - start));
}

bool stage_is_safe(const struct room *room, const struct step *step)
{
    uint64_t lowest = (uint64_t)room->zones[1].first << PAGE_SHIFT;

    switch ((enum step_op)step->op) {
    case STEP_MAP:
        if ((step->flags & (MEM_MAP_FIXED | MEM_MAP_FIXED_NOREPLACE)) == 0) {
            return true;
        }
        if ((step->flags & MEM_MAP_HUGETLB) != 0) {
            const uint64_t size = step->flags >> MEM_MAP_HUGE_SHIFT & MEM_MAP_HUGE_MASK;

            /* Larger pages than 2 MiB leave every zone. */
            return !is_huge_aligned(step->addr) ||
                   (size << MEM_MAP_HUGE_SHIFT <= MEM_MAP_HUGE_2MB &&
                    is_range_safe(room, step->addr, huge_length(step->length)));
        }
        return is_range_safe(room, step->addr, step->length) ||
               ((step->flags & MEM_MAP_FIXED_NOREPLACE) != 0 && step->addr >= lowest);
    case STEP_UNMAP:
        return is_range_safe(room, step->addr, step->length);
    case STEP_PROTECT:
    case STEP_ADVISE:
    case STEP_INCORE:
    case STEP_SYNC:
        return is_walk_safe(room, step->addr, step->length);
    case STEP_REMAP:
        if (is_aligned(step->addr) && !holds_range(room, step->addr, step->length)) {
            return false;
        }
        if ((step->flags & MEM_REMAP_FIXED) != 0) {
            const bool may_be_huge = is_huge_aligned(step->addr) && is_huge_aligned(step->target) &&
                                     holds_range(room, step->addr, huge_length(1));

            return is_range_safe(room, step->target,
                                 may_be_huge ? huge_length(step->size) : step->size);
        }
        /* As a hint, an address below the lowest one is looked at differently by architectures. */
        return (step->flags & MEM_REMAP_DONTUNMAP) == 0 || step->target >= lowest;
    case STEP_READ:
    case STEP_WRITE:
    case STEP_EXEC:
        return stage_holds(room, step->addr >> PAGE_SHIFT);
    case STEP_LOCK:
    case STEP_UNLOCK:
        return is_lock_safe(room, step->addr, step->length);
    case STEP_GET:
    case STEP_PUT:
        return is_copy_safe(room, step->addr, step->length);
    case STEP_LIMIT:
    case STEP_LOCK_ALL:
    case STEP_UNLOCK_ALL:
    case STEP_OBJECT:
    case STEP_CLOSE:
    case STEP_RESIZE:
    case STEP_SEAL:
    case STEP_NAME:
    case STEP_OPEN:
    case STEP_UNNAME:
    case STEP_CLONE:
    case STEP_BATCH:
        return true;
    case STEP_OPS:
        break;
    }
    return false;
}
