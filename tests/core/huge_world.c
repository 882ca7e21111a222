/* SPDX-License-Identifier: MIT */
#include "huge_world.h"

#include <tap.h>

struct huge_world huge_world;

enum err huge_world_set_pool(uint64_t bytes, uint64_t pages)
{
    const struct huge_request request = {.is_set = true, .bytes = bytes, .pages = pages};
    struct huge_view view;

    return op_huge(&huge_world.world->core, huge_world.space, &request, &view);
}

struct huge_view huge_world_pool(void)
{
    const struct huge_request request = {.bytes = BYTES};
    struct huge_view view = {0};

    EXPECT_ERR(op_huge(&huge_world.world->core, huge_world.space, &request, &view), ERR_OK);
    return view;
}

void huge_world_expect_pool(uint64_t free, uint64_t reserved)
{
    const struct huge_view view = huge_world_pool();

    EXPECT_U64(view.free, free);
    EXPECT_U64(view.reserved, reserved);
}

void huge_world_begin(void)
{
    huge_world.world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    huge_world.space = world_space(huge_world.world);
    EXPECT_ERR(huge_world_set_pool(BYTES, POOL), ERR_OK);
    core_settle(&huge_world.world->core);
    huge_world.frames_free = pool_free(&huge_world.world->core);
}

void huge_world_end(void)
{
    world_audit(huge_world.world);
    EXPECT_ERR(op_unmap(&huge_world.world->core, huge_world.space, world_address(RANGE_USER_FIRST),
                        (uint64_t)(RANGE_USER_END - RANGE_USER_FIRST) * PAGE_SIZE),
               ERR_OK);
    huge_world_expect_pool(POOL, 0);
    core_settle(&huge_world.world->core);
    EXPECT_U64(pool_free(&huge_world.world->core), huge_world.frames_free);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, huge_world.space);
    world_audit(huge_world.world);
    world_free(huge_world.world);
}

enum err huge_world_map_at(uint32_t page, uint64_t bytes, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {
        .address = world_address(page), .length = bytes, .prot = prot, .flags = flags};
    uaddr_t address = {0};
    const enum err error = op_map(&huge_world.world->core, huge_world.space, &request, &address);

    EXPECT(error != ERR_OK || (flags & MEM_MAP_FIXED) == 0 || address.v == request.address.v);
    core_done(&huge_world.world->core);
    return error;
}

void huge_world_map(uint32_t page, uint32_t pages, uint32_t flags)
{
    EXPECT_ERR(huge_world_map_at(page, pages * BYTES, RW, flags | MEM_MAP_FIXED), ERR_OK);
}

enum err huge_world_unmap(uint32_t page, uint32_t pages)
{
    return op_unmap(&huge_world.world->core, huge_world.space, world_address(page),
                    (uint64_t)pages * PAGE_SIZE);
}

enum err huge_world_protect(uint32_t page, uint32_t pages, uint32_t prot)
{
    const struct protect_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .prot = prot};

    return op_protect(&huge_world.world->core, huge_world.space, &request);
}

enum err huge_world_advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    return op_advise(&huge_world.world->core, huge_world.space, &request);
}

enum err huge_world_remap(uint32_t page, uint32_t old_pages, uint32_t new_pages, uint32_t flags,
                          uint32_t target)
{
    const struct remap_request request = {
        .address = world_address(page),
        .length_old = (uint64_t)old_pages * PAGE_SIZE,
        .length_new = (uint64_t)new_pages * PAGE_SIZE,
        .flags = flags,
        .target = world_address(target),
    };
    uaddr_t address;

    return op_remap(&huge_world.world->core, huge_world.space, &request, &address);
}

struct space *huge_world_clone(void)
{
    struct space *child = NULL;

    EXPECT_ERR(op_clone(&huge_world.world->core, huge_world.space,
                        &(struct clone_request){.priority = 10}, &child),
               ERR_OK);
    core_done(&huge_world.world->core);
    return child;
}

void huge_world_write_of(struct space *who, uint32_t page, uint64_t word)
{
    EXPECT_U64(world_write(huge_world.world, who, page, word), FAULT_READY);
}

uint64_t huge_world_read_of(struct space *who, uint32_t page)
{
    uint64_t word = 0;

    EXPECT_U64(world_read(huge_world.world, who, page, &word), FAULT_READY);
    return word;
}

const struct region *huge_world_region_of(uint32_t page)
{
    return tree_find(&huge_world.world->core, &huge_world.space->tree, page);
}
