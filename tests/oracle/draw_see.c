/* SPDX-License-Identifier: MIT */
/*
 * What drawing knows of the spaces: taken in from core's looks, and where Linux may have borders.
 */
#include <string.h>

#include <base/types.h>
#include <mem/prot.h>

#include "draw.h"
#include "draw_huge.h"
#include "draw_object.h"

/* Suspect every border that two regions have in common. */
static void suspect_borders(struct draw *draw)
{
    for (uint32_t i = 1; i < draw->now.regions; i++) {
        if (draw->now.region[i - 1].end == draw->now.region[i].first) {
            draw->now.suspect[draw->now.suspects++ % DRAW_SUSPECTS] = draw->now.region[i].first;
        }
    }
}

/* There is a clone, and it is its turn. */
static void see_clone(struct draw *draw)
{
    draw->side[draw->who] = draw->now;
    draw->who++;
    draw->last = draw->who;
    /* What only locks kept apart is one region of ours now. */
    suspect_borders(draw);
    draw->now.locked = 0;
}

void draw_see(struct draw *draw, const struct step *step, const struct look *look)
{
    const struct look_head *head = look->head;

    if (step->op == STEP_CLONE && head->error == 0) {
        see_clone(draw);
    }

    if (step->op == STEP_LIMIT) {
        draw->now.limit[step->value] = step->size;
    }
    draw_see_object(draw, step, head);
    if (draw->is_huge) {
        draw_huge_see(draw, step);
    }
    draw->now.has_freed |= step->op == STEP_ADVISE && step->value == MEM_ADVISE_FREE;
    if (step->op == STEP_REMAP && head->error == 0 && head->level != LOOK_NONE) {
        /* Where what was moved ends and begins, Linux may keep a border. */
        uint64_t page = head->answer >> PAGE_SHIFT;
        draw->now.suspect[draw->now.suspects++ % DRAW_SUSPECTS] = (uint32_t)page;
        page += (step->size + PAGE_MASK) >> PAGE_SHIFT;
        draw->now.suspect[draw->now.suspects++ % DRAW_SUSPECTS] = (uint32_t)page;
    }
    if (head->level == LOOK_NONE) {
        return;
    }
    draw->now.pages = head->pages;
    draw->now.data = head->data;
    draw->now.huge_spare = head->huge_free - head->huge_promised;
    draw->now.locked = head->level == LOOK_FULL ? head->locked : draw->now.locked;
    draw->now.regions = head->regions < DRAW_REGIONS ? head->regions : DRAW_REGIONS;
    memcpy(draw->now.region, look->regions, draw->now.regions * sizeof(draw->now.region[0]));
}
