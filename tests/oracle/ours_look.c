/* SPDX-License-Identifier: MIT */
/*
 * Regions from the tree, pages from the shadow, words from the model's frames.
 */
#include "ours_look.h"

#include <string.h>

#include <base/types.h>

#include "ours.h"
#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/page.h"
#include "server/core/shadow.h"

uint64_t ours_frame_word(const struct port *port, uint32_t frame, uint32_t offset)
{
    uint64_t word = 0;

    if (port->frames[frame].bytes != NULL) {
        memcpy(&word, port->frames[frame].bytes + offset, sizeof(word));
    } else if (offset == 0) {
        word = model_read(port, frame);
    }
    return word;
}

static uint32_t look_flags(uint32_t flags)
{
    static const struct {
        uint32_t region;
        uint32_t look;
    } pairs[] = {
        {MEM_PROT_READ, LOOK_READ},           {MEM_PROT_WRITE, LOOK_WRITE},
        {MEM_PROT_EXEC, LOOK_EXEC},           {REGION_SHARED, LOOK_SHARED},
        {REGION_NORESERVE, LOOK_NORESERVE},   {REGION_ACCOUNT, LOOK_ACCOUNT},
        {REGION_DONTFORK, LOOK_DONTFORK},     {REGION_WIPEONFORK, LOOK_WIPEONFORK},
        {REGION_SEQUENTIAL, LOOK_SEQUENTIAL}, {REGION_RANDOM, LOOK_RANDOM},
        {REGION_HUGEPAGE, LOOK_HUGEPAGE},     {REGION_NOHUGEPAGE, LOOK_NOHUGEPAGE},
        {REGION_LOCKED, LOOK_LOCKED},         {REGION_LOCKONFAULT, LOOK_ONFAULT},
        {REGION_GROWSDOWN, LOOK_GROWSDOWN},   {REGION_HUGETLB, LOOK_HUGETLB},
    };
    uint32_t look = 0;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        look |= (flags & pairs[i].region) != 0 ? pairs[i].look : 0;
    }
    return look;
}

static struct look_word frame_words(struct ours *ours, uint32_t number)
{
    uint32_t frame = (uint32_t)(pool_pfn(&ours->world->core, number).v - MODEL_BASE);

    return (struct look_word){
        ours_frame_word(ours->world->port, frame, 0),
        ours_frame_word(ours->world->port, frame, PAGE_SIZE - sizeof(uint64_t))};
}

/*
 * Pages of objects that exist, whether or not the space has touched them; of a private region,
 * those that are copies of its own are told apart.
 */
static void look_object_pages(struct ours *ours, const struct region *region, struct look_log *log)
{
    struct core *core = &ours->world->core;
    const struct object *object = object_at(core, region->object);
    bool is_shared = (region->flags & REGION_SHARED) != 0;

    for (uint32_t page = region->first; page < region->end; page++) {
        uint64_t number = region->offset + (page - region->first);
        const uint64_t *entry = shadow_find(core, ours->side->space, page);
        bool is_own = entry != NULL && shadow_entry_is_private(*entry);
        uint32_t frame = is_own                            ? shadow_entry_frame(*entry)
                         : object_has_page(object, number) ? content_frame(core, object, number)
                                                           : 0;
        if (frame != 0) {
            struct look_word word = frame_words(ours, frame);
            look_add_page(log, page, is_shared || is_own ? LOOK_OWN : LOOK_OBJECT, &word);
        }
    }
}

/* Shared pages that hold nothing are left out (look.h). */
static void look_huge_pages(struct ours *ours, const struct region *region, struct look_log *log)
{
    struct core *core = &ours->world->core;
    const struct object *object = object_at(core, region->object);
    bool is_shared = (region->flags & REGION_SHARED) != 0;

    for (uint32_t page = region->first; page < region->end; page++) {
        uint64_t number = region->offset + (page - region->first);
        uint32_t first =
            object_has_page(object, number) ? huge_frame(core, object, number / STAGE_HUGE) : 0;
        if (first != 0) {
            struct look_word word = frame_words(ours, first + (uint32_t)(number % STAGE_HUGE));
            if (!is_shared || (word.head | word.tail) != 0) {
                look_add_page(log, page, LOOK_OWN, &word);
            }
        }
    }
}

static void look_region_pages(struct ours *ours, const struct region *region, struct look_log *log)
{
    struct core *core = &ours->world->core;

    for (uint32_t page = region->first; page < region->end; page++) {
        const uint64_t entry = page_entry(core, ours->side->space, page);
        if (entry == 0) {
            continue;
        }
        struct look_word word = {0, 0};
        bool is_own = shadow_entry_is_private(entry);
        if (is_own) {
            word = frame_words(ours, shadow_entry_frame(entry));
        }
        look_add_page(log, page, is_own ? LOOK_OWN : LOOK_ZERO, &word);
    }
}

bool ours_has_zero(const struct ours *ours)
{
    const struct core *core = &ours->world->core;

    for (const struct region *region = tree_first(core, &ours->side->space->tree); region != NULL;
         region = tree_next(core, region)) {
        for (uint32_t page = region->first;
             region->object == 0 && stage_holds(ours->room, page) && page < region->end; page++) {
            const uint64_t entry = page_entry(core, ours->side->space, page);

            if (entry != 0 && !shadow_entry_is_private(entry)) {
                return true;
            }
        }
    }
    return false;
}

void ours_look(struct ours *ours, struct look_log *log, struct look_head *head)
{
    const struct core *core = &ours->world->core;
    const struct tree *tree = &ours->side->space->tree;

    head->pages = ours->side->space->pages - ours->base_pages;
    head->data = ours->side->space->data + ours->side->space->stack;
    if (head->level == LOOK_FULL) {
        head->stack = ours->side->space->stack;
        head->locked = ours->side->space->locked - (ours->side->is_locked ? ours->base_pages : 0);
    }
    head->huge_free = core->head->huge[0].free;
    head->huge_promised = core->head->huge[0].reserved;
    for (const struct region *region = tree_first(core, tree); region != NULL;
         region = tree_next(core, region)) {
        if (stage_holds(ours->room, region->first)) {
            const struct look_region seen = {
                .first = region->first,
                .end = region->end,
                .flags = look_flags(region->flags),
                .object = (region->flags & (REGION_HUGETLB | REGION_SHARED)) == REGION_HUGETLB
                              ? LOOK_HUGE_OBJECT
                              : region->object,
                .offset = region->object == 0 ? 0 : region->offset,
            };
            look_add_region(log, &seen);
        }
    }
    for (const struct region *region = tree_first(core, tree);
         region != NULL && head->level == LOOK_FULL; region = tree_next(core, region)) {
        if (!stage_holds(ours->room, region->first)) {
            continue;
        }
        if (huge_is_region(region)) {
            look_huge_pages(ours, region, log);
        } else if (region->object != 0) {
            look_object_pages(ours, region, log);
        } else {
            look_region_pages(ours, region, log);
        }
    }
}
