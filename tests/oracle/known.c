/* SPDX-License-Identifier: MIT */
/*
 * Finding out which rows are on, and looking for the one that knows a difference.
 */
#include "known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/types.h>

#include "known_row.h"
#include "sequence.h"

#define TABLES     (sizeof(tables) / sizeof(tables[0]))
#define PROBE_ROOM "room 0 0 0 0 0x1000000 0x1000010 root\n"
#define HUGE_ROOM  "room 0 0 0 0 0xfffa00 0x1000400 root\n"
#define ROWS_MAX   64u

static const struct known_row *const tables[] = {
    known_remap_rows,   known_border_rows, known_lock_rows, known_machine_rows,
    known_pageout_rows, known_object_rows, known_huge_rows,
};

static bool is_on[ROWS_MAX];

/* The row of a number; NULL after the last one. */
static const struct known_row *row_at(unsigned number)
{
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct known_row *row = tables[i]; row->reason != NULL; row++) {
            if (number == 0) {
                return row;
            }
            number--;
        }
    }
    return NULL;
}

unsigned known_rows(void)
{
    unsigned count = 0;

    while (row_at(count) != NULL) {
        count++;
    }
    return count;
}

const char *known_reason(unsigned row)
{
    return row_at(row)->reason;
}

bool known_is_on(unsigned row)
{
    return is_on[row];
}

void known_sequence(unsigned row, const struct lane *lane, struct sequence *sequence)
{
    char text[2048];

    int length = snprintf(text, sizeof(text), "%s%s",
                          row_at(row)->is_about_huge ? HUGE_ROOM : PROBE_ROOM, row_at(row)->probe);
    FILE *file = fmemopen(text, (size_t)length, "r");
    if (file == NULL || sequence_read(file, sequence) != 0) {
        fprintf(stderr, "oracle: the probe of '%s' cannot be read\n", known_reason(row));
        exit(2);
    }
    fclose(file);
    stage_low_zones(&lane->peer.slot->stage, &sequence->room);
    sequence->is_privileged = lane->is_privileged;
    sequence->spare = row_at(row)->spare != 0 ? row_at(row)->spare : SLOT_NOT_CROWDED;
}

enum dodge known_dodge(unsigned row)
{
    return row_at(row)->dodge;
}

bool known_has_to_occur(unsigned row, bool is_huge)
{
    return is_on[row] && !row_at(row)->is_rare && row_at(row)->is_about_huge == is_huge;
}

bool known_is_crowded(unsigned row)
{
    return row_at(row)->spare != 0;
}

bool known_probe(unsigned row, struct lane *lane)
{
    static struct sequence sequence;
    struct look_log log;
    struct look last = {0};

    if (row_at(row)->is_about_huge && (lane->peer.slot->stage.rights & STAGE_HUGE_PAGES) == 0) {
        return true;
    }
    known_sequence(row, lane, &sequence);
    if (!lane_probe(lane, &sequence, &log)) {
        return false;
    }
    for (size_t at = 0; at < log.used;) {
        last = look_next(&log, &at);
    }
    is_on[row] = row_at(row)->shows(&last);
    return true;
}

enum known_effect known_find(const struct found *found, unsigned *row)
{
    const struct look_head *theirs = found->linux_look->head;
    const struct look_head *ours = found->ours->head;
    const bool is_refused =
        found->aspect == COMPARE_ERROR && theirs->error != 0 && ours->error != 0;

    for (*row = 0; row_at(*row) != NULL; (*row)++) {
        if (is_on[*row] && row_at(*row)->matches(found)) {
            return is_refused || row_at(*row)->is_harmless ? KNOWN_STEP : KNOWN_SEQUENCE;
        }
    }
    return KNOWN_NOT;
}

const struct step *known_step(const struct found *found)
{
    return &found->sequence->step[found->index];
}

uint32_t known_members(const struct found *found)
{
    const struct step *step = known_step(found);

    return step->op == STEP_BATCH ? step_members(step, found->sequence->steps - found->index - 1)
                                  : 0;
}

uint64_t known_round_up(uint64_t length)
{
    return (length + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
}

uint64_t known_limit(const struct found *found, enum step_limit which)
{
    uint64_t limit[STEP_SIDES] = {STEP_UNLIMITED, STEP_UNLIMITED, STEP_UNLIMITED};
    uint32_t last = 0;

    for (uint32_t i = 0; i < found->index; i++) {
        const struct step *step = &found->sequence->step[i];
        uint32_t side = step_side(step, last);
        if (step->op == STEP_LIMIT && step->value == (uint64_t)which) {
            limit[side] = step->size;
        } else if (step->op == STEP_CLONE && side + 1 < STEP_SIDES) {
            last = side + 1;
            limit[last] = limit[side];
        }
    }
    return limit[step_side(known_step(found), last)];
}

bool known_shows_success(const struct look *last)
{
    return last->head->error == 0 && last->head->signal == LOOK_NO_SIGNAL;
}

bool known_shows_einval(const struct look *last)
{
    return last->head->error == EINVAL;
}

bool known_shows_enomem(const struct look *last)
{
    return last->head->error == ENOMEM;
}

bool known_shows_efault(const struct look *last)
{
    return last->head->error == EFAULT;
}
