/* SPDX-License-Identifier: MIT */
/*
 * Sizes near the ends of objects, rights that just do not suffice, copies over edges.
 */
#include "draw_object.h"

#include <base/types.h>
#include <mem/prot.h>

#include "pick.h"

/* Pages of objects, but for a few that are larger than any memory. */
#define PAGES_MOST 24u
#define PAGES_HUGE 60u /* percent of one in a hundred */

static uint64_t pick_object(struct draw *draw)
{
    return 1 + random_below(draw->random, STEP_OBJECTS);
}

static uint64_t pick_rights(struct draw *draw)
{
    static const uint8_t list[] = {
        STEP_RIGHTS_ALL, STEP_RIGHTS_ALL,  STEP_RIGHTS_ALL,  STEP_RIGHTS_ALL,
        STEP_RIGHTS_ALL, STEP_RIGHTS_READ, STEP_RIGHTS_READ, STEP_RIGHTS_WRITE,
    };

    return PICK(draw->random, list);
}

static uint64_t pick_bytes(struct draw *draw, uint64_t now)
{
    const uint64_t pages = random_below(draw->random, PAGES_MOST) * PAGE_SIZE;
    const uint64_t list[] = {
        0,
        pages,
        pages,
        pages + 1 + random_below(draw->random, PAGE_MASK),
        pages,
        now,
        now / 2,
        now + 1,
        100,
        now + PAGE_SIZE,
        now - PAGE_SIZE,
        now & ~(uint64_t)PAGE_MASK,
    };

    if (draw->may_be_huge && random_chance(draw->random, 1)) {
        return random_chance(draw->random, PAGES_HUGE) ? UINT64_C(1) << 40 : UINT64_C(1) << 62;
    }
    uint64_t bytes = PICK(draw->random, list);
    return bytes < UINT64_C(1) << 62 ? bytes : 0;
}

void draw_map_object(struct draw *draw, struct step *step)
{
    step->flags &= ~(uint64_t)(MEM_MAP_ANONYMOUS | MEM_MAP_TYPE);
    step->flags |= random_chance(draw->random, 50) ? MEM_MAP_SHARED : MEM_MAP_PRIVATE;
    if (random_chance(draw->random, 3)) {
        step->flags |= MEM_MAP_TYPE & random_below(draw->random, 16);
    }
    step->object = pick_object(draw);
    step->rights = random_chance(draw->random, 4) ? STEP_RIGHTS_UNMAPPABLE : pick_rights(draw);
    if (step->offset == 0 && random_chance(draw->random, 40)) {
        step->offset = random_below(draw->random, 8) * PAGE_SIZE;
    }
}

void draw_object(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
    step->size = pick_bytes(draw, 4 * PAGE_SIZE);
    if (random_chance(draw->random, 35)) {
        step->flags = STEP_OBJECT_NAMED;
        return;
    }
    if (draw->may_append && random_chance(draw->random, 8)) {
        step->flags = STEP_OBJECT_APPEND;
    }
    if (random_chance(draw->random, 15)) {
        step->value = random_below(draw->random, MEM_SEAL_ALL + 1);
    }
}

void draw_close(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
}

void draw_resize(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
    step->rights = pick_rights(draw);
    step->size = pick_bytes(draw, draw->now.bytes[step->object - 1]);
}

void draw_seal(struct draw *draw, struct step *step)
{
    static const uint32_t list[] = {
        MEM_SEAL_SHRINK, MEM_SEAL_SHRINK,       MEM_SEAL_GROW,
        MEM_SEAL_GROW,   MEM_SEAL_WRITE,        MEM_SEAL_WRITE,
        MEM_SEAL_WRITE,  MEM_SEAL_FUTURE_WRITE, MEM_SEAL_WRITE | MEM_SEAL_GROW,
        MEM_SEAL_SEAL,   MEM_SEAL_ALL + 0x21,   0,
    };

    step->object = pick_object(draw);
    step->rights = pick_rights(draw);
    step->value = PICK(draw->random, list);
}

/* Whether the bytes may be those of an object: then what is copied must not overlap itself. */
static bool may_hit_object(const struct draw *draw, uint64_t addr, uint64_t length)
{
    for (uint32_t i = 0; i < draw->now.regions; i++) {
        const struct look_region *region = &draw->now.region[i];
        if (region->object != 0 && (uint64_t)region->end << PAGE_SHIFT > addr &&
            (uint64_t)region->first << PAGE_SHIFT < addr + length) {
            return true;
        }
    }
    return false;
}

static void draw_copy(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
    step->rights = pick_rights(draw);
    const uint64_t bytes = draw->now.bytes[step->object - 1];
    const uint64_t most = bytes < PAGES_MOST * PAGE_SIZE ? bytes : PAGES_MOST * PAGE_SIZE;

    step->addr = (uint64_t)pick_page(draw) << PAGE_SHIFT;
    step->offset = random_below(draw->random, most + PAGE_SIZE);
    if (random_chance(draw->random, 50)) {
        step->offset &= ~(uint64_t)PAGE_MASK;
    }
    step->addr += random_chance(draw->random, 30) ? random_below(draw->random, PAGE_SIZE)
                                                  : step->offset & PAGE_MASK;
    step->length = random_chance(draw->random, 60) ? 1 + random_below(draw->random, 3 * PAGE_SIZE)
                                                   : PAGE_SIZE * random_below(draw->random, 4);
    if (may_hit_object(draw, step->addr, step->length)) {
        step->addr = (step->addr & ~(uint64_t)PAGE_MASK) | (step->offset & PAGE_MASK);
    }
}

void draw_get(struct draw *draw, struct step *step)
{
    draw_copy(draw, step);
}

void draw_put(struct draw *draw, struct step *step)
{
    draw_copy(draw, step);
}

void draw_name(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
    step->value = random_below(draw->random, STEP_NAMES);
}

void draw_open(struct draw *draw, struct step *step)
{
    step->object = pick_object(draw);
    step->value = random_below(draw->random, STEP_NAMES);
    step->rights = pick_rights(draw);
}

void draw_unname(struct draw *draw, struct step *step)
{
    step->value = random_below(draw->random, STEP_NAMES);
}

void draw_see_object(struct draw *draw, const struct step *step, const struct look_head *head)
{
    const uint64_t barring = MEM_SEAL_WRITE | MEM_SEAL_FUTURE_WRITE;
    const uint64_t slot = step->object - 1;

    if (step->object == 0 || step->object > STEP_OBJECTS || head->error != 0) {
        return;
    }
    if (step->op == STEP_OBJECT || step->op == STEP_RESIZE) {
        draw->now.bytes[slot] = step->size;
    }
    if (step->op == STEP_OBJECT || step->op == STEP_NAME || step->op == STEP_OPEN) {
        draw->now.had_name[slot] = step->op != STEP_OBJECT;
    }
    if (step->op == STEP_OBJECT) {
        draw->now.is_barred[slot] =
            step->flags == STEP_OBJECT_APPEND || (step->value & barring) != 0;
    } else if (step->op == STEP_OPEN) {
        draw->now.is_barred[slot] = false;
    } else if (step->op == STEP_SEAL) {
        draw->now.is_barred[slot] |= (step->value & barring) != 0;
    }
}
