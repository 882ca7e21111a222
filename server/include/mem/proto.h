/* SPDX-License-Identifier: MIT */
/*
 * Requests to the memory server and its answers: eight words each, as they travel in a0..a7.
 *
 * Word 0 of a request is `head`: bits 15..0 the number (MEM_...), bit 16 the LINUX form of R0 (a
 * refusal part-way leaves what Linux leaves done), other bits zero. Word 7, `space`, is a handle to
 * the space that the request is about (tag mask bit 7) or 0 for one's own. Word 0 of an answer is
 * `error`, an enum err; on an error the other words are zero, but with MORE (proto_turn.h). Unknown
 * flags, nonzero `reserved` and handles where none belong: INVAL.
 *
 * A handle to something of the server's (space, object) is a badged handle to the server's
 * endpoint; the rights it gives there are in the badge and chosen when the server makes it
 * (MEM_RIGHT_...).
 *
 * Lists travel in the message page from offset 0, at most MESSAGE_DATA_BYTES.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>
#include <mem/privilege.h>
#include <mem/proto_commit.h>
#include <mem/proto_device.h>
#include <mem/proto_huge.h>
#include <mem/proto_object.h>
#include <mem/proto_pin.h>
#include <mem/proto_space.h>
#include <mem/proto_stats.h>
#include <mem/proto_swap.h>
#include <mem/proto_turn.h>

enum mem_request {
#define REQUEST(name, number, function, summary) MEM_##name = (number),
#include <mem/proto.def>
#undef REQUEST
};

#define MEM_HEAD_NUMBER UINT64_C(0xffff)
#define MEM_HEAD_LINUX  UINT64_C(0x10000)
#define MEM_HEAD_LEGAL  UINT64_C(0x1ffff)

#define MEM_PROTOCOL_VERSION 1u

#define MEM_RIGHT_MAP     0x1u /* change regions */
#define MEM_RIGHT_READ    0x2u /* query, copy from */
#define MEM_RIGHT_PIN     0x4u /* pin, copy from and to: what a device does, or its driver */
#define MEM_RIGHT_CONTROL 0x8u /* threads, limits, end, copy to */
#define MEM_RIGHT_ALL     0xfu

/* HELLO. features: bit n set if request number n is served. */
struct mem_hello_req {
    uint64_t head;
    uint64_t version; /* the client's MEM_PROTOCOL_VERSION */
    uint64_t reserved[6];
};
struct mem_hello_rep {
    uint64_t error;
    uint64_t version;
    uint64_t features;
    uint64_t page_sizes; /* bit n: leaves of 2^n bytes */
    uint64_t user_start;
    uint64_t user_end;
    uint64_t space_id; /* number of the client's own space, for people */
    uint64_t reserved;
};

/* MAP: semantics.md R1..R28. object: a handle (tag mask bit 6) or 0. */
struct mem_map_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint32_t prot;
    uint32_t flags;
    uint64_t offset;
    uint64_t reserved;
    uint64_t object;
    uint64_t space;
};
struct mem_map_rep {
    uint64_t error;
    uint64_t addr;
    uint64_t reserved[6];
};

struct mem_unmap_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t reserved[4];
    uint64_t space;
};

struct mem_protect_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t prot;
    uint64_t reserved[3];
    uint64_t space;
};

struct mem_remap_req {
    uint64_t head;
    uint64_t old_addr;
    uint64_t old_length;
    uint64_t new_length;
    uint64_t flags;
    uint64_t new_addr;
    uint64_t reserved;
    uint64_t space;
};
struct mem_remap_rep {
    uint64_t error;
    uint64_t addr;
    uint64_t reserved[6];
};

struct mem_advise_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t advice;
    uint64_t has_hole; /* 0; 1 in what the server says to send next (LINUX) */
    uint64_t reserved[2];
    uint64_t space;
};

/*
 * LOCK: flags MEM_LOCK_ONFAULT or 0; the pages that the bytes touch. UNLOCK: flags 0. PERM: the
 * lock limit is 0; NOMEM: over it, or a hole; AGAIN: no frame.
 *
 * With MEM_LOCK_DRY too nothing is done: the request is refused as it would be without, or the
 * answer says what it would cost. The LINUX form does not know this flag (INVAL).
 */
struct mem_lock_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t flags;
    uint64_t progress; /* 0, or what an answer with MORE said */
    uint64_t frames;   /* the same, with DRY; else 0 */
    uint64_t reserved;
    uint64_t space;
};
/* The answer with DRY. */
struct mem_lock_cost_rep {
    uint64_t error;
    uint64_t pages;  /* that count against the lock limit and do not yet */
    uint64_t frames; /* that would be made: for pages, copies, tables and what stands beside them */
    uint64_t limit;  /* the lock limit in pages; all ones: none */
    uint64_t used;   /* pages that are locked */
    uint64_t reserved[3];
};
struct mem_unlock_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t reserved[4];
    uint64_t space;
};

/*
 * LOCK_ALL: flags MEM_LOCK_CURRENT, _FUTURE, _ALL_ONFAULT, with one of the first two; MEM_LOCK_DRY
 * as for LOCK, but that frames that lack are counted, since LOCK_ALL is not refused for them.
 */
struct mem_lock_all_req {
    uint64_t head;
    uint64_t flags;
    uint64_t reserved[2];
    uint64_t progress; /* 0, or, with DRY, what an answer with MORE said */
    uint64_t frames;   /* the same */
    uint64_t reserved_too;
    uint64_t space;
};
struct mem_unlock_all_req {
    uint64_t head;
    uint64_t reserved[6];
    uint64_t space;
};

/*
 * INCORE: a byte for each page of the range, from its first on, in the message page; bit 0: it is
 * in memory. At most MEM_INCORE_PAGES_MAX a request; the answer says how many. NOMEM: a hole.
 */
#define MEM_INCORE_PAGES_MAX 3072u
struct mem_incore_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t reserved[4];
    uint64_t space;
};
struct mem_incore_rep {
    uint64_t error;
    uint64_t pages;
    uint64_t reserved[6];
};

/* SYNC: flags MEM_SYNC_...; BUSY: INVALIDATE of locked pages; NOMEM: a hole. */
struct mem_sync_req {
    uint64_t head;
    uint64_t addr;
    uint64_t length;
    uint64_t flags;
    uint64_t reserved[3];
    uint64_t space;
};

/* Answer of requests that give back nothing but an error. */
struct mem_empty_rep {
    uint64_t error;
    uint64_t reserved[7];
};

/*
 * QUERY: the first regions that end above `addr`, at most `count` of them, as struct mem_region in
 * the message page; count 0: only the totals. The answer's `next` is where to go on (0: there are
 * no more).
 */
struct mem_query_req {
    uint64_t head;
    uint64_t addr;
    uint64_t count;
    uint64_t reserved[4];
    uint64_t space;
};
struct mem_query_rep {
    uint64_t error;
    uint64_t count; /* regions in the message page */
    uint64_t next;
    uint64_t regions_total;
    uint64_t pages_total;
    uint64_t resident_total; /* pages with a frame of the space's own */
    uint64_t merges_total;   /* how often a region joined a neighbour since the space was made */
    uint64_t faults_total;
};
struct mem_region {
    uint64_t start;
    uint64_t end;
    uint32_t prot;
    uint32_t flags; /* MEM_MAP_... as far as they are properties; STACK: no huge pages either */
    uint64_t offset;
    uint64_t object;   /* number of the object, 0: anonymous */
    uint32_t resident; /* pages with a frame, the shared zero frame not counted */
    uint32_t locked;
    uint32_t pinned; /* of the resident ones: by whomever */
    uint32_t dirty;  /* the same: private ones, shared memory's, and a pager's that are not saved */
    uint32_t swapped; /* private pages in swap, whether memory still has them or not */
    uint32_t reserved;
};
#define MEM_QUERY_REGIONS_MAX 48u

struct mem_refusal_req {
    uint64_t head;
    uint64_t reserved[7];
};
struct mem_refusal_rep {
    uint64_t error; /* of this request itself */
    /* enum err of the request that was refused last, OK: none since the last success */
    uint64_t refused;
    uint64_t request; /* its number */
    uint64_t limit;   /* enum mem_limit */
    uint64_t value;   /* of the limit */
    uint64_t used;
    uint64_t asked;
    uint64_t reserved;
};

/*
 * COPY `length` bytes (at most MEM_COPY_BYTES_MAX a request) from `from` to `to`. One side is the
 * caller's own space, the other is `space`; direction says which. The answer counts the bytes
 * copied; FAULT if it is short; AGAIN if NOWAIT and a page would have to be waited for.
 */
#define MEM_COPY_TO        0u /* own -> space */
#define MEM_COPY_FROM      1u /* space -> own */
#define MEM_COPY_NOWAIT    2u /* with either */
#define MEM_COPY_BYTES_MAX 262144u
struct mem_copy_req {
    uint64_t head;
    uint64_t own_addr;
    uint64_t other_addr;
    uint64_t length;
    uint64_t direction;
    uint64_t reserved[2];
    uint64_t space;
};
struct mem_copy_rep {
    uint64_t error;
    uint64_t copied; /* valid on FAULT too */
    uint64_t reserved[6];
};

/*
 * LIMITS: which = REGIONS, PAGES, DATA, LOCKED or STACK of enum mem_limit. A limit has a value,
 * which refuses, and a ceiling, to which the value may be raised. A child inherits both. BUDGET, of
 * the space or the forebear that pays for it, can only be read: `used` is by all spaces that it
 * pays for, with what is reserved for budgets handed down. So can COMMIT: pages that the machine
 * may promise, and has promised (proto_commit.h).
 *
 * INVAL: a value above its new ceiling, regions in bytes, a budget to be set; PERM: above the
 * present ceiling.
 */
#define MEM_LIMITS_READ  0u
#define MEM_LIMITS_LOWER 1u /* (CONTROL) value and ceiling become `value` */
#define MEM_LIMITS_SET   2u /* (CONTROL) they become `value` and `ceiling` */
#define MEM_LIMITS_BYTES 1u /* pages are counted in bytes, in request and answer */
struct mem_limits_req {
    uint64_t head;
    uint64_t which;
    uint64_t set; /* MEM_LIMITS_READ, _LOWER, _SET */
    uint64_t value;
    uint64_t ceiling; /* with MEM_LIMITS_SET */
    uint64_t unit;    /* 0 or MEM_LIMITS_BYTES */
    uint64_t reserved;
    uint64_t space;
};
struct mem_limits_rep {
    uint64_t error;
    uint64_t value; /* before the request */
    uint64_t used;
    uint64_t ceiling;     /* before the request */
    uint64_t handed_down; /* BUDGET: frames reserved for budgets of others; COMMIT: the space's */
    uint64_t reserved[3];
};

/*
 * SPACE_MAKE: a child of the caller. Two handles come back: the server's (word 1) and the kernel's
 * (word 2). A budget is taken out of the caller's at once, and given back when the child ends:
 * NOMEM (MEM_LIMIT_BUDGET) if less is left. All that the child and its descendants cause counts:
 * pages, page tables, threads, records. Over it, requests are refused with NOMEM; a new page that
 * is touched is CAUSE_BUS.
 */
struct mem_space_make_req {
    uint64_t head;
    uint64_t frames_max;   /* budget in frames, 0: the caller's, shared */
    char name[16];         /* for people; NUL padded */
    uint64_t priority_max; /* of its threads, at most the caller's */
    uint64_t privileges;   /* MEM_PRIVILEGE_..., at most the caller's (PERM) */
    uint64_t reserved[2];
};
struct mem_space_make_rep {
    uint64_t error;
    uint64_t space;
    uint64_t kernel_space;
    uint64_t space_id;
    uint64_t reserved[4];
};

/*
 * CLONE (READ): a child of the caller, as with SPACE_MAKE, that starts as a copy of `space`: its
 * regions but for DONTFORK, without locks; its pages, copy-on-write; its limits. No threads, no
 * handles. The answer is that of SPACE_MAKE. NOMEM: the commit account, or no frame.
 */
struct mem_clone_req {
    uint64_t head;
    uint64_t frames_max; /* as in SPACE_MAKE; shared pages are charged to both */
    char name[16];
    uint64_t priority_max;
    uint64_t reserved[2];
    uint64_t space;
};

/*
 * BATCH (MAP): `count` requests on `space`, 1 to MEM_BATCH_MAX, in the message page; all or none,
 * each seeing what those before it did. MAP (anonymous), UNMAP, PROTECT, REMAP with flags 0, ADVISE
 * but for POPULATE and REMOVE, LOCK with ONFAULT, UNLOCK; others: OPNOTSUPP. In the STRICT form
 * only.
 *
 * After OK the first word of each MAP and REMAP is the address. After an error `refused` says which
 * it is of; `count`: of the whole (NOMEM: a record for each region is needed meanwhile).
 */
#define MEM_BATCH_MAX 64u
struct mem_batch_op {
    uint64_t head;     /* the number */
    uint64_t words[5]; /* words 1 to 5 of the request */
};
struct mem_batch_req {
    uint64_t head;
    uint64_t count;
    uint64_t reserved[5];
    uint64_t space;
};
struct mem_batch_rep {
    uint64_t error;
    uint64_t refused; /* valid on an error too */
    uint64_t reserved[6];
};

/*
 * SPACE_END: every thread ends with CAUSE_KILLED and `detail`. Ending an ended space forgets it.
 * With MEM_PRIVILEGE_KILL a handle with MEM_RIGHT_READ is enough, but not to end init (PERM).
 */
struct mem_space_end_req {
    uint64_t head;
    uint64_t detail;
    uint64_t reserved[5];
    uint64_t space;
};

/* THREAD_MAKE: in own space or a child. A handle with all rights comes back in word 1. */
struct mem_thread_make_req {
    uint64_t head;
    uint64_t priority;
    uint64_t reserved[5];
    uint64_t space;
};
struct mem_thread_make_rep {
    uint64_t error;
    uint64_t thread;
    uint64_t message_page; /* address in the thread's space */
    uint64_t number;
    uint64_t reserved[4];
};

/* DONATE: what = OBJECT_ENDPOINT / OBJECT_NOTIFICATION (a slab for either) or OBJECT_HANDLES. */
struct mem_donate_req {
    uint64_t head;
    uint64_t what;
    uint64_t reserved[5];
    uint64_t space;
};

/* NEXT, `region` of the answer: first page, number of pages, protection, what is special. */
#define MEM_NEXT_PAGE_BITS  26
#define MEM_NEXT_PAGE_MASK  UINT64_C(0x3ffffff)
#define MEM_NEXT_PROT_SHIFT 52
#define MEM_NEXT_SHARED     (UINT64_C(1) << 55)
#define MEM_NEXT_STACK      (UINT64_C(1) << 56)
#define MEM_NEXT_OBJECT     (UINT64_C(1) << 57)
/* NEXT: wait until a child space ends. One NEXT per client at a time: BUSY. No child left: SRCH. */
struct mem_next_req {
    uint64_t head;
    uint64_t nowait; /* 1: WOULD_BLOCK instead of waiting */
    uint64_t reserved[6];
};
struct mem_next_rep {
    uint64_t error;
    uint64_t space_id;
    uint64_t cause;  /* enum cause */
    uint64_t detail; /* status, address... as enum cause says */
    uint64_t pc;
    uint64_t access;
    uint64_t frames; /* frames it gave back */
    /*
     * What held the address of a memory fault, as above; a stack that could not grow down to it
     * (then it begins above the address); 0: neither.
     */
    uint64_t region;
};

/* BOOT_OBJECT: for init alone (others: PERM). A handle to the object comes back in word 1. */
struct mem_boot_object_req {
    uint64_t head;
    uint64_t reserved[7];
};
struct mem_boot_object_rep {
    uint64_t error;
    uint64_t object;
    uint64_t bytes;
    uint64_t reserved[5];
};

#define REQUEST(name, number, function, summary) \
    STATIC_ASSERT(sizeof(struct mem_##function##_req) == 64, "eight words");
#include <mem/proto.def>
#undef REQUEST
STATIC_ASSERT(sizeof(struct mem_hello_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_lock_cost_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_incore_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_query_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_region) == 64, "size travels");
STATIC_ASSERT(sizeof(struct mem_region) * MEM_QUERY_REGIONS_MAX <= 3072, "fits the message page");
STATIC_ASSERT(sizeof(struct mem_refusal_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_batch_op) * MEM_BATCH_MAX == 3072, "fits the message page");
STATIC_ASSERT(sizeof(struct mem_next_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_boot_object_rep) == 64, "eight words");
