/* SPDX-License-Identifier: MIT */
/*
 * Huge pages.
 */
#include "known_row.h"

#include <errno.h>

#include <base/types.h>
#include <mem/prot.h>

#define HUGE_BYTES ((uint64_t)STAGE_HUGE * PAGE_SIZE)

/* Whether the step is a MAP of huge pages with these flags. */
static bool maps_huge(const struct found *found, uint64_t flags)
{
    const struct step *step = known_step(found);

    return step->op == STEP_MAP && (step->flags & MEM_MAP_HUGETLB) != 0 &&
           (step->flags & flags) == flags;
}

/* The same of a batch: whether one of its operations is. */
static bool has_huge_map(const struct found *found, uint64_t flags)
{
    const struct step *step = known_step(found);
    const uint32_t members = known_members(found);

    for (uint32_t i = 1; i <= members; i++) {
        if (step[i].op == STEP_MAP && (step[i].flags & MEM_MAP_HUGETLB) != 0 &&
            (step[i].flags & flags) == flags) {
            return true;
        }
    }
    return maps_huge(found, flags);
}

/*
 * The pool is asked, and the offset looked at, after what is replaced has gone. Ours: a refused MAP
 * has changed nothing (R0).
 */
static bool map_leaves_a_hole(const struct found *found)
{
    return has_huge_map(found, MEM_MAP_FIXED) && found->ours->head->error != 0 &&
           found->ours->head->error == found->linux_look->head->error;
}

/* Linux maps the file behind a region from there on, beyond its end. Ours ignores it (R21). */
static bool map_has_an_offset(const struct found *found)
{
    return maps_huge(found, 0) && known_step(found)->offset != 0 &&
           known_step(found)->offset % HUGE_BYTES == 0;
}

static bool locks(const struct step *step)
{
    return step->op == STEP_LOCK || step->op == STEP_LOCK_ALL;
}

/* Whether locking on fault was asked for so far. */
static bool is_locked_on_fault(const struct found *found)
{
    const uint32_t last = found->index + known_members(found);

    for (uint32_t i = 0; i <= last; i++) {
        const struct step *step = &found->sequence->step[i];

        if (locks(step) && (step->flags & (step->op == STEP_LOCK ? MEM_LOCK_ONFAULT
                                                                 : MEM_LOCK_ALL_ONFAULT)) != 0) {
            return true;
        }
    }
    return false;
}

/* Whether it is pages that one side has made present, or the lack of them, that differs. */
static bool differs_in_pages(const struct found *found)
{
    return found->aspect == COMPARE_HUGE || found->aspect == COMPARE_PROMISED ||
           found->aspect == COMPARE_RESIDENCE ||
           (found->aspect == COMPARE_ERROR && found->linux_look->head->error == ENOMEM &&
            found->ours->head->error == 0);
}

/*
 * Regions of huge pages never have lock flags, that of locking on fault neither, so they are made
 * present at once. Ours waits for the fault.
 */
static bool locks_at_once(const struct found *found)
{
    const struct step *step = known_step(found);
    const uint32_t members = known_members(found);
    bool is_lock = locks(step);

    for (uint32_t i = 1; i <= members; i++) {
        is_lock = is_lock || locks(&step[i]);
    }
    return is_locked_on_fault(found) && (is_lock || has_huge_map(found, 0)) &&
           differs_in_pages(found);
}

/* Whether a region that is about huge pages, and has these flags, is in the range of the step. */
static bool is_about(const struct found *found, uint32_t flags)
{
    const struct step *step = known_step(found);
    const struct look *before = found->ours_before_opt;
    const uint64_t first = step->addr >> PAGE_SHIFT;
    const uint64_t pages = known_round_up(step->length) >> PAGE_SHIFT;
    const uint64_t end = first + (pages == 0 ? 1 : pages); /* a touch has no length */

    for (uint32_t i = 0; before != NULL && i < before->head->regions; i++) {
        const struct look_region *region = &before->regions[i];
        if (region->end > first && region->first < end && (region->flags & flags) == flags) {
            return true;
        }
    }
    return false;
}

/* What a process has not touched itself is not there for mincore(2). Ours: what the object has. */
static bool incore_is_of_the_process(const struct found *found)
{
    return known_step(found)->op == STEP_INCORE && found->aspect == COMPARE_ANSWER &&
           is_about(found, LOOK_HUGETLB | LOOK_SHARED);
}

/* A table of theirs would have to stand where the leaf of a huge page does. */
static bool moves_onto_huge(const struct found *found)
{
    return known_step(found)->op == STEP_REMAP && found->ours->head->error == EOPNOTSUPP;
}

static bool is_cloned(const struct found *found)
{
    for (uint32_t i = 0; i < found->index; i++) {
        if (found->sequence->step[i].op == STEP_CLONE) {
            return true;
        }
    }
    return false;
}

/*
 * The pool is empty, and a page is written to that a clone has too: Linux gives it to the owner of
 * what was promised, and takes it from the clone. Ours: who writes gets a bus error.
 */
static bool takes_from_a_clone(const struct found *found)
{
    const struct step *step = known_step(found);
    const struct look_head *ours = found->ours->head;
    const bool is_empty = ours->huge_free == ours->huge_promised;

    if (!is_cloned(found) ||
        !(is_about(found, LOOK_HUGETLB) || maps_huge(found, 0) || step->op == STEP_LOCK_ALL)) {
        return false;
    }
    return found->aspect == COMPARE_SIGNAL || found->aspect == COMPARE_ERROR ||
           found->aspect == COMPARE_HUGE ||
           (found->aspect == COMPARE_PROMISED && step->op == STEP_MAP) ||
           (found->aspect == COMPARE_RESIDENCE && is_empty);
}

/*
 * What was promised for a page counts as given back when its owner lets go of it, though a clone
 * has it still: until that one lets go too, somebody else lacks a promise.
 */
static bool promises_too_little(const struct found *found)
{
    return is_cloned(found) && found->aspect == COMPARE_PROMISED &&
           (int64_t)found->linux_look->head->huge_promised <
               (int64_t)found->ours->head->huge_promised;
}

/*
 * A size that the processor does not have is none to Linux, which looks at it before anything else
 * (of x86-64, only those with the feature pdpe1gb have 1 GiB). Sv39 has it.
 */
static bool maps_an_unknown_size(const struct found *found)
{
    return found->aspect == COMPARE_ERROR && found->linux_look->head->error == EINVAL &&
           has_huge_map(found, MEM_MAP_HUGE_1GB);
}

static bool shows_no_regions(const struct look *last)
{
    return last->head->error != 0 && last->head->regions == 0;
}

static bool shows_absent(const struct look *last)
{
    static const unsigned char absent[STAGE_HUGE];

    return last->head->answer == look_digest(absent, HUGE_BYTES);
}

static bool shows_no_promise(const struct look *last)
{
    return last->head->huge_promised == 0;
}

static bool shows_an_offset(const struct look *last)
{
    return last->head->regions == 1 && last->regions[0].offset == STAGE_HUGE;
}

static bool shows_a_page(const struct look *last)
{
    return last->head->huge_free == 0 || last->head->runs != 0;
}

const struct known_row known_huge_rows[] = {
    {
        .reason = "MAP of huge pages that is refused late has unmapped what it replaces",
        .matches = map_leaves_a_hole,
        .dodge = DODGE_HUGE_HOLE,
        .is_about_huge = true,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0xfffa00000 length=0xa00000 prot=3 flags=0x40032\n",
        .shows = shows_no_regions,
    },
    {
        .reason = "the offset of huge pages counts; ours ignores it, as R21 says",
        .matches = map_has_an_offset,
        .dodge = DODGE_HUGE_OFFSET,
        .is_about_huge = true,
        .probe = "map addr=0x1000000000 length=0x200000 prot=3 flags=0x40032 offset=0x200000\n",
        .shows = shows_an_offset,
    },
    {
        .reason = "huge pages that are locked on fault are made present at once",
        .matches = locks_at_once,
        .dodge = DODGE_HUGE_ONFAULT,
        .is_about_huge = true,
        .probe = "map addr=0x1000000000 length=0x200000 prot=3 flags=0x40032\n"
                 "lock addr=0x1000000000 length=0x200000 flags=1\n",
        .shows = shows_a_page,
    },
    {
        .reason = "mincore() of shared huge pages tells what the process has mapped",
        .matches = incore_is_of_the_process,
        .dodge = DODGE_HUGE_INCORE,
        .is_about_huge = true,
        .probe = "map addr=0x1000000000 length=0x200000 prot=3 flags=0x40031\n"
                 "write addr=0x1000000000 value=0xc3\n"
                 "advise addr=0x1000000000 length=0x200000 value=4\n"
                 "incore addr=0x1000000000 length=0x200000\n",
        .shows = shows_absent,
    },
    {
        .reason = "with an empty pool, an owner takes a huge page that he writes to from his clone",
        .matches = takes_from_a_clone,
        .dodge = DODGE_HUGE_CLONE,
        .is_about_huge = true,
        .probe = "map addr=0xfffa00000 length=0x600000 prot=3 flags=0x44032\n"
                 "map addr=0x1000000000 length=0x200000 prot=3 flags=0x44032\n"
                 "map addr=0x1000200000 length=0x200000 prot=3 flags=0x40032\n"
                 "write addr=0xfffa00000 value=0x1c3\n"
                 "write addr=0xfffc00000 value=0x2c3\n"
                 "write addr=0xfffe00000 value=0x3c3\n"
                 "write addr=0x1000200000 value=0x4c3\n"
                 "clone\n"
                 "write addr=0x1000200000 value=0x5c3\n",
        .shows = known_shows_success,
    },
    {
        .reason = "a huge page that a clone has still counts as one that is promised no longer",
        .matches = promises_too_little,
        .dodge = DODGE_HUGE_CLONE,
        .is_about_huge = true,
        .probe = "map addr=0xfffa00000 length=0x200000 prot=3 flags=0x40031\n"
                 "map addr=0x1000000000 length=0x200000 prot=3 flags=0x40032\n"
                 "write addr=0x1000000000 value=0x1c3\n"
                 "clone\n"
                 "unmap addr=0x1000000000 length=0x200000\n",
        .shows = shows_no_promise,
    },
    {
        .reason = "small pages can be moved onto huge ones; ours OPNOTSUPP",
        .matches = moves_onto_huge,
        .dodge = DODGE_HUGE_ONTO,
        .is_about_huge = true,
        .probe = "map addr=0x1000000000 length=0x200000 prot=3 flags=0x40032\n"
                 "map addr=0xfffa00000 length=0x200000 prot=3 flags=0x32\n"
                 "write addr=0xfffa00000 value=0x1c3\n"
                 "remap addr=0xfffa00000 length=0x200000 size=0x200000 flags=3 "
                 "target=0x1000000000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "this processor has no pages of 1 GiB, as Sv39 has",
        .matches = maps_an_unknown_size,
        .is_about_huge = true,
        .probe = "map addr=0 length=0x40000000 prot=3 flags=0x78040022\n",
        .shows = known_shows_einval,
    },
    {0},
};
