/* SPDX-License-Identifier: MIT */
/*
 * One client's address space: one arena page.
 *
 *   FREE   -> MAKING  [space_begin]  record and frames are being collected; named in the list of
 *             spaces
 *   FREE   -> LIVE    [space_adopt]
 *   MAKING -> LIVE    [space_ready]  the kernel has its side; a clone has its pages
 *   MAKING -> ENDING  [space_end]    a frame was missing, or the server died
 *   LIVE   -> ENDING  [space_end]    what it has is given back, each thing after the kernel let go
 *             of it
 *   ENDING -> FREE    [space_end]
 *
 * I1  Totals are sums over regions (pages, data, stack, commit, locked) and over the shadow (own,
 *     zero, wired pages).
 * I2  `leaf_tag` names the block that `leaf_page` and `leaf_entry` belong to, or no block; never
 *     one with a large leaf.
 * I3  `region_cache` is 0 or a region of this space.
 * I4  A space that ends has no regions, pages, tables, threads or donated frames left; asserted.
 * I5  `badge` is not 0 exactly in LIVE. It is never used again.
 *
 * Owner: the server thread that has the lock of the space's bucket. The list of a bucket is changed
 * by who has `processes` too, so whoever has that may look spaces up without the bucket's lock.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/limit.h"
#include "server/core/mutex.h"
#include "server/core/port.h"
#include "server/core/tree.h"
#include "server/core/wait.h"
#include "server/core/work.h"

#define SPACE_ROOT 256u
/* Words of a bit for each page that one page table of the window covers. */
#define SPACE_WINDOW_WORDS 8u
#define SPACE_NO_TAG       UINT32_MAX

/* A badge is the number in its low bits, and above a count of all spaces made. */
#define SPACE_NUMBER_BITS 18
STATIC_ASSERT(ARENA_PAGES == UINT32_C(1) << SPACE_NUMBER_BITS, "numbers are arena pages");

/* Privileges of a space, from the manifest. */
#define SPACE_PRIVILEGE_LOW      0x1u  /* map below the lowest address */
#define SPACE_PRIVILEGE_LOCK     0x2u  /* lock without limit */
#define SPACE_PRIVILEGE_LOOK     0x4u  /* know of other spaces: for the shell around core */
#define SPACE_PRIVILEGE_PHYSICAL 0x8u  /* know which frames pages have: for the shell too */
#define SPACE_PRIVILEGE_DMA      0x10u /* have devices that master memory: for the shell too */
#define SPACE_PRIVILEGE_KILL     0x20u /* end other spaces: for the shell too */
#define SPACE_PRIVILEGE_SWAP     0x40u /* serve a swap area (op_swap.h) */
#define SPACE_PRIVILEGES         0x7fu

/* What the maker of a space says about it. Addresses are bytes, page aligned. */
struct space_settings {
    uaddr_t lowest; /* lowest address that may be mapped without privilege */
    uaddr_t base;   /* mapping base: free choice goes downward from here (R9) */
    uint64_t regions_max;
    uint64_t pages_max; /* MEM_UNLIMITED: no limit */
    uint64_t data_max;
    uint64_t stack_max;  /* bytes of a region that grows (RLIMIT_STACK) */
    uint64_t locked_max; /* bytes: even one byte lets a space ask (R10) */
    uint32_t privileges;
    uint32_t priority;   /* highest of its threads, for the kernel */
    uint64_t frames_max; /* its budget (budget.h); 0: the maker's, or without a maker no limit */
    uint32_t maker;      /* number of the space that makes it; 0: none. Its descendants end first */
    uint32_t reserved;
};

/* What the limits of the settings may be raised to; in the same units. */
struct space_ceilings {
    uint64_t regions;
    uint64_t pages;
    uint64_t data;
    uint64_t locked;
    uint64_t stack;
};

enum space_state {
    SPACE_FREE = 0,
    SPACE_MAKING = 1,
    SPACE_LIVE = 2,
    SPACE_ENDING = 3,
};

/*
 * The last fault that was decided, as the shell answers it; core only stores this.
 *
 * Until its server thread receives again nobody else can tell whether the answer has been given,
 * and it is to be given before anything else happens to the space. While that is so, `giving` of
 * the server thread is this serial:
 *
 *   space taken, `answer` written, giving = serial, space given back
 *   answer given, next message received (if that failed since the token was used up: see whether
 *   another has settled it, and if not, carry it out)
 *   giving = 0, or the next fault's serial, before anything else is done to a space
 */
struct space_answer {
    uint64_t serial; /* token of the faulted thread; 0: nothing to settle */
    uint64_t thread;
    uint64_t where; /* the map entry */
    uint64_t what;
    uint64_t source; /* the second entry of a copy; 0: none */
    uint32_t worker; /* server thread that gives it */
    uint32_t reserved;
};

struct space {
    uint32_t state;  /* enum space_state */
    uint32_t number; /* its arena page */
    uint32_t next;   /* in the list of its bucket; 0: none */
    uint32_t prev;
    uint64_t badge;       /* what the kernel says of whoever is in the space; 0: not live */
    uint64_t badge_later; /* what it will be once it is live */
    _Atomic uint32_t
        together; /* regions of objects that know them, pins of its pages, swapped pages; going
                                  up is for who has the bucket */
    uint32_t pinned_by; /* of these, the pins */
    uint32_t kept;      /* threads in WAIT_SECOND (wait.h) */
    uint32_t lessee;    /* link of its thread in WAIT_LEASE (lease.h); 0: none */
    struct space_answer answer;
    struct wait_list queue; /* requests that wait while it is kept */

    uint32_t object_frame;
    uint32_t root_frame;
    uint32_t slots_frame;  /* 0: an adopted space, whose frames are not core's */
    uint32_t slab_first;   /* donated frames, linked through their records */
    uint32_t window_table; /* frames of the window's tables; 0: none */
    uint32_t window_leaf;
    uint32_t window_first;  /* page of the last of the window's further blocks; 0: none */
    uint32_t window_blocks; /* how many of those there are */
    uint32_t thread_first;  /* link; 0: none */
    uint64_t window_used[SPACE_WINDOW_WORDS]; /* bits of the first pages of the window */
    pfn_t kernel;                             /* the kernel's name: frame of its object */
    uint32_t threads;
    uint32_t donated;       /* frames the kernel has for this space, tables and root aside */
    uint32_t thread_frames; /* objects and message pages of its threads, adopted ones aside */
    uint32_t children;      /* records of spaces that it made; the shell's to count */
    uint32_t client;     /* the shell's record of it, in the slab `clients`; core only stores it */
    uint32_t hold_first; /* of objects (hold.h) */
    uint32_t names;      /* given by it and its descendants (name.h) */
    uint32_t object_first; /* of those whose frames it pays for (upkeep.h) */
    uint64_t objects;      /* how many these are */
    uint64_t object_charge;
    uint32_t future; /* REGION_LOCKS that new regions get (LOCK ALL) */
    uint64_t merges; /* how often a region joined a neighbour; for QUERY */
    uint64_t faults; /* of its threads that the shell was told of; for QUERY */

    struct tree tree;
    uint32_t region_cache; /* region that answered the last look-up */
    uint32_t leaf_tag;
    uint32_t leaf_page;
    uint32_t leaf_entry; /* link of the entry above the leaf */

    uint64_t pages;          /* in regions */
    uint64_t data;           /* private writable */
    uint64_t stack;          /* in regions that grow */
    uint64_t committed;      /* in the commit account */
    uint64_t locked;         /* in regions with REGION_LOCKED */
    uint64_t own;            /* pages whose contents are the space's own */
    uint64_t shared;         /* of `own`: those whose frame clones may have too */
    uint64_t swapped;        /* of `own`: those that have a slot of a swap area, and no frame */
    uint64_t zero;           /* pages on the zero frame */
    uint64_t wired;          /* pages on frames of wired objects */
    uint32_t shadows;        /* shadow pages (arena pages), each with a page table beside it */
    uint32_t adopted_tables; /* of `shadows`: those whose page table is not from the pool */
    uint32_t larges;         /* large leaves (large.h) */
    uint32_t huges;          /* regions of huge pages (huge.h) */

    uint32_t payer;       /* number of the space whose budget it uses */
    uint32_t lender;      /* of the payer that its own budget was taken out of; 0: none */
    uint32_t region_room; /* regions that it is charged for */
    uint32_t reserved;
    uint64_t maker_mark;   /* of the last run of evict.h that found it to make memory */
    uint64_t charged;      /* frames, pages of its own aside */
    uint64_t budget_asked; /* what the payer refused in this request; 0: nothing */
    uint64_t budget_used;  /* what was used of the budget then */
    uint64_t budget_limit; /* and what its limit is */
    struct budget budget;  /* valid in a payer */

    struct space_settings settings;
    struct space_ceilings ceilings;
    struct refusal refusal;

    uint32_t pin_first;        /* of its pins (pin.h) */
    uint32_t pins;             /* how many these are */
    uint32_t pin_lists;        /* of them with an arena page */
    uint32_t pinned_first;     /* of those of its pages */
    _Atomic uint64_t pinned;   /* frames that its pins name; going up is for who has the bucket */
    uint64_t detained;         /* frames that only pins keep, which it pays for; valid in a payer */
    struct work work;          /* what is left of a request in steps */
    uint64_t burial;           /* the last object that such a step left to burial.h; 0: none */
    uint64_t root[SPACE_ROOT]; /* entries of shadow.h, 1 GiB each */
};

static inline struct bucket *space_bucket(const struct core *core, uint32_t number)
{
    return core->buckets + number % ARENA_BUCKETS;
}

/* Where a walk through all spaces begins and goes on; NULL: there are no more. */
struct space *space_first(const struct core *core);
struct space *space_next(const struct core *core, const struct space *space);

/*
 * Make a space and its kernel object. The caller has `processes`, and no bucket.
 *
 * Returns:   ERR_OK; ERR_NOMEM if frames are missing, in the budget or in all (recorded with the
 *            maker); ERR_INVAL if a setting makes no sense.
 * On error:  nothing changed.
 */
MUST_USE enum err space_make(struct core *core, const struct space_settings *settings,
                             struct space **space);

/* A record alone, MAKING, charged to its budget. Returns: as space_make(). */
MUST_USE enum err space_begin_bare(struct core *core, const struct space_settings *settings,
                                   struct space **space);

/*
 * The same in two parts: between them the space has its kernel object and takes regions and pages,
 * but it is not LIVE yet, and the death of the server ends it.
 */
MUST_USE enum err space_begin(struct core *core, const struct space_settings *settings,
                              struct space **space);
void space_ready(struct core *core, struct space *space);

/*
 * Take over a space that the kernel built at boot with `badge`: its object and its tables, which
 * are no frames of the pool.
 *
 * Its regions follow as MAP requests with FIXED and POPULATE of wired objects (installing what is
 * there is no harm), after space_adopt_table() named each table.
 * Returns:   as space_make().
 */
MUST_USE enum err space_adopt(struct core *core, const struct space_settings *settings,
                              pfn_t object, uint64_t badge, struct space **space);

/*
 * Name a page table of an adopted space: level 1 before the level 0 tables under it. Returns:
 * ERR_NOMEM.
 */
MUST_USE enum err space_adopt_table(struct core *core, struct space *space, uint32_t level,
                                    vpn_t vpn, pfn_t table);

/* Give a new space, which nobody can name yet, the limits of the one that made it. */
void space_inherit(struct space *space, const struct space *parent);

/* The live space with this number; NULL if there is none. */
struct space *space_find(const struct core *core, uint64_t number);

/*
 * Donate a frame of the pool to the kernel for small objects of this space.
 *
 * Returns:   ERR_OK; ERR_NOMEM without a frame (recorded); ERR_NO_SLOT if the handle table is full.
 * On error:  nothing changed.
 */
MUST_USE enum err space_donate(struct core *core, struct space *space, uint32_t slab);

/*
 * End a space, from any state: its threads, regions, pages, tables, donated frames, record. The
 * caller has `processes`, and no bucket.
 */
void space_end(struct core *core, struct space *space);

/* Finish or take back what a server thread of a dead server was doing to a space. */
void space_recover_step(struct core *core);

/* Go on with what a dead server left half made or half ended. */
void space_recover(struct core *core);

/*
 * Check this space: tree, regions, shadow, totals. Returns: frames that it alone holds.
 */
uint64_t space_audit(const struct core *core, const struct space *space);
