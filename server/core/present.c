/* SPDX-License-Identifier: MIT */
#include "server/core/present.h"

#include "server/core/fault_quick.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shadow.h"

uint32_t present_run(struct core *core, struct space *space, uint32_t page, uint32_t end)
{
    const uint64_t *entry = shadow_find(core, space, page);

    if (entry == NULL || shadow_entry_state(*entry) != SHADOW_OWN) {
        return 0;
    }
    const struct region *region = fault_quick_region(core, space, page);

    if (UNLIKELY(region == NULL)) {
        return 0; /* work is under way (work.h, I3) */
    }
    const uint32_t leaf_end = shadow_block_range(shadow_block(page, 0), 0).end;
    const uint32_t frame = shadow_entry_frame(*entry);
    uint32_t count = 1;

    end = end < region->end ? end : region->end;
    end = end < leaf_end ? end : leaf_end;
    while (page + count < end && entry[count] == shadow_entry(SHADOW_OWN, frame + count)) {
        count++;
    }
    port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){count},
                 pool_pfn(core, frame), region_rights(region->flags), PORT_AS_IS, (pfn_t){0});
    return count;
}
