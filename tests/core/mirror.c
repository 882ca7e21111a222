/* SPDX-License-Identifier: MIT */
#include "mirror.h"

#include <base/assert.h>

static struct mirror_page *mirror_at(struct mirror *mirror, uint32_t page)
{
    ASSERT(page >= mirror->first && page < mirror->first + mirror->pages);
    return &mirror->page[page - mirror->first];
}

static bool mirror_is_mapped(struct mirror *mirror, uint32_t page)
{
    return page >= mirror->first && page < mirror->first + mirror->pages &&
           mirror_at(mirror, page)->is_mapped;
}

bool mirror_joins(const struct mirror_page *a, const struct mirror_page *b)
{
    return a->is_mapped && b->is_mapped && ((a->flags ^ b->flags) & ~REGION_TOUCHED) == 0 &&
           a->object == b->object && (!a->object || a->offset + 1 == b->offset);
}

/* First page after the region that `page` is in. */
static uint32_t mirror_region_end(struct mirror *mirror, uint32_t page)
{
    uint32_t end = page + 1;

    while (end < mirror->first + mirror->pages &&
           mirror_joins(mirror_at(mirror, end - 1), mirror_at(mirror, end))) {
        end++;
    }
    return end;
}

void mirror_settle(struct mirror *mirror)
{
    uint32_t end = mirror->first + mirror->pages;

    for (uint32_t page = mirror->first; page < end;) {
        uint32_t region_end = mirror_region_end(mirror, page);
        uint32_t touched = 0;

        for (uint32_t i = page; i < region_end; i++) {
            touched |= mirror_at(mirror, i)->flags & REGION_TOUCHED;
        }
        for (uint32_t i = page; i < region_end; i++) {
            mirror_at(mirror, i)->flags |= touched;
        }
        page = region_end;
    }
}

struct space *mirror_make(struct world *world, uint32_t pages, struct mirror *mirror)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;
    uint32_t end = MIRROR_MIDDLE + pages / 2;

    ASSERT(pages <= MIRROR_PAGES_MAX);
    *mirror = (struct mirror){.first = end - pages, .pages = pages};
    settings.lowest = world_address(mirror->first);
    settings.base = world_address(end);
    enum err error = space_make(&world->core, &settings, &space);

    ASSERT(error == ERR_OK);
    /* A filler that nothing in the window can join: wired, shared. */
    struct object *object = world_object(world, 1);
    const struct map_request filler = {
        .address = settings.base,
        .length = (uint64_t)(RANGE_USER_END - end) * PAGE_SIZE,
        .prot = 0,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    error = op_map(&world->core, space, &filler, &address);
    ASSERT(error == ERR_OK);
    object_put(&world->core, object);
    return space;
}

/* R9 in its simplest form. */
static bool mirror_find(struct mirror *mirror, uaddr_t hint, uint32_t pages, uint32_t *found)
{
    uint32_t end = mirror->first + mirror->pages;
    uint32_t wanted = (uint32_t)(hint.v / PAGE_SIZE);

    if (wanted != 0) {
        bool is_free = true;

        wanted = wanted < mirror->first ? mirror->first : wanted;
        for (uint32_t page = wanted; page < wanted + pages; page++) {
            is_free = is_free && page < end && !mirror_is_mapped(mirror, page);
        }
        is_free = is_free && !mirror_is_guard(mirror, wanted + pages);
        if (is_free) {
            *found = wanted;
            return true;
        }
    }
    for (uint32_t start = end - mirror->first >= pages ? end - pages : 0; start >= mirror->first;
         start--) {
        bool is_free = !mirror_is_guard(mirror, start + pages);

        for (uint32_t page = start; page < start + pages; page++) {
            is_free = is_free && !mirror_is_mapped(mirror, page);
        }
        if (is_free) {
            *found = start;
            return true;
        }
    }
    return false;
}

static struct mirror_shared *mirror_shared(const struct mirror *mirror, uint32_t object)
{
    ASSERT(mirror->pool != NULL && object >= MIRROR_SHARED);
    return &mirror->pool->shared[object - MIRROR_SHARED];
}

bool mirror_is_past_end(const struct mirror *mirror, const struct mirror_page *at)
{
    if (at->object >= MIRROR_SHARED) {
        return at->offset >= mirror_shared(mirror, at->object)->pages;
    }
    return at->object == MIRROR_WIRED && at->offset >= WORLD_WIRED;
}

void mirror_join(struct mirror *mirror, struct mirror_pool *pool)
{
    ASSERT(pool->count < MIRROR_USERS);
    pool->users[pool->count++] = mirror;
    mirror->pool = pool;
}

static bool mirror_maps(const struct mirror *mirror, uint32_t object)
{
    for (uint32_t i = 0; i < mirror->pages; i++) {
        if (mirror->page[i].is_mapped && mirror->page[i].object == object) {
            return true;
        }
    }
    return false;
}

/* An object that nothing maps, empty from now on. */
static uint32_t mirror_make_shared(struct mirror *mirror, uint32_t pages)
{
    for (uint32_t object = MIRROR_SHARED;; object++) {
        bool is_used = false;

        for (uint32_t i = 0; i < mirror->pool->count; i++) {
            is_used = is_used || mirror_maps(mirror->pool->users[i], object);
        }
        if (!is_used) {
            *mirror_shared(mirror, object) = (struct mirror_shared){.pages = pages};
            return object;
        }
    }
}

enum err mirror_map(struct mirror *mirror, const struct map_request *request, uaddr_t *address)
{
    uint32_t pages = (uint32_t)(request->length / PAGE_SIZE);
    uint32_t first = (uint32_t)(request->address.v / PAGE_SIZE);
    bool is_shared = (request->flags & MEM_MAP_TYPE) != MEM_MAP_PRIVATE;
    bool has_object = (request->flags & MEM_MAP_ANONYMOUS) == 0;
    uint32_t may = MEM_PROT_ALL;
    uint32_t flags = request->prot;

    if ((request->flags & MEM_MAP_FIXED) == 0) {
        if (!mirror_find(mirror, request->address, pages, &first)) {
            return ERR_NOMEM;
        }
    } else if (request->flags & MEM_MAP_FIXED_NOREPLACE) {
        for (uint32_t page = first; page < first + pages; page++) {
            if (mirror_at(mirror, page)->is_mapped) {
                return ERR_EXIST;
            }
        }
    }
    if (is_shared && has_object) {
        if (request->prot & MEM_PROT_WRITE) {
            return ERR_ACCES; /* tests give no write right */
        }
        may &= ~MEM_PROT_WRITE;
    }
    const uint32_t object = has_object  ? MIRROR_WIRED
                            : is_shared ? mirror_make_shared(mirror, pages)
                                        : 0;

    flags |= is_shared ? REGION_SHARED : 0;
    flags |= may << REGION_MAY_SHIFT | mirror->future;
    flags |= request->flags & MEM_MAP_LOCKED ? REGION_LOCKED : 0;
    flags |= request->flags & MEM_MAP_GROWSDOWN ? REGION_GROWSDOWN : 0;
    flags |= request->flags & MEM_MAP_NORESERVE ? REGION_NORESERVE : 0;
    if (!is_shared && (flags & MEM_PROT_WRITE) && !(flags & REGION_NORESERVE)) {
        flags |= REGION_ACCOUNT;
    }
    for (uint32_t i = 0; i < pages; i++) {
        *mirror_at(mirror, first + i) =
            (struct mirror_page){.is_mapped = 1,
                                 .flags = flags,
                                 .object = object,
                                 .offset = (has_object ? request->offset / PAGE_SIZE : 0) + i};
    }
    mirror_settle(mirror);
    if ((flags & REGION_LOCKS) == REGION_LOCKED) {
        (void)mirror_populate(mirror, first, first + pages, true);
    }
    *address = world_address(first);
    return ERR_OK;
}

enum err mirror_unmap(struct mirror *mirror, uint32_t first, uint32_t end)
{
    if (first == end) {
        return ERR_INVAL;
    }
    for (uint32_t page = first; page < end; page++) {
        *mirror_at(mirror, page) = (struct mirror_page){0};
    }
    return ERR_OK;
}

/* Whether a locked page becomes one that may be written in private: it is made present for it. */
static bool mirror_wakes(const struct mirror_page *at, uint32_t prot)
{
    return (prot & MEM_PROT_WRITE) != 0 && !region_is_private_writable(at->flags) &&
           (at->flags & (REGION_LOCKS | REGION_SHARED)) == REGION_LOCKED;
}

enum err mirror_protect(struct mirror *mirror, uint32_t first, uint32_t end, uint32_t prot,
                        bool is_linux)
{
    enum err error = ERR_OK;

    for (uint32_t page = first; page < end && error == ERR_OK; page++) {
        const struct mirror_page *at = mirror_at(mirror, page);

        if (!at->is_mapped) {
            error = ERR_NOMEM;
        } else if (prot & ~(at->flags >> REGION_MAY_SHIFT)) {
            error = ERR_ACCES;
        }
        if (error != ERR_OK) {
            end = is_linux ? page : first;
        }
    }
    bool wakes = false;
    bool wakes_page[MIRROR_PAGES_MAX] = {false};

    for (uint32_t page = first; page < end; page++) {
        struct mirror_page *at = mirror_at(mirror, page);

        if ((at->flags & REGION_PROT) == prot) {
            continue; /* left alone, its account too */
        }
        wakes_page[page - mirror->first] = mirror_wakes(at, prot);
        wakes = wakes || mirror_wakes(at, prot);
        at->flags = (at->flags & ~REGION_PROT) | prot;
        if ((prot & MEM_PROT_WRITE) && !(at->flags & (REGION_SHARED | REGION_NORESERVE))) {
            at->flags |= REGION_ACCOUNT;
        } else if (!(prot & MEM_PROT_WRITE) && !at->object && !(at->flags & REGION_TOUCHED)) {
            at->flags &= ~REGION_ACCOUNT;
        }
    }
    mirror_settle(mirror);
    /* The LINUX form sees each region alone, the native one the range. */
    for (uint32_t page = first; page < end; page++) {
        const struct mirror_page *at = mirror_at(mirror, page);

        if (is_linux ? wakes_page[page - mirror->first]
                     : wakes && (at->flags & REGION_LOCKS) == REGION_LOCKED &&
                           region_is_private_writable(at->flags)) {
            (void)mirror_populate(mirror, page, page + 1, true);
        }
    }
    return error;
}

/* All of the region that `page` is in is locked no longer. */
static void mirror_unlock_region(struct mirror *mirror, uint32_t page)
{
    uint32_t end = mirror_region_end(mirror, page);

    while (page > mirror->first &&
           mirror_joins(mirror_at(mirror, page - 1), mirror_at(mirror, page))) {
        page--;
    }
    for (; page < end; page++) {
        mirror_at(mirror, page)->flags &= ~REGION_LOCKS;
    }
}

/* What grew of a locked region is present. */
static void mirror_populate_grown(struct mirror *mirror, uint32_t first, uint32_t end)
{
    if (first < end && (mirror_at(mirror, first)->flags & REGION_LOCKS) == REGION_LOCKED) {
        (void)mirror_populate(mirror, first, end, true);
    }
}

/*
 * Move or copy pages to a free place; grown ones continue the last kind.
 *
 * The new place joins its neighbours while the old one still stands, as in Linux: one of them may
 * be what is left of the old region. What stays of a whole region was never touched.
 */
static void mirror_move(struct mirror *mirror, uint32_t from, uint32_t old_pages, uint32_t to,
                        uint32_t new_pages, bool keeps_old, bool forgets)
{
    const struct mirror_page kind = *mirror_at(mirror, from);
    bool starts_region = from == mirror->first ||
                         !mirror_joins(mirror_at(mirror, from - 1), mirror_at(mirror, from));
    bool is_whole = starts_region && mirror_region_end(mirror, from) == from + old_pages;

    if (keeps_old) {
        mirror_unlock_region(mirror, from);
    }
    for (uint32_t i = 0; i < new_pages; i++) {
        struct mirror_page *at = mirror_at(mirror, to + i);

        *at = kind;
        at->is_own = 0;
        at->offset = kind.offset + i;
        if (i < old_pages) {
            *at = *mirror_at(mirror, from + i);
            at->flags = (at->flags & ~REGION_LOCKS) | (kind.flags & REGION_LOCKS);
            mirror_at(mirror, from + i)->is_own = 0;
            mirror_at(mirror, from + i)->flags &= ~(forgets ? REGION_TOUCHED : 0);
        }
    }
    /* A whole region that stays behind empty is as one that was never touched. */
    for (uint32_t i = 0; i < old_pages && keeps_old && is_whole; i++) {
        mirror_at(mirror, from + i)->flags &= ~REGION_TOUCHED;
    }
    mirror_settle(mirror);
    for (uint32_t i = 0; i < old_pages && !keeps_old; i++) {
        *mirror_at(mirror, from + i) = (struct mirror_page){0};
    }
    mirror_populate_grown(mirror, to + old_pages, to + new_pages);
}

static enum err mirror_remap_target(struct mirror *mirror, const struct remap_request *request,
                                    uaddr_t *address)
{
    uint32_t from = (uint32_t)(request->address.v / PAGE_SIZE);
    uint32_t old_pages = (uint32_t)(request->length_old / PAGE_SIZE);
    uint32_t new_pages = (uint32_t)(request->length_new / PAGE_SIZE);
    uint32_t to = (uint32_t)(request->target.v / PAGE_SIZE);
    bool is_fixed = (request->flags & MEM_REMAP_FIXED) != 0;
    uint32_t kept = old_pages < new_pages ? old_pages : new_pages;

    if (from + old_pages > to && to + new_pages > from) {
        return ERR_INVAL;
    }
    if (kept == 0 && is_fixed && from >= to && from < to + new_pages) {
        return ERR_FAULT; /* what is to be mapped again is unmapped first */
    }
    if (kept == 0 && !(mirror_at(mirror, from)->flags & REGION_SHARED)) {
        return ERR_INVAL;
    }
    if (kept > mirror_region_end(mirror, from) - from) {
        return ERR_FAULT;
    }
    if (!is_fixed && !mirror_find(mirror, request->target, new_pages, &to)) {
        return ERR_NOMEM;
    }
    for (uint32_t page = to; page < to + new_pages; page++) {
        *mirror_at(mirror, page) = (struct mirror_page){0};
    }
    for (uint32_t page = from + new_pages; page < from + old_pages; page++) {
        *mirror_at(mirror, page) = (struct mirror_page){0};
    }
    bool keeps_old = (request->flags & MEM_REMAP_DONTUNMAP) != 0;
    bool is_first = from == mirror->first || !mirror_at(mirror, from - 1)->is_mapped ||
                    mirror_region_end(mirror, from - 1) == from;
    bool is_whole = is_first && mirror_region_end(mirror, from) == from + kept;

    mirror_move(mirror, from, kept, to, new_pages, keeps_old, keeps_old && is_whole);
    *address = world_address(to);
    return ERR_OK;
}

enum err mirror_remap(struct mirror *mirror, const struct remap_request *request, uaddr_t *address)
{
    uint32_t from = (uint32_t)(request->address.v / PAGE_SIZE);
    uint32_t old_pages = (uint32_t)(request->length_old / PAGE_SIZE);
    uint32_t new_pages = (uint32_t)(request->length_new / PAGE_SIZE);
    bool may_move = (request->flags & MEM_REMAP_MAYMOVE) != 0;
    bool keeps = (request->flags & MEM_REMAP_DONTUNMAP) != 0;
    uint32_t end = mirror->first + mirror->pages;
    uint32_t to;

    *address = request->address;
    if (((request->flags & MEM_REMAP_FIXED) && !may_move) ||
        (keeps && (!may_move || old_pages != new_pages)) || new_pages == 0) {
        return ERR_INVAL;
    }
    if (!mirror_at(mirror, from)->is_mapped) {
        return ERR_FAULT;
    }
    if (request->flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) {
        enum err error = mirror_remap_target(mirror, request, address);

        mirror_settle(mirror);
        return error;
    }
    if (new_pages <= old_pages) {
        for (uint32_t page = from + new_pages; page < from + old_pages; page++) {
            *mirror_at(mirror, page) = (struct mirror_page){0};
        }
        return ERR_OK;
    }
    if (old_pages == 0 && !(mirror_at(mirror, from)->flags & REGION_SHARED)) {
        return ERR_INVAL;
    }
    uint32_t region_end = mirror_region_end(mirror, from);

    if (old_pages > region_end - from) {
        return ERR_FAULT;
    }
    if (from + old_pages == region_end && from + new_pages <= end) {
        bool is_free = true;

        for (uint32_t page = region_end; page < from + new_pages; page++) {
            is_free = is_free && !mirror_is_mapped(mirror, page);
        }
        if (is_free) {
            for (uint32_t page = region_end; page < from + new_pages; page++) {
                *mirror_at(mirror, page) = *mirror_at(mirror, page - 1);
                mirror_at(mirror, page)->offset++;
                mirror_at(mirror, page)->is_own = 0;
            }
            mirror_settle(mirror);
            mirror_populate_grown(mirror, region_end, from + new_pages);
            return ERR_OK;
        }
    }
    if (!may_move || !mirror_find(mirror, (uaddr_t){0}, new_pages, &to)) {
        return ERR_NOMEM;
    }
    mirror_move(mirror, from, old_pages, to, new_pages, false, false);
    mirror_settle(mirror);
    *address = world_address(to);
    return ERR_OK;
}

uint64_t mirror_word(const struct mirror *mirror, uint32_t page)
{
    const struct mirror_page *at = &mirror->page[page - mirror->first];

    if (at->is_own) {
        return at->word;
    }
    if (at->object >= MIRROR_SHARED) {
        const struct mirror_shared *shared = mirror_shared(mirror, at->object);

        return at->offset < shared->pages ? shared->word[at->offset] : 0;
    }
    return at->object == MIRROR_WIRED ? WORLD_WORD + at->offset : 0;
}

enum fault_outcome mirror_touch(struct mirror *mirror, uint32_t page, uint32_t access,
                                uint64_t *word)
{
    struct mirror_page *at = mirror_at(mirror, page);

    if (!at->is_mapped && !mirror_grow(mirror, page)) {
        return FAULT_NO_REGION;
    }
    if (access == MEM_PROT_WRITE ? !(at->flags & MEM_PROT_WRITE)
                                 : !(at->flags & (MEM_PROT_READ | MEM_PROT_WRITE))) {
        return FAULT_DENIED;
    }
    if (mirror_is_past_end(mirror, at)) {
        return FAULT_PAST_END;
    }
    if (access == MEM_PROT_WRITE && at->object >= MIRROR_SHARED) {
        mirror_shared(mirror, at->object)->word[at->offset] = *word;
    } else if (access == MEM_PROT_WRITE) {
        at->is_own = 1;
        at->word = *word;
        at->flags |= REGION_TOUCHED;
        mirror_settle(mirror);
    } else {
        *word = mirror_word(mirror, page);
    }
    return FAULT_READY;
}
