/* SPDX-License-Identifier: MIT */
#include "scene.h"
#include "scene_advise.h"
#include "scene_huge.h"
#include "scene_large.h"
#include "scene_object.h"
#include "scene_pin.h"
#include "scene_space.h"

#include <base/assert.h>
#include <mem/prot.h>

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

static enum err map_elsewhere(const struct scene *scene)
{
    return scene_map(scene, 0, 3, 3, MEM_MAP_PRIVATE, false);
}

static enum err map_joining_both_sides(const struct scene *scene)
{
    return scene_map(scene, 12, 1, 3, MEM_MAP_PRIVATE | MEM_MAP_FIXED, false);
}

static enum err map_over_everything(const struct scene *scene)
{
    uint32_t pages = scene_page(11) - scene_page(1);

    return scene_map(scene, 1, pages, 1, MEM_MAP_PRIVATE | MEM_MAP_FIXED, false);
}

static enum err map_object_into_the_middle(const struct scene *scene)
{
    return scene_map(scene, 1, 1, 1, MEM_MAP_SHARED | MEM_MAP_FIXED, true);
}

static enum err map_shared(const struct scene *scene)
{
    return scene_map(scene, 0, 4, 3, MEM_MAP_SHARED, false);
}

static enum err map_shared_over_everything(const struct scene *scene)
{
    uint32_t pages = scene_page(11) - scene_page(1);

    return scene_map(scene, 1, pages, 3, MEM_MAP_SHARED | MEM_MAP_FIXED, false);
}

static enum err map_shared_populated(const struct scene *scene)
{
    return scene_map(scene, 0, 4, 3, MEM_MAP_SHARED | MEM_MAP_POPULATE, false);
}

static enum err map_populated(const struct scene *scene)
{
    return scene_map(scene, 0, 4, 3, MEM_MAP_PRIVATE | MEM_MAP_POPULATE, false);
}

static enum err unmap_the_middle(const struct scene *scene)
{
    return op_unmap(core_of(scene), first(scene), world_address(scene_page(1)), PAGE_SIZE);
}

static enum err unmap_everything(const struct scene *scene)
{
    return op_unmap(core_of(scene), first(scene), world_address(RANGE_USER_FIRST),
                    page_to_address(RANGE_USER_END - RANGE_USER_FIRST));
}

static enum err unmap_the_middle_of_shared(const struct scene *scene)
{
    return op_unmap(core_of(scene), second(scene), world_address(scene_page(21)), PAGE_SIZE);
}

static enum err unmap_all_of_shared(const struct scene *scene)
{
    return op_unmap(core_of(scene), second(scene), world_address(scene_page(20)), 4 * PAGE_SIZE);
}

static enum err protect_the_middle(const struct scene *scene)
{
    const struct protect_request request = {
        .address = world_address(scene_page(1)), .length = PAGE_SIZE, .prot = 1};

    return op_protect(core_of(scene), first(scene), &request);
}

static enum err protect_two_regions(const struct scene *scene)
{
    const struct protect_request request = {
        .address = world_address(scene_page(1)), .length = 3 * PAGE_SIZE, .prot = 0};

    return op_protect(core_of(scene), first(scene), &request);
}

static enum err remap(const struct scene *scene, uint32_t index, uint32_t old_pages,
                      uint32_t new_pages, uint32_t flags, uint32_t target)
{
    const struct remap_request request = {
        .address = world_address(scene_page(index)),
        .length_old = (uint64_t)old_pages * PAGE_SIZE,
        .length_new = (uint64_t)new_pages * PAGE_SIZE,
        .flags = flags,
        .target = world_address(target),
    };
    uaddr_t address;

    return op_remap(core_of(scene), first(scene), &request, &address);
}

static enum err remap_shrinking(const struct scene *scene)
{
    return remap(scene, 0, 3, 1, 0, 0);
}

static enum err remap_growing_in_place(const struct scene *scene)
{
    return remap(scene, 3, 2, 3, 0, 0);
}

static enum err remap_moving(const struct scene *scene)
{
    return remap(scene, 0, 3, 550, MEM_REMAP_MAYMOVE, 0);
}

static enum err remap_moving_over_others(const struct scene *scene)
{
    return remap(scene, 0, 2, 4, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, scene_page(6));
}

static enum err remap_without_unmapping(const struct scene *scene)
{
    return remap(scene, 1, 1, 1, MEM_REMAP_MAYMOVE | MEM_REMAP_DONTUNMAP, 0);
}

static enum err remap_duplicating_shared(const struct scene *scene)
{
    const struct remap_request request = {
        .address = world_address(scene_page(20)),
        .length_new = 6 * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE,
    };
    uaddr_t address;

    return op_remap(core_of(scene), second(scene), &request, &address);
}

static enum err resize(const struct scene *scene, uint64_t bytes)
{
    return op_object_resize(core_of(scene), second(scene), scene_memory(scene), MAP_RIGHT_WRITE,
                            bytes);
}

static enum err resize_shrinking(const struct scene *scene)
{
    return resize(scene, PAGE_SIZE + 4);
}

static enum err resize_to_nothing(const struct scene *scene)
{
    return resize(scene, 0);
}

static enum err resize_growing(const struct scene *scene)
{
    return resize(scene, 9 * PAGE_SIZE);
}

static enum err take_out_of_shared(const struct scene *scene)
{
    const struct advise_request request = {world_address(scene_page(30)), 4 * PAGE_SIZE, 0, false,
                                           false};

    return op_remove(core_of(scene), second(scene), &request);
}

static enum err copy_to_an_object(const struct scene *scene)
{
    const struct copy_object_request request = {
        .space = second(scene),
        .object = scene_memory(scene),
        .rights = MAP_RIGHT_WRITE,
        .is_to_object = true,
        .address = world_address(scene_page(20)),
        .offset = 3 * PAGE_SIZE + 100,
        .length = 2 * PAGE_SIZE,
    };
    uint64_t copied;

    return op_copy_object(core_of(scene), &request, &copied);
}

static enum err map_memory_over_itself(const struct scene *scene)
{
    const struct map_request request = {
        .address = world_address(scene_page(30)),
        .length = 3 * PAGE_SIZE,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .offset = PAGE_SIZE,
        .object = scene_memory(scene),
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    return op_map(core_of(scene), second(scene), &request, &address);
}

static enum err lock(const struct scene *scene, uint32_t pages, uint32_t flags)
{
    const struct lock_request request = {.address = world_address(scene_page(1)),
                                         .length = (uint64_t)pages * PAGE_SIZE,
                                         .flags = flags};

    enum err error = op_lock(core_of(scene), first(scene), &request);

    /* Which of the two it says tells only what there was no frame for. */
    return error == ERR_AGAIN ? ERR_NOMEM : error;
}

static enum err lock_the_middle_on_fault(const struct scene *scene)
{
    return lock(scene, 1, MEM_LOCK_ONFAULT);
}

static enum err lock_two_regions(const struct scene *scene)
{
    return lock(scene, 3, 0);
}

static enum err unlock_what_a_lock_left(const struct scene *scene)
{
    const struct lock_request request = {.address = world_address(scene_page(13) + 20),
                                         .length = PAGE_SIZE};

    return op_unlock(core_of(scene), first(scene), &request);
}

static enum err lock_all_on_fault(const struct scene *scene)
{
    return op_lock_all(core_of(scene), first(scene), MEM_LOCK_ALL_FLAGS);
}

static enum err map_locked(const struct scene *scene)
{
    return scene_map(scene, 0, 4, 3, MEM_MAP_PRIVATE | MEM_MAP_LOCKED, false);
}

static enum err outcome_to_err(enum fault_outcome outcome)
{
    ASSERT(outcome == FAULT_READY || outcome == FAULT_NO_FRAME);
    return outcome == FAULT_READY ? ERR_OK : ERR_NOMEM;
}

static enum err fault_where_no_table_is(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, first(scene), scene_page(9) + 515, 77));
}

static enum err fault_ahead_of_others(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(scene_page(13) + 40),
                                           .length = 560 * PAGE_SIZE,
                                           .advice = MEM_ADVISE_SEQUENTIAL};
    enum err error = op_advise(core_of(scene), first(scene), &request);

    core_of(scene)->head->fault_ahead = 5;
    return error != ERR_OK
               ? ERR_NOMEM
               : outcome_to_err(world_write(scene->world, first(scene), scene_page(13) + 60, 79));
}

static enum err fault_over_the_zero_frame(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, first(scene), scene_page(2), 78));
}

static enum err fault_reading_an_object(const struct scene *scene)
{
    uint64_t word;

    return outcome_to_err(world_read(scene->world, first(scene), scene_page(6) + 1, &word));
}

static enum err fault_on_a_new_shared_page(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, second(scene), scene_page(21), 79));
}

static enum err copy_between_spaces(const struct scene *scene)
{
    const struct copy_request request = {
        .to = second(scene),
        .from = first(scene),
        .to_address = {page_to_address(scene_page(0)) + 100},
        .from_address = {page_to_address(scene_page(0)) + 50},
        .length = 2 * PAGE_SIZE,
    };
    uint64_t copied;

    return op_copy(core_of(scene), &request, &copied);
}

static enum err clone_a_space(const struct scene *scene)
{
    struct space *clone;

    return op_clone(core_of(scene), first(scene), &(struct clone_request){.priority = 10}, &clone);
}

/* A page whose frame a clone has too. */
static enum err fault_on_a_shared_page(const struct scene *scene)
{
    return outcome_to_err(world_write(scene->world, second(scene), scene_page(1), 79));
}

static enum err make_a_thread(const struct scene *scene)
{
    struct thread *thread;

    return thread_make(core_of(scene), second(scene), 3, 10, &thread);
}

static enum err end_a_thread(const struct scene *scene)
{
    thread_end(core_of(scene), thread_find(core_of(scene), scene->thread));
    return ERR_OK;
}

static enum err donate_a_slab(const struct scene *scene)
{
    return space_donate(core_of(scene), first(scene), PORT_SLAB_OBJECTS);
}

static enum err settle(const struct scene *scene)
{
    core_settle(core_of(scene));
    return ERR_OK;
}

const struct scene_case scene_cases[] = {
    {"map elsewhere", map_elsewhere, false, ERR_NOMEM, SCENE_FIRST},
    {"map joining both sides", map_joining_both_sides, false, ERR_NOMEM, SCENE_FIRST},
    {"map over everything", map_over_everything, false, ERR_NOMEM, SCENE_FIRST},
    {"map an object into the middle", map_object_into_the_middle, false, ERR_NOMEM, SCENE_FIRST},
    {"map shared", map_shared, false, ERR_NOMEM, SCENE_FIRST},
    {"map shared over everything", map_shared_over_everything, false, ERR_NOMEM, SCENE_FIRST},
    {"map shared populated", map_shared_populated, true, ERR_NOMEM, SCENE_FIRST},
    {"map populated", map_populated, true, ERR_NOMEM, SCENE_FIRST},
    {"unmap the middle", unmap_the_middle, false, ERR_NOMEM, SCENE_FIRST},
    {"unmap everything", unmap_everything, false, ERR_NOMEM, SCENE_FIRST},
    {"unmap the middle of shared", unmap_the_middle_of_shared, false, ERR_NOMEM, SCENE_SECOND},
    {"unmap all of shared", unmap_all_of_shared, false, ERR_NOMEM, SCENE_SECOND},
    {"protect the middle", protect_the_middle, false, ERR_NOMEM, SCENE_FIRST},
    {"protect two regions", protect_two_regions, false, ERR_NOMEM, SCENE_FIRST},
    {"remap shrinking", remap_shrinking, false, ERR_NOMEM, SCENE_FIRST},
    {"remap growing in place", remap_growing_in_place, false, ERR_NOMEM, SCENE_FIRST},
    {"remap moving", remap_moving, false, ERR_NOMEM, SCENE_FIRST},
    {"remap moving over others", remap_moving_over_others, false, ERR_NOMEM, SCENE_FIRST},
    {"remap without unmapping", remap_without_unmapping, false, ERR_NOMEM, SCENE_FIRST},
    {"remap duplicating shared", remap_duplicating_shared, false, ERR_NOMEM, SCENE_SECOND},
    {"resize shrinking", resize_shrinking, false, ERR_NOMEM, SCENE_ALL},
    {"resize to nothing", resize_to_nothing, false, ERR_NOMEM, SCENE_ALL},
    {"resize growing", resize_growing, false, ERR_NOMEM, SCENE_ALL},
    {"take out of shared", take_out_of_shared, false, ERR_NOMEM, SCENE_ALL},
    {"make an object", make_an_object, false, ERR_NOMEM, SCENE_FIRST},
    {"name an object", name_an_object, false, ERR_NOMEM, SCENE_FIRST},
    {"take back a name", take_back_a_name, false, ERR_NOMEM, SCENE_FIRST},
    {"open a name", open_a_name, false, ERR_NOMEM, SCENE_FIRST},
    {"hold an object", hold_an_object, false, ERR_NOMEM, SCENE_FIRST},
    {"slice an object", slice_an_object, false, ERR_NOMEM, SCENE_FIRST},
    {"copy to an object", copy_to_an_object, true, ERR_NOMEM, SCENE_SECOND},
    {"map memory over itself", map_memory_over_itself, false, ERR_NOMEM, SCENE_SECOND},
    {"advise dontneed", advise_dontneed, false, ERR_NOMEM, SCENE_FIRST},
    {"advise dontfork", advise_dontfork, false, ERR_AGAIN, SCENE_FIRST},
    {"advise willneed", advise_willneed, false, ERR_NOMEM, SCENE_FIRST},
    {"advise hugepage", advise_hugepage, false, ERR_AGAIN, SCENE_FIRST},
    {"advise pageout", advise_pageout, true, ERR_NOMEM, SCENE_PROCESSES},
    {"advise in the LINUX form", advise_in_the_linux_form, true, ERR_AGAIN, SCENE_FIRST},
    {"protect in the LINUX form", protect_in_the_linux_form, true, ERR_NOMEM, SCENE_FIRST},
    {"lock in the LINUX form", lock_in_the_linux_form, true, ERR_NOMEM, SCENE_FIRST},
    {"advise populate write", advise_populate_write, true, ERR_NOMEM, SCENE_FIRST},
    {"lock the middle on fault", lock_the_middle_on_fault, false, ERR_NOMEM, SCENE_FIRST},
    {"lock two regions", lock_two_regions, false, ERR_NOMEM, SCENE_FIRST},
    {"unlock what a lock left", unlock_what_a_lock_left, false, ERR_NOMEM, SCENE_FIRST},
    {"lock all on fault", lock_all_on_fault, false, ERR_NOMEM, SCENE_FIRST},
    {"map locked", map_locked, true, ERR_NOMEM, SCENE_FIRST},
    {"fault where no table is", fault_where_no_table_is, false, ERR_NOMEM, SCENE_FIRST},
    {"fault ahead of others", fault_ahead_of_others, true, ERR_NOMEM, SCENE_FIRST},
    {"fault over the zero frame", fault_over_the_zero_frame, false, ERR_NOMEM, SCENE_FIRST},
    {"fault reading an object", fault_reading_an_object, false, ERR_NOMEM, SCENE_FIRST},
    {"fault on a new shared page", fault_on_a_new_shared_page, false, ERR_NOMEM, SCENE_SECOND},
    {"copy between spaces", copy_between_spaces, true, ERR_NOMEM, SCENE_BOTH},
    {"clone a space", clone_a_space, false, ERR_NOMEM, SCENE_PROCESSES},
    {"fault on a shared page", fault_on_a_shared_page, false, ERR_NOMEM, SCENE_SECOND},
    {"run a batch", run_a_batch, false, ERR_NOMEM, SCENE_PROCESSES},
    {"make a space", make_a_space, false, ERR_NOMEM, SCENE_PROCESSES},
    {"make a space within a budget", make_a_space_within_a_budget, false, ERR_NOMEM,
     SCENE_PROCESSES},
    {"make a space with a budget", make_a_space_with_a_budget, false, ERR_NOMEM, SCENE_PROCESSES},
    {"end a space", end_a_space, false, ERR_NOMEM, SCENE_PROCESSES},
    {"end a space with objects", end_a_space_with_objects, false, ERR_NOMEM, SCENE_ALL},
    {"unmap part of a large leaf", unmap_part_of_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"unmap a large leaf", unmap_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"protect part of a large leaf", protect_part_of_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"map over part of a large leaf", map_over_part_of_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"give back part of a large leaf", give_back_part_of_a_large_leaf, false, ERR_AGAIN,
     SCENE_FIRST},
    {"move a large leaf", move_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"fault in a large leaf", fault_in_a_large_leaf, false, ERR_NOMEM, SCENE_FIRST},
    {"take part of a large leaf in a batch", take_part_of_a_large_leaf_in_a_batch, false, ERR_NOMEM,
     SCENE_PROCESSES},
    {"make a thread", make_a_thread, false, ERR_NOMEM, SCENE_PROCESSES_SECOND},
    {"end a thread", end_a_thread, false, ERR_NOMEM, SCENE_PROCESSES_FIRST},
    {"donate a slab", donate_a_slab, false, ERR_NOMEM, SCENE_FIRST},
    {"pin a row", pin_a_row, false, ERR_NOMEM, SCENE_BOTH},
    {"pin once more", pin_once_more, false, ERR_NOMEM, SCENE_FIRST},
    {"pin a shared page", pin_a_shared_page, false, ERR_NOMEM, SCENE_SECOND},
    {"unpin", unpin, false, ERR_NOMEM, SCENE_FIRST},
    {"settle", settle, false, ERR_NOMEM, SCENE_NONE},
};
const size_t scene_case_count = sizeof scene_cases / sizeof scene_cases[0];

const struct scene_set scene_sets[SCENE_SETS] = {
    {"a bit of everything", scene_make, scene_cases, &scene_case_count},
    {"huge pages", scene_huge_make, scene_huge_cases, &scene_huge_case_count},
};
