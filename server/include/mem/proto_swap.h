/* SPDX-License-Identifier: MIT */
/*
 * SWAP of proto.def: where pages of programs are while there are no frames for them. proto.h says
 * what all requests have in common, proto_pager.h what pagers are.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/*
 * flags 0: how much there is; anybody may ask, and names no object.
 *
 * MEM_SWAP_ON: pages of programs that are reclaimed go to `object` (tag mask bit 6) from now on,
 * which a pager of the caller's fills. It can no longer be mapped, resized or read by others; all
 * of its pages are the server's to use. It costs the caller 36 frames and one for each 1,024 pages.
 * MEM_SWAP_OFF: no more of them; it is let go when none of what it has is needed.
 *
 * PERM: no MEM_PRIVILEGE_SWAP, or another's object; INVAL: not an object of a pager, append-only,
 * empty, with endless time, no area (OFF), or memory of the caller that is not locked for good
 * (LOCK_ALL with FUTURE); BUSY: somebody serves an area already, or the object is mapped or in use;
 * NOMEM. A page that cannot be saved or brought back in the object's time is a bus error for who
 * touches it.
 */
#define MEM_SWAP_ON  1u
#define MEM_SWAP_OFF 2u
struct mem_swap_req {
    uint64_t head;
    uint64_t flags;
    uint64_t reserved[4];
    uint64_t object;
    uint64_t reserved_space;
};
/* In pages; the last two count since boot. */
struct mem_swap_rep {
    uint64_t error;
    uint64_t slots;   /* of the area that takes pages */
    uint64_t used;    /* of all areas */
    uint64_t held;    /* of these: in memory too */
    uint64_t reserve; /* frames that only reclaim and pagers may take */
    uint64_t swapped; /* pages that went to an area */
    uint64_t dropped; /* of these, pages whose frame was taken, since it had been saved */
    uint64_t waits;   /* that something had to wait for a frame */
};

STATIC_ASSERT(sizeof(struct mem_swap_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_swap_rep) == 64, "eight words");
