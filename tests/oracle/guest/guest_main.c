/* SPDX-License-Identifier: MIT */
/*
 * Sequences of the oracle, carried out in the system: what core answered on the host is what
 * requests answer, what touches find, and what the space looks like (script.h).
 *
 * The file is oracle.script of the boot archive.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hf/archive.h>
#include <hf/env.h>
#include <tap.h>

#include "guest_look.h"
#include "guest_place.h"
#include "guest_step.h"
#include "script.h"
#include "tests/oracle/slot.h"

/* The file, copied to where its words are aligned. */
static struct {
    unsigned char *bytes;
    uint64_t size;
    uint64_t at;
    struct script_head head;
} script;

static struct {
    uint64_t steps;
    uint64_t full;
    uint64_t refused;
    uint64_t signals;
} counts;

/* The next `bytes` of the file; NULL if it is too short. */
static void *script_take(uint64_t bytes)
{
    if (bytes > script.size - script.at) {
        return NULL;
    }
    void *place = script.bytes + script.at;
    script.at += bytes;
    return place;
}

static bool script_open(void)
{
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    struct hf_archive_file file;

    if (!EXPECT_U64(hf_archive_find(&archive, "oracle.script", &file), HF_ARCHIVE_FOUND)) {
        return false;
    }
    script.size = file.bytes;
    script.bytes = malloc(file.bytes);
    if (!EXPECT(script.bytes != NULL)) {
        return false;
    }
    memcpy(script.bytes, file.data, file.bytes);
    const struct script_head *head = script_take(sizeof(*head));
    if (!EXPECT(head != NULL) || !EXPECT_U64(head->magic, SCRIPT_MAGIC)) {
        return false;
    }
    script.head = *head;
    return true;
}

/* Compare one step. Returns: whether all is equal. */
static bool compare(struct place *place, const struct step *step, const struct look *wanted,
                    char text[GUEST_TEXT_MAX])
{
    const struct look_head *want = wanted->head;
    struct guest_answer have;

    snprintf(text, GUEST_TEXT_MAX, "no answer");
    place->side = &place->sides[step_side(step, place->last)];
    if (!guest_step(place, step, &have)) {
        return false;
    }
    if (step->op == STEP_CLONE && have.error == 0 && !guest_forget_zeros(place, wanted)) {
        return false;
    }
    counts.steps++;
    counts.full += want->level == LOOK_FULL;
    counts.refused += want->error != 0;
    counts.signals += want->signal != 0;
    if (have.error != want->error || have.signal != want->signal || have.answer != want->answer) {
        snprintf(text, GUEST_TEXT_MAX,
                 "error %" PRId32 " signal %" PRIu32 " answer %" PRIx64 ", core: error %" PRId32
                 " signal %" PRIu32 " answer %" PRIx64,
                 have.error, have.signal, have.answer, want->error, want->signal, want->answer);
        return false;
    }
    return guest_look(place, wanted, text);
}

/* Returns: whether the whole sequence is equal. */
static bool run_sequence(struct place *place)
{
    const struct script_sequence *sequence = script_take(sizeof(*sequence));

    if (!EXPECT(sequence != NULL)) {
        return false;
    }
    const struct step *steps = script_take(sequence->steps * sizeof(*steps));
    unsigned char *bytes = script_take(sequence->log_bytes);
    if (!EXPECT(steps != NULL) || !EXPECT(bytes != NULL) || !place_begin(place, sequence)) {
        return false;
    }
    const struct look_log log = {.bytes = bytes, .used = sequence->log_bytes};
    size_t at = 0;
    for (uint32_t i = 0; i < sequence->steps; i++) {
        struct look wanted = look_next(&log, &at);
        char text[GUEST_TEXT_MAX];
        place->left = sequence->steps - i - 1;
        if (i < place->batch_end) {
            counts.steps++;
            continue;
        }
        place->batch_end =
            i + 1 + (steps[i].op == STEP_BATCH ? step_members(&steps[i], place->left) : 0);
        if (!compare(place, &steps[i], &wanted, text)) {
            char line[STEP_TEXT_MAX];
            step_print(&steps[i], line);
            tap_note("sequence seed 0x%" PRIx64 ", step %" PRIu32 ": %s", sequence->seed, i + 1,
                     line);
            tap_note("%s", text);
            EXPECT(false && "requests and core agree");
            return false;
        }
    }
    return true;
}

TAP_TEST(requests_answer_and_touches_find_what_core_says_on_the_host)
{
    struct place place;

    REQUIRE(script_open());
    REQUIRE(place_make(&place, &script.head));
    tap_note("base 0x%" PRIx64 " after %u spaces, core's 0x%" PRIx64, place.base, place.tries,
             script.head.base);
    for (uint32_t i = 0; i < script.head.sequences && run_sequence(&place); i++) {
    }
    tap_note("%" PRIu64 " steps in %" PRIu32 " sequences; %" PRIu64 " compared in full, %" PRIu64
             " refused, %" PRIu64 " signals",
             counts.steps, script.head.sequences, counts.full, counts.refused, counts.signals);
    EXPECT_U64(counts.steps, script.head.steps);
    EXPECT(counts.full * 10 >= counts.steps);
    EXPECT(counts.refused > 0);
    EXPECT(counts.signals > 0);
    place_end(&place);
    free(script.bytes);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(requests_answer_and_touches_find_what_core_says_on_the_host),
    };

    return TAP_RUN(argc, argv, tests);
}
