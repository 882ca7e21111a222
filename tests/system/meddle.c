/* SPDX-License-Identifier: MIT */
#include "meddle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/shared.h>

#define HUGE (UINT64_C(2) << 20)

uint64_t meddle_objects[MEDDLE_OBJECTS];

bool meddle_init(struct meddler *meddler, uint64_t seed, uint64_t mark)
{
    *meddler = (struct meddler){
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
        .mark = mark,
        .buffer = aligned_alloc(PAGE, MEDDLE_BUFFER),
    };
    return meddler->buffer != NULL;
}

uint64_t meddle_draw(struct meddler *meddler, uint64_t below)
{
    meddler->random ^= meddler->random << 13;
    meddler->random ^= meddler->random >> 7;
    meddler->random ^= meddler->random << 17;
    return (meddler->random >> 11) % below;
}

void meddle_check(const struct meddler *meddler, uint64_t addr, uint64_t word)
{
    if (word != 0 && word >> 32 != meddler->mark) {
        printf("# 0x%lx at 0x%lx, mark 0x%lx\n", (unsigned long)word, (unsigned long)addr,
               (unsigned long)meddler->mark);
        fflush(stdout);
        hf_exit(MEDDLE_LEAKED);
    }
}

struct meddle_place meddle_draw_place(struct meddler *meddler, uint64_t base)
{
    const uint64_t first = meddle_draw(meddler, MEDDLE_PAGES);
    uint64_t pages = meddle_draw(meddler, 8) == 0 ? meddle_draw(meddler, MEDDLE_PAGES) + 1
                                                  : meddle_draw(meddler, 12) + 1;

    if (base == MEDDLE_MIXED && meddle_draw(meddler, 12) == 0) {
        return (struct meddle_place){base + meddle_draw(meddler, 2) * HUGE, HUGE};
    }
    if (meddle_draw(meddler, 40) == 0) {
        return (struct meddle_place){base, MEDDLE_PAGES * PAGE};
    }
    if (pages > MEDDLE_PAGES - first) {
        pages = MEDDLE_PAGES - first;
    }
    return (struct meddle_place){base + first * PAGE, pages * PAGE};
}

static uint32_t draw_prot(struct meddler *meddler)
{
    static const uint32_t prots[] = {RW,
                                     RW,
                                     RW,
                                     RW,
                                     RW,
                                     MEM_PROT_READ,
                                     MEM_PROT_NONE,
                                     MEM_PROT_ALL,
                                     MEM_PROT_READ | MEM_PROT_EXEC,
                                     MEM_PROT_EXEC};
    return prots[meddle_draw(meddler, sizeof(prots) / sizeof(prots[0]))];
}

static struct hf_map draw_map(struct meddler *meddler, uint64_t space, uint64_t base)
{
    const struct meddle_place place = meddle_draw_place(meddler, base);
    struct hf_map map = {.space = space,
                         .addr = place.addr,
                         .length = place.length,
                         .prot = draw_prot(meddler),
                         .flags = MEM_MAP_FIXED | ANON};
    const uint64_t more = meddle_draw(meddler, 16);

    if (base == MEDDLE_MIXED && meddle_draw(meddler, 4) != 0) {
        map.object = meddle_objects[meddle_draw(meddler, MEDDLE_OBJECTS)];
        map.flags = MEM_MAP_FIXED | (meddle_draw(meddler, 2) ? MEM_MAP_SHARED : MEM_MAP_PRIVATE);
        map.offset = meddle_draw(meddler, (MEDDLE_BYTES / PAGE)) * PAGE;
    } else if (base == MEDDLE_MIXED && meddle_draw(meddler, 3) == 0) {
        map.flags = MEM_MAP_FIXED | MEM_MAP_SHARED | MEM_MAP_ANONYMOUS;
    }
    if (base == MEDDLE_MIXED && map.object == HF_NO_OBJECT && meddle_draw(meddler, 3) == 0) {
        map.addr &= ~(HUGE - 1); /* refused where there are none, or none is left */
        map.length = HUGE;
        map.flags |= MEM_MAP_HUGETLB | MEM_MAP_HUGE_2MB;
    }
    map.flags |= more == 0   ? MEM_MAP_POPULATE
                 : more == 1 ? MEM_MAP_LOCKED
                 : more == 2 ? MEM_MAP_NORESERVE
                 : more == 3 ? MEM_MAP_GROWSDOWN
                             : 0;
    return map;
}

static void do_remap(struct meddler *meddler, uint64_t space, uint64_t base)
{
    const struct meddle_place from = meddle_draw_place(meddler, base);
    const struct meddle_place to = meddle_draw_place(meddler, base);
    uint64_t addr = 0;
    const struct hf_remap remap = {
        .space = space,
        .old_addr = from.addr,
        .old_length = from.length,
        .new_length = meddle_draw(meddler, 3) ? from.length : to.length,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED |
                 (meddle_draw(meddler, 5) == 0 ? MEM_REMAP_DONTUNMAP : 0),
        .new_addr = to.addr,
    };

    if (to.addr + remap.new_length <= base + MEDDLE_PAGES * PAGE) {
        (void)hf_remap(remap, &addr);
    }
}

static void do_advise(struct meddler *meddler, uint64_t space, uint64_t base)
{
    static const unsigned advice[] = {
        MEM_ADVISE_NORMAL,        MEM_ADVISE_RANDOM,         MEM_ADVISE_WILLNEED,
        MEM_ADVISE_DONTNEED,      MEM_ADVISE_FREE,           MEM_ADVISE_REMOVE,
        MEM_ADVISE_DONTFORK,      MEM_ADVISE_DOFORK,         MEM_ADVISE_HUGEPAGE,
        MEM_ADVISE_WIPEONFORK,    MEM_ADVISE_KEEPONFORK,     MEM_ADVISE_COLD,
        MEM_ADVISE_PAGEOUT,       MEM_ADVISE_PAGEOUT,        MEM_ADVISE_PAGEOUT,
        MEM_ADVISE_POPULATE_READ, MEM_ADVISE_POPULATE_WRITE, MEM_ADVISE_DONTNEED_LOCKED,
        MEM_ADVISE_SEQUENTIAL};
    const struct meddle_place place = meddle_draw_place(meddler, base);

    (void)hf_advise(space, place.addr, place.length,
                    advice[meddle_draw(meddler, sizeof(advice) / sizeof(advice[0]))]);
}

static void do_lock(struct meddler *meddler, uint64_t space, uint64_t base)
{
    const struct meddle_place place = meddle_draw_place(meddler, base);

    switch (meddle_draw(meddler, 8)) {
    case 0:
        (void)hf_unlock_all(space);
        break;
    case 1:
        (void)hf_lock_all(space, MEM_LOCK_FUTURE | MEM_LOCK_ALL_ONFAULT);
        break;
    case 2:
    case 3:
        (void)hf_unlock(space, place.addr, place.length);
        break;
    default:
        (void)hf_lock(space, place.addr, place.length, meddle_draw(meddler, 2));
        break;
    }
}

static void do_pin(struct meddler *meddler, uint64_t space, uint64_t base)
{
    const struct meddle_place place = meddle_draw_place(meddler, base);
    uint64_t *number = &meddler->pins[meddle_draw(meddler, MEDDLE_PINS)];
    struct mem_pin_rep rep = {.pin = 0};
    const uint32_t flags = (uint32_t)meddle_draw(meddler, MEM_PIN_FLAGS + 1) &
                           (MEM_PIN_WRITE | MEM_PIN_FORCE | MEM_PIN_TOUCH | MEM_PIN_LONGTERM |
                            MEM_PIN_NOWAIT | MEM_PIN_MAY_DROP);
    const struct hf_pin pin = {
        .space = space,
        .addr = (const void *)(uintptr_t)place.addr,
        .pages = place.length / PAGE > MEM_PIN_PAGES_MAX ? MEM_PIN_PAGES_MAX : place.length / PAGE,
        .flags = flags | (meddle_draw(meddler, 4) ? MEM_PIN_GET : 0),
        .lease_ms = (uint32_t)meddle_draw(meddler, 3),
        .purpose = "chaos",
    };

    if (*number != 0) {
        (void)hf_unpin(*number, meddle_draw(meddler, 2) ? MEM_UNPIN_DIRTY : 0);
        *number = 0;
    } else if (hf_pin(&pin, &rep, NULL) == ERR_OK) {
        *number = rep.pin;
    }
}

/* To the own window only with one's own mark, or that of the space's process: `mark`. */
static void do_copy(struct meddler *meddler, uint64_t space, uint64_t base, uint64_t mark)
{
    const struct meddle_place place = meddle_draw_place(meddler, base);
    const uint64_t length = place.length > MEDDLE_BUFFER ? MEDDLE_BUFFER : place.length;
    uint64_t *words = meddler->buffer;
    uint64_t copied = 0;

    if (meddle_draw(meddler, 2) == 0) {
        if (hf_copy(space, (uint64_t)(uintptr_t)words, place.addr, length, MEM_COPY_FROM,
                    &copied) == ERR_OK &&
            base == MEDDLE_OWN && mark != 0) {
            for (uint64_t i = 0; i < copied / sizeof(uint64_t); i += 64) {
                meddle_check(meddler, place.addr + i * sizeof(uint64_t), words[i]);
            }
        }
    } else if (base == MEDDLE_MIXED || mark != 0) {
        for (uint64_t i = 0; i < length / sizeof(uint64_t); i += 64) {
            words[i] = mark << 32 | i;
        }
        (void)hf_copy(space, (uint64_t)(uintptr_t)words, place.addr, length, MEM_COPY_TO, &copied);
    }
}

static void do_look(struct meddler *meddler, uint64_t space, uint64_t base)
{
    const struct meddle_place place = meddle_draw_place(meddler, base);
    struct mem_region regions[8];
    struct mem_query_rep rep;
    struct mem_pin_row rows[8];
    struct mem_pins_rep pins;

    (void)hf_incore(space, place.addr, place.length, (unsigned char *)meddler->buffer);
    (void)hf_query(space, place.addr, 8, regions, &rep);
    (void)hf_pins(space, MEM_PINS_BY | MEM_PINS_OF, 0, 8, rows, &pins);
    (void)hf_sync(space, place.addr, place.length,
                  meddle_draw(meddler, 2) ? MEM_SYNC_ASYNC : MEM_SYNC_SYNC);
}

static void do_batch(struct meddler *meddler, uint64_t space, uint64_t base)
{
    struct mem_batch_op ops[6];
    uint64_t refused = 0;
    const uint64_t count = meddle_draw(meddler, 6) + 1;

    for (uint64_t i = 0; i < count; i++) {
        const struct meddle_place place = meddle_draw_place(meddler, base);
        const struct meddle_place other = meddle_draw_place(meddler, base);
        const uint64_t kind = meddle_draw(meddler, 4);

        if (kind == 0) {
            ops[i] = (struct mem_batch_op){
                MEM_MAP,
                {place.addr, place.length, RW | (uint64_t)(MEM_MAP_FIXED | ANON) << 32, 0, 0}};
        } else if (kind == 1) {
            ops[i] = (struct mem_batch_op){MEM_UNMAP, {place.addr, place.length, 0, 0, 0}};
        } else if (kind == 2) {
            ops[i] = (struct mem_batch_op){MEM_PROTECT,
                                           {place.addr, place.length, draw_prot(meddler), 0, 0}};
        } else {
            ops[i] = (struct mem_batch_op){MEM_REMAP,
                                           {place.addr, place.length, other.length,
                                            MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, other.addr}};
            if (other.addr + other.length > base + MEDDLE_PAGES * PAGE) {
                ops[i].words[2] = PAGE;
            }
        }
    }
    (void)hf_batch(space, ops, count, &refused);
}

static void do_object(struct meddler *meddler)
{
    const uint64_t object = meddle_objects[meddle_draw(meddler, MEDDLE_OBJECTS)];
    const uint64_t length = meddle_draw(meddler, MEDDLE_BUFFER);
    uint64_t other = 0;
    uint64_t copied = 0;

    switch (meddle_draw(meddler, 4)) {
    case 0:
        (void)hf_shared_resize(object, meddle_draw(meddler, MEDDLE_BYTES * 2));
        break;
    case 1:
        if (hf_shared_make(length, 0, 0, &other) == ERR_OK) {
            (void)hf_shared_copy(other, (uint64_t)(uintptr_t)meddler->buffer, 0, length,
                                 MEM_COPY_TO, &copied);
            (void)hf_shared_close(other);
        }
        break;
    default:
        (void)hf_shared_copy(object, (uint64_t)(uintptr_t)meddler->buffer,
                             meddle_draw(meddler, MEDDLE_BYTES), length,
                             meddle_draw(meddler, 2) ? MEM_COPY_TO : MEM_COPY_FROM, &copied);
        break;
    }
}

static void do_clone(struct meddler *meddler, uint64_t space, uint64_t mark)
{
    struct mem_space_make_rep rep;

    if (hf_space_clone(space, "chaos", PRIORITY_DEFAULT, &rep) != ERR_OK) {
        return;
    }
    for (uint64_t i = meddle_draw(meddler, 6); i > 0; i--) {
        meddle(meddler, rep.space, mark);
    }
    (void)hf_space_end(rep.space, 0);
    (void)hf_space_end(rep.space, 0);
    (void)hf_handle_close(rep.space);
    (void)hf_handle_close(rep.kernel_space);
}

void meddle(struct meddler *meddler, uint64_t space, uint64_t mark)
{
    const uint64_t base = meddle_draw(meddler, 3) ? MEDDLE_MIXED : MEDDLE_OWN;
    const struct meddle_place place = meddle_draw_place(meddler, base);
    uint64_t addr = 0;

    switch (meddle_draw(meddler, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        (void)hf_map(draw_map(meddler, space, base), &addr);
        break;
    case 4:
        (void)hf_unmap(space, place.addr, place.length);
        break;
    case 5:
        (void)hf_protect(space, place.addr, place.length, draw_prot(meddler));
        break;
    case 6:
        do_remap(meddler, space, base);
        break;
    case 7:
    case 8:
        do_advise(meddler, space, base);
        break;
    case 9:
        do_lock(meddler, space, base);
        break;
    case 10:
    case 11:
        do_pin(meddler, space, base);
        break;
    case 12:
        do_copy(meddler, space, base, mark);
        break;
    case 13:
        do_look(meddler, space, base);
        break;
    case 14:
        if (meddle_draw(meddler, 2)) {
            do_batch(meddler, space, base);
        } else {
            do_object(meddler);
        }
        break;
    case 15:
        if (meddle_draw(meddler, 6) == 0) {
            do_clone(meddler, space, mark);
        }
        break;
    }
}
