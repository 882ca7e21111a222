/* SPDX-License-Identifier: MIT */
/*
 * Drawing where there are huge pages.
 */
#include "draw_huge.h"

#include <base/types.h>
#include <mem/prot.h>

#include "pick.h"

#define SMALL_MOST (UINT64_C(24) * PAGE_SIZE)

void draw_huge_map(struct draw *draw, struct step *step)
{
    if (!random_chance(draw->random, 65)) {
        return;
    }
    step->flags |= MEM_MAP_HUGETLB;
    if (random_chance(draw->random, 10)) {
        step->flags |= MEM_MAP_HUGE_2MB;
    } else if (random_chance(draw->random, 3)) {
        static const uint8_t sizes[] = {30, 30, 12, 24, 63};

        step->flags |= (uint64_t)PICK(draw->random, sizes) << MEM_MAP_HUGE_SHIFT;
    }
    if (random_chance(draw->random, 15)) {
        step->flags |= MEM_MAP_NORESERVE;
    }
    if (random_chance(draw->random, 1)) {
        step->flags |= MEM_MAP_GROWSDOWN;
    }
}

void draw_huge_keep_small(const struct draw *draw, struct step *step)
{
    const struct zone *window = &draw->room.zones[STAGE_WINDOW];
    const uint64_t most = (uint64_t)(window->end - window->first) << PAGE_SHIFT;

    if (step->op == STEP_MAP && (step->flags & MEM_MAP_HUGETLB) == 0 && step->length <= most) {
        step->length = step->length < SMALL_MOST ? step->length : SMALL_MOST;
    }
    if (step->op == STEP_REMAP && step->size <= most && step->size > step->length &&
        step->size - step->length > SMALL_MOST) {
        step->size = step->length + SMALL_MOST;
    }
}

bool draw_huge_can_batch(const struct step *step)
{
    return step->op != STEP_MAP || (step->flags & MEM_MAP_HUGETLB) == 0 ||
           step->offset <= UINT64_MAX / 2 - STAGE_HALF;
}

void draw_huge_see(struct draw *draw, const struct step *step)
{
    if (step->op != STEP_PROTECT && step->op != STEP_ADVISE && step->op != STEP_LOCK &&
        step->op != STEP_UNLOCK) {
        return;
    }
    draw->now.suspect[draw->now.suspects++ % DRAW_SUSPECTS] = (uint32_t)(step->addr >> PAGE_SHIFT);
    draw->now.suspect[draw->now.suspects++ % DRAW_SUSPECTS] =
        (uint32_t)((step->addr + step->length + PAGE_MASK) >> PAGE_SHIFT);
}
