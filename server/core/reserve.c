/* SPDX-License-Identifier: MIT */
#include "server/core/reserve.h"

#include <stdatomic.h>
#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/orphan.h"
#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/pull.h"
#include "server/core/reclaim.h"
#include "server/core/shared.h"
#include "server/core/space.h"

static struct pool *pool_of(const struct core *core)
{
    return &core->head->pool;
}

static struct pager *first_of(const struct core *core)
{
    const uint32_t page = core->head->pagers.first;

    return page == 0 ? NULL : arena_page(core, page);
}

static struct pager *next_of(const struct core *core, const struct pager *pager)
{
    return pager->next == 0 ? NULL : arena_page(core, pager->next);
}

/* What it has when it is full. */
static uint32_t size_of(const struct pager *pager)
{
    return pager->reserve + pager->again;
}

static void lent_add(const struct core *core, uint32_t frames)
{
    const uint32_t lent = atomic_load_explicit(&pool_of(core)->lent, memory_order_relaxed);

    atomic_store_explicit(&pool_of(core)->lent, lent + frames, memory_order_relaxed);
}

/* It has so many more, modulo 2^32, and lacks as many less. */
static void left_add(const struct core *core, struct pager *pager, uint32_t frames)
{
    pager->left += frames;
    pool_of(core)->kept += (uint64_t)(int64_t)(int32_t)frames;
    lent_add(core, 0 - frames);
}

bool reserve_open(struct core *core, struct pager *pager, uint32_t frames)
{
    ASSERT(pager->reserve == 0 && frames <= RESERVE_MOST);
    if (frames != 0) {
        pool_drain(core);
        reserve_refill(core);
    }
    if (pool_beyond(core, pool_of(core)->kept) < frames) {
        return false;
    }
    pager->reserve = frames;
    atomic_fetch_add_explicit(&core->head->pagers.reserves, frames != 0 ? 1 : 0,
                              memory_order_relaxed);
    lent_add(core, frames);
    left_add(core, pager, frames);
    return true;
}

/* What is left beyond the reserve. */
static uint32_t surplus_of(const struct pager *pager)
{
    return pager->left > pager->reserve ? pager->left - pager->reserve : 0;
}

/* So much is kept besides the reserve. */
static void set_again(const struct core *core, struct pager *pager, uint32_t frames)
{
    lent_add(core, frames - pager->again);
    pager->again = frames;
}

/* What is left beyond the reserve is anybody's. */
static void release(const struct core *core, struct pager *pager)
{
    left_add(core, pager, 0 - surplus_of(pager));
    set_again(core, pager, 0);
}

void reserve_settle(struct core *core, struct pager *pager)
{
    pager->keeps = 0;
    release(core, pager);
    if (pager->awaited != 0) {
        pager->awaited = 0;
        reclaim_want(core); /* who waited for a frame finds out */
    }
}

void reserve_attach(struct core *core, struct pager *pager)
{
    pager->keeps = 0;
    set_again(core, pager, surplus_of(pager));
    if (pager->awaited != 0) {
        pager->awaited = 0;
        reclaim_want(core); /* it can have saved what is dirty */
    }
}

void reserve_close(struct core *core, struct pager *pager)
{
    reserve_settle(core, pager);
    left_add(core, pager, 0 - pager->left);
    lent_add(core, 0 - pager->reserve);
    atomic_fetch_sub_explicit(&core->head->pagers.reserves, pager->reserve != 0 ? 1 : 0,
                              memory_order_relaxed);
    pager->reserve = 0;
}

/* What is left beyond reserves that a process serves is anybody's. */
static void release_all(const struct core *core)
{
    for (struct pager *pager = first_of(core); pager != NULL; pager = next_of(core, pager)) {
        if (pager->keeps == 0 && pager->again != 0) {
            release(core, pager);
        }
    }
}

void reserve_refill(struct core *core)
{
    struct pool *pool = pool_of(core);

    if (LIKELY(atomic_load_explicit(&core->head->pagers.reserves, memory_order_relaxed) == 0)) {
        return;
    }
    uint64_t spare = pool_beyond(core, pool->kept);

    if (spare >= pool->low) {
        release_all(core); /* who has attached finds frames where all others do */
        spare = pool_beyond(core, pool->kept);
    }
    for (struct pager *pager = first_of(core); pager != NULL && spare != 0;
         pager = next_of(core, pager)) {
        const uint32_t missing = size_of(pager) - pager->left;
        const uint32_t part = missing < spare ? missing : (uint32_t)spare;

        left_add(core, pager, part);
        spare -= part;
    }
}

/* Whether a space may take from the reserve of a pager. */
static bool is_spender(const struct core *core, const struct pager *pager,
                       const struct space *space)
{
    const uint32_t payer = object_at(core, pager->object)->payer;

    if (pager->space != 0) {
        return pager->space == space->number;
    }
    return payer == space->number || (payer != 0 && space->settings.maker == payer &&
                                      (space->settings.privileges & SPACE_PRIVILEGE_SWAP) != 0);
}

/* A pager with something left that a space may take; NULL: there is none. */
static struct pager *find_left(const struct core *core, const struct space *space)
{
    struct pager *pager = first_of(core);

    while (pager != NULL && (pager->left == 0 || !is_spender(core, pager, space))) {
        pager = next_of(core, pager);
    }
    return pager;
}

bool reserve_spend(struct core *core)
{
    struct pager *pager =
        core->spender == 0 ? NULL : find_left(core, arena_page(core, core->spender));

    if (pager == NULL) {
        return false;
    }
    left_add(core, pager, UINT32_MAX);
    if (pager->keeps == 0) {
        set_again(core, pager, surplus_of(pager));
    }
    core->head->pagers.spent++;
    return true;
}

bool reserve_is_for(struct core *core, const struct space *space)
{
    bool is_for;

    if (LIKELY(atomic_load_explicit(&core->head->pagers.reserves, memory_order_relaxed) == 0)) {
        return false;
    }
    shared_enter(core);
    is_for = find_left(core, space) != NULL;
    shared_leave(core);
    return is_for;
}

void reserve_keep(struct core *core, const struct space *space)
{
    uint32_t own = (uint32_t)(space->own + space->charged);

    shared_enter(core);
    for (struct pager *pager = first_of(core); pager != NULL; pager = next_of(core, pager)) {
        if (pager->space == space->number && pager->reserve != 0) {
            pager->keeps = 1;
            set_again(core, pager, own > pager->again ? own : pager->again);
            own = 0; /* one process takes the place of one, for all its pagers */
        }
    }
    shared_leave(core);
}

void reserve_await(struct core *core, struct pager *pager)
{
    if (pager->reserve == 0) {
        return;
    }
    for (uint32_t link = pager->object_first; link != 0;) {
        const struct object *object = object_at(core, link);
        const uint64_t deadline = pull_deadline(core, object);

        if ((object->flags & OBJECT_WAITS) != 0 && deadline != UINT64_MAX &&
            deadline > pager->awaited) {
            pager->awaited = deadline;
        }
        link = object->pager_next;
    }
    if (pager->awaited != 0) {
        pull_note_deadline(core, pager->awaited);
    }
}

bool reserve_is_awaited(const struct core *core)
{
    const struct pager *pager = first_of(core);

    while (pager != NULL && pager->awaited == 0) {
        pager = next_of(core, pager);
    }
    return pager != NULL;
}

uint64_t reserve_expire(struct core *core, struct pager *pager)
{
    if (pager->awaited != 0 && pager->awaited <= core->time) {
        pager->awaited = 0;
        reclaim_want(core);
    }
    return pager->awaited == 0 ? UINT64_MAX : pager->awaited;
}

void reserve_look(const struct core *core, struct reserve_view *view)
{
    *view = (struct reserve_view){.spent = core->head->pagers.spent};
    for (const struct pager *pager = first_of(core); pager != NULL; pager = next_of(core, pager)) {
        view->frames += size_of(pager);
        view->left += pager->left;
    }
}

uint64_t reserve_left(const struct core *core)
{
    struct reserve_view view;

    reserve_look(core, &view);
    return view.left;
}

void reserve_audit(const struct core *core)
{
    uint64_t missing = 0;
    uint32_t reserves = 0;

    for (const struct pager *pager = first_of(core); pager != NULL; pager = next_of(core, pager)) {
        ASSERT(pager->left <= size_of(pager));
        ASSERT(pager->reserve != 0 || (pager->again == 0 && pager->awaited == 0));
        ASSERT(pager->awaited == 0 || pager->space == 0);
        ASSERT(pager->keeps != 0 || pager->again == surplus_of(pager));
        missing += size_of(pager) - pager->left;
        reserves += pager->reserve != 0 ? 1 : 0;
    }
    ASSERT(missing == atomic_load_explicit(&pool_of(core)->lent, memory_order_relaxed));
    ASSERT(reserves == atomic_load_explicit(&core->head->pagers.reserves, memory_order_relaxed));
}
