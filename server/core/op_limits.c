/* SPDX-License-Identifier: MIT */
#include "server/core/op_limits.h"

#include <abi/layout.h>
#include <base/assert.h>
#include <base/checked.h>

#include "server/core/budget.h"
#include "server/core/op_commit.h"

/* Where a limit is, and how many bytes one of what it is kept in has. */
struct limits_place {
    uint64_t *value;
    uint64_t *ceiling;
    uint64_t used;     /* regions or pages */
    uint64_t in_store; /* how many of what is kept are one region or page */
};

static struct limits_place limits_find(struct space *space, enum mem_limit which)
{
    struct space_settings *settings = &space->settings;
    struct space_ceilings *ceilings = &space->ceilings;

    switch (which) {
    case MEM_LIMIT_REGIONS:
        return (struct limits_place){&settings->regions_max, &ceilings->regions, space->tree.count,
                                     1};
    case MEM_LIMIT_PAGES:
        return (struct limits_place){&settings->pages_max, &ceilings->pages, space->pages, 1};
    case MEM_LIMIT_DATA:
        return (struct limits_place){&settings->data_max, &ceilings->data, space->data, 1};
    case MEM_LIMIT_LOCKED:
        return (struct limits_place){&settings->locked_max, &ceilings->locked,
                                     space->locked + space->pinned, PAGE_SIZE};
    case MEM_LIMIT_STACK:
        return (struct limits_place){&settings->stack_max, &ceilings->stack, space->stack,
                                     PAGE_SIZE};
    case MEM_LIMIT_NONE:
    case MEM_LIMIT_COMMIT: /* limits_commit() */
    case MEM_LIMIT_FRAMES:
    case MEM_LIMIT_BUDGET: /* limits_budget() */
    case MEM_LIMIT_ADDRESS_SPACE:
    case MEM_LIMIT_SPACES:
    case MEM_LIMIT_NAMES:
    case MEM_LIMIT_HUGE:
        break;
    }
    UNREACHABLE();
}

/* `number` things of `from` units each as things of `to` units; MEM_UNLIMITED is no number. */
static uint64_t limits_convert(uint64_t number, uint64_t from, uint64_t to)
{
    uint64_t units;

    if (number == MEM_UNLIMITED || from == to) {
        return number;
    }
    return checked_mul(number, from, &units) ? units / to : MEM_UNLIMITED;
}

/* The budget that pays for the space is read only: it was handed down once and for all. */
static enum err limits_budget(const struct core *core, struct space *space,
                              const struct limits_request *request, struct limits_view *view)
{
    const struct budget_view budget = budget_view(core, space);

    if (request->is_set) {
        return limit_refuse(space, ERR_INVAL);
    }
    const uint64_t unit = request->in_bytes ? PAGE_SIZE : 1;

    *view = (struct limits_view){
        .value = limits_convert(budget.limit, unit, 1),
        .used = limits_convert(budget.used, unit, 1),
        .ceiling = limits_convert(budget.limit, unit, 1),
        .reserved = limits_convert(budget.reserved, unit, 1),
    };
    return ERR_OK;
}

/* What the machine has promised is read only here: COMMIT sets it. */
static enum err limits_commit(struct core *core, struct space *space,
                              const struct limits_request *request, struct limits_view *view)
{
    const struct commit_request read = {.is_set = false};
    const uint64_t unit = request->in_bytes ? PAGE_SIZE : 1;
    struct commit_view commit;

    if (request->is_set) {
        return limit_refuse(space, ERR_INVAL);
    }
    const enum err error = op_commit(core, space, &read, &commit);

    ASSERT(error == ERR_OK);
    *view = (struct limits_view){
        .value = limits_convert(commit.limit, unit, 1),
        .used = limits_convert(commit.used, unit, 1),
        .ceiling = limits_convert(commit.limit, unit, 1),
        .reserved = limits_convert(space->committed, unit, 1),
    };
    return ERR_OK;
}

enum err op_limits(struct core *core, struct space *space, const struct limits_request *request,
                   struct limits_view *view)
{
    limit_begin(space);
    if (request->which == MEM_LIMIT_BUDGET) {
        return limits_budget(core, space, request, view);
    }
    if (request->which == MEM_LIMIT_COMMIT) {
        return limits_commit(core, space, request, view);
    }
    struct limits_place place = limits_find(space, request->which);
    uint64_t page = request->which == MEM_LIMIT_REGIONS ? 1 : PAGE_SIZE;
    uint64_t asked = request->in_bytes ? 1 : page; /* bytes in one of what is asked */
    uint64_t stored = page / place.in_store;       /* and in one of what is kept */
    uint64_t value = limits_convert(request->value, asked, stored);
    uint64_t ceiling = limits_convert(request->ceiling, asked, stored);

    if (request->in_bytes && request->which == MEM_LIMIT_REGIONS) {
        return limit_refuse(space, ERR_INVAL);
    }
    const struct limits_view before = {
        .value = limits_convert(*place.value, stored, asked),
        .used = limits_convert(place.used, page, asked),
        .ceiling = limits_convert(*place.ceiling, stored, asked),
    };

    if (request->is_set) {
        if (value > ceiling || (value == 0 && request->which == MEM_LIMIT_REGIONS)) {
            return limit_refuse(space, ERR_INVAL);
        }
        if (ceiling > *place.ceiling) {
            return limit_refuse(space, ERR_PERM);
        }
        *place.value = value;
        *place.ceiling = ceiling;
    }
    *view = before;
    return ERR_OK;
}
