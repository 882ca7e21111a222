/* SPDX-License-Identifier: MIT */
/*
 * The requests of proto.def about pins; proto.h says what all requests have in common.
 *
 * A pin is a promise that given pages keep their frames, present and in place, until it is dropped.
 * It belongs to the caller, whoever's pages they are, and goes with him; it has a number that is
 * never used again. Pinned frames count against the lock limit of who pins, each once.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

#define MEM_PIN_WRITE    0x1u   /* the pages will be written, else read */
#define MEM_PIN_FORCE    0x2u   /* where protection forbids it too, as far as it could be allowed */
#define MEM_PIN_TOUCH    0x4u   /* they count as accessed, with WRITE as dirty */
#define MEM_PIN_LONGTERM 0x8u   /* for longer than one transfer */
#define MEM_PIN_NOWAIT   0x10u  /* where one would have to wait: no further */
#define MEM_PIN_MAY_DROP 0x20u  /* while one has to wait the space may be changed by others */
#define MEM_PIN_GET      0x40u  /* pin them; without it they are made present, no more */
#define MEM_PIN_FRAMES   0x80u  /* with GET: their frames in the message page */
#define MEM_PIN_HANDLE   0x100u /* with GET: a handle to the pin in word 4 */
#define MEM_PIN_REGIONS  0x200u /* their regions in the message page, and frames with FRAMES */
#define MEM_PIN_DRY      0x400u /* nothing is done: the answer says what it would cost */
#define MEM_PIN_FLAGS    0x7ffu

#define MEM_PIN_PAGES_MAX   1024u
#define MEM_PIN_FRAMES_MAX  384u /* with FRAMES */
#define MEM_PIN_REGIONS_MAX 64u  /* with REGIONS */
#define MEM_PIN_PURPOSE     16u

/*
 * PIN (PIN): `pages` pages from that of `addr` on, one by one: the answer says how many it was, of
 * which there may be fewer than asked for; an error is of the first. With GET they are pinned until
 * UNPIN. FRAMES: their frames in the message page, a word each (PERM: no privilege `physical`).
 * `device`: a handle to the device (tag mask bit 6) that reads or writes them by itself (PERM: no
 * privilege `dma`): if the caller ends, they are in quarantine until DEVICE_RESET.
 *
 * FAULT: outside every region, a device's registers, or forbidden; past the end of the object.
 * NOMEM: no frame, or over the lock limit. AGAIN: NOWAIT, and the first would have to wait. INVAL:
 * flags that do not go together (REGIONS with MAY_DROP; what needs GET without it), too many pages.
 */
struct mem_pin_req {
    uint64_t head;
    uint64_t addr;
    uint64_t pages;
    uint32_t flags;
    uint32_t lease_ms;             /* after so long PIN_NEXT asks the caller to give up; 0: never */
    char purpose[MEM_PIN_PURPOSE]; /* for people; NUL padded */
    uint64_t device;
    uint64_t space;
};
struct mem_pin_rep {
    uint64_t error;
    uint64_t pages;
    uint64_t pin;     /* number; 0: none */
    uint64_t dropped; /* 1: regions may have been changed by others meanwhile */
    uint64_t handle;
    uint64_t reserved[3];
};
/* The answer with DRY: what PIN would take right after, as far as it does not have to wait. */
struct mem_pin_cost_rep {
    uint64_t error;
    uint64_t pages;   /* that could be pinned */
    uint64_t frames;  /* that would be made: for pages, copies, tables, and the pin's own record */
    uint64_t copies;  /* of these: those that something is copied to */
    uint64_t counted; /* pages that count against the lock limit and do not yet */
    uint64_t limit;   /* the lock limit in pages; all ones: none */
    uint64_t used;
    uint64_t charged; /* of the frames, to the budget of the space; of the caller, if it is one */
};
/* With REGIONS, for each page. */
struct mem_pin_page {
    uint64_t frame; /* 0 without FRAMES */
    uint64_t start; /* of its region */
    uint64_t end;
    uint32_t prot;
    uint32_t flags;  /* MEM_MAP_..., as in QUERY */
    uint64_t offset; /* in the object, of the page */
    uint64_t object; /* its number; 0: anonymous */
};

/*
 * UNPIN: a pin of the caller's. Pages that were pinned with WRITE count as written until then, and
 * are saved once more after it: DIRTY only says so. Through a pin without WRITE nothing was
 * written, whatever DIRTY says. STALE: there is no such; PERM: it is another's.
 */
#define MEM_UNPIN_DIRTY 1u
struct mem_unpin_req {
    uint64_t head;
    uint64_t pin; /* number */
    uint64_t flags;
    uint64_t reserved[5];
};

/*
 * PINS (READ): pins by `space`, of its pages, or both (`which`; MEM_PINS_QUARANTINE: those of ended
 * processes that may still be written by a device), from the last before number `before` (0: the
 * last of all) on, at most `count` of them, as struct mem_pin_row in the message page.
 */
#define MEM_PINS_BY         1u
#define MEM_PINS_OF         2u
#define MEM_PINS_QUARANTINE 4u
struct mem_pins_req {
    uint64_t head;
    uint64_t before;
    uint64_t count;
    uint64_t which;
    uint64_t reserved[3];
    uint64_t space;
};
struct mem_pins_rep {
    uint64_t error;
    uint64_t count;       /* rows in the message page */
    uint64_t next;        /* `before` of what follows; 0: there are no more */
    uint64_t pinned;      /* frames pinned by the space */
    uint64_t limit;       /* its lock limit in pages; all ones: none */
    uint64_t quarantined; /* frames of the machine in quarantine */
    uint64_t detained;    /* frames of the machine that only pins keep */
    uint64_t pins;        /* of the machine */
};
struct mem_pin_row {
    uint64_t pin;
    uint64_t by_id; /* space_id of its owner; 0: it has ended (quarantine) */
    uint64_t of_id; /* of whose pages they are; 0: it has ended */
    uint64_t start; /* address at the time of PIN */
    uint32_t pages;
    uint32_t flags; /* MEM_PIN_..., and MEM_PINS_OVER, _TOLD */
    uint64_t age_ms;
    uint64_t lease_ms; /* 0: none */
    uint64_t device;   /* number of its object; 0: for none */
    char purpose[MEM_PIN_PURPOSE];
};
#define MEM_PINS_MAX 38u

/* Flags of a row. */
#define MEM_PINS_OVER 0x10000u /* its lease is over */
#define MEM_PINS_TOLD 0x20000u /* and its owner was asked to give up */

/*
 * PIN_NEXT: wait until the lease of a pin of the caller's is over: he is asked to UNPIN it. Each is
 * told once; nothing happens to one that is kept. Held for as long as there is none, also without
 * any pin; PINS tells without waiting. BUSY: another thread of the process waits already.
 */
struct mem_pin_next_req {
    uint64_t head;
    uint64_t before;   /* 0, or what an answer with MORE said */
    uint64_t earliest; /* the same */
    uint64_t reserved[5];
};
struct mem_pin_next_rep {
    uint64_t error;
    uint64_t pin;
    uint64_t start; /* address at the time of PIN */
    uint64_t pages;
    uint64_t age_ms;
    uint64_t lease_ms;
    uint64_t reserved[2];
};

/*
 * DEVICE_RESET: the device (tag mask bit 6; right MEM_OBJECT_RESET) no longer reads or writes
 * memory that was pinned for it by processes that have ended: their frames can be used again. The
 * answer says how many pins it was. TYPE: not a device; ACCES: no such right.
 */
struct mem_device_reset_req {
    uint64_t head;
    uint64_t reserved[5];
    uint64_t object;
    uint64_t reserved_space;
};
struct mem_device_reset_rep {
    uint64_t error;
    uint64_t pins;
    uint64_t reserved[6];
};

STATIC_ASSERT(sizeof(struct mem_pin_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pin_cost_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pin_page) * MEM_PIN_REGIONS_MAX == 3072, "fits the message page");
STATIC_ASSERT(sizeof(struct mem_pins_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pin_row) == 80, "size travels");
STATIC_ASSERT(sizeof(struct mem_pin_row) * MEM_PINS_MAX <= 3072, "fits the message page");
STATIC_ASSERT(sizeof(struct mem_device_reset_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pin_next_rep) == 64, "eight words");
