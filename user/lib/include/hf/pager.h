/* SPDX-License-Identifier: MIT */
/*
 * Pagers: a process that fills the pages of objects and saves what was written to them; requests
 * PAGER_... of mem/proto_pager.h. `user/README.md` shows one.
 *
 * A pager never touches its own objects by address (EDEADLK); it reads what is to be saved with
 * hf_shared_copy(). Handles to a pager and to its objects are held and closed as all objects
 * (hf/shared.h). Needs free slots as hf/mem.h says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/mem.h>
#include <mem/proto_pager.h>
#include <mem/proto_swap.h>

/* A pager that the caller serves; one that is for whoever attaches first. */
enum err hf_pager_make(uint64_t *pager);
enum err hf_pager_make_unserved(uint64_t *pager);

/*
 * The same with flags (MEM_PAGER_...) and so many frames that only who serves it has, when there
 * are no others: a memory maker. ERR_PERM: no MEM_PRIVILEGE_SWAP; ERR_INVAL, ERR_NOMEM:
 * mem/proto_pager.h.
 */
enum err hf_pager_make_maker(uint64_t flags, uint64_t reserve, uint64_t *pager);

struct hf_pager_object {
    uint64_t key;         /* comes back with all work */
    uint64_t bytes;       /* hf_shared_resize() changes it */
    uint64_t flags;       /* MEM_PAGED_... */
    uint64_t deadline_ms; /* 0: MEM_PAGER_DEADLINE_MS; UINT64_MAX: none */
    uint64_t window;      /* pages asked for at once; 0: MEM_PAGER_WINDOW */
};

/* An object with a number, which all work names too. All rights that the flags leave. */
enum err hf_pager_object(uint64_t pager, struct hf_pager_object object, uint64_t *handle,
                         uint64_t *number);

/* What there is to do, at once (ERR_WOULD_BLOCK) or as soon as there is something. */
enum err hf_pager_next(uint64_t pager, bool is_nowait, struct mem_pager_next_rep *work);

/*
 * The same, and frames at `frames` for `work->granted` pages of what is to be filled, which the
 * caller may put into them and have moved. `frames`: page-aligned, anonymous memory of its own.
 */
enum err hf_pager_next_frames(uint64_t pager, bool is_nowait, uint64_t frames,
                              struct mem_pager_next_rep *work);

/*
 * Fill `pages` pages of a MEM_WORK_PULL from its page `first` on (0: its first), how:
 * MEM_SUPPLY_COPY, _MOVE, _ZERO.
 */
enum err hf_pager_supply(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                         uint64_t pages, uint64_t how, uint64_t addr);

/*
 * Fill all pages of `work`, and wait for what there is to do next, which takes its place; how as
 * above, or MEM_SUPPLY_MOVE | MEM_SUPPLY_FRAMES, for frames at `addr` as hf_pager_next_frames().
 */
enum err hf_pager_supply_next(uint64_t pager, uint64_t how, uint64_t addr,
                              struct mem_pager_next_rep *work);

/* Pages of a MEM_WORK_PULL cannot be filled. */
enum err hf_pager_fail(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                       uint64_t pages, enum err reason);

/* All pages of a MEM_WORK_SAVE are saved (ERR_OK), or are not. */
enum err hf_pager_wrote(uint64_t pager, const struct mem_pager_next_rep *work, enum err reason);

/*
 * The same of `pages` pages from its page `first` on (0: its first): each is answered once, in any
 * order. ERR_RANGE: it has not so many; ERR_EXIST: one of them was answered before.
 */
enum err hf_pager_wrote_part(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                             uint64_t pages, enum err reason);

/* Serve a pager that nobody serves, or whose process has ended. */
enum err hf_pager_attach(uint64_t pager);

/*
 * Hold the object of the pager that was made last of those with a number below `before` (at first:
 * UINT64_MAX), as if the caller had made it. ERR_NOENT: there are no more.
 */
enum err hf_pager_adopt(uint64_t pager, uint64_t before, struct mem_pager_adopt_rep *adopted);

/*
 * MEM_SWAP_ON: have an object of the caller's pager take pages of programs that are reclaimed;
 * MEM_SWAP_OFF: no more of them. 0: only say what there is, of no object (0). `rep` may be NULL
 * but then.
 */
enum err hf_swap(uint64_t flags, uint64_t object, struct mem_swap_rep *rep);
