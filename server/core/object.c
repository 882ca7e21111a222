/* SPDX-License-Identifier: MIT */
#include "server/core/object.h"

#include <base/assert.h>

#include "server/core/arena.h"

STATIC_ASSERT(sizeof(struct object) == 64, "63 records to an arena page");

static enum err object_make(struct core *core, enum object_sort sort, pfn_t first, npages_t pages,
                            struct object **object)
{
    uint32_t link = slab_take(core, &core->head->objects);

    if (link == 0) {
        return ERR_NOMEM;
    }
    *object = object_at(core, link);
    (*object)->kind = sort;
    (*object)->references = 1;
    (*object)->first = first;
    (*object)->pages = pages;
    return ERR_OK;
}

enum err object_make_wired(struct core *core, pfn_t first, npages_t pages, struct object **object)
{
    return object_make(core, OBJECT_WIRED, first, pages, object);
}

enum err object_make_device(struct core *core, pfn_t first, npages_t pages, struct object **object)
{
    return object_make(core, OBJECT_DEVICE, first, pages, object);
}

struct object *object_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

void object_get(struct object *object)
{
    ASSERT(object->references > 0);
    object->references++;
}

void object_put(struct core *core, struct object *object)
{
    ASSERT(object->references > 0);
    object->references--;
    if (object->references == 0) {
        slab_give(core, &core->head->objects, arena_link(core, object));
    }
}

bool object_has_page(const struct object *object, uint64_t page)
{
    return page < object->pages.v;
}

pfn_t object_pfn(const struct object *object, uint64_t page)
{
    ASSERT(object_has_page(object, page));
    return pfn_add(object->first, (npages_t){page});
}
