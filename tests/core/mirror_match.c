/* SPDX-License-Identifier: MIT */
#include <tap.h>

#include "mirror.h"
#include "server/core/content.h"
#include "server/core/page.h"
#include "server/core/shadow.h"

/* What core has for a page, without faulting. */
static uint64_t core_word(const struct world *world, struct space *space,
                          const struct region *region, uint32_t page)
{
    const uint64_t entry = page_entry(&world->core, space, page);

    if (shadow_entry_is_private(entry)) {
        pfn_t pfn = pool_pfn(&world->core, shadow_entry_frame(entry));

        return model_read(world->port, (uint32_t)(pfn.v - MODEL_BASE));
    }
    if (region->object == 0) {
        return 0;
    }
    const struct object *object = object_at(&world->core, region->object);
    const uint64_t offset = region->offset + (page - region->first);

    if (object->kind != OBJECT_MEMORY) {
        return WORLD_WORD + offset;
    }
    const uint32_t frame = content_frame(&world->core, object, offset);

    return frame == 0
               ? 0
               : model_read(world->port, (uint32_t)(pool_pfn(&world->core, frame).v - MODEL_BASE));
}

bool mirror_matches(const struct mirror *mirror, const struct world *world, struct space *space)
{
    const struct core *core = &world->core;
    uint32_t end = mirror->first + mirror->pages;
    const struct region *region = tree_first(core, &space->tree);

    for (uint32_t page = mirror->first; page < end; page++) {
        const struct mirror_page *at = &mirror->page[page - mirror->first];

        while (region != NULL && region->end <= page) {
            region = tree_next(core, region);
        }
        bool is_mapped = region != NULL && region->first <= page;
        uint64_t offset = is_mapped ? region->offset + (page - region->first) : 0;
        bool is_equal = is_mapped == (at->is_mapped != 0);

        if (is_equal && is_mapped) {
            bool continues = page > mirror->first && mirror_joins(at - 1, at);

            is_equal = region->flags == at->flags && (region->object != 0) == (at->object != 0) &&
                       offset == (at->object ? at->offset : page) &&
                       (region->first == page) == !continues &&
                       core_word(world, space, region, page) == mirror_word(mirror, page);
        }
        if (!EXPECT(is_equal)) {
            tap_note("page %u of the window: core has flags %x from %d, the mirror %x",
                     page - mirror->first, is_mapped ? region->flags : 0,
                     is_mapped ? (int)(region->first - mirror->first) : -1, at->flags);
            mirror_note(mirror, "mirror");
            return false;
        }
    }
    return EXPECT(tree_first(core, &space->tree)->first >= mirror->first);
}

void mirror_note(const struct mirror *mirror, const char *title)
{
    char line[MIRROR_PAGES_MAX + 1] = {0};

    for (uint32_t i = 0; i < mirror->pages; i++) {
        const struct mirror_page *at = &mirror->page[i];

        line[i] = '.';
        if (at->is_mapped) {
            line[i] = "-rwWxrwX"[at->flags & REGION_PROT];
            line[i] = at->object == MIRROR_WIRED ? 'O' : at->object != 0 ? 'S' : line[i];
        }
    }
    tap_note("%s: %s", title, line);
    for (uint32_t i = 0; i < mirror->pages; i++) {
        const struct mirror_page *at = &mirror->page[i];

        if (at->is_mapped) {
            tap_note("  %u: flags %x object %u offset %u own %u", i, at->flags, at->object,
                     (unsigned)at->offset, at->is_own);
        }
    }
}
