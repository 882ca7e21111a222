/* SPDX-License-Identifier: MIT */
#include "server/core/op_supply.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/op_copy.h"
#include "server/core/op_pager.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/pull.h"
#include "server/core/saving.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"

/* The pull that is answered. */
static enum err supply_find(struct core *core, struct space *space, struct object *named,
                            const struct settle_request *answer, enum need_kind kind,
                            struct pull **pull)
{
    enum err error = op_pager_check(core, space, named);

    if (error != ERR_OK) {
        return error;
    }
    if (answer->pages == 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    *pull = pull_find(core, pager_of(core, named), answer->generation, answer->number, kind);
    if (*pull == NULL) {
        core->head->pagers.count.stale++;
        return limit_refuse(space, ERR_STALE);
    }
    const uint64_t skipped = answer->first - (*pull)->first;

    return answer->first < (*pull)->first || skipped >= (*pull)->pages ||
                   answer->pages > (*pull)->pages - skipped
               ? limit_refuse(space, ERR_RANGE)
               : ERR_OK;
}

/* The pull of a request to fill pages. */
static enum err supply_find_pages(struct core *core, struct space *space, struct object *named,
                                  const struct supply_request *request, struct pull **pull)
{
    const struct settle_request answer = {.number = request->number,
                                          .first = request->first,
                                          .pages = request->pages,
                                          .generation = request->generation};

    return supply_find(core, space, named, &answer, NEED_PAGE, pull);
}

/* Whether a page of the pull is still to come. */
static bool supply_is_open(const struct core *core, const struct pager *pager,
                           const struct pull *pull, uint64_t page)
{
    const uint32_t word = paged_word(core, object_at(core, pull->object), page);

    return paged_word_state(word) == PAGED_ASKED && &pager->pulls[paged_word_slot(word)] == pull;
}

/* A page without content: filled with zeros or, if `source_opt` is not NULL, with that frame. */
static enum err supply_fill(struct core *core, struct space *space, const struct pull *pull,
                            uint64_t page, const pfn_t *source_opt)
{
    struct object *object = object_at(core, pull->object);

    core->claim = POOL_PAGE; /* it was promised when the page was asked for */
    const uint32_t frame = pool_take(core, FRAME_USER, 0, arena_link(core, object));

    core->claim = POOL_ANYBODYS;
    if (frame == 0) {
        return limit_refuse_frames(core, space, 1);
    }
    intent_step(core, STEP_FILL, 0, frame);
    if (source_opt != NULL) {
        port_copy(core->port, pool_pfn(core, frame), 0, *source_opt, 0, PAGE_SIZE);
    } else {
        port_zero(core->port, pool_pfn(core, frame));
    }
    paged_fill(core, object, page, frame, pull);
    intent_step_done(core);
    return ERR_OK;
}

/* Fill one page by copying or with zeros. */
static enum err supply_one(struct core *core, struct space *space, struct object *named,
                           const struct supply_request *request, uint64_t index)
{
    struct copy_page source = {.frame = {0}};
    struct pull *pull = NULL;

    if (request->way == SUPPLY_COPY) {
        const uint64_t address = uaddr_to_bytes(request->address) + index * PAGE_SIZE;
        const enum err error = copy_touch(core, space, address, MEM_PROT_READ, &source);

        if (error != ERR_OK) {
            return error;
        }
    }
    shared_enter(core);
    enum err error = supply_find_pages(core, space, named, request, &pull);
    const uint64_t page = request->first + index;

    if (error == ERR_OK && !supply_is_open(core, pager_of(core, named), pull, page)) {
        core->head->pagers.count.stale++;
        error = limit_refuse(space, ERR_EXIST);
    }
    if (error == ERR_OK) {
        error = supply_fill(core, space, pull, page,
                            request->way == SUPPLY_COPY ? &source.frame : NULL);
    }
    if (error == ERR_OK) {
        pull_supplied(core, pager_of(core, named), pull, page, 1);
    }
    shared_leave(core);
    return error;
}

/* Every page is still to come, and every page of the pager its own alone. */
static enum err supply_check_move(struct core *core, struct space *space, const struct pager *pager,
                                  const struct pull *pull, const struct supply_request *request,
                                  struct range range)
{
    for (uint32_t i = 0; i < request->pages; i++) {
        const uint64_t *entry = shadow_find(core, space, range.first + i);

        if (!supply_is_open(core, pager, pull, request->first + i)) {
            core->head->pagers.count.stale++;
            return limit_refuse(space, ERR_EXIST);
        }
        if (entry == NULL || !page_can_move(core, *entry)) {
            return limit_refuse(space, ERR_FAULT);
        }
    }
    return ERR_OK;
}

/* The pages of the range become the object's. In a commit, WRITING. */
static void supply_move_pages(struct core *core, struct space *space, const struct pull *pull,
                              uint64_t first, struct range range)
{
    struct object *object = object_at(core, pull->object);

    for (uint32_t page = range.first; page < range.end; page++) {
        uint64_t *entry = shadow_find(core, space, page);
        const uint32_t frame = shadow_entry_frame(*entry);

        *entry = 0;
        *(uint64_t *)arena_at(core, space->leaf_entry) -= SHADOW_COUNT_ONE;
        paged_fill(core, object, first + (page - range.first), frame, pull);
    }
    space->own -= range_pages(range);
    budget_give_pages(core, space, range_pages(range));
}

static enum err supply_move(struct core *core, struct space *space, struct object *named,
                            const struct supply_request *request)
{
    struct pager *pager = pager_of(core, named);
    struct pull *pull = NULL;
    struct range range;
    enum err error = supply_find_pages(core, space, named, request, &pull);

    if (error == ERR_OK &&
        range_make(request->address, request->pages * PAGE_SIZE, &range) != ERR_OK) {
        error = limit_refuse(space, ERR_FAULT);
    }
    if (error == ERR_OK) {
        error = supply_check_move(core, space, pager, pull, request, range);
    }
    if (error != ERR_OK) {
        return error;
    }
    intent_open(core, space, range);
    port_remove(core->port, space->kernel, page_to_vpn(range.first), range_npages(range));
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    supply_move_pages(core, space, pull, request->first, range);
    intent_close(core);
    /* Nobody may show the pages before the pager has let go of them. */
    port_hand_over(core->port);
    pull_supplied(core, pager, pull, request->first, request->pages);
    return ERR_OK;
}

enum err op_supply(struct core *core, struct space *space, struct object *named,
                   const struct supply_request *request, uint64_t *done)
{
    struct pull *pull = NULL;

    *done = core->resume;
    limit_begin(space);
    shared_enter(core);
    enum err error = supply_find_pages(core, space, named, request, &pull);

    if (error == ERR_OK && (uaddr_to_bytes(request->address) & PAGE_MASK) != 0) {
        error = limit_refuse(space, ERR_INVAL);
    }
    if (error == ERR_OK && request->way == SUPPLY_MOVE) {
        error = supply_move(core, space, named, request);
        *done = error == ERR_OK ? request->pages : 0;
    }
    shared_leave(core);
    while (error == ERR_OK && *done < request->pages) {
        error = supply_one(core, space, named, request, *done);
        *done += error == ERR_OK ? 1 : 0;
    }
    if (error == ERR_WAIT) {
        core->need.pages = request->pages - *done;
        core->need.progress = *done;
    }
    AUDIT(space_audit(core, space));
    return error;
}

/*
 * What whoever waits is told of a pager's reason: one of those that are about the content, else IO.
 * What the server itself says of memory, time and partners is not a pager's to say.
 */
static enum err supply_reason(enum err said)
{
    static const enum err reasons[] = {ERR_OK, ERR_NOENT, ERR_ACCES, ERR_NODEV, ERR_NOSPC};

    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (said == reasons[i]) {
            return said;
        }
    }
    return ERR_IO;
}

enum err op_supply_fail(struct core *core, struct space *space, struct object *named,
                        const struct settle_request *request)
{
    struct pull *pull = NULL;

    limit_begin(space);
    if (request->reason == ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    shared_enter(core);
    const enum err error = supply_find(core, space, named, request, NEED_PAGE, &pull);

    if (error == ERR_OK) {
        pull_fail(core, pager_of(core, named), pull, request->first, request->pages,
                  supply_reason(request->reason));
    }
    shared_leave(core);
    return error;
}

/* Some of the pages that were saved may have to leave (op_pageout.h), and others are next. */
static void supply_note_leaving(struct core *core, const struct object *object,
                                const struct settle_request *request)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < request->pages; i++) {
        const uint32_t frame = paged_word_frame(paged_word(core, object, request->first + i));

        count += frame != 0 && pool_record(core, frame)->idle == FRAME_LEAVING ? 1 : 0;
    }
    if (count != 0) {
        core->leave = (struct leave){object->number, request->first, request->pages};
    }
    if (core->head->pagers.is_leaving != 0) {
        pull_note_deadline(core, core->time);
    }
}

enum err op_supply_wrote(struct core *core, struct space *space, struct object *named,
                         const struct settle_request *request)
{
    struct pull *pull = NULL;

    limit_begin(space);
    shared_enter(core);
    enum err error = supply_find(core, space, named, request, NEED_SAVED, &pull);

    if (error == ERR_OK && !saving_is_open(pull, request->first, request->pages)) {
        core->head->pagers.count.stale++;
        error = limit_refuse(space, ERR_EXIST);
    }
    if (error == ERR_OK) {
        supply_note_leaving(core, object_at(core, pull->object), request);
        pull_saved(core, pager_of(core, named), pull, request->first, request->pages,
                   supply_reason(request->reason));
    }
    shared_leave(core);
    return error;
}
