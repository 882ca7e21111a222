/* SPDX-License-Identifier: MIT */
/*
 * What pulls that save know of their pages, which a pager may answer one by one, in any order.
 *
 *   saving_open      saving_begin          saving_settle, saving_give_up
 *   to be answered ------------> saved by this pull ----------------> answered
 *                  (not DIRTY any longer: to be answered all the same, and nothing comes of it)
 *
 * A page that was answered is nobody's until it is DIRTY again, and then another pull's, though the
 * first goes on with its other pages. So what one pull says of a page that another one is saving,
 * since it was written again, or lost and asked for anew, is of no account.
 *
 * I1  `open` of a pull is not 0, and of its pages; `saving` is part of that, and 0 before it is
 *     given.
 * I2  A page that is SAVING or AGAIN is so by exactly one pull, in whose `saving` it is.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/pager.h"

/*
 * The pull by which a page is being saved, or will be when it is given; PAGER_PULLS: none.
 */
uint32_t saving_find(const struct core *core, const struct pager *pager,
                     const struct object *object, uint64_t page);

/* How many pages from a DIRTY one on are to be saved by one pull, of at most `pages`. */
uint32_t saving_width(const struct core *core, const struct pager *pager,
                      const struct object *object, uint64_t page, uint64_t pages);

/* The first of the pages that can be saved by one pull of which the DIRTY `page` is the last. */
uint64_t saving_first(const struct core *core, const struct pager *pager,
                      const struct object *object, uint64_t page);

/*
 * Whether a pager has so much to save that it should not be given more unasked: `pages` pages, or
 * half of its pulls.
 */
bool saving_is_enough(const struct pager *pager, uint32_t pages);

/* All pages of a pull are to be answered. */
void saving_open(struct pull *pull);

/* A pull is given: those of its pages that are DIRTY are SAVING by it. */
void saving_begin(struct core *core, struct object *object, struct pull *pull);

/* Whether pages of a pull, which are in it, are all still to be answered. */
bool saving_is_open(const struct pull *pull, uint64_t first, uint64_t pages);

/* They are: saved or not. */
void saving_settle(struct core *core, struct object *object, struct pull *pull, uint64_t first,
                   uint64_t pages, bool is_saved);

/* Nobody answers any longer: what is being saved is not saved. */
void saving_give_up(struct core *core, struct object *object, struct pull *pull);

/* The object ends before `end`: pages from there on are nobody's any longer. */
void saving_shrink(struct pull *pull, uint64_t end);

/* It is to be given again, for what lies between the first and the last page not answered. */
void saving_reopen(struct core *core, struct object *object, struct pull *pull);

/* Check I1 of a pull of a slot; I2 of a page. */
void saving_audit_pull(const struct core *core, const struct object *object,
                       const struct pull *pull);
void saving_audit_page(const struct core *core, const struct object *object, uint64_t page);
