/* SPDX-License-Identifier: MIT */
/*
 * LIMITS: read and set the limits of a space.
 *
 * A limit has a value, which refuses, and a ceiling, which bounds the value and only goes down.
 * They count regions or pages; read and set in bytes, a number of pages is rounded down.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <mem/limits.h>

#include "server/core/space.h"

struct limits_view {
    uint64_t value;
    uint64_t used;
    uint64_t ceiling;
    uint64_t reserved; /* of `used`, for the budgets of others; MEM_LIMIT_BUDGET only */
};

struct limits_request {
    enum mem_limit which; /* MEM_LIMIT_REGIONS, _PAGES, _DATA, _LOCKED, _STACK, _BUDGET, _COMMIT */
    bool is_set;
    bool in_bytes; /* not for MEM_LIMIT_REGIONS */
    uint64_t value;
    uint64_t ceiling;
};

/*
 * Set a limit if that is asked for, and tell what it was before.
 *
 * Returns:   ERR_OK; ERR_INVAL: regions in bytes, a value above its new ceiling, no region at all,
 *            a budget or the commit account to be set;
 *            ERR_PERM: a ceiling above the present one.
 * On error:  nothing changed.
 * Semantics: getrlimit(2), setrlimit(2). A value below what is used takes nothing away.
 */
MUST_USE enum err op_limits(struct core *core, struct space *space,
                            const struct limits_request *request, struct limits_view *view);
