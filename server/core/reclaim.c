/* SPDX-License-Identifier: MIT */
#include "server/core/reclaim.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/core.h"
#include "server/core/shared.h"
#include "server/core/swap.h"
#include "server/core/sweep.h"

static struct reclaim *reclaim_of(const struct core *core)
{
    return &core->head->reclaim;
}

bool reclaim_is_possible(const struct core *core)
{
    return core->head->pagers.objects != 0;
}

void reclaim_want(struct core *core)
{
    if (reclaim_is_possible(core)) {
        atomic_store_explicit(&reclaim_of(core)->is_wanted, 1, memory_order_relaxed);
    }
}

bool reclaim_is_wanted(const struct core *core)
{
    return atomic_load_explicit(&reclaim_of(core)->is_wanted, memory_order_relaxed) != 0;
}

uint64_t reclaim_low(const struct core *core)
{
    const uint64_t share = core->head->pool.total / 64;

    return share < RECLAIM_MOST ? share : RECLAIM_MOST;
}

bool reclaim_need(struct core *core)
{
    if (!reclaim_is_possible(core)) {
        return false;
    }
    wait_need(core, &(struct need){.kind = NEED_FRAME, .pages = 1});
    return true;
}

void reclaim_wake(struct core *core, enum err outcome)
{
    while (reclaim_of(core)->waiters.first != 0) {
        wait_wake(core, wait_thread(core, reclaim_of(core)->waiters.first), outcome);
    }
}

/* With all buckets, in shared_enter(). */
static enum sweep_result reclaim_run(struct core *core)
{
    const uint64_t high = 2 * core->head->pool.low;
    const uint64_t spare = pool_spare(core);
    const bool insists = reclaim_of(core)->insists != 0;

    reclaim_of(core)->insists = 0;
    if (!insists && spare >= high && spare >= RECLAIM_BATCH) {
        return SWEEP_FREED; /* other server threads had some */
    }
    const uint64_t wanted = high > spare + RECLAIM_BATCH ? high - spare : RECLAIM_BATCH;

    reclaim_of(core)->count.runs++;
    core->claim = POOL_AREAS;
    const enum sweep_result result = sweep_run(core, wanted);

    core->claim = POOL_ANYBODYS;
    return result;
}

/* Nothing is anybody's, in whatever list: memory makers that wait take from their reserves. */
static void wake_makers(struct core *core)
{
    for (uint32_t link = reclaim_of(core)->waiters.first; link != 0;) {
        struct thread *thread = wait_thread(core, link);

        link = thread->wait.next;
        if (thread->wait.tries < RECLAIM_TRIES &&
            reserve_is_for(core, arena_page(core, thread->space))) {
            thread->wait.tries++;
            wait_wake(core, thread, ERR_OK);
        }
    }
}

/* What becomes of who waits. */
static void reclaim_settle(struct core *core, enum sweep_result result)
{
    struct reclaim *reclaim = reclaim_of(core);

    if (result != SWEEP_FREED) {
        wake_makers(core);
    }

    switch (result) {
    case SWEEP_FREED:
        reclaim_wake(core, ERR_OK);
        return;
    case SWEEP_SAVING:
        return;
    case SWEEP_AGAIN:
        reclaim_want(core);
        return;
    case SWEEP_NOTHING:
        if (reserve_is_awaited(core)) {
            return; /* until somebody serves what could not be saved, or its time is over */
        }
        reclaim->count.failed += reclaim->waiters.first != 0 ? 1 : 0;
        reclaim_wake(core, ERR_NOMEM);
        return;
    }
    UNREACHABLE();
}

void reclaim_serve(struct core *core)
{
    atomic_store_explicit(&reclaim_of(core)->is_wanted, 0, memory_order_relaxed);
    space_lock_all(core);
    core_settle_all(core);
    shared_enter(core);
    const enum sweep_result result = reclaim_run(core);

    reclaim_settle(core, result);
    swap_tidy(core);
    pool_drain(core); /* for whoever serves those that were woken */
    shared_leave(core);
    port_hand_over(core->port);
    space_unlock_all(core);
}

void reclaim_recover(struct core *core)
{
    struct reclaim *reclaim = reclaim_of(core);

    reclaim->waiters = (struct wait_list){0};
    reclaim->scanned = 0;
    reclaim->insists = 0;
    atomic_init(&reclaim->is_wanted, 0);
    core->head->pool.kept = swap_reserve_frames(core) + reserve_left(core);
}

void reclaim_audit(const struct core *core)
{
    uint64_t asked = 0;

    for (uint32_t page = core->head->pagers.first; page != 0;) {
        const struct pager *pager = arena_page(core, page);

        for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
            const struct pull *pull = &pager->pulls[slot];

            asked += pull->object != 0 && pull->kind == NEED_PAGE ? pull->left : 0;
        }
        page = pager->next;
    }
    ASSERT(core->head->pool.kept == asked + swap_reserve_frames(core) + reserve_left(core));
    ASSERT(reclaim_of(core)->waiters.first == 0 || reclaim_is_wanted(core) ||
           pull_is_saving(core) || reserve_is_awaited(core));
}
