/* SPDX-License-Identifier: MIT */
/*
 * What making pages present would take, found by looking, for the dry runs of LOCK and PIN: asked
 * of each page in turn is what fault.c would do, and nothing is made, mapped or changed.
 *
 *   page                          written                        read
 *   absent, zero frame            1 frame                        nothing
 *   of an object, region private  1, and the object's            the object's, if it has none
 *   the same, shared              the object's, if it has none   the same
 *   shared with a clone           1, unless nobody else has it   nothing
 *   in a swap area                its frame back, 1 if others    its frame back
 *                                 name it
 *   in an empty large stretch     512, if there is a run         nothing
 *   block without leaf or table   2 for each level (shadow.h)    the same
 *
 * What a page finds is as the pages before it left it: tables and large leaves are counted once.
 * Huge pages are the pool's and no frames here; whether it has enough is judged.
 *
 * Not known before it is done, so not here: what a pager says, and how far it is asked ahead; a run
 * that would have to be gathered; tables that go meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/fault.h"
#include "server/core/huge_pool.h"
#include "server/core/space.h"

#define TALLY_NO_BLOCK UINT32_MAX

/* Pages of the trees of objects (radix.h) that are told apart; of more, some count twice. */
#define TALLY_NODES 16u

struct tally_node {
    const struct object *object;
    uint32_t level; /* 1: the lowest */
    uint64_t index; /* number of the first page below it, by pages that it covers */
};

struct tally {
    struct core *core;
    struct space *space;
    uint64_t frames;             /* for pages, tables and what stands beside them */
    uint64_t charged;            /* of these, to the budget of the space */
    uint64_t copies;             /* of these, pages that are copied */
    uint64_t free;               /* frames of the machine at the start */
    uint64_t left;               /* of the budget at the start */
    uint64_t runs;               /* that are left */
    uint32_t huge[HUGE_SIZES];   /* pages of the pools that are left */
    uint32_t leaf;               /* block whose leaf is there, or counted; TALLY_NO_BLOCK */
    uint32_t upper;              /* the same a level above */
    const struct object *object; /* the last one that a frame was counted for; NULL */
    uint64_t object_frames;      /* counted for it so far */
    uint64_t object_promised;    /* huge pages promised to it that are left */
    bool lacks;                  /* who pays for that object cannot */
    uint32_t nodes;
    struct tally_node node[TALLY_NODES]; /* pages of trees that were counted */
};

/* What is left of the budget of a space that pays. */
uint64_t tally_budget(const struct space *payer);

/* Begin with nothing counted, and what there is. */
void tally_begin(struct tally *tally, struct core *core, struct space *space);

/* Count frames, of which the space is charged for some. */
void tally_add(struct tally *tally, uint64_t frames, uint64_t charged);

/*
 * Judge what was counted.
 *
 * Returns: FAULT_READY: it can be had, or waited for; FAULT_NO_FRAME (a budget that refuses says
 *          so).
 */
MUST_USE enum fault_outcome tally_judge(struct tally *tally);

/* What stands above the leaves around the page; and its leaf too. */
void tally_upper(struct tally *tally, uint32_t page);
void tally_leaf(struct tally *tally, uint32_t page);

/*
 * A page, not of a huge one, whose shadow entry is `entry`, for `access`. In shared_enter().
 *
 * Returns: FAULT_READY; FAULT_PAST_END.
 */
MUST_USE enum fault_outcome tally_page(struct tally *tally, const struct region *region,
                                       uint32_t page, uint64_t entry, uint32_t access);

/*
 * Whether the stretch around the page, in which nothing is, becomes a large leaf. The frames that a
 * list is filled with at once may be those of the last run.
 */
bool tally_becomes_large(const struct tally *tally, const struct region *region, uint32_t page,
                         uint32_t access);
/* It does. */
void tally_large(struct tally *tally);

/*
 * The huge page of an object in which its page `number` is. In shared_enter().
 *
 * Returns: FAULT_READY; FAULT_PAST_END: there is none, or the pool has none.
 */
MUST_USE enum fault_outcome tally_huge_page(struct tally *tally, const struct object *object,
                                            uint64_t number, uint32_t access);
