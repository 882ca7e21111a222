/* SPDX-License-Identifier: MIT */
#include "server/core/pinner.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/slab.h"

STATIC_ASSERT(sizeof(struct pinner) == 16, "a record of a slab");

static struct pinner *pinner_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

static bool pinner_is_many(const struct frame *record)
{
    return record->pins != 0 && (record->references & PINNER_MANY) != 0;
}

static uint32_t pinner_first(const struct frame *record)
{
    return record->references & ~PINNER_MANY;
}

/* The record of an owner in the list; NULL if he has none. */
static struct pinner *pinner_find(const struct core *core, const struct frame *record,
                                  uint32_t owner)
{
    uint32_t link = pinner_first(record);

    while (link != 0 && pinner_at(core, link)->owner != owner) {
        link = pinner_at(core, link)->next;
    }
    return link == 0 ? NULL : pinner_at(core, link);
}

/* Put an owner with `count` pins at the front of the list that begins with `next`. */
static uint32_t pinner_push(struct core *core, uint32_t owner, uint32_t count, uint32_t next)
{
    const uint32_t link = slab_take(core, &core->head->pins.pinners);

    ASSERT(link != 0 && (link & PINNER_MANY) == 0);
    *pinner_at(core, link) = (struct pinner){.owner = owner, .count = count, .next = next};
    return link;
}

uint32_t pinner_needs(const struct frame *record)
{
    if (record->pins == 0) {
        return 0;
    }
    return pinner_is_many(record) ? 1 : 2;
}

bool pinner_add_slow(struct core *core, struct frame *record, uint32_t owner)
{
    ASSERT(pinner_has_room(record));
    bool is_new = false;

    if (!pinner_is_many(record) && record->references != owner) {
        record->references = PINNER_MANY | pinner_push(core, record->references, record->pins, 0);
    }
    if (pinner_is_many(record)) {
        struct pinner *pinner = pinner_find(core, record, owner);

        is_new = pinner == NULL;
        if (is_new) {
            record->references = PINNER_MANY | pinner_push(core, owner, 1, pinner_first(record));
        } else {
            pinner->count++;
        }
    }
    record->pins++;
    return is_new;
}

/* Take an owner without pins out of the list; one who is left alone is named in the frame. */
static void pinner_unlist(struct core *core, struct frame *record, const struct pinner *gone)
{
    const uint32_t link = arena_link(core, gone);
    uint32_t first = pinner_first(record);

    if (first == link) {
        first = gone->next;
    } else {
        struct pinner *before = pinner_at(core, first);

        while (before->next != link) {
            before = pinner_at(core, before->next);
        }
        before->next = gone->next;
    }
    slab_give(core, &core->head->pins.pinners, link);
    record->references = PINNER_MANY | first;
    if (pinner_at(core, first)->next == 0) {
        record->references = pinner_at(core, first)->owner;
        slab_give(core, &core->head->pins.pinners, first);
    }
}

bool pinner_remove_slow(struct core *core, struct frame *record, uint32_t owner)
{
    ASSERT(record->pins > 1);
    record->pins--;
    if (!pinner_is_many(record)) {
        ASSERT(record->references == owner);
        return false;
    }
    struct pinner *pinner = pinner_find(core, record, owner);

    ASSERT(pinner != NULL && pinner->count > 0);
    pinner->count--;
    if (pinner->count != 0) {
        return false;
    }
    pinner_unlist(core, record, pinner);
    return true;
}

struct pinner_change pinner_rename(struct core *core, struct frame *record, uint32_t owner,
                                   uint32_t heir)
{
    if (!pinner_is_many(record)) {
        const bool was_there = record->pins != 0 && record->references == owner;

        record->references = was_there ? heir : record->references;
        return (struct pinner_change){was_there, was_there};
    }
    struct pinner *pinner = pinner_find(core, record, owner);
    struct pinner *other = pinner_find(core, record, heir);

    if (pinner == NULL) {
        return (struct pinner_change){false, false};
    }
    if (other == NULL) {
        pinner->owner = heir;
        return (struct pinner_change){true, true};
    }
    other->count += pinner->count;
    pinner->count = 0;
    pinner_unlist(core, record, pinner);
    return (struct pinner_change){true, false};
}

uint32_t pinner_count(const struct core *core, const struct frame *record, uint32_t owner)
{
    if (!pinner_is_many(record)) {
        return record->references == owner ? record->pins : 0;
    }
    const struct pinner *pinner = pinner_find(core, record, owner);

    return pinner == NULL ? 0 : pinner->count;
}

uint32_t pinner_audit(const struct core *core, const struct frame *record)
{
    uint64_t pins = 0;
    uint32_t owners = 0;

    ASSERT(record->pins != 0);
    if (!pinner_is_many(record)) {
        ASSERT(record->references != 0);
        return 1;
    }
    for (uint32_t link = pinner_first(record); link != 0; link = pinner_at(core, link)->next) {
        const struct pinner *pinner = pinner_at(core, link);

        ASSERT(pinner->count > 0);
        ASSERT(pinner_find(core, record, pinner->owner) == pinner);
        pins += pinner->count;
        owners++;
    }
    ASSERT(pins == record->pins && owners >= 2);
    return owners;
}
