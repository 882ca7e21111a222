/* SPDX-License-Identifier: MIT */
/*
 * The requests of proto.def that give handles to spaces that stand already; proto.h says what all
 * requests have in common.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/*
 * LOOK: the process with the lowest number above `after` (0: the first), of those that may be
 * looked at: the caller, those that stem from it, and with MEM_PRIVILEGE_LOOK all. NOENT: there are
 * no more. A handle to its space with MEM_RIGHT_READ comes back in word 1.
 */
struct mem_look_req {
    uint64_t head;
    uint64_t after;
    uint64_t reserved[6];
};
struct mem_look_rep {
    uint64_t error;
    uint64_t space;
    uint64_t space_id;
    uint64_t parent_id; /* 0: none */
    char name[16];      /* as SPACE_MAKE had it */
    uint64_t threads;
    uint64_t reserved;
};

/*
 * SPACE_DERIVE: a handle to `space` (0: one's own) with `rights` alone (MEM_RIGHT_...), which the
 * given handle must have (RIGHTS), comes back in word 1: to give to a server, such as one that
 * pins the caller's pages. INVAL: no rights, or unknown ones.
 */
struct mem_space_derive_req {
    uint64_t head;
    uint64_t rights;
    uint64_t reserved[5];
    uint64_t space;
};
struct mem_space_derive_rep {
    uint64_t error;
    uint64_t space;
    uint64_t reserved[6];
};

/*
 * HANDLES: what the slots of a process from `first` on hold: `count` struct handle_info (abi/ipc.h)
 * by ascending slots, at offset 0 of the message page; less than HANDLE_INFOS_MAX: no more.
 */
struct mem_handles_req {
    uint64_t head;
    uint64_t first;
    uint64_t reserved[5];
    uint64_t space;
};
struct mem_handles_rep {
    uint64_t error;
    uint64_t count;
    uint64_t reserved[6];
};

STATIC_ASSERT(sizeof(struct mem_look_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_space_derive_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_space_derive_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_handles_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_handles_rep) == 64, "eight words");
