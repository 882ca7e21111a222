/* SPDX-License-Identifier: MIT */
/*
 * What comes of borders that only Linux has: it keeps neighbours apart that have page records of
 * their own (anon_vma), or that a move brought together while only one of them had any, and what a
 * request split that was then refused. Ours are one region.
 */
#include "known_row.h"

#include <errno.h>

#include <base/types.h>
#include <mem/prot.h>

/* Two pages with page records of their own, moved together: one region of ours. */
#define MOVED_TOGETHER                                        \
    "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n" \
    "map addr=0x1000002000 length=0x1000 prot=3 flags=0x32\n" \
    "write addr=0x1000000000 value=0xc3\n"                    \
    "write addr=0x1000002000 value=0xc3\n"                    \
    "remap addr=0x1000002000 length=0x1000 size=0x1000 flags=3 target=0x1000001000\n"

/* Whether Linux has a border inside the pages where we have none. */
static bool has_hidden_border(const struct look *linux_look, const struct look *ours,
                              uint64_t first, uint64_t end)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < linux_look->head->regions; i++) {
        uint32_t border = linux_look->regions[i].first;
        while (at < ours->head->regions && ours->regions[at].first < border) {
            at++;
        }
        bool is_ours = at < ours->head->regions && ours->regions[at].first == border;
        if (border > first && border < end && !is_ours) {
            return true;
        }
    }
    return false;
}

static bool had_hidden_border(const struct found *found, const struct step *step)
{
    uint64_t first = step->addr >> PAGE_SHIFT;

    return found->linux_before_opt != NULL &&
           has_hidden_border(found->linux_before_opt, found->ours_before_opt, first,
                             first + (known_round_up(step->length) >> PAGE_SHIFT));
}

/*
 * EFAULT; or, as Linux 6.17 moves several regions, one after the other until one is refused. Also
 * within a batch.
 */
static bool remaps_over_border(const struct found *found)
{
    const struct step *step = known_step(found);
    const uint32_t members = known_members(found);

    for (uint32_t i = 0; i <= members && found->linux_look->head->error != 0; i++) {
        if (step[i].op == STEP_REMAP && had_hidden_border(found, &step[i])) {
            return true;
        }
    }
    return false;
}

/* Each part that Linux keeps apart is judged alone. */
static bool protects_to_border(const struct found *found)
{
    bool is_refused =
        found->linux_look->head->error == ENOMEM || found->ours->head->error == ENOMEM;

    return known_step(found)->op == STEP_PROTECT && is_refused &&
           known_limit(found, STEP_LIMIT_DATA) != STEP_UNLIMITED &&
           had_hidden_border(found, known_step(found));
}

static bool is_for_room(const struct look *look)
{
    return look->head->error == ENOMEM || look->head->error == EAGAIN;
}

/*
 * They count towards the limit of regions; and one that a split left behind which was then refused
 * the second time spares the next request a split.
 */
static bool counts_more_regions(const struct found *found)
{
    return found->sequence->spare != SLOT_NOT_CROWDED && found->linux_before_opt != NULL &&
           (is_for_room(found->linux_look) || is_for_room(found->ours)) &&
           found->linux_before_opt->head->regions > found->ours_before_opt->head->regions;
}

/* What cuts a huge page is refused at a part that Linux keeps apart, after the parts before. */
static bool stops_at_huge_border(const struct found *found)
{
    const uint32_t op = known_step(found)->op;
    const bool has_parts =
        op == STEP_PROTECT || op == STEP_ADVISE || op == STEP_LOCK || op == STEP_UNLOCK;

    return has_parts && had_hidden_border(found, known_step(found)) &&
           (found->ours->head->error == EINVAL || found->linux_look->head->error == EINVAL);
}

static bool shows_first_part(const struct look *last)
{
    return last->head->error == EINVAL && last->head->regions == 2 &&
           last->regions[0].flags != last->regions[1].flags;
}

/* Whether a border of ours, inside the pages or at their ends, is gone after the step. */
static bool joined_at(const struct found *found, uint64_t first, uint64_t end)
{
    const struct look *before = found->ours_before_opt;

    for (uint32_t i = 1; i < before->head->regions; i++) {
        const struct look_region *low = &before->regions[i - 1];
        uint32_t border = before->regions[i].first;
        if (low->end != border || border < first || border > end) {
            continue;
        }
        for (uint32_t j = 0; j < found->ours->head->regions; j++) {
            const struct look_region *after = &found->ours->regions[j];
            if (after->first < border && after->end > border) {
                return true;
            }
        }
    }
    return false;
}

/*
 * Regions with page records of their own do not join when a request makes them equal: at the limit
 * of regions, Linux cannot split where ours has only to move a border.
 */
static bool splits_where_ours_joins(const struct found *found)
{
    const struct step *step = known_step(found);
    uint64_t first = step->addr >> PAGE_SHIFT;

    return found->sequence->spare != SLOT_NOT_CROWDED && is_for_room(found->linux_look) &&
           found->linux_before_opt != NULL &&
           found->linux_before_opt->head->regions >= found->sequence->spare &&
           joined_at(found, first, first + (known_round_up(step->length) >> PAGE_SHIFT));
}

/* Bytes of the first region that ends after a page, were it to begin there; 0 if there is none. */
static uint64_t size_from(const struct look *look, uint64_t page)
{
    for (uint32_t i = 0; i < look->head->regions; i++) {
        if (look->regions[i].end > page) {
            return (look->regions[i].end - page) << PAGE_SHIFT;
        }
    }
    return 0;
}

/* How large a stack may be is counted from such a border. */
static bool grows_from_border(const struct found *found)
{
    uint64_t page = known_step(found)->addr >> PAGE_SHIFT;
    uint64_t limit = known_limit(found, STEP_LIMIT_STACK);

    return found->aspect == COMPARE_SIGNAL && found->ours->head->signal == LOOK_MAPERR &&
           found->linux_before_opt != NULL && size_from(found->linux_before_opt, page) <= limit &&
           size_from(found->ours_before_opt, page) > limit;
}

static bool shows_partial(const struct look *last)
{
    return last->head->error == ENOMEM && last->head->regions == 2 &&
           (last->regions[0].flags & LOOK_WRITE) != 0;
}

/* The flags of the region that holds a page; 0 if none does. */
static uint32_t flags_at(const struct look *look, uint32_t page)
{
    for (uint32_t i = 0; i < look->head->regions; i++) {
        if (page >= look->regions[i].first && page < look->regions[i].end) {
            return look->regions[i].flags;
        }
    }
    return 0;
}

/* Whether the lists are equal but for pages that only ours has in the commit account. */
static bool is_only_account(const struct found *found)
{
    const struct look *looks[] = {found->linux_look, found->ours};

    for (unsigned side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < looks[side]->head->regions; i++) {
            const struct look_region *region = &looks[side]->regions[i];
            uint32_t pages[] = {region->first, region->end - 1};
            for (unsigned end = 0; end < 2; end++) {
                uint32_t a = flags_at(found->linux_look, pages[end]);
                uint32_t b = flags_at(found->ours, pages[end]);
                if ((a | LOOK_ACCOUNT) != (b | LOOK_ACCOUNT) ||
                    ((a & LOOK_ACCOUNT) != 0 && (b & LOOK_ACCOUNT) == 0)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Whether a batch changes rights more than once: what it joined between is not seen. */
static bool protects_twice(const struct found *found)
{
    const struct step *batch = known_step(found);
    const uint32_t members = known_members(found);
    uint32_t count = 0;

    for (uint32_t i = 1; i <= members; i++) {
        count += batch[i].op == STEP_PROTECT ? 1 : 0;
    }
    return count > 1;
}

/*
 * PROTECT takes a region that was never touched out of the commit account. Where ours is, or comes
 * from one that was, joined of a touched and an untouched part, all of it stays in.
 */
static bool stays_in_account(const struct found *found)
{
    size_t linux_at = 0;
    size_t ours_at = 0;

    if (found->aspect != COMPARE_REGIONS || found->ours->head->level != LOOK_FULL ||
        !is_only_account(found)) {
        return false;
    }
    for (uint32_t i = 0; i < found->index; i++) {
        struct look linux_look = look_next(found->linux_log, &linux_at);
        struct look ours = look_next(found->ours_log, &ours_at);
        if (has_hidden_border(&linux_look, &ours, 0, UINT32_MAX)) {
            return true;
        }
    }
    return protects_twice(found);
}

static bool shows_no_account(const struct look *last)
{
    return last->head->regions > 0 &&
           (last->regions[last->head->regions - 1].flags & LOOK_ACCOUNT) == 0;
}

const struct known_row known_border_rows[] = {
    {
        .reason = "mremap() over a border that only Linux keeps",
        .matches = remaps_over_border,
        .dodge = DODGE_REMAP_BORDER,
        .probe = MOVED_TOGETHER "remap addr=0x1000000000 length=0x2000 size=0x3000 flags=1\n",
        .shows = known_shows_efault,
    },
    {
        .reason = "mprotect() judges limits at a border that only Linux keeps",
        .matches = protects_to_border,
        .dodge = DODGE_PROTECT_BORDER,
        .probe = MOVED_TOGETHER "protect addr=0x1000000000 length=0x2000 prot=1\n"
                                "limit value=1 size=1\n"
                                "protect addr=0x1000000000 length=0x2000 prot=3\n",
        .shows = shows_partial,
    },
    {
        .reason = "what cuts a huge page stops at a border that only Linux keeps",
        .matches = stops_at_huge_border,
        .dodge = DODGE_HUGE_BORDER,
        .is_about_huge = true,
        .probe = "map addr=0xfffe00000 length=0x400000 prot=3 flags=0x40032\n"
                 "protect addr=0x1000000000 length=0x200000 prot=1\n"
                 "protect addr=0x1000000000 length=0x200000 prot=3\n"
                 "protect addr=0xfffe00000 length=0x201000 prot=1\n",
        .shows = shows_first_part,
    },
    {
        .reason = "borders that only Linux keeps count towards the limit of regions",
        .matches = counts_more_regions,
        .spare = 8,
        .probe = MOVED_TOGETHER "map addr=0x1000002000 length=0x1000 prot=0 flags=0x32\n"
                                "map addr=0x1000003000 length=0x1000 prot=1 flags=0x32\n"
                                "map addr=0x1000004000 length=0x1000 prot=0 flags=0x32\n"
                                "map addr=0x1000005000 length=0x1000 prot=1 flags=0x32\n"
                                "map addr=0x1000006000 length=0x1000 prot=0 flags=0x32\n"
                                "map addr=0x1000007000 length=0x1000 prot=1 flags=0x32\n"
                                "map addr=0x1000008000 length=0x1000 prot=0 flags=0x32\n"
                                "map addr=0x1000009000 length=0x1000 prot=1 flags=0x32\n",
        .shows = known_shows_enomem,
    },
    {
        .reason = "at the limit of regions, Linux cannot split what ours joins with its neighbour",
        .is_rare = true,
        .matches = splits_where_ours_joins,
        .spare = 3,
        .probe = "map addr=0x1000000000 length=0x4000 prot=3 flags=0x8032\n"
                 "map addr=0x1000001000 length=0x2000 prot=6 flags=0x2032\n"
                 "unlock addr=0x1000001000 length=0x2000\n"
                 "protect addr=0x1000002000 length=0x1000 prot=3\n",
        .shows = known_shows_enomem,
    },
    {
        .reason = "stacks grow from a border that only Linux keeps",
        .is_rare = true,
        .matches = grows_from_border,
        .probe = "map addr=0x100000c000 length=0x1000 prot=3 flags=0x132\n"
                 "write addr=0x1000008000 value=0xc3\n"
                 "limit value=3 size=0x3000\n"
                 "remap addr=0x1000009000 length=0x1000 size=0x1000 flags=7 "
                 "target=0x1000008000\n"
                 "write addr=0x1000006000 value=0xc3\n",
        .shows = known_shows_success,
    },
    {
        .reason = "untouched pages that we joined with touched ones stay in the commit account",
        .matches = stays_in_account,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0x1000002000 length=0x1000 prot=3 flags=0x32\n"
                 "write addr=0x1000002000 value=0xc3\n"
                 "remap addr=0x1000002000 length=0x1000 size=0x1000 flags=3 "
                 "target=0x1000001000\n"
                 "map addr=0x1000002000 length=0x1000 prot=3 flags=0x32\n"
                 "protect addr=0x1000000000 length=0x3000 prot=0\n",
        .shows = shows_no_account,
    },
    {0},
};
