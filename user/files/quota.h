/* SPDX-License-Identifier: MIT */
/*
 * Who has how much of the room: pages by the sizes of files, and records of files and folders.
 *
 * An owner is a process of the boot manifest, with its children (the badge of its handle; 0: init).
 * One owner can have three quarters of the room, so that others find some.
 *
 * I1  Sums of the owners are the totals; nothing exceeds its limit.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#define QUOTA_OWNERS     32u
#define QUOTA_PAGE_BYTES UINT64_C(4096)
/* Records for each frame, but never fewer than the first. */
#define QUOTA_NODES_FIRST 1024u

struct quota_use {
    uint64_t pages;
    uint64_t nodes;
};

struct quota {
    struct quota_use limit;
    struct quota_use owner_limit;
    struct quota_use total;
    struct quota_use owners[QUOTA_OWNERS];
};

/* Room for `pages` pages in all, of sizes which `frames` frames are to hold. */
void quota_init(struct quota *quota, uint64_t pages, uint64_t frames);

/*
 * Let an owner, below QUOTA_OWNERS, have so many more.
 *
 * Returns:   ERR_OK; ERR_NOSPC: his part is used up, or all is.
 * On error:  nothing changed.
 */
MUST_USE enum err quota_take(struct quota *quota, uint32_t owner, struct quota_use more);

/* Take that back. */
void quota_give(struct quota *quota, uint32_t owner, struct quota_use less);

/* Pages that an owner can still have. */
uint64_t quota_left(const struct quota *quota, uint32_t owner);

/* Pages of a file of so many bytes. */
static inline uint64_t quota_pages(uint64_t bytes)
{
    return bytes / QUOTA_PAGE_BYTES + (bytes % QUOTA_PAGE_BYTES != 0 ? 1 : 0);
}
