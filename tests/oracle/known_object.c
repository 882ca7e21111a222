/* SPDX-License-Identifier: MIT */
/*
 * Where requests about objects mean to be other than the system calls that they are compared with.
 */
#include "known_row.h"

#include <errno.h>

#include <mem/prot.h>

/* The step that put what it is into the slot of a step; NULL: none. */
static const struct step *maker_of(const struct found *found)
{
    const struct step *step = known_step(found);
    const struct step *maker = NULL;

    for (uint32_t i = 0; i < found->index; i++) {
        const struct step *other = &found->sequence->step[i];
        if (other->object == step->object && (other->op == STEP_OBJECT || other->op == STEP_OPEN)) {
            maker = other;
        }
    }
    return maker;
}

static bool is_append_only(const struct found *found)
{
    const struct step *maker = maker_of(found);

    return maker != NULL && maker->op == STEP_OBJECT && (maker->flags & STEP_OBJECT_APPEND) != 0;
}

static bool is_refused_put(const struct found *found)
{
    return known_step(found)->op == STEP_PUT && found->ours->head->error == EPERM;
}

/* Ours has no place to append at: a client that may append asks who serves the file. */
static bool writes_append_only(const struct found *found)
{
    return is_refused_put(found) && is_append_only(found);
}

/* Linux copies from the client before it looks at seals. */
static bool touches_before_seals(const struct found *found)
{
    int error = found->linux_look->head->error;

    return is_refused_put(found) && !is_append_only(found) && (error == EPERM || error == EFAULT);
}

/* R3 is the third rule; Linux looks at the last page of a file once it has found a place. */
static bool overflows_first(const struct found *found)
{
    return known_step(found)->op == STEP_MAP && found->ours->head->error == EOVERFLOW &&
           found->linux_look->head->error != 0;
}

/* Whether there are huge pages, which a MAP can be refused for because it would cut one. */
static bool has_huge(const struct look *look)
{
    for (uint32_t i = 0; i < look->head->regions; i++) {
        if ((look->regions[i].flags & LOOK_HUGETLB) != 0) {
            return true;
        }
    }
    return false;
}

/* 6.14: seals are looked at before limits. 6.12: after all else. */
static bool judges_seals_early(const struct found *found)
{
    const int32_t error = found->ours->head->error;

    return known_step(found)->op == STEP_MAP && found->linux_look->head->error == EPERM &&
           (error == ENOMEM || (error == EINVAL && has_huge(found->ours)));
}

/* Whether a batch makes pages present: by a flag, or since they are in a locked region. */
static bool makes_present(const struct found *found)
{
    const struct step *batch = known_step(found);
    const uint32_t count = known_members(found);

    for (uint32_t i = 1; i <= count; i++) {
        if (batch[i].op == STEP_MAP &&
            (batch[i].flags & (MEM_MAP_POPULATE | MEM_MAP_LOCKED)) != 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < found->ours->head->regions; i++) {
        if ((found->ours->regions[i].flags & LOOK_LOCKED) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * Pages that a batch makes present are as its last operation left the region; on Linux as the first
 * made it, so that the region was touched when later ones came.
 */
static bool populates_late(const struct found *found)
{
    return known_step(found)->op == STEP_BATCH && found->ours->head->error == 0 &&
           (found->aspect == COMPARE_RESIDENCE || found->aspect == COMPARE_CONTENTS ||
            found->aspect == COMPARE_REGIONS) &&
           makes_present(found);
}

/* A file that was linked and unlinked is gone from its file system. */
static bool names_again(const struct found *found)
{
    return known_step(found)->op == STEP_NAME && found->linux_look->head->error == ENOENT &&
           found->ours->head->error == 0;
}

static bool shows_enoent(const struct look *last)
{
    return last->head->error == ENOENT;
}

static bool shows_own_page(const struct look *last)
{
    struct look_walk walk = look_walk_begin(last);
    struct look_page page;

    return look_walk_next(&walk, &page) && page.state == LOOK_OWN;
}

static bool shows_eperm(const struct look *last)
{
    return last->head->error == EPERM;
}

static bool shows_eexist(const struct look *last)
{
    return last->head->error == EEXIST;
}

const struct known_row known_object_rows[] = {
    {
        .reason = "an offset past what objects can have is refused before the place is looked at",
        .matches = overflows_first,
        .probe = "object object=1 size=0x1000\n"
                 "map addr=0x1000000000 length=0x1000 flags=0x22\n"
                 "map addr=0x1000000000 length=0x4000 offset=0xfffffffffffff000 flags=0x100001 "
                 "object=1\n",
        .shows = shows_eexist,
    },
    {
        .reason = "what was opened before an object became append-only can write; ours cannot",
        .matches = writes_append_only,
        .dodge = DODGE_PUT_BARRED,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "object object=1 size=0x1000 flags=2\n"
                 "put object=1 addr=0x1000000000 length=0x1000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "a write that a seal forbids touches what it would write first; ours nothing",
        .matches = touches_before_seals,
        .dodge = DODGE_PUT_BARRED,
        .probe = "object object=1 size=0x1000 value=0x10\n"
                 "put object=1 addr=0x1000000000 length=0x1000\n",
        .shows = known_shows_efault,
    },
    {
        .reason = "mmap() looks at seals before limits (Linux 6.14); ours after them, as 6.12",
        .matches = judges_seals_early,
        .is_rare = true,
        .probe = "object object=1 size=0x1000 value=0x8\n"
                 "limit value=0 size=0\n"
                 "map addr=0x1000000000 length=0x1000 prot=3 flags=0x11 object=1\n",
        .shows = shows_eperm,
    },
    {
        .reason = "an object whose last name was taken back can have another; a file cannot",
        .matches = names_again,
        .is_rare = true,
        .dodge = DODGE_NAME_AGAIN,
        .probe = "object object=1 size=0x1000 flags=1\n"
                 "name object=1 value=0\n"
                 "unname value=0\n"
                 "name object=1 value=0\n",
        .shows = shows_enoent,
    },
    {
        .reason = "a batch makes pages present at its end",
        .matches = populates_late,
        .is_rare = true,
        .probe = "batch length=2\n"
                 "map addr=0x1000000000 length=0x1000 prot=3 flags=0x8032\n"
                 "protect addr=0x1000000000 length=0x1000 prot=1\n"
                 "sync addr=0x1000000000 length=0x1000\n",
        .shows = shows_own_page,
    },
    {0},
};
