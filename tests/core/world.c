/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_NORESERVE, MAP_ANONYMOUS */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/shadow.h"

static unsigned char *world_arena(void)
{
    void *memory = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    ASSERT(memory != MAP_FAILED);
    return memory;
}

/* A world whose core gets these ranges. */
static struct world *world_boot(const struct core_range *ranges, uint32_t range_count,
                                uint32_t commit_mode)
{
    struct world *world = calloc(1, sizeof *world);

    ASSERT(world != NULL);
    world->arena = world_arena();
    world->port = model_make(world->arena);
    model_wire(world->port, WORLD_ARCHIVE, WORLD_WIRED, WORLD_WORD);
    const struct core_boot boot = {
        .arena = world->arena,
        .port = world->port,
        .lowest = {MODEL_BASE},
        .end = {MODEL_BASE + MODEL_FRAMES},
        .ranges = ranges,
        .range_count = range_count,
        .commit_mode = commit_mode,
        .thread_numbers = MODEL_WINDOWS * MODEL_ENTRIES,
    };
    enum err error = core_init(&boot, &world->core);

    ASSERT(error == ERR_OK);
    return world;
}

struct world *world_make(uint32_t frames, uint32_t commit_mode)
{
    ASSERT(frames >= 64 && frames <= WORLD_FRAMES);
    uint32_t small = frames / 8;
    const struct core_range ranges[] = {
        {{MODEL_BASE + 10}, {small}},
        {{MODEL_BASE + 20 + small}, {frames - small}},
    };
    return world_boot(ranges, 2, commit_mode);
}

struct world *world_make_at(uint32_t start, uint32_t frames, uint32_t commit_mode)
{
    ASSERT(frames >= 64 && start + frames <= WORLD_ARCHIVE);
    const struct core_range range = {{MODEL_BASE + start}, {frames}};

    return world_boot(&range, 1, commit_mode);
}

void world_free(struct world *world)
{
    int failed = munmap(world->arena, ARENA_BYTES);

    ASSERT(failed == 0);
    model_free(world->port);
    free(world);
}

void world_end(struct world *world, struct space *last)
{
    world_audit(world);
    space_end(&world->core, last);
    world_audit(world);
    ASSERT(world->core.head->pool.cow == 0); /* no page is anybody's */
    world_free(world);
}

/* Copy the pages that are backed. */
static void world_copy_arena(unsigned char *to, const struct world *from)
{
    for (uint32_t page = 0; page < ARENA_PAGES; page++) {
        if (from->core.head->table_frame[page / ARENA_BLOCK] == 0) {
            page |= ARENA_BLOCK - 1;
        } else if (arena_frame(&from->core, page) != 0) {
            memcpy(to + (uint64_t)page * PAGE_SIZE, arena_page(&from->core, page), PAGE_SIZE);
        }
    }
}

void world_copy(struct world *to, const struct world *from)
{
    model_copy(to->port, from->port);
    world_copy_arena(to->arena, from);
    core_attach(to->arena, 0, to->port, &to->core);
}

void world_restart(struct world *world)
{
    unsigned char *arena = world_arena();
    unsigned char *old = world->arena;

    world_copy_arena(arena, world);
    world->arena = arena;
    world->port->arena = arena;
    core_attach(arena, 0, world->port, &world->core);
    int failed = munmap(old, ARENA_BYTES);

    ASSERT(failed == 0);
}

struct space_settings world_settings(void)
{
    return (struct space_settings){
        .lowest = {0x10000},
        .base = {UINT64_C(0x3ff0000000)},
        .regions_max = MEM_MAX_MAP_COUNT_DEFAULT,
        .pages_max = MEM_UNLIMITED,
        .data_max = MEM_UNLIMITED,
        .stack_max = MEM_UNLIMITED,
        .locked_max = MEM_UNLIMITED,
        .priority = 10,
    };
}

struct space *world_space(struct world *world)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;
    enum err error = space_make(&world->core, &settings, &space);

    ASSERT(error == ERR_OK);
    return space;
}

struct space *world_space_with_records(struct world *world)
{
    struct space *space = world_space(world);

    for (uint32_t i = 0; i < 8; i++) {
        world_map(world, space, 0x1000 + 2 * i, 1, MEM_PROT_READ | MEM_PROT_WRITE);
    }
    enum err error = op_unmap(&world->core, space, world_address(0x1000), 16 * PAGE_SIZE);

    ASSERT(error == ERR_OK);
    return space;
}

struct space *world_clone(struct world *world, struct space *from)
{
    struct space *clone = NULL;
    enum err error = op_clone(&world->core, from, &(struct clone_request){.priority = 10}, &clone);

    ASSERT(error == ERR_OK);
    core_done(&world->core);
    return clone;
}

struct space *world_find(const struct world *world, uint64_t number)
{
    struct space *space = space_find(&world->core, number);

    ASSERT(space != NULL);
    return space;
}

enum fault_outcome world_touch(struct world *world, struct space *space, uint32_t page,
                               uint32_t access, uint64_t *word)
{
    for (int tries = 0; tries < 3; tries++) {
        const struct model_entry *leaf = model_leaf(world->port, space->kernel, page);
        struct fault_answer answer = {0};

        if (leaf != NULL && (leaf->prot & access) != 0) {
            if (access == MEM_PROT_WRITE) {
                model_write(world->port, leaf->frame, *word);
            } else {
                *word = model_read(world->port, leaf->frame);
            }
            return FAULT_READY;
        }
        enum fault_outcome outcome =
            fault_handle(&world->core, space, page_to_vpn(page), access, &answer);

        if (outcome != FAULT_READY) {
            return outcome;
        }
        fault_install(&world->core, space, page, &answer);
        core_done(&world->core);
        if (world->port->drops_as_is && answer.how == PORT_AS_IS) {
            return FAULT_READY;
        }
    }
    UNREACHABLE();
}

enum fault_outcome world_write(struct world *world, struct space *space, uint32_t page,
                               uint64_t word)
{
    return world_touch(world, space, page, MEM_PROT_WRITE, &word);
}

enum fault_outcome world_read(struct world *world, struct space *space, uint32_t page,
                              uint64_t *word)
{
    return world_touch(world, space, page, MEM_PROT_READ, word);
}

void world_map(struct world *world, struct space *space, uint32_t page, uint32_t pages,
               uint32_t prot)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;
    enum err error = op_map(&world->core, space, &request, &address);

    ASSERT(error == ERR_OK);
    ASSERT(address.v == request.address.v);
    core_done(&world->core);
}

struct object *world_object(struct world *world, uint32_t pages)
{
    struct object *object = NULL;
    enum err error = object_make_wired(&world->core, (pfn_t){MODEL_BASE + WORLD_ARCHIVE},
                                       (npages_t){pages}, &object);

    ASSERT(pages <= WORLD_WIRED);
    ASSERT(error == ERR_OK);
    return object;
}

void world_starve(struct world *world, uint64_t left)
{
    core_settle(&world->core);
    while (pool_free(&world->core) > left) {
        uint32_t frame = pool_take(&world->core, FRAME_OBJECT, 0, 0);

        ASSERT(frame != 0);
        /* Out of play for good: the total knows nothing of it any longer. */
        world->core.head->pool.total--;
    }
}

void world_budget(struct space *space, uint64_t left)
{
    struct budget *budget = &space->budget;
    uint64_t used = budget->limit - (uint64_t)budget->left;

    ASSERT(space->payer == space->number);
    budget->limit = used + left;
    budget->left = (int64_t)left;
}

/* A leaf shows the frame that the shadow or the object says, and for writing only where it may. */
static void world_audit_leaf(const struct world *world, const struct region *region, uint32_t page,
                             uint64_t entry, const struct model_entry *leaf)
{
    const struct core *core = &world->core;
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);
    uint64_t offset = region->offset + (page - region->first);
    bool is_writable = false;
    pfn_t pfn;

    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        pfn = pool_pfn(core, shadow_entry_frame(entry));
        is_writable = true;
        break;
    case SHADOW_SHARED:
        pfn = pool_pfn(core, shadow_entry_frame(entry));
        break;
    case SHADOW_ZERO:
        pfn = pool_pfn(core, core->head->pool.zero_frame);
        break;
    case SHADOW_WIRED:
        ASSERT(object != NULL);
        is_writable = (region->flags & REGION_SHARED) != 0 && object->kind != OBJECT_WIRED &&
                      (object->kind != OBJECT_PAGED || paged_is_writable(core, object, offset));
        pfn = object_has_frames(object) ? pool_pfn(core, content_frame(core, object, offset))
                                        : object_pfn(object, offset);
        break;
    case SHADOW_SWAPPED:
        pfn = pool_pfn(core, swap_frame(core, shadow_entry_frame(entry)));
        break;
    case SHADOW_ABSENT:
        UNREACHABLE();
    }
    ASSERT(MODEL_BASE + leaf->frame == pfn.v);
    ASSERT(is_writable || (leaf->prot & MEM_PROT_WRITE) == 0);
}

/* Leaves of a region of huge pages show those of its object, whole, and for writing none of two. */
static void world_audit_huge(const struct world *world, const struct space *space,
                             const struct region *region)
{
    const struct core *core = &world->core;
    const struct object *object = object_at(core, region->object);
    const uint32_t unit = huge_region_unit(core, region);

    ASSERT(region->first % unit == 0 && region->end % unit == 0 && region->offset % unit == 0);
    for (uint32_t page = region->first; page < region->end; page += unit) {
        const struct model_entry *leaf = model_leaf(world->port, space->kernel, page);
        const uint32_t frame =
            huge_frame(core, object, (region->offset + (page - region->first)) / unit);

        if (leaf == NULL) {
            continue;
        }
        ASSERT(frame != 0 && leaf->pages == unit);
        ASSERT(MODEL_BASE + leaf->frame == pool_pfn(core, frame).v);
        ASSERT((leaf->prot & ~region_rights(region->flags)) == 0);
        ASSERT((leaf->prot & MEM_PROT_WRITE) == 0 || huge_pool_names(core, frame) == 1);
    }
}

/* Every leaf of a space is what the shadow says, and no more than the region allows. */
static void world_audit_space(const struct world *world, struct space *space)
{
    const struct core *core = &world->core;

    for (const struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        if (huge_is_region(region)) {
            world_audit_huge(world, space, region);
            continue;
        }
        for (uint32_t page = region->first; page < region->end; page++) {
            const struct model_entry *leaf = model_leaf(world->port, space->kernel, page);
            const uint64_t entry = page_entry(core, space, page);

            if (leaf == NULL) {
                page = shadow_find(core, space, page) == NULL ? page | 511 : page;
                continue;
            }
            ASSERT(entry != 0);
            ASSERT((leaf->prot & ~region_rights(region->flags)) == 0 ||
                   space->work.phase == WORK_RESTRICT_GO);
            world_audit_leaf(world, region, page, entry, leaf);
        }
    }
}

/* As many entries name each copy-on-write frame as its record says. */
static void world_audit_cow(const struct world *world)
{
    static uint32_t named[MODEL_FRAMES];
    const struct core *core = &world->core;

    memset(named, 0, sizeof named);
    for (struct space *space = space_first(core); space != NULL; space = space_next(core, space)) {
        struct range rest = range_of(0, RANGE_PAGES);

        for (uint32_t page = page_next(core, space, rest); page < rest.end;
             page = page_next(core, space, rest)) {
            uint64_t entry = page_entry(core, space, page);

            if (shadow_entry_state(entry) == SHADOW_SHARED) {
                ASSERT(shadow_entry_frame(entry) < MODEL_FRAMES);
                named[shadow_entry_frame(entry)]++;
            }
            rest.first = page + 1;
        }
    }
    for (uint32_t frame = 1; frame < MODEL_FRAMES; frame++) {
        ASSERT(named[frame] == 0 || named[frame] == pool_record(core, frame)->references);
    }
}

/* As many pins name each frame as its record says. */
static void world_audit_pins(const struct world *world)
{
    static uint32_t named[MODEL_FRAMES];
    const struct core *core = &world->core;

    memset(named, 0, sizeof named);
    for (struct pin *pin = pin_before(core, RADIX_INDEX_END); pin != NULL;
         pin = pin_before(core, pin->number)) {
        for (uint32_t i = 0; i < pin->count; i++) {
            const uint32_t frame = pin_frames(core, pin)[i];

            if ((frame & PIN_FOR_GOOD) == 0) {
                ASSERT(frame < MODEL_FRAMES);
                named[frame]++;
            }
        }
    }
    for (uint32_t frame = 1; frame < MODEL_FRAMES; frame++) {
        ASSERT(named[frame] == 0 || named[frame] == pool_record(core, frame)->pins);
    }
}

/* Whether core has a frame of the model among those that nobody has. */
static bool is_free(const struct core *core, uint32_t model)
{
    const uint32_t frame = pool_frame(core, (pfn_t){MODEL_BASE + model});
    const bool is_recorded = arena_frame(core, ARENA_RECORDS + frame / POOL_RECORDS) != 0;

    return is_recorded && core->frames[frame].kind == FRAME_FREE;
}

void world_audit(const struct world *world)
{
    const struct core *core = &world->core;
    struct core each = world->core;
    uint64_t leaves = 0;
    uint64_t present = 0;

    core_audit(core);
    world_audit_cow(world);
    world_audit_pins(world);
    model_audit(world->port);
    for (struct space *space = space_first(core); space != NULL; space = space_next(core, space)) {
        world_audit_space(world, space);
        present += space->own + space->zero + space->wired;
        for (const struct region *region = tree_first(core, &space->tree); region != NULL;
             region = tree_next(core, region)) {
            present += huge_is_region(region) ? huge_count(&each, region) : 0;
        }
    }
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        const struct model_frame *model = &world->port->frames[i];
        const bool may_be_free =
            model->mappings == 0 && (model->kind == MODEL_FREE || model->kind == MODEL_USER);

        leaves += model->mappings;
        ASSERT(may_be_free || !is_free(core, i)); /* most may: core is asked of the others */
    }
    /* No leaf is left where core knows of no page. */
    ASSERT(leaves <= present);
}
