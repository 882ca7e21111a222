/* SPDX-License-Identifier: MIT */
/*
 * Limits of a space and of the machine, and what a refusal tells the client.
 *
 * I1  Totals of a space are sums over its regions; a space that ends takes its totals to zero.
 * I2  `used` of the commit account is the sum over all regions with REGION_ACCOUNT, over the
 *     charges of all objects, and over what server threads were promised.
 *
 * Owner: accounts of a space belong to who serves it; the commit account is shared. A request takes
 * what it adds from the account before its commit (limit_promise), charges and discharges between
 * the promise and its regions, and gives back what is left over (limit_settle): so two requests
 * never get the same pages, and nothing shared is touched in a commit.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <mem/limits.h>

#include "server/core/range.h"

struct core;
struct space;

/*
 * How promises of memory are judged (R24; Linux vm.overcommit_memory). Private writable pages are
 * promises.
 */
enum commit_mode {
    COMMIT_HEURISTIC = 0, /* refuse a single request for more pages than the machine has frames */
    COMMIT_ALWAYS = 1,    /* refuse nothing */
    COMMIT_NEVER = 2, /* refuse what could exceed the frames of the machine; NORESERVE is ignored */
};

/* In the head of the arena. */
struct commit {
    _Atomic uint32_t mode;  /* enum commit_mode */
    uint32_t percent;       /* of the frames is the limit */
    _Atomic uint64_t limit; /* pages; looked at in COMMIT_NEVER */
    _Atomic uint64_t used;  /* pages in regions, and promised to commits */
};

/* How promises are judged now, and what COMMIT_NEVER allows. */
static inline enum commit_mode limit_mode(const struct commit *commit)
{
    return (enum commit_mode)atomic_load_explicit(&commit->mode, memory_order_relaxed);
}

static inline uint64_t limit_most(const struct commit *commit)
{
    return atomic_load_explicit(&commit->limit, memory_order_relaxed);
}

/* Frames that a space and those it pays for may use (budget.h). In the record of the payer. */
struct budget {
    uint64_t limit;            /* constant; 0: the space is not a payer */
    _Atomic uint64_t reserved; /* of `limit`, for budgets taken out of this one */
    _Atomic int64_t left;
};

/* Why the last request of a client was refused; kept until its next. */
struct refusal {
    uint32_t error; /* enum err; 0: it was not */
    uint32_t limit; /* enum mem_limit */
    uint64_t value; /* of the limit; 0 without a limit */
    uint64_t used;
    uint64_t asked;
};

/* What a request adds to a space, and what it takes away first. */
struct limit_change {
    uint64_t pages_added;
    uint64_t pages_removed;
    uint64_t data_added;
    uint64_t data_removed;
    uint64_t commit_added;
    uint64_t commit_removed;
};

/* Forget the refusal before: a new request begins. */
void limit_begin(struct space *space);

/* Record a refusal that names no limit. Returns: `error`. */
MUST_USE enum err limit_refuse(struct space *space, enum err error);

/* Record a refusal by a limit. Returns: `error`. */
MUST_USE enum err limit_refuse_over(struct space *space, enum err error, enum mem_limit limit,
                                    uint64_t value, uint64_t used, uint64_t asked);

/* Enter into `change` what goes when the regions of `range` go. */
void limit_subtract(const struct core *core, const struct space *space, struct range range,
                    struct limit_change *change);

/* Record that the budget or else the machine has too few frames left. Returns: ERR_NOMEM. */
MUST_USE enum err limit_refuse_frames(const struct core *core, struct space *space, uint64_t asked);

/*
 * Judge a change of a space's totals (R23, R24).
 *
 * Returns:   ERR_OK; ERR_NOMEM over the page, data or commit limit (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err limit_check(const struct core *core, struct space *space,
                              const struct limit_change *change);

/* The part of it that is about the commit account (R24). */
MUST_USE enum err limit_check_commit(const struct core *core, struct space *space,
                                     const struct limit_change *change);

/*
 * Take from the commit account what `change`, which passed limit_check(), adds to it. The last
 * thing before a commit.
 *
 * Returns:   ERR_OK; ERR_NOMEM if other server threads were faster (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err limit_promise(struct core *core, struct space *space,
                                const struct limit_change *change);

/* Give back to the commit account what a commit did not need of its promise. */
void limit_settle(struct core *core);

/* Whether the space may lock pages at all (R10; Linux can_do_mlock()). */
bool limit_may_lock(const struct space *space);

/*
 * Judge `pages` more locked pages (R11).
 *
 * Returns:   ERR_OK; `error` over the lock limit without the privilege (recorded).
 */
MUST_USE enum err limit_check_locked(struct space *space, uint64_t pages, enum err error);

/*
 * Judge the number of regions if `splits` regions are split one after the other (R26).
 *
 * Returns:   ERR_OK; ERR_NOMEM (recorded).
 */
MUST_USE enum err limit_check_splits(struct space *space, uint32_t splits);

/* Add or take away `pages` pages of a region with `flags`. */
void limit_charge(struct core *core, struct space *space, uint32_t flags, uint32_t pages);
void limit_discharge(struct core *core, struct space *space, uint32_t flags, uint32_t pages);
