/* SPDX-License-Identifier: MIT */
#include "huge_mirror.h"

#include <base/assert.h>
#include <mem/prot.h>

const uint32_t huge_mirror_parts[HUGE_WORDS] = {3, 400};

void huge_mirror_init(struct huge_mirror *mirror)
{
    *mirror = (struct huge_mirror){0};
    for (uint32_t i = 0; i < HUGE_UNITS; i++) {
        mirror->unit[0][i].object = HUGE_NOTHING;
        mirror->unit[1][i].object = HUGE_NOTHING;
    }
}

static bool page_is_free(const struct huge_mirror_page *page)
{
    return page->names == 0 && page->pins == 0;
}

uint32_t huge_mirror_free(const struct huge_mirror *mirror)
{
    uint32_t free = 0;

    for (uint32_t i = 0; i < POOL; i++) {
        free += page_is_free(&mirror->page[i]) ? 1 : 0;
    }
    return free;
}

uint32_t huge_mirror_promised(const struct huge_mirror *mirror)
{
    uint32_t promised = 0;

    for (uint32_t i = 0; i < HUGE_OBJECTS; i++) {
        promised += mirror->object[i].is_used ? mirror->object[i].promised : 0;
    }
    return promised;
}

static uint32_t spare(const struct huge_mirror *mirror)
{
    const uint32_t free = huge_mirror_free(mirror);
    const uint32_t promised = huge_mirror_promised(mirror);

    return free > promised ? free - promised : 0;
}

/* A free page, which holds zeros. */
static int take_page(struct huge_mirror *mirror)
{
    for (int i = 0; i < (int)POOL; i++) {
        if (page_is_free(&mirror->page[i])) {
            mirror->page[i] = (struct huge_mirror_page){.names = 1};
            return i;
        }
    }
    UNREACHABLE();
}

static int make_object(struct huge_mirror *mirror, uint32_t mapped, uint32_t promised,
                       bool is_private)
{
    for (int i = 0; i < (int)HUGE_OBJECTS; i++) {
        struct huge_mirror_object *object = &mirror->object[i];

        if (!object->is_used) {
            *object = (struct huge_mirror_object){.is_used = true,
                                                  .is_private = is_private,
                                                  .is_reserved = promised != 0,
                                                  .promised = promised,
                                                  .mapped = mapped};
            for (uint32_t j = 0; j < HUGE_UNITS; j++) {
                object->page[j] = HUGE_NOTHING;
            }
            return i;
        }
    }
    UNREACHABLE();
}

static uint32_t held(const struct huge_mirror_object *object)
{
    uint32_t pages = 0;

    for (uint32_t i = 0; i < HUGE_UNITS; i++) {
        pages += object->page[i] != HUGE_NOTHING ? 1 : 0;
    }
    return pages;
}

static void let_go(struct huge_mirror *mirror, struct huge_mirror_object *object, uint32_t index)
{
    if (object->page[index] != HUGE_NOTHING) {
        mirror->page[object->page[index]].names--;
        object->page[index] = HUGE_NOTHING;
    }
}

static bool is_shown(const struct huge_mirror *mirror, int object)
{
    bool is_shown = false;

    for (uint32_t i = 0; i < HUGE_UNITS; i++) {
        is_shown =
            is_shown || mirror->unit[0][i].object == object || mirror->unit[1][i].object == object;
    }
    return is_shown;
}

void huge_mirror_unmap(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        struct huge_mirror_unit *unit = &mirror->unit[side][i];
        const int number = unit->object;

        if (number == HUGE_NOTHING) {
            continue;
        }
        struct huge_mirror_object *object = &mirror->object[number];

        if (object->is_private) {
            let_go(mirror, object, unit->index);
            object->mapped--;
            const uint32_t absent = object->mapped - held(object);

            object->promised = object->promised < absent ? object->promised : absent;
        }
        unit->object = HUGE_NOTHING;
        if (!is_shown(mirror, number)) {
            for (uint32_t j = 0; j < HUGE_UNITS; j++) {
                let_go(mirror, object, j);
            }
            object->is_used = false;
        }
    }
}

enum err huge_mirror_map(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end,
                         uint32_t prot, uint32_t flags)
{
    const uint32_t promised = (flags & MEM_MAP_NORESERVE) != 0 ? 0 : end - first;
    struct huge_mirror trial = *mirror;

    /* Shared objects go only when the request is over. */
    for (uint32_t i = first; i < end; i++) {
        const int number = trial.unit[side][i].object;

        if (number != HUGE_NOTHING && trial.object[number].is_private) {
            huge_mirror_unmap(&trial, side, i, i + 1);
        }
    }
    if (promised > spare(&trial)) {
        return ERR_NOMEM;
    }
    *mirror = trial;
    huge_mirror_unmap(mirror, side, first, end);
    const int object =
        make_object(mirror, end - first, promised, (flags & MEM_MAP_TYPE) == MEM_MAP_PRIVATE);

    for (uint32_t i = first; i < end; i++) {
        mirror->unit[side][i] = (struct huge_mirror_unit){object, i - first, prot};
    }
    return ERR_OK;
}

bool huge_mirror_has_hole(const struct huge_mirror *mirror, uint32_t side, uint32_t first,
                          uint32_t end)
{
    bool has_hole = false;

    for (uint32_t i = first; i < end; i++) {
        has_hole = has_hole || mirror->unit[side][i].object == HUGE_NOTHING;
    }
    return has_hole;
}

enum err huge_mirror_protect(struct huge_mirror *mirror, uint32_t side, uint32_t first,
                             uint32_t end, uint32_t prot)
{
    if (huge_mirror_has_hole(mirror, side, first, end)) {
        return ERR_NOMEM;
    }
    for (uint32_t i = first; i < end; i++) {
        mirror->unit[side][i].prot = prot;
    }
    return ERR_OK;
}

uint32_t huge_mirror_end(const struct huge_mirror *mirror, uint32_t side, uint32_t unit)
{
    const struct huge_mirror_unit *units = mirror->unit[side];
    uint32_t end = unit + 1;

    while (end < HUGE_UNITS && units[end].object == units[unit].object &&
           units[end].index == units[unit].index + (end - unit) &&
           units[end].prot == units[unit].prot) {
        end++;
    }
    return end;
}

void huge_mirror_drop(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end;) {
        const struct huge_mirror_unit *unit = &mirror->unit[side][i];
        const uint32_t region = huge_mirror_end(mirror, side, i);
        const uint32_t last = region < end ? region : end;

        if (unit->object != HUGE_NOTHING && mirror->object[unit->object].is_private) {
            struct huge_mirror_object *object = &mirror->object[unit->object];

            for (uint32_t j = i; j < last; j++) {
                let_go(mirror, object, mirror->unit[side][j].index);
            }
            const uint32_t lacks = object->mapped - held(object) - object->promised;
            const uint32_t may_have = spare(mirror);

            object->promised += !object->is_reserved ? 0 : lacks < may_have ? lacks : may_have;
        }
        i = last;
    }
}

enum err huge_mirror_discard(struct huge_mirror *mirror, uint32_t side, uint32_t first,
                             uint32_t end)
{
    if (huge_mirror_has_hole(mirror, side, first, end)) {
        return ERR_NOMEM;
    }
    huge_mirror_drop(mirror, side, first, end);
    return ERR_OK;
}

enum err huge_mirror_remove(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end)
{
    const struct huge_mirror_unit *units = mirror->unit[side];

    for (uint32_t i = first; i < end; i++) {
        if (units[i].object == HUGE_NOTHING) {
            return ERR_NOMEM;
        }
        if (mirror->object[units[i].object].is_private) {
            return ERR_ACCES;
        }
    }
    for (uint32_t i = first; i < end; i++) {
        struct huge_mirror_object *object = &mirror->object[units[i].object];

        if (object->page[units[i].index] != HUGE_NOTHING) {
            let_go(mirror, object, units[i].index);
            object->was_taken[units[i].index] = object->is_reserved;
        }
    }
    return ERR_OK;
}

void huge_mirror_move(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end,
                      uint32_t target)
{
    huge_mirror_unmap(mirror, side, target, target + (end - first));
    for (uint32_t i = 0; i < end - first; i++) {
        mirror->unit[side][target + i] = mirror->unit[side][first + i];
        mirror->unit[side][first + i].object = HUGE_NOTHING;
    }
}

/* A private region of the clone: an object that names the same pages, or has copies of pinned. */
static enum err clone_region(struct huge_mirror *mirror, uint32_t first, uint32_t end)
{
    const struct huge_mirror_object *from = &mirror->object[mirror->unit[0][first].object];
    const int number = make_object(mirror, end - first, 0, true);

    for (uint32_t i = end; i > first; i--) {
        const struct huge_mirror_unit *unit = &mirror->unit[0][i - 1];
        int page = from->page[unit->index];

        mirror->unit[1][i - 1] = *unit;
        mirror->unit[1][i - 1].object = number;
        if (page == HUGE_NOTHING) {
            continue;
        }
        if (mirror->page[page].pins == 0) {
            mirror->page[page].names++;
        } else if (spare(mirror) == 0) {
            return ERR_NOMEM;
        } else {
            const int copy = take_page(mirror);

            for (uint32_t j = 0; j < HUGE_WORDS; j++) {
                mirror->page[copy].word[j] = mirror->page[page].word[j];
            }
            page = copy;
        }
        mirror->object[number].page[unit->index] = page;
    }
    return ERR_OK;
}

enum err huge_mirror_clone(struct huge_mirror *mirror)
{
    struct huge_mirror trial = *mirror;

    for (uint32_t i = 0; i < HUGE_UNITS;) {
        const struct huge_mirror_unit *unit = &trial.unit[0][i];
        const uint32_t end = huge_mirror_end(&trial, 0, i);

        if (unit->object != HUGE_NOTHING && trial.object[unit->object].is_private) {
            if (clone_region(&trial, i, end) != ERR_OK) {
                return ERR_NOMEM;
            }
        } else {
            for (uint32_t j = i; j < end; j++) {
                trial.unit[1][j] = trial.unit[0][j];
            }
        }
        i = end;
    }
    *mirror = trial;
    return ERR_OK;
}

enum fault_outcome huge_mirror_have(struct huge_mirror *mirror, uint32_t side, uint32_t unit,
                                    bool is_written, int *page)
{
    const uint32_t index = mirror->unit[side][unit].index;
    struct huge_mirror_object *object = &mirror->object[mirror->unit[side][unit].object];
    const int shown = object->page[index];
    const bool is_copied = shown != HUGE_NOTHING && is_written && mirror->page[shown].names > 1;
    const bool is_promised = object->promised != 0 && !object->was_taken[index];

    *page = shown;
    if (shown != HUGE_NOTHING && !is_copied) {
        return FAULT_READY;
    }
    if ((is_copied || !is_promised) && spare(mirror) == 0) {
        return FAULT_PAST_END;
    }
    if (is_copied) {
        mirror->page[shown].names--;
    } else {
        object->promised -= is_promised ? 1 : 0;
        object->was_taken[index] = false;
    }
    *page = take_page(mirror);
    object->page[index] = *page;
    for (uint32_t i = 0; is_copied && i < HUGE_WORDS; i++) {
        mirror->page[*page].word[i] = mirror->page[shown].word[i];
    }
    return FAULT_READY;
}

enum fault_outcome huge_mirror_touch(struct huge_mirror *mirror, uint32_t side, uint32_t unit,
                                     uint32_t access, int *page)
{
    if (mirror->unit[side][unit].object == HUGE_NOTHING) {
        return FAULT_NO_REGION;
    }
    if ((mirror->unit[side][unit].prot & access) == 0) {
        return FAULT_DENIED;
    }
    return huge_mirror_have(mirror, side, unit, access == MEM_PROT_WRITE, page);
}
