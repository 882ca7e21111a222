/* SPDX-License-Identifier: MIT */
/*
 * Pagers: processes that fill the pages of objects and take changed ones back.
 *
 * A pager is one arena page, which an object of its own names (OBJECT_PAGER), so that handles,
 * holds and rights are those of objects. It serves objects (OBJECT_PAGED), each of which has one
 * reference of it. What is asked of it stands in *pulls*: a range of pages of one object to be
 * supplied or saved, from the moment somebody needs it until it is answered, fails or takes too
 * long. There are PAGER_PULLS of them, made with the pager; who finds none free waits in the
 * backlog.
 *
 *                pull_wait             pager_take            pull_supplied, pull_end
 *   (free) ---------------> in the queue --------> given ----------------> (free)
 *                                ^                   |  the process ends, its objects wait
 *                                '-------------------'  [orphan_begin, with a new generation]
 *
 * The process that made it serves it, until it ends (`space` is 0 then), or one that attaches: what
 * becomes of the objects in between is orphan.h. An object without references stays in the list of
 * those that are gone until the pager has been told.
 *
 * I1  A slot is in the free list exactly if its pull has no object; in the queue if it was not
 *     given.
 * I2  `left` of a pull for pages is the number of words ASKED with its slot.
 * I3  A generation is never used again; it is the slot and above that a count of all pulls.
 * I4  There are waiters in the backlog only while no slot is free.
 * I5  The objects are in the order in which they were made, the latest first.
 * Owner: who is in shared_enter().
 *
 * Not here: pulls (pull.h), what they save (saving.h), who waits (wait.h), pages (paged.h),
 * reserves (reserve.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/wait.h"

#define PAGER_PULLS     62u
#define PAGER_SLOT_BITS 6

struct pull {
    uint64_t first; /* page of the object */
    uint64_t generation;
    uint64_t deadline;
    union {
        uint64_t saving;   /* a bit for each page that is being saved; with NEED_SAVED (saving.h) */
        struct {           /* with NEED_PAGE */
            uint32_t left; /* pages that are still to be supplied */
            uint32_t needed; /* of the pages; those behind are asked for ahead */
        };
    };
    uint64_t open;   /* a bit for each page that is to be answered; with NEED_SAVED */
    uint32_t object; /* link; 0: free */
    uint32_t pages;
    uint8_t kind; /* enum need_kind */
    uint8_t is_given;
    uint16_t next; /* of the queue or the free list: a slot + 1; 0: none */
    struct wait_list waiters;
};

struct pager {
    uint32_t page;   /* its own */
    uint32_t object; /* link of the one that names it */
    uint32_t space;  /* number of the process that serves it; 0: that has ended */
    uint32_t next;   /* pages, of the list of all pagers */
    uint32_t prev;
    uint32_t object_first; /* links, of its objects */
    uint32_t gone_first;   /* of objects without references, linked by pager_next */
    uint32_t gone_last;
    uint32_t walk;       /* next in a walk over pagers; valid during the walk */
    uint32_t mark;       /* of the last walk that came here */
    uint32_t rounds;     /* objects in a round (writeback.h); valid during a step of that */
    uint64_t back;       /* number of the object that had its share of one last */
    uint32_t reserve;    /* frames (reserve.h) */
    uint32_t again;      /* besides, what the process had, until the next one serves it */
    uint32_t left;       /* of these, those that are there */
    uint32_t keeps;      /* `again` is refilled: it ends, or no process serves it yet */
    uint64_t awaited;    /* until when who waits for a frame waits for that; 0: not at all */
    uint16_t free_first; /* slot + 1 */
    uint16_t queue_first;
    uint16_t queue_last;
    uint16_t reserved;
    uint32_t leaving_first; /* links, of its objects with pages that are to leave (writeback.h) */
    uint32_t leaving_last;
    struct wait_list backlog; /* waiters without a pull */
    struct wait_list workers; /* of the process: NEXT without work */
    struct pull pulls[PAGER_PULLS];
};

/* In the head of the arena. */
struct pager_table {
    uint32_t first;
    uint32_t mark;             /* of the last walk */
    uint64_t objects;          /* that pagers serve; without any there is nothing to reclaim */
    uint64_t pulls;            /* ever made: the next generation */
    uint64_t deadline;         /* no pull or waiter of a backlog has an earlier one */
    uint64_t time;             /* the latest that any server thread has come here with */
    uint64_t age;              /* writeback.h; 0: nothing is written back unasked */
    uint64_t back_time;        /* of its next step */
    uint32_t back_pager;       /* page of the pager that had its share of one last */
    _Atomic uint32_t reserves; /* pagers that have one */
    uint64_t spent;            /* frames that were taken out of reserves */
    uint64_t unsaved;          /* pages of all objects but swap areas */
    uint32_t is_leaving;       /* some object has pages that are to leave (writeback.h) */
    uint32_t leaving_pager;    /* page of the pager that had its share of saving such last */
    struct wait_list ready;    /* wait.h */
    struct wait_counts count;  /* wait.h */
};

/* The pager that serves or names an object. */
struct pager *pager_of(const struct core *core, const struct object *object);

/*
 * Make a pager, on a page in hand, which `object` names from now on and `space_opt` serves; NULL:
 * nobody yet. The caller is in shared_enter(). Makes no port call.
 */
void pager_open(struct core *core, const struct space *space_opt, struct object *object);

/* Nothing refers to a pager any longer: give it back. */
void pager_free(struct core *core, struct object *object);

/* A new object belongs to a pager; it takes a reference. */
void pager_enter(struct core *core, struct pager *pager, struct object *object);

/*
 * An object without pages and references leaves its pager.
 *
 * Returns: whether its record stays, until the pager has been told or is freed.
 */
bool pager_leave(struct core *core, struct object *object);

/* A page that was asked for in this slot does not exist any longer. */
void pager_lose(const struct core *core, const struct object *object, uint32_t slot);

/*
 * The object of a pager that was made last of those with a number below `before`; NULL: there is
 * none.
 */
struct object *pager_find_object(const struct core *core, const struct pager *pager,
                                 uint64_t before);

/* The pager on a page; NULL: it has gone. */
struct pager *pager_find(const struct core *core, uint32_t page);

/* Give back the records of all objects that the pager was to be told of. */
void pager_forget_gone(struct core *core, struct pager *pager);

/* Whether the process that serves the pager of `object` waits, in the end, for `space`. */
bool pager_waits_for(struct core *core, const struct object *object, const struct space *space);

/* Whether the process that serves a pager waits, in the end, for itself. */
bool pager_is_circle(struct core *core, const struct pager *pager);

/* There is something for the pager to take. */
void pager_call(struct core *core, struct pager *pager);

/* A worker that was called has ended: call another if the pager on `page` still has work. */
void pager_recall(struct core *core, uint32_t page);

/* Put a pull at the end of the queue. */
void pager_queue(struct core *core, struct pager *pager, uint32_t slot);

/* The pull that the pager is to take next; NULL: none. */
struct pull *pager_next_pull(struct pager *pager);

/* It was taken. */
void pager_give_pull(struct pager *pager);

/* The first object that is gone, taken out of the list; NULL: none. */
struct object *pager_take_gone(struct core *core, struct pager *pager);

/* Forget all pulls and lists, after the server died. */
void pager_recover(struct core *core);

/* Check that a page is asked for by the pull of a slot; check I1 to I5 of all pagers. */
void pager_audit_asked(const struct core *core, const struct object *object, uint64_t page,
                       uint32_t slot);
void pager_audit(const struct core *core);

/*
 * Mark the spaces whose process serves a pager, or has to start who serves one with a reserve:
 * whoever makes memory must not need any. In shared_enter().
 *
 * Returns: how many pagers there are.
 */
uint32_t pager_mark_makers(struct core *core, uint64_t mark);
