/* SPDX-License-Identifier: MIT */
/*
 * The rows of known differences.
 */
#include "known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <abi/layout.h>
#include <base/types.h>
#include <mem/prot.h>

#include "sequence.h"

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What was found after a step. */
struct found {
    const struct step *step;
    enum compare_aspect aspect;
    const struct look *linux_look;
    const struct look *ours;
    const struct look *linux_before_opt;
    const struct look *ours_before_opt;
};

struct known {
    const char *reason;
    enum known_effect effect;
    bool (*matches)(const struct found *found);
    /* A sequence (without its first line), and what it does at the end where there is the difference. */
    const char *probe;
    bool (*shows)(const struct look *last);
};

/* Linux 6.17: mremap() that only moves may name several regions and holes between them; before, EFAULT as ours. */
static bool moves_several(const struct found *found)
{
    const struct step *step = found->step;

    return step->op == STEP_REMAP && found->aspect == COMPARE_ERROR &&
           found->linux_look->head->error != EFAULT && found->ours->head->error == EFAULT &&
           (step->flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) != 0 &&
           (step->length + PAGE_MASK) >> PAGE_SHIFT == (step->size + PAGE_MASK) >> PAGE_SHIFT;
}

/* Whether the arguments of REMAP are among those that Linux 6.17 looks at before it looks for the region. */
static bool is_judged_early(const struct step *step)
{
    uint64_t old_end = step->addr + ((step->length + PAGE_MASK) & ~(uint64_t)PAGE_MASK);
    uint64_t size = (step->size + PAGE_MASK) & ~(uint64_t)PAGE_MASK;

    if (size > USER_END) {
        return true;
    }
    if ((step->flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) == 0) {
        return false;
    }
    return (step->target & PAGE_MASK) != 0 || step->target > USER_END - size ||
           (step->target < old_end && step->addr < step->target + size);
}

/*
 * Linux 6.17: EINVAL for a new length or place that cannot be, before it looks whether anything is at the old place; before,
 * EFAULT if there is nothing, and ENOMEM for a length, as ours.
 */
static bool judges_early(const struct found *found)
{
    int error = found->ours->head->error;

    return found->step->op == STEP_REMAP && found->aspect == COMPARE_ERROR &&
           found->linux_look->head->error == EINVAL && (error == EFAULT || error == ENOMEM) &&
           is_judged_early(found->step);
}

static bool shows_einval(const struct look *last)
{
    return last->head->error == EINVAL;
}

static bool shows_no_error(const struct look *last)
{
    return last->head->error == 0;
}

/* Page tables without an execute-only permission (x86 without protection keys) let such pages be read. */
static bool reads_exec_only(const struct found *found)
{
    return found->step->op == STEP_READ && found->aspect == COMPARE_SIGNAL &&
           found->linux_look->head->signal == LOOK_NO_SIGNAL &&
           found->ours->head->signal == LOOK_ACCERR;
}

static bool shows_no_signal(const struct look *last)
{
    return last->head->signal == LOOK_NO_SIGNAL;
}

static const struct known rows[] = {
    {
        .reason = "mremap() moves several regions at once (Linux 6.17); ours EFAULT as 6.12",
        .effect = KNOWN_SEQUENCE,
        .matches = moves_several,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "map addr=0x1000001000 length=0x1000 prot=1 flags=0x32\n"
                 "remap addr=0x1000000000 length=0x2000 size=0x2000 flags=3 target=0x1000004000\n",
        .shows = shows_no_error,
    },
    {
        .reason = "mremap() judges the new length and place first (Linux 6.17); ours later as 6.12",
        .effect = KNOWN_STEP,
        .matches = judges_early,
        .probe = "remap addr=0x1000000000 length=0x1000 size=0x2000 flags=3 target=0x1000000000\n",
        .shows = shows_einval,
    },
    {
        .reason = "pages that may only be executed can be read on this processor, not on Sv39",
        .effect = KNOWN_SEQUENCE,
        .matches = reads_exec_only,
        .probe = "map addr=0x1000000000 length=0x1000 prot=4 flags=0x32\n"
                 "read addr=0x1000000000\n",
        .shows = shows_no_signal,
    },
};

static bool is_on[ROWS];

unsigned known_rows(void)
{
    return ROWS;
}

const char *known_reason(unsigned row)
{
    return rows[row].reason;
}

bool known_is_on(unsigned row)
{
    return is_on[row];
}

bool known_probe(struct lane *lane)
{
    static struct sequence sequence;
    char text[2048];

    for (unsigned row = 0; row < ROWS; row++) {
        int length = snprintf(text, sizeof(text), "room 0 0 0 0 0x%x 0x%x root\n%s", 0x1000000,
                              0x1000010, rows[row].probe);
        FILE *file = fmemopen(text, (size_t)length, "r");
        if (file == NULL || sequence_read(file, &sequence) != 0) {
            fprintf(stderr, "oracle: the probe of row %u cannot be read\n", row);
            exit(2);
        }
        fclose(file);
        struct look_log log;
        if (!lane_probe(lane, &sequence, &log)) {
            return false;
        }
        struct look last = {0};
        for (size_t at = 0; at < log.used;) {
            last = look_next(&log, &at);
        }
        is_on[row] = rows[row].shows(&last);
    }
    return true;
}

enum known_effect known_find(const struct lane *lane, const struct step *step,
                             enum compare_aspect aspect, const struct look *linux_look,
                             const struct look *ours, const struct look *linux_before_opt,
                             const struct look *ours_before_opt, unsigned *row)
{
    const struct found found = {step, aspect, linux_look, ours, linux_before_opt, ours_before_opt};

    (void)lane;
    for (*row = 0; *row < ROWS; (*row)++) {
        if (is_on[*row] && rows[*row].matches(&found)) {
            return rows[*row].effect;
        }
    }
    return KNOWN_NOT;
}
