/* SPDX-License-Identifier: MIT */
#include "scene_huge.h"

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/huge.h"

#define POOL   4u
#define UNIT   512u
#define BYTES  ((uint64_t)UNIT * PAGE_SIZE)
#define FRAMES (POOL * UNIT + 700u)
#define THERE  (SCENE_HUGE + 16 * UNIT)
#define STEPS  (UNIT / (HUGE_STEP / 2)) /* of a copy */

#define PRIVATE (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB | MEM_MAP_FIXED)
#define SHARED  (MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB | MEM_MAP_FIXED)

static struct space *first(const struct scene *scene)
{
    return world_find(scene->world, scene->first);
}

static struct space *second(const struct scene *scene)
{
    return world_find(scene->world, scene->second);
}

static struct core *core_of(const struct scene *scene)
{
    return &scene->world->core;
}

static enum err map_in(const struct scene *scene, struct space *space, uint32_t page,
                       uint32_t units, uint32_t flags)
{
    const struct map_request request = {.address = world_address(page),
                                        .length = units * BYTES,
                                        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                        .flags = flags};
    uaddr_t address;

    return op_map(core_of(scene), space, &request, &address);
}

static enum err outcome_to_err(enum fault_outcome outcome)
{
    ASSERT(outcome == FAULT_READY || outcome == FAULT_NO_FRAME);
    return outcome == FAULT_READY ? ERR_OK : ERR_NOMEM;
}

static enum err pin_in(const struct scene *scene, struct space *owner, struct space *space,
                       uint32_t page, uint32_t pages, uint64_t *number)
{
    const struct pin_request request = {
        .owner = owner, .address = world_address(page), .pages = pages, .flags = MEM_PIN_GET};
    struct pin_answer answer;
    const enum err error = op_pin(core_of(scene), space, &request, &answer);

    if (error != ERR_OK) {
        return error;
    }
    *number = answer.pin_opt->number;
    /* With fewer pages than asked for, frames were short in the middle. */
    if (answer.pages != pages) {
        pin_drop(core_of(scene), answer.pin_opt);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

/* All but the last step of the copy that the first needs to write to A. */
static void begin_copy(const struct scene *scene)
{
    struct core *core = core_of(scene);
    struct fault_answer answer;

    core->has_turns = true;
    for (uint32_t i = 0; i + 1 < STEPS; i++) {
        const enum fault_outcome outcome =
            fault_handle(core, first(scene), page_to_vpn(SCENE_HUGE), MEM_PROT_WRITE, &answer);

        ASSERT(outcome == FAULT_WAIT && core->need.kind == NEED_TURN);
        core->need = (struct need){0};
    }
    core->has_turns = false;
}

static void clean_a_page(struct core *core)
{
    bool is_clean = false;

    shared_enter(core);
    while (!is_clean) {
        is_clean = huge_pool_clean(core, 1);
    }
    shared_leave(core);
}

void scene_huge_make(struct scene *scene)
{
    const struct huge_request request = {.is_set = true, .bytes = BYTES, .pages = POOL};
    struct huge_view view;
    struct space *clone = NULL;

    *scene = (struct scene){.world = world_make(FRAMES, COMMIT_NEVER)};
    scene->object = world_object(scene->world, 8);
    struct space *one = world_space(scene->world);
    struct space *two = world_space(scene->world);

    scene->first = one->number;
    scene->second = two->number;
    enum err error = op_huge(core_of(scene), one, &request, &view);

    ASSERT(error == ERR_OK);
    world_map(scene->world, two, scene_page(0), 4, 3);
    error = map_in(scene, one, SCENE_HUGE, 2, PRIVATE);
    ASSERT(error == ERR_OK);
    error = map_in(scene, two, SCENE_HUGE, 1, SHARED);
    ASSERT(error == ERR_OK);
    enum fault_outcome outcome = world_write(scene->world, one, SCENE_HUGE + 1, 11);

    ASSERT(outcome == FAULT_READY);
    outcome = world_write(scene->world, two, SCENE_HUGE + 2, 12);
    ASSERT(outcome == FAULT_READY);
    error = pin_in(scene, one, two, SCENE_HUGE + 2, 1, &scene->pin);
    ASSERT(error == ERR_OK);
    error = op_clone(core_of(scene), one, &(struct clone_request){.priority = 10}, &clone);
    ASSERT(error == ERR_OK);
    begin_copy(scene);
    clean_a_page(core_of(scene));
    scene_use_up_records(scene->world);
    world_audit(scene->world);
}

static enum err map_elsewhere(const struct scene *scene)
{
    return map_in(scene, first(scene), THERE, 2, PRIVATE | MEM_MAP_NORESERVE);
}

static enum err map_shared_over_private(const struct scene *scene)
{
    return map_in(scene, first(scene), SCENE_HUGE + UNIT, 1, SHARED);
}

static enum err map_over_all(const struct scene *scene)
{
    return map_in(scene, first(scene), SCENE_HUGE, 1, PRIVATE | MEM_MAP_NORESERVE);
}

static enum err map_small_over_huge(const struct scene *scene)
{
    const struct map_request request = {
        .address = world_address(SCENE_HUGE + UNIT),
        .length = BYTES,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;

    return op_map(core_of(scene), first(scene), &request, &address);
}

static enum err unmap_one(const struct scene *scene)
{
    return op_unmap(core_of(scene), first(scene), world_address(SCENE_HUGE), BYTES);
}

static enum err unmap_shared(const struct scene *scene)
{
    return op_unmap(core_of(scene), second(scene), world_address(SCENE_HUGE), BYTES);
}

static enum err protect_one(const struct scene *scene)
{
    const struct protect_request request = {
        .address = world_address(SCENE_HUGE), .length = BYTES, .prot = MEM_PROT_NONE};

    return op_protect(core_of(scene), first(scene), &request);
}

static enum err give_back(const struct scene *scene)
{
    const struct advise_request request = {
        .address = world_address(SCENE_HUGE), .length = 2 * BYTES, .advice = MEM_ADVISE_DONTNEED};

    return op_advise(core_of(scene), first(scene), &request);
}

static enum err take_out(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(SCENE_HUGE), .length = BYTES};

    return op_remove(core_of(scene), second(scene), &request);
}

static enum err take_out_part(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(SCENE_HUGE + 1),
                                           .length = 4 * PAGE_SIZE};

    return op_remove(core_of(scene), second(scene), &request);
}

static enum err remap(const struct scene *scene, uint32_t units, uint32_t flags)
{
    const struct remap_request request = {.address = world_address(SCENE_HUGE),
                                          .length_old = 2 * BYTES,
                                          .length_new = units * BYTES,
                                          .flags = flags,
                                          .target = world_address(THERE)};
    uaddr_t address;

    return op_remap(core_of(scene), first(scene), &request, &address);
}

static enum err move(const struct scene *scene)
{
    return remap(scene, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED);
}

static enum err shrink(const struct scene *scene)
{
    return remap(scene, 1, 0);
}

static enum err fill(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, first(scene), SCENE_HUGE + UNIT + 5, 15));
}

static enum err copy(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, first(scene), SCENE_HUGE + 5, 16));
}

static enum err run_batch(const struct scene *scene)
{
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {world_address(SCENE_HUGE + UNIT), BYTES}},
        {.sort = BATCH_MAP,
         .map = {.address = world_address(THERE),
                 .length = BYTES,
                 .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                 .flags = PRIVATE}},
        {.sort = BATCH_PROTECT,
         .protect = {.address = world_address(SCENE_HUGE), .length = BYTES, .prot = 1}},
        {.sort = BATCH_ADVISE,
         .advise = {.address = world_address(SCENE_HUGE),
                    .length = BYTES,
                    .advice = MEM_ADVISE_DONTNEED}},
    };
    uint32_t refused;

    return op_batch(core_of(scene), first(scene), ops, sizeof ops / sizeof ops[0], &refused);
}

static enum err replace_all_in_a_batch(const struct scene *scene)
{
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {world_address(SCENE_HUGE), BYTES}},
        {.sort = BATCH_MAP,
         .map = {.address = world_address(SCENE_HUGE),
                 .length = 2 * BYTES,
                 .prot = MEM_PROT_READ,
                 .flags = SHARED | MEM_MAP_NORESERVE}},
        {.sort = BATCH_UNMAP, .unmap = {world_address(SCENE_HUGE), BYTES}},
    };
    uint32_t refused;

    return op_batch(core_of(scene), second(scene), ops, sizeof ops / sizeof ops[0], &refused);
}

static enum err clone(const struct scene *scene)
{
    struct space *made;

    return op_clone(core_of(scene), first(scene), &(struct clone_request){.priority = 10}, &made);
}

/* A has to be copied first. */
static enum err pin_parts(const struct scene *scene)
{
    uint64_t number;

    return pin_in(scene, second(scene), first(scene), SCENE_HUGE + UNIT - 2, 4, &number);
}

static enum err unpin(const struct scene *scene)
{
    return op_unpin(core_of(scene), first(scene), scene->pin, 0);
}

static enum err end_the_first(const struct scene *scene)
{
    space_end(core_of(scene), first(scene));
    return ERR_OK;
}

static enum err end_the_second(const struct scene *scene)
{
    space_end(core_of(scene), second(scene));
    return ERR_OK;
}

const struct scene_case scene_huge_cases[] = {
    {"map huge pages elsewhere", map_elsewhere, false, ERR_NOMEM, SCENE_FIRST},
    {"map shared over a promise", map_shared_over_private, false, ERR_NOMEM, SCENE_FIRST},
    {"map over a huge page", map_over_all, false, ERR_NOMEM, SCENE_FIRST},
    {"map small pages over a huge one", map_small_over_huge, false, ERR_NOMEM, SCENE_FIRST},
    {"unmap one of two huge pages", unmap_one, false, ERR_NOMEM, SCENE_FIRST},
    {"unmap a shared huge page", unmap_shared, false, ERR_NOMEM, SCENE_SECOND},
    {"protect a huge page", protect_one, false, ERR_NOMEM, SCENE_FIRST},
    {"give huge pages back", give_back, false, ERR_AGAIN, SCENE_FIRST},
    {"take out a huge page", take_out, false, ERR_NOMEM, SCENE_ALL},
    {"take out part of a huge page", take_out_part, true, ERR_NOMEM, SCENE_ALL},
    {"move huge pages", move, false, ERR_NOMEM, SCENE_FIRST},
    {"shrink a region of huge pages", shrink, false, ERR_NOMEM, SCENE_FIRST},
    {"fill a huge page", fill, true, ERR_NOMEM, SCENE_FIRST},
    {"copy a huge page", copy, false, ERR_NOMEM, SCENE_FIRST},
    {"run a batch of huge pages", run_batch, false, ERR_NOMEM, SCENE_PROCESSES},
    {"replace huge pages in a batch", replace_all_in_a_batch, false, ERR_NOMEM, SCENE_ALL},
    {"clone huge pages", clone, false, ERR_NOMEM, SCENE_PROCESSES},
    {"pin parts of huge pages", pin_parts, true, ERR_NOMEM, SCENE_BOTH},
    {"unpin a huge page", unpin, false, ERR_NOMEM, SCENE_FIRST},
    {"end a space with huge pages", end_the_first, false, ERR_NOMEM, SCENE_PROCESSES},
    {"end a space with pinned huge pages", end_the_second, false, ERR_NOMEM, SCENE_ALL},
};
const size_t scene_huge_case_count = sizeof scene_huge_cases / sizeof scene_huge_cases[0];
