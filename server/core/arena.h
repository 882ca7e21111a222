/* SPDX-License-Identifier: MIT */
/*
 * The one place where core's state lives: pages named by number from a base address.
 *
 *   page 0 .. 1            the head: everything of fixed size
 *   2 .. 257               directory: the frame behind each arena page, 4 bytes a page
 *   258 .. general - 1     frame records, 16 bytes a frame, for all frames of RAM
 *   general .. 262143      given out one by one: spaces, shadow tables, slabs
 *
 * The arena is 1 GiB of addresses of which pages are backed with frames as they are needed. All
 * links inside are page or record numbers, so that the arena means the same at any address; `struct
 * core` holds the only pointers and is made anew by core_attach(). Pages given back are kept up to
 * a small number (arena_trim), the rest of them lose their frames, and a page table of the arena
 * goes when its 512 pages are gone.
 *
 * I1  A page is backed exactly if its directory entry names a frame. Unbacked directory pages count
 *     as zero.
 * I2  A free backed page is zero but for its first word, the next free page.
 * I3  block_used[b] is the number of backed pages of block b (512 pages), table_frame[b] its page
 *     table.
 *
 * Which server thread may touch what, and when: shared.h.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/frame.h"
#include "server/core/huge_pool.h"
#include "server/core/intent.h"
#include "server/core/limit.h"
#include "server/core/object.h"
#include "server/core/pager.h"
#include "server/core/reclaim.h"
#include "server/core/slab.h"
#include "server/core/swap.h"
#include "server/core/work.h"

#define ARENA_PAGES      UINT32_C(262144)
#define ARENA_BYTES      ((uint64_t)ARENA_PAGES * PAGE_SIZE)
#define ARENA_HEAD_PAGES 2u
#define ARENA_DIRECTORY  ARENA_HEAD_PAGES
#define ARENA_RECORDS    (ARENA_DIRECTORY + 256u)
#define ARENA_BLOCK      512u
#define ARENA_BLOCKS     (ARENA_PAGES / ARENA_BLOCK)
#define ARENA_WORKERS    8u
#define ARENA_SPARES     8u
#define ARENA_BUCKETS    128u
#define ARENA_MAGIC      UINT64_C(0x616e657261666468)
#define ARENA_VERSION    5u
/* Free pages that stay backed when a request is done. */
#define ARENA_KEEP 8u
/* Most pages that a fault may be set to make present beside its own. */
#define FAULT_AHEAD_MAX 64u
/*
 * What the server boots with; tests that compare with it do the same. The costs of a fault are
 * small then beside those of zeroing.
 */
#define FAULT_AHEAD_DEFAULT 31u

/* A lock between server threads (mutex.h). */
struct mutex {
    _Atomic uint32_t takers; /* bit w: server thread w has it or waits for it */
};

/* Spaces whose numbers agree in their last bits, in a list (space.h). */
struct bucket {
    struct mutex mutex;
    uint32_t first; /* space; 0: none */
};

/* State of one server thread, its own but for `wait`, and for reading `free_frames`, `giving`. */
struct worker {
    _Atomic uint64_t giving; /* token of the fault that it is about to answer; 0: none (space.h) */
    _Atomic uint32_t wait;   /* enum mutex_turn of mutex.c */
    uint32_t free_first;     /* free frames, linked through their records */
    _Atomic uint32_t free_frames;
    uint32_t run_first; /* free runs (run.h) */
    _Atomic uint32_t runs;
    uint32_t spares;      /* region records in hand, linked by `left` */
    uint32_t spare_first; /* 0: none */
    uint32_t dead_first;  /* objects without references that are still to be given back */
    uint32_t making;      /* page of a space that is not in its bucket yet; 0: none */
    uint32_t lacks_frame; /* whether what was refused last was a frame, and not the budget */
    uint32_t reserved;
    _Atomic uint64_t waits; /* how often it found a lock taken */
    uint64_t moved;    /* frames that came into its list other than by pool_give(), less those that
                          left it other than by pool_take(); modulo 2^64 */
    uint64_t promised; /* pages of the commit account that no region has yet (limit.h) */
    struct intent intent;
};

/* Pins (pin.h). */
struct pin_table {
    struct radix links;   /* by number */
    uint64_t number;      /* of the pin made last */
    uint64_t detained;    /* frames of kind FRAME_PINNED */
    uint64_t quarantined; /* frames that pins in quarantine name */
    uint32_t quarantine_first;
    uint32_t reserved;
    uint64_t lease_at;        /* when leases are looked at; UINT64_MAX: nobody waits (lease.h) */
    struct wait_list lessees; /* threads in WAIT_LEASE */
    struct slab records;
    struct slab pinners;
};

/* In the order of shared.h. */
struct arena_head {
    /* Constant. */
    uint64_t magic;
    uint32_t version;
    uint32_t general;        /* first general page */
    uint32_t table_top;      /* frame of the level 1 table */
    uint32_t fault_ahead;    /* pages, at most FAULT_AHEAD_MAX */
    uint32_t thread_first;   /* thread numbers for spaces are not below this, */
    uint32_t thread_numbers; /* but below this */
    uint32_t shell_page;     /* page of the shell's own state; 0: none. Core only stores it */
    uint32_t shell_frames;   /* frames that the shell has for itself (pool_take_for_shell) */
    uint32_t reserved_word;

    /* Each under its own lock. */
    struct bucket buckets[ARENA_BUCKETS];

    /* Under `processes`. */
    struct mutex processes;
    uint32_t spaces;
    uint32_t thread_page;   /* blocks of thread numbers; 0: no thread yet */
    uint32_t number_tables; /* tables of the server's window that are not the kernel's */
    uint32_t reserved;
    uint64_t generation; /* of the space made last */

    /* Under `shared`, but for reading free_pages. */
    struct mutex shared;
    uint32_t free_page;          /* first free backed page; 0: none */
    _Atomic uint32_t free_pages; /* how many */
    uint32_t backed;             /* pages backed, all kinds */
    uint32_t tables;             /* page tables of the arena, the one of level 1 included */
    uint32_t hint;               /* block in which to look for a page to back */
    struct pool pool;
    struct object_table object_table;
    struct pager_table pagers;
    struct slab regions;
    struct slab objects;
    struct slab holds;
    struct slab names;
    struct radix names_by_hash; /* first name of each chain */
    struct slab threads;
    struct slab clients; /* set up and used by the shell alone */
    uint16_t block_used[ARENA_BLOCKS];
    uint32_t table_frame[ARENA_BLOCKS];

    /* Atomic, or a server thread's own. */
    struct commit commit;
    struct worker workers[ARENA_WORKERS];

    /* Under `shared`. */
    struct pin_table pins;
    struct swap_table swap;
    struct reclaim reclaim;
    struct huge_pool huge[HUGE_SIZES]; /* by level, less 1 */
};

/* Pages of an object of a pager; none: 0 pages. */
struct leave {
    uint64_t number; /* of the object */
    uint64_t first;
    uint64_t pages;
};

/*
 * A server thread's way into the arena. Made by core_init() and core_attach(); holds nothing that
 * could not be made again.
 */
struct core {
    unsigned char *base;
    struct arena_head *head;
    struct bucket *buckets; /* of the head */
    struct worker *worker;
    struct frame *frames;
    struct port *port;
    uint32_t number;     /* of the server thread */
    uint32_t bit;        /* 1 << number */
    uint32_t depth;      /* how often it is inside shared_enter() */
    bool commits_shared; /* valid in a commit: it is in there */
    uint8_t claim;       /* enum pool_claim: what it may take besides what is anybody's */
    uint32_t spender;    /* the space for which it may take from reserves (reserve.h); 0: none */
    struct need need;    /* what the fault or request that has to wait has to have first (wait.h) */
    uint64_t resume;     /* `progress` of the request that starts over; 0 for any other */
    enum err outcome;    /* of its wait */
    uint64_t making;     /* number of the pin that it is making; 0: none */
    bool is_restarted;   /* a request starts over */
    bool is_dropped;     /* its space was free while it waited */
    uint64_t time;       /* as the shell says, which is all that core knows of it */
    bool has_turns;      /* long requests are done in steps (work.h); the shell says so */
    uint32_t left;       /* with turns: what this one may still make present (fault.h) */
    struct more more;    /* what is left of a request that said ERR_MORE */
    struct leave leave;  /* what this message has saved and is now to go (op_pageout.h) */
};

/* Memory of an arena page. */
static inline void *arena_page(const struct core *core, uint32_t page)
{
    return core->base + ((uint64_t)page << PAGE_SHIFT);
}

/* Memory of a record named by a link. */
static inline void *arena_at(const struct core *core, uint32_t link)
{
    return core->base + ((uint64_t)link << 3);
}

/* Link of a record. */
static inline uint32_t arena_link(const struct core *core, const void *record)
{
    return (uint32_t)((uint64_t)((const unsigned char *)record - core->base) >> 3);
}

/*
 * Lay out the head, directory and tables for frames base + 1 .. base + span - 1 from the fresh
 * ranges in `pool`.
 *
 * Returns:   ERR_OK; ERR_NOMEM if the largest range is too small for that or the machine too large
 *            for the arena.
 */
MUST_USE enum err arena_init(struct core *core, const struct pool *pool);

/* Take a zeroed page. Returns: its number; 0 if there is no frame. May make port calls. */
MUST_USE uint32_t arena_page_take(struct core *core);

/*
 * Have `pages` free pages, so that as many arena_page_take() succeed without a port call until
 * shared_leave(). The caller is in shared_enter().
 */
MUST_USE bool arena_page_reserve(struct core *core, uint32_t pages);

/* Give a page back that is all zero. Makes no port call but to wait for the lock. */
void arena_page_give(struct core *core, uint32_t page);

/* Give frames back until at most `keep` free pages are backed. */
void arena_trim(struct core *core, uint32_t keep);

/* What the directory says is behind a page; 0: nothing. */
uint32_t arena_frame(const struct core *core, uint32_t page);

/* Put `frame`, just taken or fresh, behind a page of records. */
void arena_back_records(struct core *core, uint32_t page, uint32_t frame);

/* Finish the step on the arena that a dead server left. */
void arena_recover(struct core *core);

/* Check I1 to I3. Returns: frames of the arena, its tables included. */
uint64_t arena_audit(const struct core *core);

/* Zero `bytes` bytes, a multiple of 8. */
void arena_zero(void *memory, size_t bytes);
