/* SPDX-License-Identifier: MIT */
/*
 * What each step is made of, and in which order they come.
 */
#include "draw.h"

#include <base/types.h>
#include <mem/prot.h>

#include "dodge.h"
#include "draw_huge.h"
#include "draw_object.h"
#include "pick.h"
#include "slot.h"

/* Mixes that are drawn; the one after them is for crowded sequences. */
#define MIXES       6u
#define MIX_CROWDED MIXES
#define SPARE_MOST  14u
#define TRIES       20u

/* How often another space has its turn, and how many sequences have several. */
#define TURN_PERCENT  25u
#define CLONE_PERCENT 30u
/* Pages of a window that may be there three times. */
#define CLONED_PAGES_MOST 200u
/* The window where there are huge pages: five of them fit, and some pages on both sides. */
#define HUGE_BELOW 1600u
#define HUGE_ABOVE 600u

#define HUGE_REMOVES 20u /* percent of ADVISE there, beside what is drawn anyhow */

/*
 * One in so many of the steps that are known to differ is kept (dodge.h); none where there are huge
 * pages, since such runs are short: there the probes show them.
 */
#define DODGED_PERIOD 300u

static const uint8_t weights[STEP_OPS][MIXES + 1] = {
#define WEIGHT(name, ...) [STEP_##name] = {__VA_ARGS__},
#include "weight.def"
#undef WEIGHT
};

static uint64_t pick_map_flags(struct draw *draw)
{
    static const uint32_t extras[] = {
        MEM_MAP_NORESERVE, MEM_MAP_NORESERVE, MEM_MAP_NORESERVE,
        MEM_MAP_POPULATE,  MEM_MAP_POPULATE,  MEM_MAP_POPULATE,
        MEM_MAP_STACK,     MEM_MAP_DENYWRITE, MEM_MAP_EXECUTABLE,
        MEM_MAP_NONBLOCK,  0x400000,          MEM_MAP_POPULATE | MEM_MAP_NONBLOCK,
        MEM_MAP_LOCKED,
    };
    static const uint8_t odd_types[] = {0, 3, 4, 6, 15};
    uint64_t flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS;

    if (random_chance(draw->random, 2)) {
        flags = MEM_MAP_ANONYMOUS | PICK(draw->random, odd_types);
    } else if (random_chance(draw->random, 1)) {
        flags = MEM_MAP_PRIVATE;
    } else if (random_chance(draw->random, draw->shared_percent)) {
        flags = MEM_MAP_ANONYMOUS | MEM_MAP_SHARED;
    }
    if (random_chance(draw->random, draw->stack_percent)) {
        flags |= MEM_MAP_GROWSDOWN;
    }
    if (random_chance(draw->random, draw->fixed_percent)) {
        flags |= MEM_MAP_FIXED;
    }
    if (random_chance(draw->random, 12)) {
        flags |= MEM_MAP_FIXED_NOREPLACE;
    }
    if (random_chance(draw->random, 25)) {
        flags |= PICK(draw->random, extras);
    }
    return flags;
}

static void draw_map(struct draw *draw, struct step *step)
{
    static const uint64_t offsets[] = {
        PAGE_SIZE,     5 * PAGE_SIZE, UINT64_MAX - PAGE_MASK, UINT64_C(1) << 62, 1,
        PAGE_SIZE + 1, PAGE_MASK,
    };

    pick_range(draw, step);
    step->prot = pick_prot(draw);
    step->flags = pick_map_flags(draw);
    if (draw->is_huge) {
        draw_huge_map(draw, step);
    }
    if (random_chance(draw->random, 6)) {
        step->offset = PICK(draw->random, offsets);
    }
    if (random_chance(draw->random, draw->object_percent)) {
        draw_map_object(draw, step);
    }
    if ((step->flags & (MEM_MAP_FIXED | MEM_MAP_FIXED_NOREPLACE)) != 0) {
        return;
    }
    if (random_chance(draw->random, 45)) {
        step->addr = random_below(draw->random, 2) * random_below(draw->random, PAGE_SIZE);
    } else if (random_chance(draw->random, 5)) {
        step->addr = random_below(draw->random, 20 * PAGE_SIZE);
    }
}

static void draw_unmap(struct draw *draw, struct step *step)
{
    pick_range(draw, step);
}

static void draw_protect(struct draw *draw, struct step *step)
{
    pick_range(draw, step);
    step->prot = pick_prot(draw);
}

static void draw_remap(struct draw *draw, struct step *step)
{
    static const uint8_t flags[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 3,
                                    3, 3, 3, 5, 5, 7, 7, 2, 4, 6, 8};

    pick_range(draw, step);
    if (draw->now.regions > 0 && random_chance(draw->random, 85)) {
        /* All of a region, or a part of it. */
        const struct look_region *region =
            &draw->now.region[random_below(draw->random, draw->now.regions)];
        uint64_t pages = region->end - region->first;
        uint64_t skipped = random_chance(draw->random, 60) ? 0 : random_below(draw->random, pages);
        pages -= skipped;
        if (random_chance(draw->random, 30)) {
            pages = 1 + random_below(draw->random, pages);
        }
        step->addr = (region->first + skipped) << PAGE_SHIFT;
        step->length = pages << PAGE_SHIFT;
    }
    step->flags = PICK(draw->random, flags);
    step->target = pick_addr(draw, pick_page(draw));
    step->size = random_chance(draw->random, 35)
                     ? step->length
                     : pick_length(draw, (uint32_t)(step->addr >> PAGE_SHIFT));
}

static void draw_advise(struct draw *draw, struct step *step)
{
    static const uint8_t list[] = {
        MEM_ADVISE_DONTNEED,       MEM_ADVISE_DONTNEED,        MEM_ADVISE_DONTNEED,
        MEM_ADVISE_NORMAL,         MEM_ADVISE_RANDOM,          MEM_ADVISE_DONTFORK,
        MEM_ADVISE_DOFORK,         MEM_ADVISE_WIPEONFORK,      MEM_ADVISE_KEEPONFORK,
        MEM_ADVISE_HUGEPAGE,       MEM_ADVISE_NOHUGEPAGE,      7,
        MEM_ADVISE_SEQUENTIAL,     MEM_ADVISE_WILLNEED,        MEM_ADVISE_FREE,
        MEM_ADVISE_COLD,           MEM_ADVISE_PAGEOUT,         MEM_ADVISE_POPULATE_READ,
        MEM_ADVISE_POPULATE_WRITE, MEM_ADVISE_DONTNEED_LOCKED, MEM_ADVISE_REMOVE,
    };

    pick_range(draw, step);
    step->value = random_chance(draw->random, 1) ? UINT64_C(0xfffff) : PICK(draw->random, list);
    if (draw->is_huge && random_chance(draw->random, HUGE_REMOVES)) {
        step->value = MEM_ADVISE_REMOVE;
    }
}

static void draw_read(struct draw *draw, struct step *step)
{
    step->addr = pick_word(draw);
}

static void draw_write(struct draw *draw, struct step *step)
{
    step->addr = pick_word(draw);
    /* The lowest byte makes pages executable, see linux_fetch.h. */
    step->value = ++draw->stores << 8 | 0xc3;
}

static void draw_exec(struct draw *draw, struct step *step)
{
    step->addr = (uint64_t)pick_page(draw) << PAGE_SHIFT;
}

/* Bytes that may be locked: also none, and one, which is enough to ask. */
static uint64_t pick_lock_limit(struct draw *draw)
{
    uint64_t pages = draw->now.locked + random_below(draw->random, 12);
    const uint64_t list[] = {0,
                             0,
                             1,
                             PAGE_MASK,
                             pages * PAGE_SIZE,
                             pages * PAGE_SIZE,
                             pages * PAGE_SIZE + PAGE_MASK,
                             STEP_UNLIMITED,
                             STEP_UNLIMITED};

    return PICK(draw->random, list);
}

static void draw_limit(struct draw *draw, struct step *step)
{
    step->value = random_below(draw->random, STEP_LIMITS);
    if (step->value == STEP_LIMIT_LOCKED) {
        step->size = pick_lock_limit(draw);
        return;
    }
    if (step->value == STEP_LIMIT_STACK) {
        step->size = random_chance(draw->random, 30) ? STEP_UNLIMITED
                                                     : random_below(draw->random, 12 * PAGE_SIZE);
        return;
    }
    uint64_t now = step->value == STEP_LIMIT_PAGES ? draw->now.pages : draw->now.data;
    step->size =
        random_chance(draw->random, 30) ? STEP_UNLIMITED : now + random_below(draw->random, 10);
    if (step->size != STEP_UNLIMITED && step->size >= 3 && random_chance(draw->random, 20)) {
        step->size -= 3;
    }
}

static void draw_lock(struct draw *draw, struct step *step)
{
    static const uint8_t flags[] = {0, 0, 0, 0, MEM_LOCK_ONFAULT, MEM_LOCK_ONFAULT, 2, 3};

    pick_range(draw, step);
    step->flags = PICK(draw->random, flags);
}

static void draw_unlock(struct draw *draw, struct step *step)
{
    pick_range(draw, step);
}

static void draw_lock_all(struct draw *draw, struct step *step)
{
    step->flags = random_below(draw->random, 10);
}

static void draw_unlock_all(struct draw *draw, struct step *step)
{
    (void)draw;
    (void)step;
}

static void draw_incore(struct draw *draw, struct step *step)
{
    pick_range(draw, step);
}

static void draw_sync(struct draw *draw, struct step *step)
{
    pick_range(draw, step);
    step->flags = random_below(draw->random, 9);
}

static void draw_clone(struct draw *draw, struct step *step)
{
    (void)draw;
    (void)step;
}

static void draw_batch(struct draw *draw, struct step *step)
{
    step->length = 1 + random_below(draw->random, random_chance(draw->random, 60) ? 3 : 12);
}

/* How often a step is drawn, against the others. */
static uint32_t weight_of(const struct draw *draw, uint32_t op)
{
    bool is_absent = (op >= STEP_OBJECT && op <= STEP_UNNAME && draw->object_percent == 0) ||
                     (op == STEP_CLONE && !draw->is_cloned);

    return is_absent ? 0 : weights[op][draw->mix];
}

static uint32_t pick_op(struct draw *draw)
{
    uint64_t sum = 0;

    for (unsigned op = 0; op < STEP_OPS; op++) {
        sum += weight_of(draw, op);
    }
    uint64_t at = random_below(draw->random, sum);
    uint32_t op = 0;
    while (at >= weight_of(draw, op)) {
        at -= weight_of(draw, op);
        op++;
    }
    return op;
}

/* Shorten what would leave its zone. */
static void clip(const struct draw *draw, struct step *step)
{
    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        const struct zone *zone = &draw->room.zones[i];
        uint64_t page = step->addr >> PAGE_SHIFT;
        if (page >= zone->first && page < zone->end) {
            uint64_t longest = (zone->end - page) << PAGE_SHIFT;
            step->length = step->length < longest ? step->length : longest;
        }
        page = step->target >> PAGE_SHIFT;
        if (page >= zone->first && page < zone->end) {
            uint64_t longest = (zone->end - page) << PAGE_SHIFT;
            step->size = step->size < longest ? step->size : longest;
        }
    }
}

/* Let another space have its turn. */
static void turn_to(struct draw *draw, uint32_t who)
{
    draw->side[draw->who] = draw->now;
    draw->now = draw->side[who];
    draw->who = who;
}

/* Make a step one that a batch can have, if it can be. */
static void fit_batch(struct step *step)
{
    if (step->op == STEP_MAP) {
        /* What a batch makes present, it makes so in the end. */
        step->flags &= ~(uint64_t)(MEM_MAP_POPULATE | MEM_MAP_LOCKED);
        step->object = 0;
    } else if (step->op == STEP_REMAP) {
        step->flags = 0;
    } else if (step->op == STEP_LOCK) {
        step->flags = MEM_LOCK_ONFAULT;
    }
}

/* Whether a step is one for a batch: not those of which the STRICT form makes something else. */
static bool is_for_batch(const struct step *step)
{
    bool is_lock = step->op == STEP_LOCK || step->op == STEP_UNLOCK;
    bool is_remap = step->op == STEP_REMAP;
    bool is_large = step->length >= STAGE_HALF || (is_remap && step->size >= STAGE_HALF);

    return step_can_batch(step) && !((is_lock || is_remap) && is_large) &&
           draw_huge_can_batch(step);
}

/* A step that does nothing. */
static struct step harmless(const struct draw *draw)
{
    return (struct step){.op = draw->is_batch ? STEP_UNMAP : STEP_READ,
                         .addr = (uint64_t)draw->room.zones[STAGE_WINDOW].first << PAGE_SHIFT,
                         .who = draw->who};
}

/* Whether a step would only run into a known difference; if so it is counted. */
static bool is_turned_away(struct draw *draw, const struct step *step)
{
    enum dodge dodge = dodge_must(draw, step);

    if (dodge == DODGE_NONE) {
        dodge = dodge_hits(draw, step);
        if (dodge != DODGE_NONE && !draw->is_batch && !draw->is_huge &&
            random_below(draw->random, DODGED_PERIOD) == 0) {
            return false;
        }
    }
    draw->dodged[dodge] += dodge != DODGE_NONE;
    return dodge != DODGE_NONE;
}

static void draw_any(struct draw *draw, struct step *step)
{
    static void (*const functions[STEP_OPS])(struct draw * draw, struct step * step) = {
#define STEP(name, function, arguments, summary) draw_##function,
#include "step.def"
#undef STEP
    };

    for (unsigned try = 0; try < TRIES; try++) {
        *step = (struct step){.op = pick_op(draw), .who = draw->who};
        functions[step->op](draw, step);
        if (draw->is_batch) {
            fit_batch(step);
        }
        if (draw->is_batch && !is_for_batch(step)) {
            continue;
        }
        if (!stage_is_safe(&draw->room, step)) {
            clip(draw, step);
        }
        if (draw->is_huge) {
            draw_huge_keep_small(draw, step);
        }
        if (stage_is_safe(&draw->room, step) && !is_turned_away(draw, step)) {
            return;
        }
    }
    *step = harmless(draw);
}

void draw_step(struct draw *draw, struct step *step)
{
    if (draw->last > 0 && random_chance(draw->random, TURN_PERCENT)) {
        turn_to(draw, (uint32_t)random_below(draw->random, draw->last + 1));
    }
    draw_any(draw, step);
}

void draw_member(struct draw *draw, struct step *step)
{
    draw->is_batch = true;
    draw_any(draw, step);
    draw->is_batch = false;
}

void draw_fit(struct draw *draw, struct step *step, bool is_member)
{
    turn_to(draw, step_side(step, draw->last));
    draw->is_batch = is_member;
    if (step->op == STEP_OBJECT && !draw->may_append) {
        step->flags &= ~(uint64_t)STEP_OBJECT_APPEND;
    }
    if (!stage_is_safe(&draw->room, step) || is_turned_away(draw, step)) {
        *step = harmless(draw);
    }
    draw->is_batch = false;
}

void draw_begin(struct draw *draw, struct random *random, const struct stage *stage,
                bool is_crowded, uint64_t dodged[DODGES])
{
    static const uint16_t below[] = {8, 16, 40, 64, 64, 200, 700, 1600};
    static const uint16_t above[] = {0, 0, 0, 1, 10, 40, 600};
    static const uint8_t stacks[] = {0, 0, 0, 2, 4, 40};
    static const uint8_t shared[] = {0, 0, 5, 15, 40};
    static const uint8_t objects[] = {0, 0, 10, 40, 70};
    static const uint8_t fixed[] = {0, 20, 55, 55, 55, 80, 95};

    *draw = (struct draw){.random = random, .dodged = dodged};
    draw->base = (uint32_t)(stage_base(stage) >> PAGE_SHIFT);
    draw->now.limit[STEP_LIMIT_PAGES] = STEP_UNLIMITED;
    draw->now.limit[STEP_LIMIT_DATA] = STEP_UNLIMITED;
    draw->now.limit[STEP_LIMIT_LOCKED] = STEP_UNLIMITED;
    draw->now.limit[STEP_LIMIT_STACK] = STEP_UNLIMITED;
    draw->mix = is_crowded ? MIX_CROWDED : (unsigned)random_below(random, MIXES);
    draw->spare = is_crowded ? (uint32_t)random_below(random, SPARE_MOST) : SLOT_NOT_CROWDED;
    draw->fixed_percent = PICK(random, fixed);
    /* The number of fillers must not change in a crowd. */
    draw->is_huge = (stage->rights & STAGE_HUGE_PAGES) != 0;
    draw->stack_percent = is_crowded || draw->is_huge ? 0 : PICK(random, stacks);
    draw->shared_percent = PICK(random, shared);
    draw->object_percent = PICK(random, objects);
    draw->may_be_huge = (stage->rights & STAGE_HUGE_OBJECTS) != 0;
    draw->may_append = (stage->rights & STAGE_MAY_APPEND) != 0;
    stage_low_zones(stage, &draw->room);
    if (draw->stack_percent != 0 || draw->is_huge) {
        /*
         * Linux finds nothing any more once a guard gap would reach below address 0. And its low
         * addresses may be multiples of 2 MiB that ours are not.
         */
        draw->room.zones[1].end = draw->room.zones[1].first;
        draw->room.zones[0] = draw->room.zones[1];
    }
    struct zone *window = &draw->room.zones[STAGE_WINDOW];
    window->first = draw->base - (draw->is_huge ? HUGE_BELOW : PICK(random, below));
    window->end = draw->base + (draw->is_huge ? HUGE_ABOVE : PICK(random, above));
    if (random_chance(random, 20) && !draw->is_huge) {
        window->end = draw->base - (uint32_t)random_below(random, (draw->base - window->first) / 2);
    }
    draw->is_cloned = !is_crowded && (stage->rights & STAGE_MAY_CLONE) != 0 &&
                      (window->end - window->first <= CLONED_PAGES_MOST || draw->is_huge) &&
                      random_chance(random, CLONE_PERCENT);
    uint32_t pages = window->end - window->first;
    uint32_t hot = 6 + (uint32_t)random_below(random, 30);
    hot = hot < pages ? hot : pages;
    draw->hot.first = window->first + (uint32_t)random_below(random, pages - hot + 1);
    draw->hot.end = draw->hot.first + hot;
}
