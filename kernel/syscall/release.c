/* SPDX-License-Identifier: MIT */
/*
 * FRAME_RELEASE: donated frames go back when what they held has ended (abi/authority.h).
 */
#include <riscv/direct.h>

#include "syscall/syscall.h"
#include "task/slab.h"

static enum err release_thread(struct thread *thread) REQUIRES(task_lock, memory_lock)
{
    if (!thread_is_in(thread, THREAD_ENDED)) {
        return ERR_BUSY;
    }
    list_remove(&thread->death.link);
    aspace_unmap_message(&thread->space->aspace, thread->window_page);
    aspace_unmap_message(&thread_current()->space->aspace, thread->number);
    frame_release(direct_to_pfn(thread->message));
    thread_fini(thread);
    frame_release(direct_to_pfn(thread));
    return ERR_OK;
}

/* No thread may believe any longer that it knows a cell of `slab` (task/thread.h I4). */
static void release_cells(const struct cell *slab) REQUIRES(task_lock)
{
    const struct hart *hart = hart_self();

    for (uint64_t i = 0; i < hart->thread_max; i++) {
        struct thread *thread = hart->threads[i];
        if (thread != NULL && thread->waits_on != NULL &&
            pfn_is_equal(direct_to_pfn(thread->waits_on), direct_to_pfn(slab))) {
            thread->waits_on = NULL;
        }
    }
}

static enum err release_slab(struct cell *slab) REQUIRES(task_lock, memory_lock)
{
    struct space *space = slab[0].link.owner;

    if (space->state != SPACE_ENDED) {
        return ERR_BUSY;
    }
    uint64_t at = 0;
    while (space->slabs[at] != slab) {
        at++;
        ASSERT(at < space->slab_count);
    }
    space->slab_count--;
    space->slabs[at] = space->slabs[space->slab_count];
    release_cells(slab);
    frame_release(direct_to_pfn(slab));
    return ERR_OK;
}

static enum err release_slots(struct handle_slot *slots)
    REQUIRES(task_lock, handle_lock, memory_lock)
{
    struct space *space = (struct space *)(uintptr_t)slots[0].badge;

    if (space->state != SPACE_ENDED) {
        return ERR_BUSY;
    }
    uint64_t at = 0;
    while (space->slot_frames[at] != slots) {
        at++;
        ASSERT(at < space->slot_frame_count);
    }
    space->slot_frame_count--;
    space->slot_frames[at] = space->slot_frames[space->slot_frame_count];
    frame_release(direct_to_pfn(slots));
    return ERR_OK;
}

static enum err release_space(struct space *space) REQUIRES(task_lock, handle_lock, memory_lock)
{
    if (space->state != SPACE_ENDED || !list_is_empty(&space->threads) || space->slab_count != 0 ||
        space->slot_frame_count != 0 || !aspace_is_empty(&space->aspace)) {
        return ERR_BUSY;
    }
    list_remove(&space->death.link);
    aspace_fini(&space->aspace);
    frame_release(direct_to_pfn(space));
    return ERR_OK;
}

static enum err release_frame(pfn_t pfn) REQUIRES(task_lock, handle_lock, memory_lock)
{
    if (frame_is_object(pfn, OBJECT_THREAD)) {
        return release_thread(frame_address(pfn));
    }
    if (frame_is_object(pfn, OBJECT_ENDPOINT)) {
        return release_slab(frame_address(pfn));
    }
    if (frame_is_object(pfn, OBJECT_HANDLES)) {
        return release_slots(frame_address(pfn));
    }
    if (frame_is_object(pfn, OBJECT_SPACE)) {
        return release_space(frame_address(pfn));
    }
    return ERR_FRAME_KIND;
}

struct sys_result sys_frame_release(uint64_t frame)
{
    enum err error = authority_check();

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    lock_take(&task_lock);
    lock_take(&handle_lock);
    lock_take(&memory_lock);
    error = release_frame(pfn_from_number(frame));
    lock_release(&memory_lock);
    lock_release(&handle_lock);
    lock_release(&task_lock);
    return sys_make_error(error);
}
