/* SPDX-License-Identifier: MIT */
#include "server/core/name.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/limit.h"
#include "server/core/shared.h"

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
    if (head->names.records >= NAME_MAX) {
        return limit_refuse_over(space, ERR_NOSPC, MEM_LIMIT_NONE, NAME_MAX, head->names.records,
                                 1);
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

    if (before != NULL) {
        before->next = name->next;
    } else if (name->next != 0) {
        radix_replace(core, chains, name_chain(hash), name->next);
    } else {
        (void)radix_remove(core, chains, name_chain(hash));
    }
    slab_give(core, &core->head->names, arena_link(core, name));
    object->names--;
    object_put(core, object);
    return ERR_OK;
}

enum err name_remove(struct core *core, struct space *space, const struct name_text *text)
{
    shared_enter(core);
    const enum err error = name_remove_shared(core, space, text);

    shared_leave(core);
    return error;
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
    ASSERT(names == core->head->names.records && names <= NAME_MAX);
    return names;
}
