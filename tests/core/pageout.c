/* SPDX-License-Identifier: MIT */
#include "pageout.h"

#include <mem/prot.h>

#include "server/core/op_advise.h"
#include "server/core/op_pageout.h"

struct advise_request pageout_request(uint32_t page, uint32_t pages)
{
    return (struct advise_request){.address = world_address(page),
                                   .length = (uint64_t)pages * PAGE_SIZE,
                                   .advice = MEM_ADVISE_PAGEOUT};
}

enum err pageout_run(struct world *world, struct space *space, uint32_t page, uint32_t pages)
{
    const struct advise_request request = pageout_request(page, pages);
    const enum err error = op_pageout(&world->core, space, &request);

    if (error != ERR_WAIT) {
        core_done(&world->core);
        world_audit(world);
    }
    return error;
}
