/* SPDX-License-Identifier: MIT */
#include "server/core/limit.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/budget.h"
#include "server/core/pool.h"
#include "server/core/region.h"
#include "server/core/space.h"

void limit_begin(struct space *space)
{
    space->refusal.error = ERR_OK;
    space->budget_asked = 0;
}

enum err limit_refuse(struct space *space, enum err error)
{
    return limit_refuse_over(space, error, MEM_LIMIT_NONE, 0, 0, 0);
}

enum err limit_refuse_over(struct space *space, enum err error, enum mem_limit limit,
                           uint64_t value, uint64_t used, uint64_t asked)
{
    ASSERT(error != ERR_OK);
    space->refusal = (struct refusal){.error = (uint32_t)error,
                                      .limit = (uint32_t)limit,
                                      .value = value,
                                      .used = used,
                                      .asked = asked};
    return error;
}

enum err limit_refuse_frames(const struct core *core, struct space *space, uint64_t asked)
{
    uint64_t total = core->head->pool.total;

    if (space->budget_asked != 0) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_BUDGET, space->budget_limit,
                                 space->budget_used, space->budget_asked);
    }
    return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_FRAMES, total, total - pool_free(core),
                             asked);
}

/*
 * Whether something is added and `used` - removed + added is more than `limit`. More may be removed
 * than is used, but not more than is used and added.
 */
ALWAYS_INLINE bool limit_exceeded(uint64_t limit, uint64_t used, uint64_t added, uint64_t removed)
{
    if (added >= removed) {
        return added != 0 && (used > limit || added - removed > limit - used);
    }
    ASSERT(used >= removed - added);
    return added != 0 && used - (removed - added) > limit;
}

static uint64_t limit_commit_used(const struct core *core)
{
    return atomic_load_explicit(&core->head->commit.used, memory_order_relaxed);
}

/* Whether COMMIT_NEVER or COMMIT_HEURISTIC refuse the change while `used` pages are in use. */
static bool limit_commit_exceeded(const struct core *core, uint64_t used,
                                  const struct limit_change *change)
{
    const struct commit *commit = &core->head->commit;

    switch (limit_mode(commit)) {
    case COMMIT_ALWAYS:
        return false;
    case COMMIT_HEURISTIC:
        return change->commit_added > core->head->pool.total;
    case COMMIT_NEVER:
        return limit_exceeded(limit_most(commit), used, change->commit_added,
                              change->commit_removed);
    }
    UNREACHABLE();
}

NOINLINE static enum err limit_refuse_commit(const struct core *core, struct space *space,
                                             uint64_t used, const struct limit_change *change)
{
    const struct commit *commit = &core->head->commit;
    uint64_t value =
        limit_mode(commit) == COMMIT_NEVER ? limit_most(commit) : core->head->pool.total;

    return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_COMMIT, value, used, change->commit_added);
}

enum err limit_check(const struct core *core, struct space *space,
                     const struct limit_change *change)
{
    const struct space_settings *settings = &space->settings;

    if (limit_exceeded(settings->pages_max, space->pages, change->pages_added,
                       change->pages_removed)) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_PAGES, settings->pages_max,
                                 space->pages, change->pages_added);
    }
    if (limit_exceeded(settings->data_max, space->data, change->data_added, change->data_removed)) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_DATA, settings->data_max, space->data,
                                 change->data_added);
    }
    return limit_check_commit(core, space, change);
}

enum err limit_check_commit(const struct core *core, struct space *space,
                            const struct limit_change *change)
{
    const uint64_t used = limit_commit_used(core);

    return limit_commit_exceeded(core, used, change)
               ? limit_refuse_commit(core, space, used, change)
               : ERR_OK;
}

/* Whether `pages` more are more than COMMIT_NEVER allows. */
static bool limit_is_beyond(const struct commit *commit, uint64_t used, uint64_t pages)
{
    const uint64_t most = limit_most(commit);

    return limit_mode(commit) == COMMIT_NEVER && (used > most || pages > most - used);
}

enum err limit_promise(struct core *core, struct space *space, const struct limit_change *change)
{
    struct commit *commit = &core->head->commit;
    const uint64_t pages = change->commit_added - change->commit_removed;
    uint64_t used = limit_commit_used(core);

    if (change->commit_added <= change->commit_removed) {
        return ERR_OK;
    }
    do {
        if (UNLIKELY(limit_is_beyond(commit, used, pages))) {
            return limit_refuse_commit(core, space, used, change);
        }
    } while (!atomic_compare_exchange_weak_explicit(&commit->used, &used, used + pages,
                                                    memory_order_relaxed, memory_order_relaxed));
    core->worker->promised = pages;
    return ERR_OK;
}

void limit_settle(struct core *core)
{
    atomic_fetch_sub_explicit(&core->head->commit.used, core->worker->promised,
                              memory_order_relaxed);
    core->worker->promised = 0;
}

void limit_subtract(const struct core *core, const struct space *space, struct range range,
                    struct limit_change *change)
{
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        uint32_t pages = range_pages(range_common(region_range(region), range));

        change->pages_removed += pages;
        change->data_removed += region_is_data(region->flags) ? pages : 0;
        change->commit_removed += (region->flags & REGION_ACCOUNT) != 0 ? pages : 0;
    }
}

bool limit_may_lock(const struct space *space)
{
    return space->settings.locked_max != 0 ||
           (space->settings.privileges & SPACE_PRIVILEGE_LOCK) != 0;
}

enum err limit_check_locked(struct space *space, uint64_t pages, enum err error)
{
    uint64_t limit = space->settings.locked_max / PAGE_SIZE;
    uint64_t used = space->locked + atomic_load_explicit(&space->pinned, memory_order_relaxed);

    if ((space->settings.privileges & SPACE_PRIVILEGE_LOCK) == 0 &&
        (pages > limit || used > limit - pages)) {
        return limit_refuse_over(space, error, MEM_LIMIT_LOCKED, limit, used, pages);
    }
    return ERR_OK;
}

enum err limit_check_splits(struct space *space, uint32_t splits)
{
    uint64_t limit = space->settings.regions_max;

    if (splits != 0 && (uint64_t)space->tree.count + splits > limit) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_REGIONS, limit, space->tree.count,
                                 splits);
    }
    return ERR_OK;
}

void limit_charge(struct core *core, struct space *space, uint32_t flags, uint32_t pages)
{
    space->pages += pages;
    if (region_is_data(flags)) {
        space->data += pages;
    }
    if ((flags & REGION_ACCOUNT) != 0) {
        space->committed += pages;
        core->worker->promised -= pages; /* modulo 2^64, until the commit is over */
    }
    if (UNLIKELY((flags & (REGION_LOCKED | REGION_GROWSDOWN)) != 0)) {
        space->locked += (flags & REGION_LOCKED) != 0 ? pages : 0;
        space->stack += (flags & REGION_GROWSDOWN) != 0 ? pages : 0;
    }
}

void limit_discharge(struct core *core, struct space *space, uint32_t flags, uint32_t pages)
{
    ASSERT(space->pages >= pages);
    space->pages -= pages;
    if (region_is_data(flags)) {
        ASSERT(space->data >= pages);
        space->data -= pages;
    }
    if ((flags & REGION_ACCOUNT) != 0) {
        ASSERT(space->committed >= pages);
        space->committed -= pages;
        core->worker->promised += pages;
    }
    if (UNLIKELY((flags & (REGION_LOCKED | REGION_GROWSDOWN)) != 0)) {
        uint32_t locked = (flags & REGION_LOCKED) != 0 ? pages : 0;
        uint32_t stack = (flags & REGION_GROWSDOWN) != 0 ? pages : 0;

        ASSERT(space->locked >= locked && space->stack >= stack);
        space->locked -= locked;
        space->stack -= stack;
    }
}
