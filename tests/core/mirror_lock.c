/* SPDX-License-Identifier: MIT */
/*
 * The mirror's share of locking and advice: what makes pages present, and what locked pages refuse.
 */
#include <base/assert.h>

#include "mirror.h"

static struct mirror_page *page_of(struct mirror *mirror, uint32_t page)
{
    ASSERT(page >= mirror->first && page < mirror->first + mirror->pages);
    return &mirror->page[page - mirror->first];
}

/* A page becomes present for writing: it is a copy of its own from now on. */
static void make_own(struct mirror *mirror, uint32_t page)
{
    struct mirror_page *at = page_of(mirror, page);

    if (at->flags & REGION_SHARED) {
        return;
    }
    at->word = mirror_word(mirror, page);
    at->is_own = 1;
    at->flags |= REGION_TOUCHED;
}

enum err mirror_populate(struct mirror *mirror, uint32_t first, uint32_t end, bool ignores)
{
    bool skips = false; /* the rest of this region */

    for (uint32_t page = first; page < end; page++) {
        struct mirror_page *at = page_of(mirror, page);

        if (skips && page > first && mirror_joins(at - 1, at)) {
            continue;
        }
        skips = at->is_mapped && ((at->flags & REGION_PROT) == 0 || mirror_is_past_end(mirror, at));
        if (skips && !ignores) {
            mirror_settle(mirror);
            return ERR_NOMEM;
        }
        if (!skips && at->is_mapped && region_is_private_writable(at->flags)) {
            make_own(mirror, page);
        }
    }
    mirror_settle(mirror);
    return ERR_OK;
}

static void set_locks(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t locks)
{
    for (uint32_t page = first; page < end; page++) {
        if (page_of(mirror, page)->is_mapped) {
            page_of(mirror, page)->flags &= ~REGION_LOCKS;
            page_of(mirror, page)->flags |= locks;
        }
    }
    mirror_settle(mirror);
}

enum err mirror_lock(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t locks,
                     bool is_linux)
{
    uint32_t hole = first;

    while (hole < end && page_of(mirror, hole)->is_mapped) {
        hole++;
    }
    if (is_linux) {
        set_locks(mirror, first, hole, locks);
    }
    if (hole < end) {
        return ERR_NOMEM;
    }
    enum err error = locks == REGION_LOCKED ? mirror_populate(mirror, first, end, false) : ERR_OK;

    if (error == ERR_OK) {
        set_locks(mirror, first, end, locks);
    }
    return error;
}

void mirror_lock_all(struct mirror *mirror, uint32_t locks, uint32_t future, bool is_current)
{
    uint32_t end = mirror->first + mirror->pages;

    mirror->future = future;
    if (is_current) {
        set_locks(mirror, mirror->first, end, locks);
    }
    if (is_current && locks == REGION_LOCKED) {
        (void)mirror_populate(mirror, mirror->first, end, true);
    }
}

/* The flags that advice leaves. */
static uint32_t advised(uint32_t flags, uint32_t advice)
{
    const uint32_t ahead = REGION_SEQUENTIAL | REGION_RANDOM;
    const uint32_t huge = REGION_HUGEPAGE | REGION_NOHUGEPAGE;

    switch (advice) {
    case MEM_ADVISE_NORMAL:
        return flags & ~ahead;
    case MEM_ADVISE_SEQUENTIAL:
        return (flags & ~ahead) | REGION_SEQUENTIAL;
    case MEM_ADVISE_RANDOM:
        return (flags & ~ahead) | REGION_RANDOM;
    case MEM_ADVISE_DONTFORK:
        return flags | REGION_DONTFORK;
    case MEM_ADVISE_DOFORK:
        return flags & ~REGION_DONTFORK;
    case MEM_ADVISE_WIPEONFORK:
        return flags | REGION_WIPEONFORK;
    case MEM_ADVISE_KEEPONFORK:
        return flags & ~REGION_WIPEONFORK;
    case MEM_ADVISE_HUGEPAGE:
        return (flags & ~huge) | REGION_HUGEPAGE;
    case MEM_ADVISE_NOHUGEPAGE:
        return (flags & ~huge) | REGION_NOHUGEPAGE;
    default:
        return flags;
    }
}

/* Whether the page's region takes the advice at all. */
static bool takes(const struct mirror_page *at, uint32_t advice)
{
    bool is_locked = (at->flags & REGION_LOCKED) != 0;

    switch (advice) {
    case MEM_ADVISE_DONTNEED:
    case MEM_ADVISE_COLD:
    case MEM_ADVISE_PAGEOUT:
        return !is_locked;
    case MEM_ADVISE_FREE:
        return !is_locked && !at->object;
    case MEM_ADVISE_WIPEONFORK:
        return !at->object;
    case MEM_ADVISE_POPULATE_READ:
        return (at->flags & MEM_PROT_READ) != 0;
    case MEM_ADVISE_POPULATE_WRITE:
        return (at->flags & MEM_PROT_WRITE) != 0;
    default:
        return true;
    }
}

/* The advice for one mapped page. */
static enum err advise_page(struct mirror *mirror, uint32_t page, uint32_t advice)
{
    struct mirror_page *at = page_of(mirror, page);
    bool populates = advice == MEM_ADVISE_POPULATE_READ || advice == MEM_ADVISE_POPULATE_WRITE;

    if (populates && mirror_is_past_end(mirror, at)) {
        return ERR_FAULT;
    }
    if (advice == MEM_ADVISE_POPULATE_WRITE) {
        make_own(mirror, page);
    }
    if (advice == MEM_ADVISE_DONTNEED || advice == MEM_ADVISE_DONTNEED_LOCKED) {
        at->is_own = 0;
    }
    at->flags = advised(at->flags, advice);
    return ERR_OK;
}

static enum err advise_pages(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t advice)
{
    bool populates = advice == MEM_ADVISE_POPULATE_READ || advice == MEM_ADVISE_POPULATE_WRITE;
    bool has_hole = false;

    for (uint32_t page = first; page < end; page++) {
        if (!page_of(mirror, page)->is_mapped) {
            has_hole = true;
            if (populates) {
                break;
            }
            continue;
        }
        enum err error = takes(page_of(mirror, page), advice) ? ERR_OK : ERR_INVAL;

        error = error == ERR_OK ? advise_page(mirror, page, advice) : error;
        if (error != ERR_OK) {
            return error;
        }
    }
    return has_hole ? ERR_NOMEM : ERR_OK;
}

enum err mirror_advise(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t advice,
                       bool is_linux)
{
    for (uint32_t page = first; page < end && !is_linux; page++) {
        if (!page_of(mirror, page)->is_mapped) {
            return ERR_NOMEM;
        }
        if (!takes(page_of(mirror, page), advice)) {
            return ERR_INVAL;
        }
    }
    enum err error = advise_pages(mirror, first, end, advice);

    mirror_settle(mirror);
    return error;
}

void mirror_clone(const struct mirror *mirror, struct mirror *clone)
{
    *clone = *mirror;
    clone->future = 0;
    for (uint32_t i = 0; i < clone->pages; i++) {
        struct mirror_page *at = &clone->page[i];

        if ((at->flags & REGION_DONTFORK) != 0) {
            *at = (struct mirror_page){0};
        }
        at->flags &= ~REGION_LOCKS;
        if ((at->flags & REGION_WIPEONFORK) != 0) {
            at->flags &= ~REGION_TOUCHED;
            at->is_own = 0;
            at->word = 0;
        }
    }
    mirror_settle(clone);
}
