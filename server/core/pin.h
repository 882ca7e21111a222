/* SPDX-License-Identifier: MIT */
/*
 * The ledger of pins: who has promised pages of whom to stay in their frames, what for, since when.
 *
 * A pin is a record with the list of its frames, so it needs neither the space that the pages were
 * in nor the place where they are now. It belongs to the process that asked for it, its *owner*,
 * who may be another than whose pages they are.
 *
 *   FREE -> MAKING       [pin_make]   pages are added one by one
 *   MAKING -> STANDING   [pin_ready]  its owner knows it; meanwhile its thread may have to wait
 *   MAKING -> FREE       [pin_drop]   no page, nobody to be told (P18), or the server died
 *   STANDING -> FREE     [pin_drop]   UNPIN, or its owner ended (P17)
 *   STANDING -> QUARANTINED [pin_end] its owner ended, and it was for a device
 *   QUARANTINED -> FREE  [pin_reset]  the device is reset
 *
 * I1  A pin is in the table by its number, which is never used again; in the list of its owner or
 *     of the quarantine; and, while the space whose pages it has stands, in that one's list.
 * I2  `pins` of a frame is how often the lists of all pins name it, by owner as pinner.h says.
 * I3  `pinned` of a space is the number of frames that its own pins name; those that are there for
 *     good (the zero frame, wired objects) are marked in the lists, and not counted.
 * Owner: who is in shared_enter(); what the owner is charged for the records, and `pinned` going
 * up, is for who has the owner's bucket.
 *
 * Not here: how pages come to be present for it (op_pin.h); frames whose page has gone (detain.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/pinner.h"
#include "server/core/space.h"

#define PIN_PAGES_MAX 1024u
#define PIN_FEW       10u
#define PIN_PURPOSE   16u

/* In a list of frames: it is there for good. */
#define PIN_FOR_GOOD (UINT32_C(1) << 31)

enum pin_state {
    PIN_FREE = 0,
    PIN_MAKING = 1,
    PIN_STANDING = 2,
    PIN_QUARANTINED = 3,
};

struct pin {
    uint64_t number;
    uint64_t since;    /* time of the shell around core */
    uint64_t due;      /* when its lease is over; valid with lease_ms */
    uint32_t lease_ms; /* its owner said how long he needs it; 0: he did not */
    uint32_t is_told;  /* its owner was asked to give up (lease.h) */
    uint64_t device;   /* number of the object; 0: for none */
    char purpose[PIN_PURPOSE];
    uint32_t state; /* enum pin_state */
    uint32_t flags; /* MEM_PIN_... of the request */
    uint32_t owner; /* space; valid but in QUARANTINED */
    uint32_t next;  /* links; 0: none */
    uint32_t prev;
    uint32_t space; /* whose pages; 0: it has ended */
    uint32_t space_next;
    uint32_t space_prev;
    uint32_t first; /* page, at the time of the request */
    uint32_t count; /* frames */
    uint32_t list;  /* arena page with the frames; 0: they are in `few` */
    uint32_t few[PIN_FEW];
    uint32_t has_content; /* some frames were objects' when they were added */
};

/* What a pin is made with. */
struct pin_maker {
    struct space *owner;
    struct space *space;
    uint32_t first;
    uint32_t pages; /* at most PIN_PAGES_MAX */
    uint32_t flags;
    uint32_t lease_ms;
    uint64_t due;
    uint64_t device;
    uint64_t now;
    char purpose[PIN_PURPOSE];
};

static inline struct pin *pin_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

/* What pin_make() takes: frames, of which the owner pays for some. In shared_enter(). */
struct pin_needs {
    uint32_t frames;
    uint32_t charged;
};
struct pin_needs pin_needs(const struct core *core, const struct space *owner, uint64_t pages);

/*
 * Make a pin without pages, MAKING. The caller has the buckets of both spaces.
 *
 * Returns:   ERR_OK; ERR_NOMEM without frames, or in the owner's budget (recorded with the owner).
 *            May make port calls.
 * On error:  nothing changed.
 */
MUST_USE enum err pin_make(struct core *core, const struct pin_maker *maker, struct pin **pin);

/* The frames of a pin, with PIN_FOR_GOOD. */
uint32_t *pin_frames(const struct core *core, struct pin *pin);

/*
 * Add a frame, which is user memory that no clone shares, in shared_enter().
 *
 * Returns:   ERR_OK; ERR_NOMEM: over the owner's lock limit (recorded), or no frame for a record,
 *            or no more pins fit the frame. May make port calls where the frame is pinned already.
 * On error:  nothing changed.
 */
MUST_USE enum err pin_add(struct core *core, struct pin *pin, uint32_t frame);

/* Add a frame that is there for good. */
void pin_add_for_good(const struct core *core, struct pin *pin, uint32_t frame);

/* Its owner can be told of it. */
void pin_ready(struct pin *pin);

/*
 * The pin with a number, which may be any; NULL if there is none. The caller is in shared_enter().
 */
struct pin *pin_find(const struct core *core, uint64_t number);

/* The last pin with a number below `before`; NULL if there is none. As pin_find(). */
struct pin *pin_before(const struct core *core, uint64_t before);

/* Let the pages of a pin go, and the record. The caller has the owner's bucket. No port call. */
void pin_drop(struct core *core, struct pin *pin);

/* A space ends: its pins go, those for devices into quarantine. */
void pin_end(struct core *core, struct space *space);

/* A space without pages ends: pins no longer say that theirs were in it. */
void pin_forget(struct core *core, struct space *space);

/* A device is reset: what is in quarantine because of it goes. Returns: how many pins did. */
uint64_t pin_reset(struct core *core, uint64_t device);

/* Drop pins that a dead server was making. */
void pin_recover(struct core *core);
