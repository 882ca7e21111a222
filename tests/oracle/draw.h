/* SPDX-License-Identifier: MIT */
/*
 * Drawing a sequence: where it plays, and one step after the other, with an eye on the regions that
 * are there by then.
 *
 *   draw_begin()   zones, hot pages, mix
 *   draw_step()    the next step, always one that stage_is_safe()
 *   draw_fit()     instead, a step that was drawn for another process
 *   draw_see()     what there is after it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "look.h"
#include "random.h"
#include "stage.h"
#include "step.h"

/* Why a step is turned away: a known difference (known.h), and none for 0. */
enum dodge {
    DODGE_NONE = 0,
    DODGE_REMAP_BORDER,
    DODGE_REMAP_SEVERAL,
    DODGE_REMAP_ROUNDED,
    DODGE_REMAP_TARGET,
    DODGE_REMAP_LIMIT,
    DODGE_PROTECT_BORDER,
    DODGE_NAME_AGAIN,
    DODGE_PUT_BARRED,
    DODGE_EXEC_ONLY,
    DODGE_MOVED_LOCK,
    DODGE_PAGEOUT_FREED,
    DODGE_PAGEOUT_SHARED,
    DODGE_HUGE_HOLE,
    DODGE_HUGE_OFFSET,
    DODGE_HUGE_ONFAULT,
    DODGE_HUGE_ONTO,
    DODGE_HUGE_CLONE,
    DODGE_HUGE_INCORE,
    DODGE_HUGE_BORDER,
    DODGE_HUGE_LEAK, /* no row: Linux would lose pages (ours_would_leak()) */
    DODGES,
};

#define DRAW_REGIONS  512u
#define DRAW_SUSPECTS 32u

/* What there is in one space of the sequence. */
struct draw_side {
    uint64_t pages; /* last seen totals */
    uint64_t data;
    uint64_t locked;
    uint64_t huge_spare;             /* huge pages that are promised to nobody */
    uint64_t bytes[STEP_OBJECTS];    /* of objects */
    bool is_barred[STEP_OBJECTS];    /* that are not to be written */
    bool had_name[STEP_OBJECTS];     /* that they may have no longer */
    bool has_freed;                  /* pages that PAGEOUT would take at once on Linux */
    uint64_t limit[STEP_LIMITS];     /* that are set */
    uint32_t suspects;               /* so far */
    uint32_t suspect[DRAW_SUSPECTS]; /* pages where Linux may have a border that core has not */
    uint32_t regions;
    struct look_region region[DRAW_REGIONS];
};

struct draw {
    struct random *random;
    uint32_t base; /* mapping base, page */
    struct room room;
    struct zone hot; /* pages that are drawn most often */
    unsigned mix;    /* which weights */
    uint32_t spare;  /* of the sequence */
    unsigned fixed_percent;
    unsigned stack_percent;  /* of mappings that grow */
    unsigned shared_percent; /* of mappings that are shared */
    unsigned object_percent; /* of mappings of objects; 0: there are none */
    bool may_append;         /* objects may be append-only */
    bool may_be_huge;        /* and larger than any memory */
    bool is_huge;            /* there are huge pages, which most steps are about */
    bool is_cloned;          /* there are CLONEs */
    bool is_batch;           /* a step of a batch is drawn */
    uint64_t stores;         /* so far; makes words differ */
    uint64_t *dodged;        /* draws turned away, by enum dodge */
    uint32_t who;            /* the space whose turn it is, which `now` is about */
    uint32_t last;           /* space */
    struct draw_side now;
    struct draw_side side[STEP_SIDES]; /* the others */
};

/* Choose zones, hot pages and mix; `dodged` counts what is turned away, by enum dodge. */
void draw_begin(struct draw *draw, struct random *random, const struct stage *stage,
                bool is_crowded, uint64_t dodged[DODGES]);
/* Draw the next step. */
void draw_step(struct draw *draw, struct step *step);
/* Draw a step of a batch. */
void draw_member(struct draw *draw, struct step *step);
/*
 * Make a step that was drawn for another process one that this one may carry out: as it is, or else
 * one that does nothing.
 */
void draw_fit(struct draw *draw, struct step *step, bool is_member);
/* Take in what there is after it. */
void draw_see(struct draw *draw, const struct step *step, const struct look *look);
