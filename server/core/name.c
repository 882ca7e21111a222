/* SPDX-License-Identifier: MIT */
#include "server/core/name.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/limit.h"
#include "server/core/orphan.h"
#include "server/core/shared.h"
#include "server/core/space.h"

STATIC_ASSERT(sizeof(struct name) == 280, "14 records to an arena page");
STATIC_ASSERT(NAME_CHAINS <= RADIX_ENTRIES, "the chains are one page");

/* FNV-1a. */
static uint32_t name_hash(const struct name_text *text)
{
    uint32_t hash = 2166136261u;

    ASSERT(text->length > 0 && text->length <= NAME_BYTES_MAX);
    for (uint32_t i = 0; i < text->length; i++) {
        hash = (hash ^ text->bytes[i]) * 16777619u;
    }
    return hash;
}

static uint32_t name_chain(uint32_t hash)
{
    return (hash ^ hash >> 16) % NAME_CHAINS;
}

static struct name *name_at_opt(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : arena_at(core, link);
}

static bool name_is(const struct name *name, const struct name_text *text, uint32_t hash)
{
    if (name->hash != hash || name->length != text->length) {
        return false;
    }
    for (uint32_t i = 0; i < text->length; i++) {
        if (name->bytes[i] != text->bytes[i]) {
            return false;
        }
    }
    return true;
}

/* The record of a name, and the one before it in its chain; NULL if none. */
static struct name *name_search(const struct core *core, const struct name_text *text,
                                uint32_t hash, struct name **before)
{
    struct name *name =
        name_at_opt(core, radix_get(core, &core->head->names_by_hash, name_chain(hash)));

    *before = NULL;
    while (name != NULL && !name_is(name, text, hash)) {
        *before = name;
        name = name_at_opt(core, name->next);
    }
    return name;
}

static struct space *name_maker_opt(const struct core *core, const struct space *space)
{
    return space->settings.maker == 0 ? NULL : arena_page(core, space->settings.maker);
}

/* Whether a space and those that it stems from may give one more; what refuses is recorded. */
static enum err name_check_quota(const struct core *core, struct space *space)
{
    uint32_t depth = 0;

    if (core->head->names.records >= NAME_MAX) {
        return limit_refuse_over(space, ERR_NOSPC, MEM_LIMIT_NAMES, NAME_MAX,
                                 core->head->names.records, 1);
    }
    for (const struct space *at = name_maker_opt(core, space); at != NULL;
         at = name_maker_opt(core, at)) {
        depth++;
    }
    for (const struct space *at = space; at != NULL; at = name_maker_opt(core, at)) {
        const uint32_t half = depth < 32 ? NAME_MAX >> depth : 0;
        const uint32_t quota = half < NAME_LEAST ? NAME_LEAST : half;

        if (at->names >= quota) {
            return limit_refuse_over(space, ERR_NOSPC, MEM_LIMIT_NAMES, quota, at->names, 1);
        }
        depth--;
    }
    return ERR_OK;
}

/* A space has given one name more or less, and so have those that it stems from. */
static void name_count(const struct core *core, uint32_t giver, uint32_t change)
{
    for (struct space *at = giver == 0 ? NULL : arena_page(core, giver); at != NULL;
         at = name_maker_opt(core, at)) {
        at->names += change;
    }
}

static enum err name_add_shared(struct core *core, struct space *space,
                                const struct name_text *text, struct object *object,
                                uint32_t rights)
{
    struct arena_head *head = core->head;
    const uint32_t hash = name_hash(text);
    const uint32_t chain = name_chain(hash);
    struct name *before;

    limit_begin(space);
    if (name_search(core, text, hash, &before) != NULL) {
        return limit_refuse(space, ERR_EXIST);
    }
    const enum err error = name_check_quota(core, space);

    if (error != ERR_OK) {
        return error;
    }
    /* `before` is the last name of the chain, if it has one. */
    const uint32_t needs = before == NULL ? radix_needs(core, &head->names_by_hash, chain) : 0;

    if (!arena_page_reserve(core, needs + slab_needs(&head->names))) {
        return limit_refuse_frames(core, space, 1);
    }
    /* Point of no return: nothing below may fail, or makes a port call. */
    const uint32_t link = slab_take(core, &head->names);
    struct name *name = arena_at(core, link);

    name->object = arena_link(core, object);
    name->hash = hash;
    name->rights = rights;
    name->length = text->length;
    name->giver = space->number;
    name_count(core, name->giver, 1);
    for (uint32_t i = 0; i < text->length; i++) {
        name->bytes[i] = text->bytes[i];
    }
    if (before == NULL) {
        radix_set(core, &head->names_by_hash, chain, link);
    } else {
        before->next = link;
    }
    object->names++;
    object_get(object);
    return ERR_OK;
}

enum err name_add(struct core *core, struct space *space, const struct name_text *text,
                  struct object *object, uint32_t rights)
{
    shared_enter(core);
    const enum err error = name_add_shared(core, space, text, object, rights);

    shared_leave(core);
    return error;
}

struct object *name_find(const struct core *core, const struct name_text *text, uint32_t *rights)
{
    struct name *before;
    const struct name *name = name_search(core, text, name_hash(text), &before);

    if (name == NULL) {
        return NULL;
    }
    *rights = name->rights;
    return object_at(core, name->object);
}

static enum err name_remove_shared(struct core *core, struct space *space,
                                   const struct name_text *text)
{
    struct radix *chains = &core->head->names_by_hash;
    const uint32_t hash = name_hash(text);
    struct name *before;
    struct name *name = name_search(core, text, hash, &before);

    limit_begin(space);
    if (name == NULL) {
        return limit_refuse(space, ERR_NOENT);
    }
    struct object *object = object_at(core, name->object);

    name_count(core, name->giver, UINT32_MAX); /* -1, modulo 2^32 */
    if (before != NULL) {
        before->next = name->next;
    } else if (name->next != 0) {
        radix_replace(core, chains, name_chain(hash), name->next);
    } else {
        (void)radix_remove(core, chains, name_chain(hash));
    }
    slab_give(core, &core->head->names, arena_link(core, name));
    object->names--;
    const uint32_t pager = object->kind == OBJECT_PAGER ? object->pager : 0;

    object_put(core, object);
    orphan_look_after(core, pager);
    return ERR_OK;
}

enum err name_remove(struct core *core, struct space *space, const struct name_text *text)
{
    shared_enter(core);
    const enum err error = name_remove_shared(core, space, text);

    shared_leave(core);
    return error;
}

/* Do something with every name. */
static void name_each(const struct core *core,
                      void (*use)(const struct core *core, struct name *name, uint32_t space),
                      uint32_t space)
{
    uint64_t chain = NAME_CHAINS;

    for (;;) {
        const uint32_t link = radix_below(core, &core->head->names_by_hash, chain, &chain);

        if (link == 0) {
            return;
        }
        for (struct name *name = arena_at(core, link); name != NULL;
             name = name_at_opt(core, name->next)) {
            use(core, name, space);
        }
    }
}

static void name_pass(const struct core *core, struct name *name, uint32_t space)
{
    const struct space *giver = arena_page(core, space);

    if (name->giver == space) {
        name->giver = giver->settings.maker;
    }
}

void name_end(struct core *core, struct space *space)
{
    if (space->names == 0) {
        return;
    }
    shared_enter(core);
    name_each(core, name_pass, space->number);
    space->names = 0;
    shared_leave(core);
}

uint64_t name_frames(const struct core *core)
{
    const struct arena_head *head = core->head;
    uint64_t frames = head->object_table.frames + head->names.pages + head->objects.pages +
                      head->holds.pages + head->names_by_hash.pages +
                      head->object_table.links.pages;
    uint64_t number = head->object_table.number + 1;

    for (;;) {
        const uint32_t link = radix_below(core, &head->object_table.links, number, &number);

        if (link == 0) {
            return frames;
        }
        frames += object_at(core, link)->frames.pages;
    }
}

/* The giver of a name lives, and it counts there and above. */
static void name_audit_giver(const struct core *core, struct name *name, uint32_t space)
{
    (void)space;
    for (const struct space *at = name->giver == 0 ? NULL : arena_page(core, name->giver);
         at != NULL; at = name_maker_opt(core, at)) {
        ASSERT(at->names > 0);
    }
}

uint64_t name_audit(const struct core *core)
{
    const struct radix *chains = &core->head->names_by_hash;
    uint64_t chain = NAME_CHAINS;
    uint64_t names = 0;

    radix_audit(core, chains);
    for (;;) {
        const uint32_t link = radix_below(core, chains, chain, &chain);

        if (link == 0) {
            break;
        }
        for (const struct name *name = arena_at(core, link); name != NULL;
             name = name_at_opt(core, name->next)) {
            const struct name_text text = {name->bytes, name->length};
            struct name *before;

            ASSERT(name->hash == name_hash(&text) && name_chain(name->hash) == chain);
            ASSERT(name_search(core, &text, name->hash, &before) == name);
            ASSERT(object_at(core, name->object)->names > 0);
            names++;
        }
    }
    name_each(core, name_audit_giver, 0);
    ASSERT(names == core->head->names.records && names <= NAME_MAX);
    return names;
}
