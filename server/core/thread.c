/* SPDX-License-Identifier: MIT */
#include "server/core/thread.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/number.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "server/core/window.h"

STATIC_ASSERT(sizeof(struct thread) == 192, "21 records to an arena page");

static struct thread *thread_at(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : arena_at(core, link);
}

/* A record under `number`, not live. Returns: NULL without a frame. */
static struct thread *thread_enlist(struct core *core, struct space *space, uint32_t number,
                                    uint32_t window_page)
{
    if (!budget_take_thread(core, space)) {
        return NULL;
    }
    uint32_t link = slab_take(core, &core->head->threads);

    if (link == 0) {
        budget_give_thread(core, space);
        return NULL;
    }
    struct thread *thread = arena_at(core, link);

    thread->space = space->number;
    thread->number = number;
    thread->window_page = window_page;
    thread->next = space->thread_first;
    if (thread->next != 0) {
        thread_at(core, thread->next)->prev = link;
    }
    space->thread_first = link;
    space->threads++;
    window_take(core, space, window_page);
    number_enter(core, number, link);
    return thread;
}

static void thread_delist(struct core *core, struct thread *thread)
{
    struct space *space = arena_page(core, thread->space);
    const uint32_t number = thread->number;

    ASSERT(space->threads > 0);
    if (thread->prev != 0) {
        thread_at(core, thread->prev)->next = thread->next;
    } else {
        space->thread_first = thread->next;
    }
    if (thread->next != 0) {
        thread_at(core, thread->next)->prev = thread->prev;
    }
    space->threads--;
    window_give(core, space, thread->window_page);
    slab_give(core, &core->head->threads, arena_link(core, thread));
    budget_give_thread(core, space);
    number_leave(core, number);
}

/* A frame for a thread. Returns: 0 without one. */
static uint32_t thread_take_frame(struct core *core, struct space *space, enum frame_kind kind)
{
    uint32_t frame = budget_take_frame(core, space, kind);

    space->thread_frames += frame != 0 ? 1 : 0;
    return frame;
}

static void thread_give_frame(struct core *core, const struct thread *thread, uint32_t frame)
{
    struct space *space = arena_page(core, thread->space);

    ASSERT(space->thread_frames > 0);
    space->thread_frames--;
    budget_give_frame(core, space, frame);
}

/* Everything of a thread that the kernel has let go of, at once. */
static void thread_give(struct core *core, struct thread *thread)
{
    shared_enter(core);
    if (thread->object_frame != 0) {
        thread_give_frame(core, thread, thread->object_frame);
    }
    if (thread->message_frame != 0) {
        thread_give_frame(core, thread, thread->message_frame);
    }
    thread_delist(core, thread);
    shared_leave(core);
}

enum err thread_make(struct core *core, struct space *space, uint32_t window_page,
                     uint32_t priority, struct thread **thread)
{
    uint32_t number = 0;

    limit_begin(space);
    enum err error = window_choose(core, space, &window_page);

    if (error == ERR_OK) {
        error = number_choose(core, &number);
        if (error == ERR_RANGE) {
            return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_SPACES, core->head->thread_numbers,
                                     core->head->threads.records + number_kept(core), 1);
        }
    }
    if (error != ERR_OK) {
        return error == ERR_NOMEM ? limit_refuse_frames(core, space, 1)
                                  : limit_refuse(space, error);
    }
    struct thread *made = thread_enlist(core, space, number, window_page);

    if (made == NULL) {
        return limit_refuse_frames(core, space, 1);
    }
    made->object_frame = thread_take_frame(core, space, FRAME_OBJECT);
    made->message_frame = thread_take_frame(core, space, FRAME_MESSAGE);
    if (made->object_frame == 0 || made->message_frame == 0) {
        thread_end(core, made);
        return limit_refuse_frames(core, space, 2);
    }
    made->kernel = pool_pfn(core, made->object_frame);
    port_thread_make(core->port, space->kernel, made->kernel, pool_pfn(core, made->message_frame),
                     number, window_page, priority);
    made->is_live = 1;
    *thread = made;
    return ERR_OK;
}

enum err thread_adopt(struct core *core, struct space *space, uint32_t number, uint32_t window_page,
                      pfn_t object, struct thread **thread)
{
    ASSERT(number < NUMBER_BLOCK && window_page < WINDOW_BLOCK);
    if (!number_begin(core)) {
        return ERR_NOMEM;
    }
    if (number_link(core, number) != 0) {
        return ERR_EXIST;
    }
    struct thread *made = thread_enlist(core, space, number, window_page);

    if (made == NULL) {
        return ERR_NOMEM;
    }
    made->kernel = object;
    made->is_live = 1;
    *thread = made;
    return ERR_OK;
}

struct thread *thread_find(const struct core *core, uint64_t number)
{
    struct thread *thread = thread_at(core, number_link(core, number));

    return thread != NULL && thread->is_live != 0 ? thread : NULL;
}

struct thread *thread_find_in(const struct core *core, const struct space *space, uint64_t number)
{
    struct thread *thread = thread_at(core, space->thread_first);

    while (thread != NULL && (thread->number != number || thread->is_live == 0)) {
        thread = thread_at(core, thread->next);
    }
    return thread;
}

void thread_end(struct core *core, struct thread *thread)
{
    thread->is_live = 0;
    wait_cancel(core, thread);
    if (thread->object_frame != 0 && thread->kernel.v != 0) {
        port_frame_release(core->port, thread->kernel);
    }
    thread_give(core, thread);
}

void thread_end_all(struct core *core, struct space *space)
{
    while (space->thread_first != 0) {
        thread_end(core, thread_at(core, space->thread_first));
    }
    ASSERT(space->threads == 0);
}

void thread_recover(struct core *core)
{
    number_recover(core);
    for (uint32_t number = number_next(core, 0); number != NUMBER_END;
         number = number_next(core, number + 1)) {
        struct thread *thread = thread_at(core, number_link(core, number));

        if (thread->is_live == 0) {
            thread_end(core, thread);
        }
    }
}

uint64_t thread_audit(const struct core *core)
{
    uint64_t frames = number_audit(core);

    for (uint32_t number = number_next(core, 0); number != NUMBER_END;
         number = number_next(core, number + 1)) {
        const struct thread *thread = thread_at(core, number_link(core, number));

        ASSERT(thread->number == number && thread->is_live != 0);
        frames += thread->object_frame != 0 ? 2 : 0;
    }
    return frames;
}
