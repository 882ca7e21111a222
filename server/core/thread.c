/* SPDX-License-Identifier: MIT */
#include "server/core/thread.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/pool.h"
#include "server/core/port.h"

STATIC_ASSERT(sizeof(struct thread) == 64, "63 records to an arena page");
STATIC_ASSERT(THREAD_NUMBERS * sizeof(uint32_t) <= PAGE_SIZE, "the table is one page");

/* Links by thread number; NULL before the first thread. */
static uint32_t *thread_table(const struct core *core)
{
    return core->head->thread_page == 0 ? NULL : arena_page(core, core->head->thread_page);
}

static struct thread *thread_at(const struct core *core, uint32_t number)
{
    const uint32_t *table = thread_table(core);

    return table == NULL || table[number] == 0 ? NULL : arena_at(core, table[number]);
}

static bool thread_has_table(struct core *core)
{
    if (core->head->thread_page == 0) {
        core->head->thread_page = arena_page_take(core);
    }
    return core->head->thread_page != 0;
}

static bool thread_has_window_page(const struct core *core, const struct space *space,
                                   uint32_t window_page)
{
    for (uint32_t number = 0; number < THREAD_NUMBERS; number++) {
        const struct thread *thread = thread_at(core, number);

        if (thread != NULL && thread->space == space->number &&
            thread->window_page == window_page) {
            return true;
        }
    }
    return false;
}

/* Number 0 is the memory server's own first thread. Returns: 0 if none is free. */
static uint32_t thread_free_number(const struct core *core)
{
    for (uint32_t number = 1; number < THREAD_NUMBERS; number++) {
        if (thread_at(core, number) == NULL) {
            return number;
        }
    }
    return 0;
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
    space->threads++;
    thread_table(core)[number] = link;
    return thread;
}

static void thread_delist(struct core *core, struct thread *thread)
{
    struct space *space = arena_page(core, thread->space);

    ASSERT(space->threads > 0);
    space->threads--;
    thread_table(core)[thread->number] = 0;
    slab_give(core, &core->head->threads, arena_link(core, thread));
    budget_give_thread(core, space);
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

/* Have one page table of the space's window. */
static bool thread_make_window_level(struct core *core, struct space *space, uint32_t level,
                                     uint32_t *field)
{
    if (*field != 0) {
        return true;
    }
    uint32_t frame = budget_take_frame(core, space, FRAME_TABLE);

    if (frame == 0) {
        return false;
    }
    intent_step_space(core, STEP_WINDOW_TABLE, space, level, 0, frame, 0);
    port_window_table_add(core->port, space->kernel, level, 0, pool_pfn(core, frame));
    *field = frame;
    intent_step_done(core);
    return true;
}

static bool thread_make_window(struct core *core, struct space *space)
{
    bool is_adopted = space->object_frame == 0;

    /* The kernel made the window of a space that it built. */
    return is_adopted || (thread_make_window_level(core, space, 1, &space->window_table) &&
                          thread_make_window_level(core, space, 0, &space->window_leaf));
}

enum err thread_make(struct core *core, struct space *space, uint32_t window_page,
                     uint32_t priority, struct thread **thread)
{
    limit_begin(space);
    if (window_page >= THREAD_NUMBERS) {
        return limit_refuse(space, ERR_RANGE);
    }
    if (thread_has_window_page(core, space, window_page)) {
        return limit_refuse(space, ERR_EXIST);
    }
    if (!thread_has_table(core) || !thread_make_window(core, space)) {
        return limit_refuse_frames(core, space, 1);
    }
    uint32_t number = thread_free_number(core);

    if (number == 0) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_SPACES, THREAD_NUMBERS,
                                 core->head->threads.records, 1);
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
    ASSERT(number < THREAD_NUMBERS && window_page < THREAD_NUMBERS);
    if (!thread_has_table(core)) {
        return ERR_NOMEM;
    }
    if (thread_at(core, number) != NULL) {
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
    struct thread *thread = number < THREAD_NUMBERS ? thread_at(core, (uint32_t)number) : NULL;

    return thread != NULL && thread->is_live != 0 ? thread : NULL;
}

void thread_end(struct core *core, struct thread *thread)
{
    thread->is_live = 0;
    if (thread->object_frame != 0) {
        if (thread->kernel.v != 0) {
            port_frame_release(core->port, thread->kernel);
        }
        thread_give_frame(core, thread, thread->object_frame);
    }
    if (thread->message_frame != 0) {
        thread_give_frame(core, thread, thread->message_frame);
    }
    thread_delist(core, thread);
}

void thread_end_all(struct core *core, struct space *space)
{
    for (uint32_t number = 0; number < THREAD_NUMBERS && space->threads > 0; number++) {
        struct thread *thread = thread_at(core, number);

        if (thread != NULL && thread->space == space->number) {
            thread_end(core, thread);
        }
    }
}

void thread_end_window(struct core *core, struct space *space)
{
    if (space->window_leaf != 0) {
        port_window_table_remove(core->port, space->kernel, 0, 0,
                                 pool_pfn(core, space->window_leaf));
        budget_give_frame(core, space, space->window_leaf);
        space->window_leaf = 0;
    }
    if (space->window_table != 0) {
        port_window_table_remove(core->port, space->kernel, 1, 0,
                                 pool_pfn(core, space->window_table));
        budget_give_frame(core, space, space->window_table);
        space->window_table = 0;
    }
}

void thread_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_WINDOW_TABLE) {
        const struct space *space = arena_page(core, intent->step_space);

        port_window_table_remove(core->port, space->kernel, intent->level, intent->where,
                                 pool_pfn(core, intent->frame));
        pool_give(core, intent->frame);
        intent_step_done(core);
    }
    for (uint32_t number = 0; number < THREAD_NUMBERS; number++) {
        struct thread *thread = thread_at(core, number);

        if (thread != NULL && thread->is_live == 0) {
            thread_end(core, thread);
        }
    }
}

uint64_t thread_audit(const struct core *core)
{
    uint64_t frames = 0;

    for (uint32_t number = 0; number < THREAD_NUMBERS; number++) {
        const struct thread *thread = thread_at(core, number);

        if (thread != NULL) {
            ASSERT(thread->number == number && thread->is_live != 0);
            frames += thread->object_frame != 0 ? 2 : 0;
        }
    }
    return frames;
}
