/* SPDX-License-Identifier: MIT */
/*
 * What a space must look like, said page by page: the rules of MAP, UNMAP, PROTECT, REMAP and
 * ADVISE over an array.
 *
 * There are no regions here, only pages with properties; regions are runs of pages that could be
 * one region. Each request is carried out in its simplest form and answers the error that core must
 * answer. The window is the only place where core finds room: below it nothing may be mapped, and a
 * filler region takes everything above. Around its middle lies a 1 GiB boundary, so that the window
 * spreads over two shadow leaves and two middle tables.
 *
 * Not here: limits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

#define MIRROR_PAGES_MAX 32u
#define MIRROR_MIDDLE    (UINT32_C(3) << 18)

struct mirror_page {
    uint32_t is_mapped;
    uint32_t flags;  /* REGION_ bits */
    uint32_t object; /* 0: none, MIRROR_WIRED, or one of an anonymous shared mapping */
    uint32_t is_own;
    uint64_t offset; /* into the object */
    uint64_t word;   /* valid with `is_own` */
};

#define MIRROR_WIRED  1u /* the wired object that all mappings with an object show */
#define MIRROR_SHARED 2u /* the first of the others, by their place in the pool */
#define MIRROR_USERS  4u

/* What is in the object of an anonymous shared mapping. */
struct mirror_shared {
    uint32_t pages;
    uint64_t word[MIRROR_PAGES_MAX];
};

struct mirror {
    uint32_t first; /* page number of pages[0] */
    uint32_t pages;
    uint32_t future;          /* locks that new regions get */
    struct mirror_pool *pool; /* NULL: nothing is mapped anonymous and shared */
    struct mirror_page page[MIRROR_PAGES_MAX];
};

/* The objects of anonymous shared mappings, which clones have in common. */
struct mirror_pool {
    const struct mirror *users[MIRROR_USERS];
    uint32_t count;
    struct mirror_shared shared[MIRROR_USERS * MIRROR_PAGES_MAX + 1]; /* one more than mapped */
};

/* A space whose window has `pages` pages, and its mirror. */
struct space *mirror_make(struct world *world, uint32_t pages, struct mirror *mirror);

/* Let a mirror, which stays where it is, map anonymous shared memory. */
void mirror_join(struct mirror *mirror, struct mirror_pool *pool);

/* Requests, as core has them; ranges are within the window. Answer: the error expected. */
enum err mirror_map(struct mirror *mirror, const struct map_request *request, uaddr_t *address);
enum err mirror_unmap(struct mirror *mirror, uint32_t first, uint32_t end);
enum err mirror_protect(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t prot,
                        bool is_linux);
enum err mirror_advise(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t advice,
                       bool is_linux);
/* LOCK with `locks`, UNLOCK with 0; nothing is past the end of its object. */
enum err mirror_lock(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t locks,
                     bool is_linux);
/* LOCK ALL and UNLOCK ALL. */
void mirror_lock_all(struct mirror *mirror, uint32_t locks, uint32_t future, bool is_current);
enum err mirror_remap(struct mirror *mirror, const struct remap_request *request, uaddr_t *address);
/* What a clone of the space is like. */
void mirror_clone(const struct mirror *mirror, struct mirror *clone);
enum fault_outcome mirror_touch(struct mirror *mirror, uint32_t page, uint32_t access,
                                uint64_t *word);

/*
 * Make what is mapped present as R27 says, region by region. Returns: ERR_NOMEM where one cannot
 * be, unless that is to be ignored.
 */
enum err mirror_populate(struct mirror *mirror, uint32_t first, uint32_t end, bool ignores);

/* Whether the next region from `end` on grows down: what ends there would be in its way. */
bool mirror_is_guard(const struct mirror *mirror, uint32_t end);

/* A touch of a page that is not mapped: the region above reaches down to it, if it may. */
bool mirror_grow(struct mirror *mirror, uint32_t page);

/* What one page of a region has touched, the region has. */
void mirror_settle(struct mirror *mirror);

/* Whether two neighbouring pages are of one region. */
bool mirror_joins(const struct mirror_page *a, const struct mirror_page *b);

/* Whether the object of a mapped page does not have it. */
bool mirror_is_past_end(const struct mirror *mirror, const struct mirror_page *at);

/* What the client reads on a page that is mapped. */
uint64_t mirror_word(const struct mirror *mirror, uint32_t page);

/*
 * Expect the space to be as the mirror says: regions, totals, contents of all pages. Returns:
 * whether it is.
 */
bool mirror_matches(const struct mirror *mirror, const struct world *world, struct space *space);

/* One line with a letter a page, for diagnostics. */
void mirror_note(const struct mirror *mirror, const char *title);
