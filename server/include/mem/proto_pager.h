/* SPDX-License-Identifier: MIT */
/*
 * The requests of proto.def for pagers: processes that fill the pages of objects and save what was
 * written to them. proto.h says what all requests have in common, proto_object.h what objects are.
 *
 * A pager is named by a handle to an object (`pager`, tag mask bit 6) that cannot be mapped; held,
 * closed and derived as all objects. Word 7 is reserved. TYPE: the handle names no pager; PERM: the
 * caller is not the process that serves it.
 *
 *   PAGER_MAKE, PAGER_OBJECT, then for ever: PAGER_NEXT -> MEM_WORK_PULL -> PAGER_SUPPLY or _FAIL
 *                                                       -> MEM_WORK_SAVE -> PAGER_WROTE
 *                                                       -> MEM_WORK_GONE
 *
 * Whoever touches a page that is not there waits until it is supplied, fails (a bus error), or the
 * object's time is over (a bus error too). Work that takes longer is withdrawn: answers to it are
 * STALE. A process that ends can be replaced by another, which has a handle to the pager:
 *
 *   PAGER_MAKE (UNSERVED), by who starts pagers again and keeps the handle
 *     PAGER_ATTACH, PAGER_ADOPT until NOENT, then as above
 *
 * A pager never waits for its own objects: DEADLK, also when it would map what another
 * process fills that, in the end, waits for it.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/*
 * PAGER_MAKE: flags: 0 or MEM_PAGER_UNSERVED: whoever attaches first serves it. The handle comes
 * back in word 1.
 *
 * reserve: so many frames, which the caller pays for at once, are nobody's but of the process that
 * serves the pager: it has them when there are no others, for whatever it asks and touches, and
 * they come back before anybody else has one. That process is a *memory maker*: without it memory
 * cannot be set free. When it ends, what it had is kept until the next one attaches, and the caller
 * and those of its children that may have MEM_PRIVILEGE_SWAP start that with it. PERM: not 0
 * without MEM_PRIVILEGE_SWAP; INVAL: above MEM_PAGER_RESERVE_MAX, or (served) memory of the caller
 * that is not locked for good (LOCK_ALL with FUTURE); NOMEM: not as many are free.
 */
#define MEM_PAGER_UNSERVED    0x1u
#define MEM_PAGER_RESERVE_MAX UINT64_C(4096)
struct mem_pager_make_req {
    uint64_t head;
    uint64_t flags;
    uint64_t reserve;
    uint64_t reserved[5];
};
struct mem_pager_make_rep {
    uint64_t error;
    uint64_t pager;
    uint64_t number; /* of the object that names it */
    uint64_t reserved[5];
};

/*
 * PAGER_OBJECT: an object of `bytes` bytes. Its size is changed by its pager alone (OBJECT_RESIZE);
 * what follows the end on the last page becomes zeros if that is in memory, and is what the pager
 * supplies if it is not: one that shortens a file forgets what it has of the rest, also what it is
 * about to supply, or read before it.
 * `key` comes back with all work. deadline_ms: how long the pager may take for each piece of work;
 * 0: MEM_PAGER_DEADLINE_MS, all ones: for ever. window: most pages that are asked for at once, 1 to
 * MEM_PAGER_WINDOW_MAX, 0: MEM_PAGER_WINDOW. The answer's handle has all rights that the flags
 * leave; others with fewer are made by OBJECT_DERIVE. INVAL, FBIG.
 */
#define MEM_PAGER_DEADLINE_MS UINT64_C(5000)
#define MEM_PAGER_WINDOW      16u
#define MEM_PAGER_WINDOW_MAX  64u

#define MEM_PAGED_APPEND     0x1u /* append-only: not mapped shared with the right to write (R14) */
#define MEM_PAGED_NOEXEC     0x2u /* of a volume without programs (R18) */
#define MEM_PAGED_UNMAPPABLE 0x4u /* R20 */
#define MEM_PAGED_WAIT       0x8u /* when the process ends, it waits for another (ATTACH) */
#define MEM_PAGED_MANDATORY  0x10u /* under a mandatory lock: not mapped shared (R15) */
#define MEM_PAGED_FLAGS      0x1fu
#define MEM_PAGED_SWAP       0x100u /* a swap area; in answers alone */
struct mem_pager_object_req {
    uint64_t head;
    uint64_t key;
    uint64_t bytes;
    uint64_t flags;
    uint64_t deadline_ms;
    uint64_t window;
    uint64_t pager;
    uint64_t reserved;
};
struct mem_pager_object_rep {
    uint64_t error;
    uint64_t object;
    uint64_t number; /* never used again */
    uint64_t reserved[5];
};

/*
 * PAGER_NEXT: what there is to do; waits for it unless `nowait` is 1 (WOULD_BLOCK). Several threads
 * may wait. `frames` is 0, or a page-aligned address of the caller's own anonymous memory: there
 * frames are made present for the pages of a PULL, as if it had written there, for PAGER_SUPPLY to
 * move. `granted` says for how many of its pages, from the first on, as far as there are frames and
 * budget to spare; for the others the frames that were promised when they were asked for are still
 * there, for MEM_SUPPLY_COPY.
 *   MEM_WORK_PULL  pages `first` .. `first` + `pages` - 1 of the object are wanted
 *   MEM_WORK_SAVE  these pages were written to: read them with OBJECT_COPY, which does not wait,
 *                  and save them; what is written meanwhile will be asked for again
 *   MEM_WORK_GONE  nobody has the object any longer: forget the key. What was written and not saved
 *                  is dropped: a pager that wants to keep it holds the object itself
 */
#define MEM_WORK_PULL 1u
#define MEM_WORK_SAVE 2u
#define MEM_WORK_GONE 3u
struct mem_pager_next_req {
    uint64_t head;
    uint64_t nowait;
    uint64_t frames;
    uint64_t reserved[3];
    uint64_t pager;
    uint64_t reserved_space;
};
struct mem_pager_next_rep {
    uint64_t error;
    uint64_t kind;
    uint64_t key;
    uint64_t object; /* its number */
    uint64_t first;
    uint64_t pages;
    uint64_t generation; /* names this piece of work; never used again */
    uint64_t granted;    /* of a PULL; at most `pages` */
};

/*
 * PAGER_SUPPLY: fill pages of a pull, all or part of it, in any order. how: one of MEM_SUPPLY_COPY
 * (from `addr`, page aligned, of the caller's memory), _MOVE (the caller's own anonymous pages
 * there become the object's, and are absent afterwards), _ZERO (addr 0); with MEM_SUPPLY_NEXT the
 * answer, if all was filled, is that of PAGER_NEXT, and with MEM_SUPPLY_FRAMES besides (of _MOVE
 * alone) that has frames at `addr`. Without it `done` counts the pages filled, also
 * on an error. STALE: the work was withdrawn; EXIST: a page was supplied before; RANGE: pages that
 * were not asked for; FAULT: `addr` cannot be read or, to be moved, is not the caller's alone.
 */
#define MEM_SUPPLY_COPY   0x1u
#define MEM_SUPPLY_MOVE   0x2u
#define MEM_SUPPLY_ZERO   0x3u
#define MEM_SUPPLY_HOW    0x3u
#define MEM_SUPPLY_NEXT   0x4u
#define MEM_SUPPLY_FRAMES 0x8u
struct mem_pager_supply_req {
    uint64_t head;
    uint64_t object; /* its number */
    uint64_t first;
    uint32_t pages;
    uint32_t how;
    uint64_t addr;
    uint64_t generation;
    uint64_t pager;
    uint64_t reserved;
};
struct mem_pager_supply_rep {
    uint64_t error;
    uint64_t done;
    uint64_t reserved[6];
};

/*
 * PAGER_FAIL: pages of a pull cannot be supplied; `reason` is an enum err, not OK. PAGER_WROTE:
 * pages of a MEM_WORK_SAVE, all or part of it, are saved (reason OK), or they are not, and are as
 * before; in any order. A reason is IO, NOENT, ACCES, NODEV or NOSPC; any other counts as IO, but
 * for WAIT and MORE, which are INVAL. Whoever touches the page gets a bus error with it, PIN and
 * COPY say FAULT, LOCK says NOMEM, SYNC says IO, whatever it was. Each page is to be answered once,
 * in the time that the work had at first: what was answered by then stands. STALE: the work was
 * withdrawn; EXIST: one of the pages was answered before (WROTE); RANGE: pages that the work is not
 * about. A refused answer says nothing of any page.
 */
struct mem_pager_fail_req {
    uint64_t head;
    uint64_t object; /* its number */
    uint64_t first;
    uint64_t pages;
    uint64_t reason;
    uint64_t generation;
    uint64_t pager;
    uint64_t reserved;
};
struct mem_pager_wrote_req {
    uint64_t head;
    uint64_t object; /* its number */
    uint64_t first;
    uint64_t pages;
    uint64_t reason;
    uint64_t generation;
    uint64_t pager;
    uint64_t reserved;
};

/*
 * PAGER_ATTACH: serve a pager that nobody serves. Objects with MEM_PAGED_WAIT have waited for it,
 * with all their pages, as long as anybody held the pager or it had a name: what they were asked
 * for and what was being saved, unless its time was over meanwhile, comes again as new work, for
 * which there is all the time again. Those who wait for
 * others were told (PEER_GONE) when the process ended. BUSY: it is served; PERM: it has a reserve,
 * or one of its objects is a swap area, and the caller lacks the privilege for such, or has not
 * locked its memory for good; DEADLK.
 *
 * PAGER_ADOPT: a handle, with all rights, to the one of its objects that was made last of those
 * with a number below `before` (all ones: of all), which the caller then holds as if it had made
 * it. What nobody adopts stays with the pager. NOENT: there are no more.
 */
struct mem_pager_attach_req {
    uint64_t head;
    uint64_t reserved[5];
    uint64_t pager;
    uint64_t reserved_space;
};
struct mem_pager_adopt_req {
    uint64_t head;
    uint64_t before;
    uint64_t reserved[4];
    uint64_t pager;
    uint64_t reserved_space;
};
struct mem_pager_adopt_rep {
    uint64_t error;
    uint64_t object;
    uint64_t number;
    uint64_t key;
    uint64_t bytes;
    uint64_t flags;   /* MEM_PAGED_APPEND, _WAIT, _MANDATORY, _SWAP */
    uint64_t unsaved; /* pages that were written to, and not saved since */
    uint64_t reserved;
};

STATIC_ASSERT(sizeof(struct mem_pager_make_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_make_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_object_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_object_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_next_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_next_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_supply_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_supply_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_fail_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_wrote_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_attach_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_adopt_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_pager_adopt_rep) == 64, "eight words");
