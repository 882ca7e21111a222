/* SPDX-License-Identifier: MIT */
#include "batch_ops.h"

#include "world.h"

struct batch_op unmap_op(uint32_t page, uint32_t pages)
{
    return (struct batch_op){.sort = BATCH_UNMAP,
                             .unmap = {world_address(page), (uint64_t)pages * PAGE_SIZE}};
}

struct batch_op protect_op(uint32_t page, uint32_t pages, uint32_t prot)
{
    return (struct batch_op){.sort = BATCH_PROTECT,
                             .protect = {.address = world_address(page),
                                         .length = (uint64_t)pages * PAGE_SIZE,
                                         .prot = prot}};
}

struct batch_op advise_op(uint32_t page, uint32_t pages, uint32_t advice)
{
    return (struct batch_op){.sort = BATCH_ADVISE,
                             .advise = {.address = world_address(page),
                                        .length = (uint64_t)pages * PAGE_SIZE,
                                        .advice = advice}};
}

struct batch_op remap_op(uint32_t page, uint32_t from, uint32_t to, uint32_t flags)
{
    return (struct batch_op){.sort = BATCH_REMAP,
                             .remap = {.address = world_address(page),
                                       .length_old = (uint64_t)from * PAGE_SIZE,
                                       .length_new = (uint64_t)to * PAGE_SIZE,
                                       .flags = flags}};
}
