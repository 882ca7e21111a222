/* SPDX-License-Identifier: MIT */
/*
 * The art of drawing steps that matter: edges of regions and of zones, lengths that fit exactly or
 * just not, arguments that are nearly right. Percentages and lists are taste, tuned by how soon
 * mutants are found.
 */
#include "draw.h"

#include <string.h>

#include <abi/layout.h>
#include <base/types.h>
#include <mem/prot.h>

#include "dodge.h"
#include "slot.h"

/* Mixes that are drawn; the one after them is for crowded sequences. */
#define MIXES       5u
#define MIX_CROWDED MIXES
#define SPARE_MOST  14u
#define TRIES       20u

/* One in so many of the steps that are known to differ is kept (dodge.h). */
#define DODGED_PERIOD 300u

/* How often each step is drawn, in each mix. */
static const uint8_t weights[MIXES + 1][STEP_OPS] = {
    /* general */
    {[STEP_MAP] = 26,
     [STEP_UNMAP] = 12,
     [STEP_PROTECT] = 16,
     [STEP_REMAP] = 12,
     [STEP_ADVISE] = 10,
     [STEP_READ] = 8,
     [STEP_WRITE] = 14,
     [STEP_EXEC] = 2,
     [STEP_LIMIT] = 1},
    /* filling and emptying: free choice */
    {[STEP_MAP] = 60,
     [STEP_UNMAP] = 25,
     [STEP_PROTECT] = 3,
     [STEP_REMAP] = 8,
     [STEP_ADVISE] = 1,
     [STEP_READ] = 1,
     [STEP_WRITE] = 2,
     [STEP_EXEC] = 0,
     [STEP_LIMIT] = 1},
    /* joining: protections and advice over few pages */
    {[STEP_MAP] = 15,
     [STEP_UNMAP] = 5,
     [STEP_PROTECT] = 40,
     [STEP_REMAP] = 4,
     [STEP_ADVISE] = 20,
     [STEP_READ] = 4,
     [STEP_WRITE] = 11,
     [STEP_EXEC] = 1,
     [STEP_LIMIT] = 0},
    /* moving */
    {[STEP_MAP] = 20,
     [STEP_UNMAP] = 8,
     [STEP_PROTECT] = 8,
     [STEP_REMAP] = 44,
     [STEP_ADVISE] = 4,
     [STEP_READ] = 3,
     [STEP_WRITE] = 12,
     [STEP_EXEC] = 1,
     [STEP_LIMIT] = 0},
    /* limits */
    {[STEP_MAP] = 32,
     [STEP_UNMAP] = 12,
     [STEP_PROTECT] = 18,
     [STEP_REMAP] = 16,
     [STEP_ADVISE] = 2,
     [STEP_READ] = 2,
     [STEP_WRITE] = 6,
     [STEP_EXEC] = 0,
     [STEP_LIMIT] = 12},
    /* crowded: hardly any touches, since page records make borders that only Linux has */
    {[STEP_MAP] = 40,
     [STEP_UNMAP] = 18,
     [STEP_PROTECT] = 18,
     [STEP_REMAP] = 16,
     [STEP_ADVISE] = 7,
     [STEP_READ] = 1,
     [STEP_WRITE] = 0,
     [STEP_EXEC] = 0,
     [STEP_LIMIT] = 0},
};

#define PICK(random, list) ((list)[random_below((random), sizeof(list) / sizeof((list)[0]))])

static const struct zone *pick_zone(struct draw *draw)
{
    const struct zone *zone = &draw->room.zones[random_below(draw->random, STAGE_ZONES)];

    return random_chance(draw->random, 8) && zone->first < zone->end
               ? zone
               : &draw->room.zones[STAGE_WINDOW];
}

static uint32_t pick_in(struct draw *draw, const struct zone *zone)
{
    return zone->first + (uint32_t)random_below(draw->random, zone->end - zone->first);
}

/* A page: near an edge of a region, hot, or any. */
static uint32_t pick_page(struct draw *draw)
{
    uint64_t kind = random_below(draw->random, 100);

    if (kind < 50 && draw->regions > 0) {
        const struct look_region *region = &draw->region[random_below(draw->random, draw->regions)];
        uint32_t edge = random_chance(draw->random, 60) ? region->first : region->end;
        uint32_t away = random_chance(draw->random, 65)
                            ? 0
                            : (uint32_t)random_below(draw->random, 5) - UINT32_C(2);
        return edge + away;
    }
    return kind < 90 ? pick_in(draw, &draw->hot) : pick_in(draw, pick_zone(draw));
}

/* A number of pages for a range from `page` on. */
static uint64_t pick_pages(struct draw *draw, uint32_t page)
{
    uint64_t kind = random_below(draw->random, 100);

    if (kind < 30 && draw->regions > 0) {
        const struct look_region *region = &draw->region[random_below(draw->random, draw->regions)];
        uint32_t edge = random_chance(draw->random, 70) ? region->end : region->first;
        return edge > page ? edge - page : region->end - region->first;
    }
    if (kind < 75) {
        return 1 + random_below(draw->random, 4);
    }
    if (kind < 93) {
        return 1 + random_below(draw->random, 20);
    }
    if (kind < 97) {
        return PAGES_PER_MEGA * (1 + random_below(draw->random, 3));
    }
    const struct zone *window = &draw->room.zones[STAGE_WINDOW];
    return 1 + random_below(draw->random, window->end - window->first + 2);
}

static uint64_t pick_odd_length(struct draw *draw)
{
    const uint64_t list[] = {
        0,
        0,
        1,
        UINT64_MAX,
        UINT64_MAX - PAGE_MASK,
        UINT64_MAX - PAGE_SIZE,
        UINT64_C(1) << 63,
        USER_END,
        USER_END + 1,
        USER_END - PAGE_SIZE,
        USER_END - 16 * PAGE_SIZE,
        STAGE_HALF - PAGE_SIZE,
    };
    return PICK(draw->random, list);
}

/* Bytes of a range from `page` on. */
static uint64_t pick_length(struct draw *draw, uint32_t page)
{
    if (random_chance(draw->random, 3)) {
        return pick_odd_length(draw);
    }
    uint64_t length = pick_pages(draw, page) << PAGE_SHIFT;
    return random_chance(draw->random, 6) ? length - random_below(draw->random, PAGE_SIZE) : length;
}

static uint64_t pick_odd_addr(struct draw *draw, uint32_t page)
{
    const uint64_t list[] = {
        ((uint64_t)page << PAGE_SHIFT) + 1 + random_below(draw->random, PAGE_MASK),
        ((uint64_t)page << PAGE_SHIFT) + 1 + random_below(draw->random, PAGE_MASK),
        USER_END,
        USER_END + PAGE_SIZE,
        USER_END - PAGE_SIZE,
        UINT64_C(1) << 63,
        UINT64_MAX - PAGE_MASK,
        /* Not in the last page: Linux takes such addresses for negative errors. */
        UINT64_MAX - PAGE_SIZE,
    };
    return PICK(draw->random, list);
}

static uint64_t pick_addr(struct draw *draw, uint32_t page)
{
    return random_chance(draw->random, 3) ? pick_odd_addr(draw, page)
                                          : (uint64_t)page << PAGE_SHIFT;
}

static uint64_t pick_prot(struct draw *draw)
{
    static const uint8_t list[] = {
        0, 0, 0, 1, 1, 1, 3, 3, 3, 3, 3, 3, 5, 5, 7, 2, 4, 6,
    };
    uint64_t prot = PICK(draw->random, list);
    return random_chance(draw->random, 1) ? prot | 0x10u << random_below(draw->random, 8) : prot;
}

/* A range in `addr` and `length`. */
static void pick_range(struct draw *draw, struct step *step)
{
    uint32_t page = pick_page(draw);

    step->addr = pick_addr(draw, page);
    step->length = pick_length(draw, page);
}

static uint64_t pick_map_flags(struct draw *draw)
{
    static const uint32_t extras[] = {
        MEM_MAP_NORESERVE, MEM_MAP_NORESERVE, MEM_MAP_NORESERVE,
        MEM_MAP_POPULATE,  MEM_MAP_POPULATE,  MEM_MAP_POPULATE,
        MEM_MAP_STACK,     MEM_MAP_DENYWRITE, MEM_MAP_EXECUTABLE,
        MEM_MAP_NONBLOCK,  0x400000,          MEM_MAP_POPULATE | MEM_MAP_NONBLOCK,
    };
    static const uint8_t odd_types[] = {0, 3, 4, 6, 15};
    uint64_t flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS;

    if (random_chance(draw->random, 2)) {
        flags = MEM_MAP_ANONYMOUS | PICK(draw->random, odd_types);
    } else if (random_chance(draw->random, 1)) {
        flags = MEM_MAP_PRIVATE;
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
    if (random_chance(draw->random, 6)) {
        step->offset = PICK(draw->random, offsets);
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
    if (draw->regions > 0 && random_chance(draw->random, 70)) {
        /* All of a region, or a part of it. */
        const struct look_region *region = &draw->region[random_below(draw->random, draw->regions)];
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
        MEM_ADVISE_DONTNEED,   MEM_ADVISE_DONTNEED, MEM_ADVISE_DONTNEED,   MEM_ADVISE_NORMAL,
        MEM_ADVISE_RANDOM,     MEM_ADVISE_DONTFORK, MEM_ADVISE_DOFORK,     MEM_ADVISE_WIPEONFORK,
        MEM_ADVISE_KEEPONFORK, MEM_ADVISE_HUGEPAGE, MEM_ADVISE_NOHUGEPAGE, 7,
        MEM_ADVISE_SEQUENTIAL, MEM_ADVISE_WILLNEED,
    };

    pick_range(draw, step);
    step->value = random_chance(draw->random, 1) ? UINT64_C(0xfffff) : PICK(draw->random, list);
}

static void pick_touch(struct draw *draw, struct step *step)
{
    static const uint32_t offsets[] = {0, 0, 0, 0, 0, PAGE_SIZE - 8, PAGE_SIZE - 8, 16, 2048};

    step->addr = ((uint64_t)pick_page(draw) << PAGE_SHIFT) + PICK(draw->random, offsets);
}

static void draw_read(struct draw *draw, struct step *step)
{
    pick_touch(draw, step);
}

static void draw_write(struct draw *draw, struct step *step)
{
    pick_touch(draw, step);
    /* The lowest byte makes pages executable, see linux_fetch.h. */
    step->value = ++draw->stores << 8 | 0xc3;
}

static void draw_exec(struct draw *draw, struct step *step)
{
    step->addr = (uint64_t)pick_page(draw) << PAGE_SHIFT;
}

static void draw_limit(struct draw *draw, struct step *step)
{
    step->value = random_below(draw->random, STEP_LIMITS);
    uint64_t now = step->value == STEP_LIMIT_PAGES ? draw->pages : draw->data;
    step->size =
        random_chance(draw->random, 30) ? STEP_UNLIMITED : now + random_below(draw->random, 10);
    if (step->size != STEP_UNLIMITED && step->size >= 3 && random_chance(draw->random, 20)) {
        step->size -= 3;
    }
}

static uint32_t pick_op(struct draw *draw)
{
    uint64_t sum = 0;

    for (unsigned op = 0; op < STEP_OPS; op++) {
        sum += weights[draw->mix][op];
    }
    uint64_t at = random_below(draw->random, sum);
    uint32_t op = 0;
    while (at >= weights[draw->mix][op]) {
        at -= weights[draw->mix][op];
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

void draw_step(struct draw *draw, struct step *step)
{
    static void (*const functions[STEP_OPS])(struct draw * draw, struct step * step) = {
#define STEP(name, function, arguments, summary) draw_##function,
#include "step.def"
#undef STEP
    };

    for (unsigned try = 0; try < TRIES; try++) {
        *step = (struct step){.op = pick_op(draw)};
        functions[step->op](draw, step);
        if (!stage_is_safe(&draw->room, step)) {
            clip(draw, step);
        }
        if (stage_is_safe(&draw->room, step) &&
            (!dodge_hits(draw, step) || random_below(draw->random, DODGED_PERIOD) == 0)) {
            return;
        }
    }
    *step = (struct step){.op = STEP_READ,
                          .addr = (uint64_t)draw->room.zones[STAGE_WINDOW].first << PAGE_SHIFT};
}

void draw_begin(struct draw *draw, struct random *random, const struct stage *stage,
                bool is_crowded)
{
    static const uint16_t below[] = {8, 16, 40, 64, 64, 200, 700, 1600};
    static const uint16_t above[] = {0, 0, 0, 1, 10, 40, 600};
    static const uint8_t fixed[] = {0, 20, 55, 55, 55, 80, 95};

    *draw = (struct draw){.random = random};
    draw->base = (uint32_t)(stage_base(stage) >> PAGE_SHIFT);
    draw->limit[STEP_LIMIT_PAGES] = STEP_UNLIMITED;
    draw->limit[STEP_LIMIT_DATA] = STEP_UNLIMITED;
    draw->mix = is_crowded ? MIX_CROWDED : (unsigned)random_below(random, MIXES);
    draw->spare = is_crowded ? (uint32_t)random_below(random, SPARE_MOST) : SLOT_NOT_CROWDED;
    draw->fixed_percent = PICK(random, fixed);
    stage_low_zones(stage, &draw->room);
    struct zone *window = &draw->room.zones[STAGE_WINDOW];
    window->first = draw->base - PICK(random, below);
    window->end = draw->base + PICK(random, above);
    if (random_chance(random, 20)) {
        window->end = draw->base - (uint32_t)random_below(random, (draw->base - window->first) / 2);
    }
    uint32_t pages = window->end - window->first;
    uint32_t hot = 6 + (uint32_t)random_below(random, 30);
    hot = hot < pages ? hot : pages;
    draw->hot.first = window->first + (uint32_t)random_below(random, pages - hot + 1);
    draw->hot.end = draw->hot.first + hot;
}

void draw_see(struct draw *draw, const struct step *step, const struct look *look)
{
    const struct look_head *head = look->head;

    if (step->op == STEP_LIMIT) {
        draw->limit[step->value] = step->size;
    }
    if (step->op == STEP_REMAP && head->error == 0) {
        /* Where what was moved ends and begins, Linux may keep a border. */
        uint64_t page = head->answer >> PAGE_SHIFT;
        draw->suspect[draw->suspects++ % DRAW_SUSPECTS] = (uint32_t)page;
        page += (step->size + PAGE_MASK) >> PAGE_SHIFT;
        draw->suspect[draw->suspects++ % DRAW_SUSPECTS] = (uint32_t)page;
    }
    if (head->level == LOOK_NONE) {
        return;
    }
    draw->pages = head->pages;
    draw->data = head->data;
    draw->regions = head->regions < DRAW_REGIONS ? head->regions : DRAW_REGIONS;
    memcpy(draw->region, look->regions, draw->regions * sizeof(draw->region[0]));
}
