/* SPDX-License-Identifier: MIT */
/*
 * Waiting: what the record of a thread holds of a request or fault that cannot be answered yet.
 *
 * A thread has one request at a time, so waiting needs no memory and cannot fail. What waits keeps
 * the words it came with; when its event comes it starts over with them, from the look-up of the
 * region on, since the region may have changed, moved or gone. Only what was done for good so far
 * (bytes copied, pages saved) is remembered, as `progress`.
 *
 *           wait_begin                      an event
 *   NONE ---------------> FIRST ---------------------------> READY ---> NONE   [wait_take]
 *    |  `---------------> SECOND --------------------------->  ^
 *    |      wait_queue                 the space is free       |
 *    |`-----------------> QUEUED ------------------------------|
 *    |`-----------------> WORK --------------------------------|
 *    |      wait_work                  there is work           |
 *     `-----------------> LEASE -------------------------------'
 *           wait_lease                 its time has come
 *   all -> NONE   [wait_cancel]  the thread ends
 *
 *   NONE    nothing waits; the request, if there is one, is being served
 *   FIRST   for a page of an object (pager.h): in a pull's list, or in the pager's backlog; or for
 *           a frame, in the list of reclaim.h. The space is free: everything goes on there
 *   SECOND  the same for the page that it waited for last, or of a request that keeps its space
 *           throughout (P9). The space is kept (`kept` counts such): requests that change regions
 *           queue. Never for an object with endless patience, never another's space: whoever
 *           may pin there could hold up its owner for a pager's time, again and again, and a
 *           thread that ends would have a space to let go that is not its own
 *   QUEUED  for its space, which is kept, in the list of the space
 *   WORK    a pager's NEXT, in the list of the pager
 *   LEASE   PIN_NEXT, until `deadline`; in the list of the pin table (lease.h)
 *   READY   what it waited for has come, or is not coming (`outcome`); in the list of the head, in
 *           the order of the events
 *
 * I1  A thread is in exactly the list that its state says, and in none in NONE.
 * I2  `kept` of a space is the number of its threads in SECOND, and of those that hold it until
 *     they are finished or wait anew (P9: `holds`); its list is empty without such.
 * Owner: the lists and everything in struct wait: who is in shared_enter(). `kept` of a space grows
 * only by who has its bucket.
 *
 * Not here: who asks a pager for what (pull.h); checking I1 and I2 (wait_audit.h); answers (shell).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

struct core;
struct space;
struct thread;

#define WAIT_WORDS   8u
#define WAIT_BACKLOG UINT32_MAX       /* in place of a slot: none is free */
#define WAIT_WORKER  (UINT32_MAX - 1) /* it waits for work */
#define WAIT_FRAME   (UINT32_MAX - 2) /* for a frame */

enum wait_state {
    WAIT_NONE = 0,
    WAIT_FIRST = 1,
    WAIT_SECOND = 2,
    WAIT_QUEUED = 3,
    WAIT_WORK = 4,
    WAIT_READY = 5,
    WAIT_LEASE = 6,
};
#define WAIT_STATES 7u

/* A request or fault as it came; core only stores it. */
struct wait_request {
    uint64_t serial;
    uint64_t tag;
    uint64_t words[WAIT_WORDS];
};

/* Threads in the order in which they came; links, 0: none. */
struct wait_list {
    uint32_t first;
    uint32_t last;
};

/* What a fault (FAULT_WAIT) or request (ERR_WAIT) has to have first, in struct core. */
enum need_kind {
    NEED_NOTHING = 0,
    NEED_PAGE = 1,  /* in memory */
    NEED_SAVED = 2, /* written back */
    NEED_FRAME = 3, /* any; object and page are 0 */
    NEED_TURN = 4,  /* nothing: it is the next message's turn (work.h); nobody waits for this */
};
enum need_hint {
    HINT_NONE = 0,
    HINT_RANDOM = 1,
    HINT_SEQUENTIAL = 2,
};
struct need {
    uint32_t kind;     /* enum need_kind */
    uint32_t object;   /* link */
    uint64_t page;     /* of the object */
    uint64_t pages;    /* that will be needed from there on, at least 1 */
    uint32_t hint;     /* enum need_hint */
    bool is_foreign;   /* it is in another's space: that cannot be kept */
    bool keeps;        /* the request has its space kept throughout, also the first time */
    bool has_hole;     /* NEED_TURN: it has passed one, which is answered in the end */
    uint64_t progress; /* what the request has done for good so far */
    uint64_t end;      /* not 0: all is done but that pages progress .. end - 1 become present */
    uint64_t making;   /* number of the pin that the request makes; 0: none */
};

struct wait {
    uint8_t state; /* enum wait_state; the rest is valid but in NONE, if nothing else is said */
    uint8_t tries; /* with a reserve, since it last got any further; until wait_finish() */
    uint16_t reserved;
    uint32_t outcome; /* enum err; of the last wait, until wait_finish() */
    struct wait_request request;
    uint64_t progress; /* until wait_finish() */
    uint64_t
        making; /* number of its pin, which goes if it is not ready by wait_finish(); 0: none */
    uint64_t object; /* number of the object waited for last, until wait_finish(); 0: none */
    uint64_t page;
    uint64_t deadline; /* in the backlog, and in LEASE */
    uint8_t kind;      /* enum need_kind */
    uint8_t hint;
    bool holds;      /* its space is kept, though it is not in SECOND; until wait_finish() */
    bool is_dropped; /* its space was free while it waited; until wait_finish() */
    uint32_t pages;
    uint32_t pager; /* page; valid in FIRST, SECOND, WORK */
    uint32_t slot;  /* of the pull, or WAIT_BACKLOG; valid in FIRST, SECOND */
    uint32_t next;
    uint32_t prev;
};

/* In the head of the arena; what happened since boot. */
struct wait_counts {
    uint64_t first;    /* tries that left the space free */
    uint64_t second;   /* tries that kept it */
    uint64_t again;    /* second tries that could not: another's space, endless time, a frame */
    uint64_t queued;   /* requests that a kept space had wait */
    uint64_t timeouts; /* pulls that ended by their deadline */
    uint64_t pulls;
    uint64_t joined; /* waiters beyond the first of a pull */
    uint64_t saves;
    uint64_t ahead;  /* pages that nobody had touched when they were asked for */
    uint64_t hits;   /* of these, found there by who touched them */
    uint64_t around; /* pages mapped by a fault beside them */
    uint64_t stale;  /* answers of pagers that were refused as stale or double */
};

/* Say what has to come first. Returns: nothing; the caller answers ERR_WAIT or FAULT_WAIT. */
void wait_need(struct core *core, const struct need *need);

/*
 * Let the thread wait for core->need, which is used up.
 *
 * Requires:  the thread, in NONE, is of `space`, whose bucket the caller has.
 * Returns:   ERR_OK: it waits, or is READY already; ERR_DEADLK: it would wait for itself;
 *            ERR_NOMEM: no frame to ask with, or no budget; ERR_PEER_GONE: there is no pager;
 *            ERR_TIMEDOUT or what the pager said: how the wait for this very page ended. Then it
 *            does not wait. May make port calls.
 */
MUST_USE enum err wait_begin(struct core *core, struct space *space, struct thread *thread,
                             const struct wait_request *request);

/* Let a request wait that changes regions of `space` (which may be another's), which is kept. */
void wait_queue(struct core *core, struct space *space, struct thread *thread,
                const struct wait_request *request);

/* Let a NEXT wait for work of the pager on page `pager`. */
void wait_work(struct core *core, uint32_t pager, struct thread *thread,
               const struct wait_request *request);

/*
 * Let a PIN_NEXT wait until `deadline`, or until a lease of a pin that comes meanwhile is over. No
 * other thread of `space` does.
 */
void wait_lease(struct core *core, struct space *space, struct thread *thread,
                const struct wait_request *request, uint64_t deadline);

/*
 * The thread whose event came first, in NONE again; NULL: there is none. Its request is the next to
 * be served: core->resume and what follows it are about it until it waits again or is finished.
 */
struct thread *wait_take(struct core *core);

/*
 * Its request has been answered: forget all of it. The caller has the bucket of its space if it was
 * making a pin.
 */
void wait_finish(struct core *core, struct thread *thread);

/* No request starts over any longer. */
void wait_forget(struct core *core);

/*
 * Nobody is to wait for core->need: his thread has ended. The caller has the bucket of his space.
 */
void wait_give_up(struct core *core);

/* The thread ends: it is in no list any longer. May make port calls. */
void wait_cancel(struct core *core, struct thread *thread);

/* The space ends: who queues for it goes on, and finds out. */
void wait_release(struct core *core, struct space *space);

/* What a waiter waited for has come or ended. In shared_enter(), as the rest. */
void wait_wake(struct core *core, struct thread *thread, enum err outcome);

/* Who waits in the backlog waits for the pull of a slot from now on. */
void wait_move(struct core *core, struct thread *thread, uint32_t slot);

/* The thread of a link, which is not 0. */
struct thread *wait_thread(const struct core *core, uint32_t link);

/* The list that a thread is in, which is not in NONE. */
struct wait_list *wait_list_of(const struct core *core, const struct thread *thread);

/* Forget all waits: whoever waited sends his request to the new instance. */
void wait_recover(struct core *core);
