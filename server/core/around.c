/* SPDX-License-Identifier: MIT */
#include "server/core/around.h"

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/object.h"
#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/region.h"
#include "server/core/shadow.h"

STATIC_ASSERT(SHADOW_ENTRIES % AROUND_PAGES == 0, "a block is in one shadow leaf");

/* Map one page in the leaf of the fault. Returns: whether it was to be mapped. */
static bool around_map_one(struct core *core, const struct fault *fault,
                           const struct object *object, uint32_t page)
{
    const struct region *region = fault->region;
    struct space *space = fault->space;
    uint64_t *entry = fault->entry + page - fault->page;
    const uint64_t number = region->offset + (page - region->first);
    const uint32_t word = *entry == 0 ? paged_word(core, object, number) : 0;
    const uint32_t frame = paged_word_frame(word);
    uint32_t prot = region_rights(region->flags);

    if (frame == 0) {
        return false;
    }
    if ((region->flags & REGION_SHARED) == 0 || !paged_is_writable(core, object, number)) {
        prot &= ~MEM_PROT_WRITE;
    }
    pool_record(core, frame)->idle = FRAME_USED; /* for all that is known from now on */
    *entry = shadow_entry(SHADOW_WIRED, 0);
    space->wired++;
    shadow_count(core, space);
    core->head->pagers.count.around++;
    port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){1}, pool_pfn(core, frame),
                 prot, PORT_AS_IS, (pfn_t){0});
    return true;
}

void around_map(struct core *core, const struct fault *fault, struct object *object)
{
    const struct region *region = fault->region;
    const uint32_t first = fault->page & ~(AROUND_PAGES - 1);
    const struct range block =
        range_common(region_range(region), range_of(first, first + AROUND_PAGES));
    uint32_t page = fault->page;

    if (object->kind != OBJECT_PAGED || (region->flags & REGION_RANDOM) != 0) {
        return;
    }
    while (page > block.first && around_map_one(core, fault, object, page - 1)) {
        page--;
    }
    page = fault->page + 1;
    while (page < block.end && around_map_one(core, fault, object, page)) {
        page++;
    }
}
