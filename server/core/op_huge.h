/* SPDX-License-Identifier: MIT */
/*
 * HUGE: the pools of huge pages (R19), set once, at boot, and what is left of them.
 *
 * Not here: who may set them (shell).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

struct huge_request {
    bool is_set;
    uint64_t bytes; /* of a page: 2 MiB or 1 GiB */
    uint64_t pages; /* that are to be set aside; looked at if `is_set` */
};

/* Pages. */
struct huge_view {
    uint64_t total;
    uint64_t free;
    uint64_t reserved; /* of the free: promised to mappings that have not touched them */
};

/*
 * Tell, or set aside, on behalf of `space`. The caller has `processes` if it sets something.
 *
 * Returns:   ERR_OK; ERR_INVAL: no such size, or no pages to be set aside; ERR_EXIST: there is a
 *            pool of that size; ERR_NOMEM: there is no row of frames that long that was never used,
 *            or the budget has not as many left (recorded). `*view` is what is so afterwards.
 * On error:  nothing changed.
 * Semantics: Linux hugepages=, hugepagesz= (Documentation/admin-guide/mm/hugetlbpage.rst); no
 *            surplus pages, and no change later.
 */
MUST_USE enum err op_huge(struct core *core, struct space *space,
                          const struct huge_request *request, struct huge_view *view);
