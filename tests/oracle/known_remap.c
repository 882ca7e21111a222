/* SPDX-License-Identifier: MIT */
/*
 * What mremap() of Linux 6.17 and later does otherwise than that of 6.12, which ours follows.
 */
#include "known_row.h"

#include <errno.h>

#include <abi/layout.h>
#include <base/types.h>
#include <mem/prot.h>

#define PLACED (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)

static bool is_remap_error(const struct found *found)
{
    return known_step(found)->op == STEP_REMAP && found->aspect == COMPARE_ERROR;
}

/* 6.17: what only moves may name several regions and holes between them. 6.12: EFAULT. */
static bool moves_several(const struct found *found)
{
    const struct step *step = known_step(found);

    return is_remap_error(found) && found->linux_look->head->error != EFAULT &&
           found->ours->head->error == EFAULT && (step->flags & PLACED) != 0 &&
           known_round_up(step->length) == known_round_up(step->size);
}

/* Whether the arguments are among those that 6.17 looks at before it looks for the region. */
static bool is_judged_early(const struct step *step)
{
    uint64_t old_end = step->addr + known_round_up(step->length);
    uint64_t size = known_round_up(step->size);

    if (size > USER_END) {
        return true;
    }
    if ((step->flags & PLACED) == 0) {
        return false;
    }
    return (step->target & PAGE_MASK) != 0 || step->target > USER_END - size ||
           (step->target < old_end && step->addr < step->target + size);
}

/* Whether there are too few regions to spare for a move to a given place (mremap_to()). */
static bool lacks_regions(const struct found *found)
{
    const struct look *before = found->linux_before_opt;
    uint32_t regions = before == NULL ? 0 : before->head->regions;

    return found->sequence->spare != SLOT_NOT_CROWDED && regions + 5 >= found->sequence->spare &&
           (known_step(found)->flags & PLACED) != 0;
}

/*
 * 6.17: EINVAL for a new length or place that cannot be, and ENOMEM for want of regions, before it
 * looks whether anything is at the old place. 6.12: EFAULT if there is nothing, and ENOMEM for a
 * length.
 */
static bool judges_early(const struct found *found)
{
    int error = found->ours->head->error;

    if (is_remap_error(found) && found->linux_look->head->error == ENOMEM && error == EFAULT) {
        return lacks_regions(found);
    }
    return is_remap_error(found) && found->linux_look->head->error == EINVAL &&
           (error == EFAULT || error == ENOMEM) && is_judged_early(known_step(found));
}

/* 6.17 compares the lengths for DONTUNMAP after it rounded them. 6.12: EINVAL. */
static bool rounds_early(const struct found *found)
{
    const struct step *step = known_step(found);

    return is_remap_error(found) && found->ours->head->error == EINVAL &&
           (step->flags & MEM_REMAP_DONTUNMAP) != 0 && step->length != step->size &&
           known_round_up(step->length) == known_round_up(step->size);
}

/* 6.17 judges the limits before what is at the new place goes; 6.12 after that. */
static bool judges_before_unmap(const struct found *found)
{
    const struct step *step = known_step(found);

    if (!is_remap_error(found) || (step->flags & MEM_REMAP_FIXED) == 0 ||
        found->ours_before_opt == NULL ||
        known_round_up(step->size) <= known_round_up(step->length)) {
        return false;
    }
    const struct look_head *before = found->ours_before_opt->head;
    uint64_t more = (known_round_up(step->size) - known_round_up(step->length)) >> PAGE_SHIFT;
    bool is_over = before->pages + more > known_limit(found, STEP_LIMIT_PAGES) ||
                   before->data + more > known_limit(found, STEP_LIMIT_DATA);

    return is_over && found->linux_look->head->error == ENOMEM;
}

/* The same, where both refuse with the same error: ours has made room as 6.12. */
static bool refuses_before_unmap(const struct found *found)
{
    const struct step *step = known_step(found);
    int error = found->linux_look->head->error;

    return step->op == STEP_REMAP && (step->flags & MEM_REMAP_FIXED) != 0 && error != 0 &&
           error == found->ours->head->error && found->linux_before_opt != NULL &&
           found->linux_look->head->regions == found->linux_before_opt->head->regions;
}

static bool shows_target_kept(const struct look *last)
{
    return last->head->error == EFAULT && last->head->regions == 2;
}

const struct known_row known_remap_rows[] = {
    {
        .reason = "mremap() moves several regions at once (Linux 6.17); ours EFAULT as 6.12",
        .matches = moves_several,
        .dodge = DODGE_REMAP_SEVERAL,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0x1000001000 length=0x1000 prot=1 flags=0x32\n"
                 "remap addr=0x1000000000 length=0x2000 size=0x2000 flags=3 target=0x1000004000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "mremap() judges the new length and place first (Linux 6.17); ours as 6.12",
        .matches = judges_early,
        .probe = "remap addr=0x1000000000 length=0x1000 size=0x2000 flags=3 target=0x1000000000\n",
        .shows = known_shows_einval,
    },
    {
        .reason = "mremap() compares the lengths for DONTUNMAP rounded (Linux 6.17); ours as 6.12",
        .matches = rounds_early,
        .dodge = DODGE_REMAP_ROUNDED,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "remap addr=0x1000000000 length=0x1000 size=0x800 flags=5 target=0x1000004000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "mremap() judges limits before the target goes (Linux 6.17); ours as 6.12",
        .matches = judges_before_unmap,
        .dodge = DODGE_REMAP_LIMIT,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0x1000004000 length=0x2000 prot=3 flags=0x32\n"
                 "limit value=0 size=3\n"
                 "remap addr=0x1000000000 length=0x1000 size=0x2000 flags=3 target=0x1000004000\n",
        .shows = known_shows_enomem,
    },
    {
        .reason = "mremap() refuses before the target goes (Linux 6.17); ours after, as 6.12",
        .matches = refuses_before_unmap,
        .dodge = DODGE_REMAP_TARGET,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0x1000004000 length=0x2000 prot=3 flags=0x32\n"
                 "remap addr=0x1000000000 length=0x2000 size=0x3000 flags=3 target=0x1000004000\n",
        .shows = shows_target_kept,
    },
    {0},
};
