/* SPDX-License-Identifier: MIT */
/*
 * What the pages of a region come from when they are not anonymous and private.
 *
 * *Wired*: a row of frames that are there for good and not core's to give out, as the boot archive
 * and slices of it. Shared and read-only private pages are the frames as they are; a private page
 * that is written is copied first. *Device*: registers, which can only be shared and whose pages
 * are never copied. *Memory*: shared memory, whose frames belong to the object (content.h);
 * otherwise as wired. *Paged*: filled by a process, its pager (paged.h). Touching a page after the
 * last one is a bus error. A pager is named by an object too, which has no pages (pager.h). *Huge*:
 * the pages of one MAP with HUGETLB (huge.h).
 *
 * Objects have numbers that are never used again; handles and QUERY name them so.
 *
 * I1  `references` counts the maker's own, each hold (hold.h), each name (name.h), each region that
 *     maps the object, each object of a pager, being a swap area, and being KEPT; the regions of a
 *     memory or paged object are in its list.
 * I2  A memory or paged object has words in `frames` only for pages below its end.
 * I3  `charge` pages are in the commit account for it.
 * Owner: counted; the record goes with the last reference. A reference is only taken by who knows
 * of one that stands: a region of a space that it serves, or the maker's; or by object_find_get(),
 * which looks: the last one goes before shared_enter(), the number behind it. Lists of regions,
 * frames and the table of numbers are for who is in shared_enter(): a commit of a space with
 * regions of memory objects is, from beginning to end (intent.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/burial.h"
#include "server/core/radix.h"

struct core;
struct region;
struct space;

enum object_sort {
    OBJECT_WIRED = 1,
    OBJECT_DEVICE = 2,
    OBJECT_MEMORY = 3,
    OBJECT_PAGED = 4,
    OBJECT_PAGER = 5,
    OBJECT_HUGE = 6,
};

/* Largest page number that an offset may reach (R3). */
#define OBJECT_PAGES_MAX (UINT64_C(1) << 51)

/* A memory object ends at the last byte that an offset of a file can have. */
#define OBJECT_BYTES_MAX (UINT64_MAX >> 1)

#define OBJECT_UNNAMED   0x1u   /* made by MAP for one region: nobody has a handle to it */
#define OBJECT_NORESERVE 0x2u   /* not charged to the commit account */
#define OBJECT_APPEND    0x4u   /* append-only (R14) */
#define OBJECT_OWNED     0x8u   /* only its maker resizes it (hold.h) */
#define OBJECT_MANDATORY 0x10u  /* under a mandatory lock (R15) */
#define OBJECT_WAITS     0x20u  /* while its pager is gone, requests wait for another (PAGED) */
#define OBJECT_GONE      0x40u  /* without references; pager is to be told (PAGED); burial.h */
#define OBJECT_SWAP      0x80u  /* its pages are slots (PAGED; swap.h) */
#define OBJECT_PRIVATE   0x100u /* of a private mapping (HUGE) */
#define OBJECT_KEPT      0x200u /* its pager keeps it, for whoever serves that next (PAGED) */
#define OBJECT_MARKED    0x400u /* a walk of huge_twin.c was there (HUGE); within one alone */
#define OBJECT_BEFORE    0x800u /* MARKED, and the space that a twin is of shows it (HUGE) */

struct object {
    uint32_t kind; /* enum object_sort; constant */
    _Atomic uint32_t references;
    uint64_t number; /* constant */
    npages_t pages;  /* that exist; constant but for memory and paged */
    union {
        pfn_t first;               /* constant; valid in WIRED, DEVICE */
        struct {                   /* valid in PAGED with leave_pages: */
            uint32_t leaving_next; /* links, of the objects of the pager with pages that */
            uint32_t leaving_prev; /* are to leave (writeback.h) */
        };
    };
    uint32_t flags;     /* OBJECT_UNNAMED and the like; constant */
    uint32_t next_dead; /* in a server thread's list, or burial.h; valid without references */
    uint32_t hold_first;
    uint32_t names;
    /* Valid in MEMORY, PAGED and, as far as payers go, PAGER, HUGE and slices. */
    uint32_t seals; /* MEM_SEAL_ */
    uint32_t payer; /* space that pays for it (upkeep.h); 0: nobody */
    uint32_t payer_next;
    uint32_t payer_prev;
    uint64_t bytes; /* valid in all */
    uint64_t charge;
    struct radix frames; /* by page: words of content.h in MEMORY, of paged.h in PAGED; by huge page
                            in HUGE */
    uint32_t region_first;
    uint32_t pager; /* arena page of its pager, or which it names; valid in PAGED, PAGER */
    union {
        uint64_t pinned;         /* valid in MEMORY: pins of its frames */
        struct {                 /* valid in PAGED */
            uint32_t pager_next; /* links, of the objects of the pager */
            uint32_t pager_prev;
            uint16_t window;      /* constant: most pages that are asked for at once */
            uint16_t ahead;       /* how many were asked for last ... */
            uint16_t write_error; /* enum err: what a write-back ended with since the last SYNC */
            uint16_t is_in_round; /* of write-back (writeback.h) */
            uint64_t ahead_page;  /* ... up to this page */
            uint64_t key;         /* constant: the pager's word for it */
            uint64_t patience;    /* constant: how long a request may take; UINT64_MAX: for ever */
            uint64_t resident;    /* pages with a frame */
            uint64_t unsaved;     /* of those: pages that are not CLEAN */
            uint64_t leave_end;   /* valid with leave_pages: the page after the last of them */
            union {
                uint64_t unsaved_since; /* if it is not: 0: nothing was seen to be unsaved */
                uint64_t back;          /* if it is: pages from here on have been looked at */
            };
        };
        struct {                 /* valid in HUGE */
            uint32_t level;      /* constant: of its leaves */
            uint32_t copy_frame; /* of a copy that is under way; 0: none. Then: */
            uint64_t copy_index; /* of the page that it is of */
            uint32_t copy_page;  /* where that is in the space */
            uint32_t copy_done;  /* frames that are copied */
            uint64_t promised;   /* pages that it will find in the pool */
            uint64_t mapped;     /* in regions (OBJECT_PRIVATE), or all */
        };
    };
    uint32_t swapped;     /* valid in MEMORY: words of `frames` that name slots */
    uint32_t leave_pages; /* valid in PAGED: among so many some may have to leave (writeback.h) */
    uint64_t hand; /* in MEMORY too: where the last look for a page to reclaim, or step, ended */
};

/* Objects of core, in the head of the arena. */
struct object_table {
    struct radix links; /* by number */
    uint64_t number;    /* of the object made last */
    uint64_t frames;    /* of all memory and paged objects */
    struct burials burials;
};

/* Whether frames belong to the object, which then knows the regions that map it. */
static inline bool object_has_frames(const struct object *object)
{
    return object->kind == OBJECT_MEMORY || object->kind == OBJECT_PAGED;
}

/* Whether it knows the regions that map it, and a space that maps it commits in shared_enter(). */
static inline bool object_has_regions(const struct object *object)
{
    return object_has_frames(object) || object->kind == OBJECT_HUGE;
}

/* Pages that hold so many bytes. */
static inline npages_t object_pages(uint64_t bytes)
{
    return (npages_t){bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0 ? 1 : 0)};
}

/* Arena pages that object_make_memory() takes. */
uint32_t object_needs(const struct core *core);

/*
 * Have what one object_make_memory() takes in hand; region_reserve() comes before. The caller is in
 * shared_enter(), and stays there until it has made the object.
 *
 * Returns:   whether there were frames for it. May make port calls.
 */
MUST_USE bool object_reserve(struct core *core);

/*
 * Make a memory object of `bytes` bytes for `space`, with one reference, and charge the commit
 * account for it.
 *
 * Requires:  object_reserve(), or object_needs() arena pages in hand, and not to have left
 *            shared_enter() since; upkeep_reserve(); the charge was promised. Makes no
 *            port call.
 */
struct object *object_make_memory(struct core *core, const struct space *space, uint64_t bytes,
                                  uint64_t charge, uint32_t flags);

/*
 * A record with a number and one reference, paid for by `space`, whose fields are the caller's to
 * fill. Requires as object_make_memory().
 */
struct object *object_make_paid(struct core *core, const struct space *space, enum object_sort sort,
                                npages_t pages);

/*
 * Make an object of `pages` frames from `first` on, with one reference.
 *
 * Returns:   ERR_OK; ERR_NOMEM if there is no frame for the record.
 * On error:  nothing changed.
 */
MUST_USE enum err object_make_wired(struct core *core, pfn_t first, npages_t pages,
                                    struct object **object);

/* The same for the registers of a device. */
MUST_USE enum err object_make_device(struct core *core, pfn_t first, npages_t pages,
                                     struct object **object);

/*
 * Make an object of `bytes` bytes from page `first` of a wired one on, with one reference. The
 * frames stay the machine's, so it needs no reference of that one. Requires as
 * object_make_memory().
 */
struct object *object_make_slice(struct core *core, const struct space *space,
                                 const struct object *whole, uint64_t first, uint64_t bytes);

/* Give back the record of an object without frames; its pager has been told that it is gone. */
void object_forget(struct core *core, struct object *object);

/* Make an object with frames `bytes` long, past which it has none, and charge memory for that. */
void object_set_bytes(struct core *core, struct object *object, uint64_t bytes);

/* The object of a link, which is not 0. */
struct object *object_at(const struct core *core, uint32_t link);

/*
 * The object with a number, which may be any; NULL if there is none. The caller is in
 * shared_enter(), and takes a reference before it leaves.
 */
struct object *object_find(const struct core *core, uint64_t number);

/*
 * The same with a reference taken, for who is not in shared_enter() and knows of none that stands.
 * NULL also if the last one has just gone and the object is on its way out.
 */
struct object *object_find_get(struct core *core, uint64_t number);

/*
 * One reference more, one less. Without any its record is given back, with all frames of a memory
 * object (burial.h if they are many), in a commit when that is over; may make port calls otherwise.
 */
void object_get(struct object *object);
void object_put(struct core *core, struct object *object);

/* A region of `space` maps its object from now on, or no longer. */
void object_enter(struct core *core, struct space *space, struct region *region);
void object_leave(struct core *core, struct space *space, struct region *region);

/* Give back the objects that a commit left without references. May make port calls. */
void object_bury(struct core *core);

/* Its size in bytes. */
uint64_t object_bytes(const struct object *object);

/* Whether page number `page` of the object exists. */
bool object_has_page(const struct object *object, uint64_t page);

/* Whether it exists and is in memory. */
bool object_is_resident(struct core *core, const struct object *object, uint64_t page);

/* The frame that it is; of a wired object or device. */
pfn_t object_pfn(const struct object *object, uint64_t page);

/* Pages in the commit account for all objects. */
uint64_t object_charges(const struct core *core);

/* Check all objects. Returns: the frames that they have; in `*charge`, their commit charges. */
uint64_t object_audit(const struct core *core, uint64_t *charge);
