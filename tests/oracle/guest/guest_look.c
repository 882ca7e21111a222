/* SPDX-License-Identifier: MIT */
/*
 * Regions from QUERY, totals from LIMITS, presence from INCORE, words from COPY.
 */
#include "guest_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/types.h>
#include <hf/mem.h>
#include <tap.h>

#define REGIONS_MAX 512u
#define COPY_PAGES  32u

/* What QUERY says of the zones, in core's addresses. */
struct seen {
    uint32_t count;
    struct mem_region region[REGIONS_MAX];
    uint64_t pages;
};

static bool collect(const struct place *place, struct seen *seen)
{
    static struct mem_region regions[MEM_QUERY_REGIONS_MAX];
    struct mem_query_rep rep = {.next = 0};

    seen->count = 0;
    do {
        if (!EXPECT_ERR(hf_query(place->side->process.space, rep.next, MEM_QUERY_REGIONS_MAX,
                                 regions, &rep),
                        ERR_OK)) {
            return false;
        }
        for (uint64_t i = 0; i < rep.count; i++) {
            struct mem_region *region = &seen->region[seen->count];
            uint64_t start = place_to_core(place, regions[i].start);
            if (!stage_holds(place->room, start >> PAGE_SHIFT)) {
                continue;
            }
            if (!EXPECT(seen->count < REGIONS_MAX)) {
                return false;
            }
            *region = regions[i];
            region->start = start;
            region->end = start + (regions[i].end - regions[i].start);
            seen->count++;
        }
    } while (rep.next != 0);
    seen->pages = rep.pages_total - place->base_pages;
    return true;
}

/* Of a region's flags, those that QUERY tells. */
static uint32_t query_flags(uint32_t look)
{
    static const struct {
        uint32_t look;
        uint32_t query;
    } pairs[] = {
        {LOOK_NORESERVE, MEM_MAP_NORESERVE},
        {LOOK_LOCKED, MEM_MAP_LOCKED},
        {LOOK_GROWSDOWN, MEM_MAP_GROWSDOWN},
        {LOOK_NOHUGEPAGE, MEM_MAP_STACK}, /* QUERY cannot tell who asked for small pages */
    };
    uint32_t flags = MEM_MAP_ANONYMOUS;

    flags |= (look & LOOK_SHARED) != 0 ? MEM_MAP_SHARED : MEM_MAP_PRIVATE;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        flags |= (look & pairs[i].look) != 0 ? pairs[i].query : 0;
    }
    return flags;
}

static bool regions_equal(const struct look *wanted, const struct seen *seen,
                          char text[GUEST_TEXT_MAX])
{
    uint32_t count = wanted->head->regions;

    for (uint32_t i = 0; i < count || i < seen->count; i++) {
        static const struct look_region none;
        const struct look_region *want = i < count ? &wanted->regions[i] : &none;
        const struct mem_region nothing = {0};
        const struct mem_region *have = i < seen->count ? &seen->region[i] : &nothing;
        uint32_t flags = i < count ? query_flags(want->flags) : 0;
        /* Core's look does not say which objects have handles. */
        uint32_t unseen = want->object != 0 ? MEM_MAP_ANONYMOUS : 0;
        if (have->start != (uint64_t)want->first << PAGE_SHIFT ||
            have->end != (uint64_t)want->end << PAGE_SHIFT || (have->flags | unseen) != flags ||
            have->prot != (want->flags & (LOOK_READ | LOOK_WRITE | LOOK_EXEC)) ||
            (have->object != 0) != (want->object != 0) ||
            have->offset != want->offset << PAGE_SHIFT) {
            snprintf(text, GUEST_TEXT_MAX,
                     "region %" PRIx64 "-%" PRIx64 " prot %" PRIx32 " flags %" PRIx32
                     " offset %" PRIx64 ", core: %" PRIx32 "-%" PRIx32 " (pages) prot %" PRIx32
                     " flags %" PRIx32 " offset %" PRIx64,
                     have->start, have->end, have->prot, have->flags, have->offset, want->first,
                     want->end, want->flags & 7u, flags, want->offset << PAGE_SHIFT);
            return false;
        }
    }
    return true;
}

static bool total_equal(const char *name, uint64_t have, uint64_t want, char text[GUEST_TEXT_MAX])
{
    if (have != want) {
        snprintf(text, GUEST_TEXT_MAX, "%s: %" PRIu64 " pages, core: %" PRIu64, name, have, want);
    }
    return have == want;
}

/* The totals that LIMITS tells. */
static bool totals_equal(const struct place *place, const struct look_head *want,
                         char text[GUEST_TEXT_MAX])
{
    uint64_t data = 0;
    uint64_t stack = 0;
    uint64_t locked = 0;

    snprintf(text, GUEST_TEXT_MAX, "LIMITS was refused");
    if (!place_used(place, MEM_LIMIT_DATA, &data) || !place_used(place, MEM_LIMIT_STACK, &stack) ||
        !place_used(place, MEM_LIMIT_LOCKED, &locked)) {
        return false;
    }
    return total_equal("data", data + stack, want->data, text) &&
           (want->level != LOOK_FULL || (total_equal("stack", stack, want->stack, text) &&
                                         total_equal("locked", locked, want->locked, text)));
}

/* The words of `count` pages that follow each other. */
static bool words_equal(const struct place *place, const struct look_page *pages, uint32_t count,
                        char text[GUEST_TEXT_MAX])
{
    static uint64_t words[COPY_PAGES][PAGE_SIZE / sizeof(uint64_t)];
    uint64_t address = place_from_core(place, (uint64_t)pages[0].page << PAGE_SHIFT);
    uint64_t copied = 0;

    if (hf_copy(place->side->process.space, (uint64_t)words, address, count * PAGE_SIZE,
                MEM_COPY_FROM, &copied) != ERR_OK) {
        snprintf(text, GUEST_TEXT_MAX, "page %" PRIx32 " or one after it cannot be copied",
                 pages[0].page);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t head = words[i][0];
        uint64_t tail = words[i][PAGE_SIZE / sizeof(uint64_t) - 1];
        if (head != pages[i].word.head || tail != pages[i].word.tail) {
            snprintf(text, GUEST_TEXT_MAX,
                     "page %" PRIx32 " holds %" PRIx64 " .. %" PRIx64 ", core: %" PRIx64
                     " .. %" PRIx64,
                     pages[i].page, head, tail, pages[i].word.head, pages[i].word.tail);
            return false;
        }
    }
    return true;
}

/* Where core's pages are being walked: the page that comes next. */
struct cursor {
    struct look_walk walk;
    struct look_page page;
    bool is_there;
};

static void cursor_next(struct cursor *cursor)
{
    cursor->is_there = look_walk_next(&cursor->walk, &cursor->page);
}

/* The pages of one region: which are there, how many with a frame, what they hold. */
static bool region_equal(const struct place *place, const struct mem_region *region,
                         struct cursor *cursor, char text[GUEST_TEXT_MAX])
{
    static unsigned char present[STAGE_BELOW + STAGE_ABOVE];
    struct look_page batch[COPY_PAGES];
    uint32_t count = 0;
    uint32_t own = 0;
    bool is_readable = (region->prot & (MEM_PROT_READ | MEM_PROT_WRITE)) != 0;
    uint64_t length = region->end - region->start;

    if (hf_incore(place->side->process.space, place_from_core(place, region->start), length,
                  present) != ERR_OK) {
        snprintf(text, GUEST_TEXT_MAX, "INCORE of a region was refused");
        return false;
    }
    for (uint64_t at = 0; at < length >> PAGE_SHIFT; at++) {
        uint64_t page = (region->start >> PAGE_SHIFT) + at;
        bool is_there = cursor->is_there && cursor->page.page == page;
        if (is_there != ((present[at] & 1) != 0)) {
            snprintf(text, GUEST_TEXT_MAX, "page %" PRIx64 " is %s, on core the reverse", page,
                     is_there ? "absent" : "present");
            return false;
        }
        if (is_there) {
            own += cursor->page.state == LOOK_OWN;
            batch[count++] = cursor->page;
            cursor_next(cursor);
        }
        bool is_end = !is_there || count == COPY_PAGES || at + 1 == length >> PAGE_SHIFT;
        if (is_end && count > 0) {
            if (is_readable && !words_equal(place, batch, count, text)) {
                return false;
            }
            count = 0;
        }
    }
    /* Of objects, the pages that this space has touched are counted. */
    return region->object != 0 || total_equal("resident", region->resident, own, text);
}

bool guest_look(const struct place *place, const struct look *wanted, char text[GUEST_TEXT_MAX])
{
    static struct seen seen;
    struct cursor cursor = {.walk = look_walk_begin(wanted)};

    if (wanted->head->level == LOOK_NONE) {
        return true;
    }
    snprintf(text, GUEST_TEXT_MAX, "QUERY was refused");
    if (!collect(place, &seen) || !regions_equal(wanted, &seen, text) ||
        !total_equal("all", seen.pages, wanted->head->pages, text) ||
        !totals_equal(place, wanted->head, text)) {
        return false;
    }
    if (wanted->head->level != LOOK_FULL) {
        return true;
    }
    cursor_next(&cursor);
    for (uint32_t i = 0; i < seen.count; i++) {
        if (!region_equal(place, &seen.region[i], &cursor, text)) {
            return false;
        }
    }
    return true;
}

/* The same for one region of anonymous private memory. */
static bool forget_zeros_in(const struct place *place, const struct mem_region *region,
                            const struct look *wanted)
{
    static unsigned char present[STAGE_BELOW + STAGE_ABOVE];
    struct cursor cursor = {.walk = look_walk_begin(wanted)};
    const uint64_t space = place->side->process.space;

    if (!EXPECT_ERR(hf_incore(space, place_from_core(place, region->start),
                              region->end - region->start, present),
                    ERR_OK)) {
        return false;
    }
    cursor_next(&cursor);
    for (uint64_t page = region->start >> PAGE_SHIFT; page < region->end >> PAGE_SHIFT; page++) {
        uint64_t at = place_from_core(place, page << PAGE_SHIFT);
        while (cursor.is_there && cursor.page.page < page) {
            cursor_next(&cursor);
        }
        bool is_wanted = cursor.is_there && cursor.page.page == page;
        if ((present[page - (region->start >> PAGE_SHIFT)] & 1) != 0 && !is_wanted &&
            !EXPECT_ERR(hf_advise(space, at, PAGE_SIZE, MEM_ADVISE_DONTNEED), ERR_OK)) {
            return false;
        }
    }
    return true;
}

bool guest_forget_zeros(const struct place *place, const struct look *wanted)
{
    static struct seen seen;

    if (!collect(place, &seen)) {
        return false;
    }
    for (uint32_t i = 0; i < seen.count; i++) {
        if (seen.region[i].object == 0 && !forget_zeros_in(place, &seen.region[i], wanted)) {
            return false;
        }
    }
    return true;
}
