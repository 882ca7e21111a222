/* SPDX-License-Identifier: MIT */
/*
 * What REMAP does once all of it is checked and reserved (op_remap.h).
 *
 * Owner: the space.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/limit.h"
#include "server/core/range.h"
#include "server/core/region.h"

struct core;
struct space;

/* What the checks found out. Ranges that do not apply are empty. */
struct remap_plan {
    uint32_t old_pages;
    uint32_t new_pages;
    struct range old;    /* whose pages move, and which goes unless it is kept */
    struct range target; /* what makes room at the new place */
    struct range tail;   /* what is cut off */
    struct range grown;  /* what is added in place */
    struct range moved;  /* the new place */
    struct region_kind kind;
    struct limit_change change;
    bool keeps_old;
    bool has_begun; /* Linux 6.12 has made room at the new place by now and cut the tail */
};

/*
 * Carry it out, at once or in steps. What is locked and new becomes present if it can.
 *
 * Returns: ERR_OK; ERR_MORE, where requests go in steps, and `more.rest` says what is to be present
 *          after them; ERR_WAIT, as populate_what_can_be().
 */
MUST_USE enum err remap_carry_out(struct core *core, struct space *space,
                                  const struct remap_plan *plan);
