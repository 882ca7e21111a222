/* SPDX-License-Identifier: MIT */
#include "server/core/op_pager.h"

#include <stddef.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/hold.h"
#include "server/core/limit.h"
#include "server/core/orphan.h"
#include "server/core/page.h"
#include "server/core/pager.h"
#include "server/core/populate.h"
#include "server/core/pull.h"
#include "server/core/region.h"
#include "server/core/reserve.h"
#include "server/core/saving.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/upkeep.h"

enum err op_pager_check(const struct core *core, struct space *space, const struct object *named)
{
    if (named->kind != OBJECT_PAGER) {
        return limit_refuse(space, ERR_TYPE);
    }
    return pager_of(core, named)->space == space->number ? ERR_OK : limit_refuse(space, ERR_PERM);
}

/* Room for an object with a hold, and `pages` arena pages more. */
static enum err pager_reserve(struct core *core, struct space *space, uint32_t pages)
{
    return arena_page_reserve(core, object_needs(core) + hold_needs(core) + pages) &&
                   upkeep_reserve(core, space)
               ? ERR_OK
               : limit_refuse_frames(core, space, 1);
}

/* A new object is held by its maker alone. */
static void pager_hold(struct core *core, struct space *space, struct object *made)
{
    hold_take(core, space, made);
    hold_mark_maker(core, space, made);
    object_put(core, made);
}

/* Whether a process may serve what memory depends on. */
static bool pager_may_make_memory(const struct space *space)
{
    return (space->settings.privileges & SPACE_PRIVILEGE_SWAP) != 0 &&
           (space->future & REGION_LOCKED) != 0;
}

static enum err pager_check_reserve(struct space *space, const struct pager_request *request)
{
    if (request->reserve == 0) {
        return ERR_OK;
    }
    if ((space->settings.privileges & SPACE_PRIVILEGE_SWAP) == 0) {
        return limit_refuse(space, ERR_PERM);
    }
    return request->reserve > RESERVE_MOST || (request->is_served && !pager_may_make_memory(space))
               ? limit_refuse(space, ERR_INVAL)
               : ERR_OK;
}

/* The pager that `made` names, with its reserve. */
static enum err pager_make(struct core *core, struct space *space,
                           const struct pager_request *request, struct object *made)
{
    if (!upkeep_take(core, space, made, 1 + request->reserve)) {
        return limit_refuse_frames(core, space, 1 + request->reserve);
    }
    pager_open(core, request->is_served ? space : NULL, made);
    if (!reserve_open(core, pager_of(core, made), request->reserve)) {
        upkeep_give(core, made, request->reserve);
        core->worker->lacks_frame = 1;
        return limit_refuse_frames(core, space, request->reserve);
    }
    return ERR_OK;
}

enum err op_pager_make(struct core *core, struct space *space, const struct pager_request *request,
                       struct object **named)
{
    limit_begin(space);
    shared_enter(core);
    enum err error = pager_check_reserve(space, request);

    if (error == ERR_OK) {
        error = pager_reserve(core, space, 1);
    }
    if (error == ERR_OK) {
        struct object *made = object_make_paid(core, space, OBJECT_PAGER, (npages_t){0});

        error = pager_make(core, space, request, made);
        if (error == ERR_OK) {
            pager_hold(core, space, made);
            *named = made;
        } else {
            object_put(core, made);
        }
    }
    shared_leave(core);
    return error;
}

static struct object *pager_make_object(struct core *core, struct space *space, struct pager *pager,
                                        const struct pager_object_request *request)
{
    struct object *made = object_make_paid(core, space, OBJECT_PAGED, object_pages(request->bytes));

    made->bytes = request->bytes;
    made->flags = request->flags;
    made->key = request->key;
    made->patience = request->patience;
    made->window = (uint16_t)request->window;
    pager_enter(core, pager, made);
    pager_hold(core, space, made);
    return made;
}

enum err op_pager_object(struct core *core, struct space *space, struct object *named,
                         const struct pager_object_request *request, struct object **object)
{
    limit_begin(space);
    shared_enter(core);
    enum err error = op_pager_check(core, space, named);

    if (error == ERR_OK &&
        (request->window == 0 || request->window > PAGER_WINDOW_MAX || request->patience == 0 ||
         (request->flags & ~(OBJECT_APPEND | OBJECT_WAITS | OBJECT_MANDATORY)) != 0)) {
        error = limit_refuse(space, ERR_INVAL);
    }
    if (error == ERR_OK && request->bytes > OBJECT_BYTES_MAX) {
        error = limit_refuse(space, ERR_FBIG);
    }
    if (error == ERR_OK) {
        error = pager_reserve(core, space, 0);
    }
    if (error == ERR_OK) {
        *object = pager_make_object(core, space, pager_of(core, named), request);
    }
    shared_leave(core);
    return error;
}

static void pager_describe(const struct core *core, const struct pull *pull,
                           struct pager_work *work)
{
    const struct object *object = object_at(core, pull->object);

    *work = (struct pager_work){
        .kind = pull->kind == NEED_PAGE ? PAGER_WORK_PULL : PAGER_WORK_SAVE,
        .pages = pull->pages,
        .key = object->key,
        .number = object->number,
        .first = pull->first,
        .generation = pull->generation,
    };
}

/* Let no region write to pages of an object without a fault. */
static void pager_restrict(struct core *core, const struct object *object, uint64_t first,
                           uint64_t end)
{
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);
        const uint64_t region_end = region->offset + region_pages(region);
        const uint64_t from = first > region->offset ? first : region->offset;
        const uint64_t to = end < region_end ? end : region_end;

        if ((region->flags & REGION_SHARED) != 0 && from < to) {
            const struct space *space = arena_page(core, region->space);
            const uint32_t page = region->first + (uint32_t)(from - region->offset);

            port_restrict(core->port, space->kernel, page_to_vpn(page), (npages_t){to - from},
                          MEM_PROT_READ | MEM_PROT_EXEC);
        }
        link = region->object_next;
    }
}

/* The pull at the head of the queue, which is about pages to be saved; all buckets are locked. */
static void pager_begin_save(struct core *core, struct pull *pull)
{
    struct object *object = object_at(core, pull->object);

    pager_restrict(core, object, pull->first, pull->first + pull->pages);
    saving_begin(core, object, pull);
}

/* op_pager_next() when something is to be saved: others may have taken it meanwhile. */
static enum err pager_take_save(struct core *core, struct pager *pager, struct pager_work *work)
{
    enum err error = ERR_WOULD_BLOCK;

    space_lock_all(core);
    shared_enter(core);
    struct pull *pull = pager_next_pull(pager);

    if (pull != NULL) {
        if (pull->kind == NEED_SAVED) {
            pager_begin_save(core, pull);
        }
        pager_describe(core, pull, work);
        pager_give_pull(pager);
        error = ERR_OK;
    }
    shared_leave(core);
    port_hand_over(core->port);
    space_unlock_all(core);
    return error;
}

enum err op_pager_next(struct core *core, struct space *space, struct object *named,
                       struct pager_work *work)
{
    shared_enter(core);
    enum err error = op_pager_check(core, space, named);

    if (error != ERR_OK) {
        shared_leave(core);
        return error;
    }
    struct pager *pager = pager_of(core, named);
    const struct pull *pull = pager_next_pull(pager);

    if (pull != NULL && pull->kind == NEED_SAVED) {
        shared_leave(core);
        return pager_take_save(core, pager, work);
    }
    if (pull != NULL) {
        pager_describe(core, pull, work);
        pager_give_pull(pager);
    } else {
        struct object *gone = pager_take_gone(core, pager);

        error = gone != NULL ? ERR_OK : ERR_WOULD_BLOCK;
        if (gone != NULL) {
            *work = (struct pager_work){
                .kind = PAGER_WORK_GONE, .key = gone->key, .number = gone->number};
            object_forget(core, gone);
        }
    }
    shared_leave(core);
    return error;
}

uint32_t op_pager_grant(struct core *core, struct space *space, uaddr_t address, uint32_t pages)
{
    const uint32_t spender = core->spender;
    struct range range;
    uint32_t granted = 0;

    ASSERT(pages != 0 && pages <= PAGER_WINDOW_MAX);
    if (range_make(address, pages * PAGE_SIZE, &range) != ERR_OK) {
        return 0;
    }
    limit_begin(space);
    core->spender = 0; /* it can do without */
    populate_without_waiting(core, space, range);
    core->spender = spender;
    while (granted < pages) {
        const uint64_t *entry = shadow_find(core, space, range.first + granted);

        if (entry == NULL || !page_can_move(core, *entry)) {
            break;
        }
        granted++;
    }
    AUDIT(space_audit(core, space));
    return granted;
}

/* Whether a process may serve what it could have made itself. */
static enum err pager_check_maker(const struct core *core, struct space *space,
                                  const struct pager *pager)
{
    if (pager_may_make_memory(space)) {
        return ERR_OK;
    }
    if (pager->reserve != 0) {
        return limit_refuse(space, ERR_PERM);
    }
    for (uint32_t link = pager->object_first; link != 0;) {
        const struct object *object = object_at(core, link);

        if ((object->flags & OBJECT_SWAP) != 0) {
            return limit_refuse(space, ERR_PERM);
        }
        link = object->pager_next;
    }
    return ERR_OK;
}

enum err op_pager_attach(struct core *core, struct space *space, struct object *named)
{
    enum err error = ERR_OK;

    limit_begin(space);
    shared_enter(core);
    if (named->kind != OBJECT_PAGER) {
        error = limit_refuse(space, ERR_TYPE);
    } else if (pager_of(core, named)->space != 0) {
        error = limit_refuse(space, ERR_BUSY);
    } else {
        struct pager *pager = pager_of(core, named);

        error = pager_check_maker(core, space, pager);
        pager->space = error == ERR_OK ? space->number : 0;
        if (error == ERR_OK && pager_is_circle(core, pager)) {
            pager->space = 0;
            error = limit_refuse(space, ERR_DEADLK);
        }
        if (error == ERR_OK) {
            reserve_attach(core, pager);
            pull_renew(core, pager);
            core->head->pagers.is_leaving = 1; /* nobody saved what was to leave meanwhile */
            pull_note_deadline(core, core->time);
        }
    }
    shared_leave(core);
    return error;
}

enum err op_pager_adopt(struct core *core, struct space *space, struct object *named,
                        uint64_t before, struct object **object)
{
    limit_begin(space);
    shared_enter(core);
    enum err error = op_pager_check(core, space, named);

    if (error == ERR_OK) {
        *object = pager_find_object(core, pager_of(core, named), before);
        error = *object != NULL ? ERR_OK : limit_refuse(space, ERR_NOENT);
    }
    if (error == ERR_OK && !arena_page_reserve(core, hold_needs(core))) {
        error = limit_refuse_frames(core, space, 1);
    }
    if (error == ERR_OK) {
        hold_take(core, space, *object);
        hold_mark_maker(core, space, *object);
    }
    shared_leave(core);
    return error;
}

void op_pager_adopted(struct core *core, struct object *object)
{
    shared_enter(core);
    orphan_release(core, object);
    shared_leave(core);
}
