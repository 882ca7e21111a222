/* SPDX-License-Identifier: MIT */
/*
 * The oracle: random sequences of requests and touches on the kernel of Linux and on core, compared
 * after each step.
 *
 *   oracle [--linux PROGRAM] [--steps N] [--seconds S] [--seed N] [--keep N]
 *          [--shrink 0] [--huge 1] [--case FILE]
 *
 * With --huge 1, both sides have a pool of huge pages, and sequences are about those, as root.
 * Ends after S seconds or N steps, whichever comes first (0: no such end). A difference is shrunk
 * and printed as a sequence that --case runs again; with --keep N, the oracle goes on until it has
 * N of them.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "known.h"
#include "lane.h"
#include "pool.h"
#include "random.h"
#include "sequence.h"
#include "shrink.h"
#include "tap.h"

#include "server/core/limit.h"

/* Root, nobody, and nobody near the limit of regions. */
#define LANES        3u
#define LANE_CROWDED 2u
#define STEPS_LEAST  50u
#define STEPS_MOST   200u
/* Close to the limit of regions the two part sooner. */
#define STEPS_CROWDED 90u
#define ROWS_MAX      64u
/* Fewer than the huge pages that a window has room for. */
#define HUGE_POOL 4u
/* Percent of the steps: that are skipped, and so many draws that may be turned away. */
#define SKIP_LIMIT       2u
#define DODGE_LIMIT      3u
#define DODGE_LIMIT_HUGE 30u
/* From so many steps on, a row that has to occur has to have. */
#define STEPS_TO_OCCUR      400000u
#define STEPS_TO_OCCUR_HUGE 50000u

/* Fewer steps than that say nothing, and so fail, if the time was long enough for them. */
#define STEPS_FEWEST   20000u
#define SECONDS_FEWEST 40u

/* Which lane is next, and whether it draws, or does what the lane before it has drawn. */
static const struct turn {
    unsigned lane;
    bool is_again;
} turns[] = {
    {0, false}, {1, true}, {0, false}, {1, true}, {LANE_CROWDED, false},
    {1, false}, {0, true}, {1, false}, {0, true}, {LANE_CROWDED, false},
};
#define TURNS (sizeof(turns) / sizeof(turns[0]))

static struct {
    const char *linux_program;
    const char *case_file_opt;
    uint64_t steps;
    uint64_t seconds;
    uint64_t seed;
    uint64_t keep;
    uint64_t shrinks;
    uint64_t huge;
} options = {.linux_program = "./oracle-linux", .seconds = 60, .seed = 1, .keep = 1, .shrinks = 1};

static struct {
    struct lane lane[LANES];
    struct ours *ours;
    unsigned lanes; /* that there are: with huge pages, root's alone */
    uint64_t sequences;
    uint64_t steps;
    uint64_t full;
    uint64_t refused;
    uint64_t differences;
    uint64_t again;             /* sequences, of another process */
    uint64_t skipped[ROWS_MAX]; /* steps of random sequences */
    uint64_t probed[ROWS_MAX];  /* steps of probes */
    bool is_over;
} state;

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void report(struct lane *lane, struct verdict *verdict)
{
    struct sequence sequence = lane->peer.slot->sequence;
    uint64_t steps = state.steps - verdict->steps + verdict->step + 1;

    tap_note("difference after %" PRIu64 " steps, in sequence seed 0x%" PRIx64
             " as %s%s, step %" PRIu32 ", %s: %s",
             steps, lane->seed, lane->is_privileged ? "root" : "nobody",
             lane->is_crowded ? " (crowded)" : "", verdict->step, compare_name(verdict->aspect),
             verdict->text);
    if (options.shrinks) {
        unsigned runs = shrink(lane, state.ours, &sequence, verdict);
        tap_note("shrunk in %u runs to %" PRIu32 " steps; the last one differs in %s: %s", runs,
                 sequence.steps, compare_name(verdict->aspect), verdict->text);
    } else {
        sequence_cut(&sequence, verdict->step);
    }
    sequence_print(&sequence, "#   ");
}

/* Take in the lane's sequence. */
static void finish(struct lane *lane)
{
    struct verdict verdict;

    lane_finish(lane, &verdict, state.skipped);
    if (verdict.is_dead) {
        tap_note("Linux (%s), sequence seed 0x%" PRIx64 ": %s",
                 lane->is_privileged ? "root" : "nobody", lane->seed, lane->peer.slot->failure);
        lane->peer.slot->sequence.steps = lane->peer.slot->at + 1;
        sequence_print(&lane->peer.slot->sequence, "#   ");
        state.differences++;
        state.is_over = true;
        return;
    }
    state.sequences++;
    state.steps += verdict.steps;
    state.full += verdict.full;
    state.refused += verdict.refused;
    if (verdict.aspect != COMPARE_EQUAL) {
        state.differences++;
        report(lane, &verdict);
        state.is_over = verdict.is_dead || state.differences >= options.keep;
    }
}

TAP_TEST(core_does_what_linux_does_in_random_sequences)
{
    uint64_t start = now_ms();
    struct random random = random_make(options.seed);

    for (unsigned at = 0; !state.is_over; at = (at + 1) % TURNS) {
        /* The pool is the machine's: one at a time. */
        const struct turn *turn = state.lanes == 1 ? &turns[0] : &turns[at];
        struct lane *lane = &state.lane[turn->lane];
        if (lane->is_busy) {
            finish(lane);
        }
        if ((options.seconds != 0 && now_ms() - start >= options.seconds * 1000) ||
            (options.steps != 0 && state.steps >= options.steps)) {
            break;
        }
        if (!state.is_over && turn->is_again) {
            lane_draw_again(lane, state.ours, &state.lane[turn[-1].lane]);
            state.again++;
        } else if (!state.is_over) {
            uint64_t seed = random_next(&random);
            uint64_t most = lane->is_crowded ? STEPS_CROWDED : STEPS_MOST;
            uint64_t steps = STEPS_LEAST + random_below(&random, most - STEPS_LEAST);
            lane_draw(lane, state.ours, seed, (uint32_t)steps);
        }
    }
    for (unsigned at = 0; at < state.lanes && !state.is_over; at++) {
        if (state.lane[at].is_busy) {
            finish(&state.lane[at]);
        }
    }
    uint64_t ms = now_ms() - start;
    tap_note("%" PRIu64 " steps in %" PRIu64 " sequences (%" PRIu64 " of these as root and as "
             "nobody) in %" PRIu64 " ms; %" PRIu64 " compared in full, %" PRIu64 " refused",
             state.steps, state.sequences, state.again, ms, state.full, state.refused);
    EXPECT_U64(state.differences, 0);
    EXPECT(state.steps > 0);
    EXPECT(state.steps >= STEPS_FEWEST || state.differences > 0 ||
           (options.steps != 0 && options.steps < STEPS_FEWEST) ||
           (options.seconds != 0 && options.seconds < SECONDS_FEWEST));
    EXPECT(state.full * 10 >= state.steps);
}

/* The lane for the probe of a row. */
static struct lane *probe_lane(unsigned row)
{
    return &state.lane[known_is_crowded(row) ? LANE_CROWDED : 0];
}

/* Compare the probes of the rows that are on; each must be forgiven by a row. */
TAP_TEST(known_differences_are_as_their_probes_say)
{
    static struct sequence sequence;
    struct verdict verdict;

    for (unsigned row = 0; row < known_rows() && !state.is_over; row++) {
        if (!known_is_on(row)) {
            continue;
        }
        struct lane *lane = probe_lane(row);
        known_sequence(row, lane, &sequence);
        lane_run(lane, state.ours, &sequence);
        const uint64_t before = state.probed[row];
        lane_finish(lane, &verdict, state.probed);
        if (verdict.is_dead || verdict.aspect != COMPARE_EQUAL || state.probed[row] == before) {
            tap_note("%s: %s", known_reason(row),
                     verdict.aspect == COMPARE_EQUAL ? "not seen" : verdict.text);
        }
        EXPECT(!verdict.is_dead && verdict.aspect == COMPARE_EQUAL);
        EXPECT(state.probed[row] > before);
    }
}

/* Draws that were turned away. */
static uint64_t dodged_by(enum dodge dodge)
{
    uint64_t count = 0;

    for (unsigned at = 0; at < state.lanes && dodge != DODGE_NONE; at++) {
        count += state.lane[at].dodged[dodge];
    }
    return count;
}

TAP_TEST(known_differences_are_few_and_all_of_them_occur)
{
    const bool is_huge = options.huge != 0;
    const bool is_long = state.steps >= (is_huge ? STEPS_TO_OCCUR_HUGE : STEPS_TO_OCCUR);
    const uint64_t dodge_limit = is_huge ? DODGE_LIMIT_HUGE : DODGE_LIMIT;
    uint64_t skipped = 0;
    uint64_t dodged = 0;
    uint64_t zeros = 0;

    tap_note(" skipped   dodged   probed");
    for (unsigned row = 0; row < known_rows(); row++) {
        const uint64_t turned_away = dodged_by(known_dodge(row));
        const bool is_missing =
            known_has_to_occur(row, is_huge) && state.skipped[row] + turned_away == 0;
        tap_note("%8" PRIu64 " %8" PRIu64 " %8" PRIu64 " steps: %s%s", state.skipped[row],
                 turned_away, state.probed[row], known_reason(row),
                 !known_is_on(row)       ? " (not on this kernel)"
                 : is_missing && is_long ? " (never met)"
                                         : "");
        skipped += state.skipped[row];
        EXPECT(!known_is_on(row) || state.probed[row] > 0);
        EXPECT(!is_long || !is_missing);
    }
    for (unsigned dodge = DODGE_NONE + 1; dodge < DODGES; dodge++) {
        dodged += dodged_by((enum dodge)dodge);
    }
    for (unsigned at = 0; at < state.lanes; at++) {
        zeros += state.lane[at].peer.slot->zeros_dropped;
    }
    tap_note("%8" PRIu64 " %8" PRIu64 "          of %" PRIu64 " steps in all", skipped, dodged,
             state.steps);
    tap_note("%8" PRIu64 " zero pages of clones dropped, since only some have them", zeros);
    const uint32_t rights = state.lane[0].peer.slot->stage.rights;

    EXPECT(zeros > 0 || is_huge || !is_long || (rights & STAGE_MAY_CLONE) == 0 ||
           (rights & STAGE_NO_ZERO_PAGE) != 0);
    /* One sequence that was cut short fails no short run. */
    EXPECT(skipped * 100 <= state.steps * SKIP_LIMIT + STEPS_MOST * UINT64_C(100));
    EXPECT(dodged * 100 <= state.steps * dodge_limit + STEPS_MOST * UINT64_C(100));
}

/* Core's audits abort: say when. */
static void handle_abort(int number)
{
    printf("# aborted after %" PRIu64 " steps\n", state.steps);
    fflush(stdout);
    pool_give_back();
    signal(number, SIG_DFL);
    raise(number);
}

static int run_case(void)
{
    static struct sequence sequence;
    struct verdict verdict;
    FILE *file = fopen(options.case_file_opt, "r");

    if (file == NULL) {
        perror(options.case_file_opt);
        return 2;
    }
    unsigned line = sequence_read(file, &sequence);
    fclose(file);
    if (line != 0) {
        fprintf(stderr, "oracle: %s: line %u is not a step\n", options.case_file_opt, line);
        return 2;
    }
    if ((sequence.spare != SLOT_NOT_CROWDED || sequence.is_privileged == 0) && state.lanes == 1) {
        fprintf(stderr, "oracle: huge pages are for root, not crowded, alone\n");
        return 2;
    }
    struct lane *lane = &state.lane[sequence.spare != SLOT_NOT_CROWDED ? LANE_CROWDED
                                    : sequence.is_privileged != 0      ? 0
                                                                       : 1];
    lane_run(lane, state.ours, &sequence);
    if (lane->is_barred) {
        fprintf(stderr, "oracle: Linux would lose huge pages for good\n");
        return 2;
    }
    lane_finish(lane, &verdict, state.skipped);
    if (verdict.is_dead) {
        printf("Linux: %s\n", lane->peer.slot->failure);
        return 1;
    }
    lane_print(lane);
    if (verdict.aspect == COMPARE_EQUAL) {
        printf("no difference\n");
        return 0;
    }
    printf("step %u: %s: %s\n", verdict.step + 1, compare_name(verdict.aspect), verdict.text);
    return 1;
}

/* Returns: whether the arguments make sense. */
static bool options_parse(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *word = argv[i + 1];
        if (strcmp(argv[i], "--linux") == 0) {
            options.linux_program = word;
        } else if (strcmp(argv[i], "--case") == 0) {
            options.case_file_opt = word;
        } else if (strcmp(argv[i], "--steps") == 0) {
            options.steps = strtoull(word, NULL, 0);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            options.seconds = strtoull(word, NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(word, NULL, 0);
        } else if (strcmp(argv[i], "--shrink") == 0) {
            options.shrinks = strtoull(word, NULL, 0);
        } else if (strcmp(argv[i], "--huge") == 0) {
            options.huge = strtoull(word, NULL, 0);
        } else if (strcmp(argv[i], "--keep") == 0) {
            options.keep = strtoull(word, NULL, 0);
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(known_differences_are_as_their_probes_say),
        TAP(core_does_what_linux_does_in_random_sequences),
        TAP(known_differences_are_few_and_all_of_them_occur),
    };
    struct utsname machine;

    if (!options_parse(argc, argv)) {
        fprintf(stderr, "usage: oracle [--linux PROGRAM] [--steps N] [--seconds S] [--seed N] "
                        "[--keep N] [--shrink 0] [--huge 1] [--case FILE]\n");
        return 2;
    }
    signal(SIGABRT, handle_abort);
    setvbuf(stdout, NULL, _IOLBF, 0);
    uname(&machine);
    state.lanes = options.huge != 0 ? 1 : LANES;
    for (unsigned i = 0; i < state.lanes; i++) {
        if (!lane_start(&state.lane[i], options.linux_program, i == 0, i == LANE_CROWDED)) {
            printf("1..0 # SKIP no process of Linux: %s\n", state.lane[i].peer.slot->failure);
            return 0;
        }
    }
    for (unsigned i = 0; i < state.lanes && state.lane[0].peer.slot->has_no_zero_page != 0; i++) {
        state.lane[i].peer.slot->stage.rights |= STAGE_NO_ZERO_PAGE; /* which root alone can see */
    }
    state.ours = ours_init(COMMIT_HEURISTIC);
    if (options.huge != 0) {
        const char *refusal = pool_take(HUGE_POOL);

        if (refusal != NULL) {
            printf("1..0 # SKIP %s\n", refusal);
            return 0;
        }
        atexit(pool_give_back);
        ours_set_pool(state.ours, HUGE_POOL);
        state.lane[0].peer.slot->stage.rights |= STAGE_HUGE_PAGES;
        state.lane[0].peer.slot->stage.huge = HUGE_POOL;
    }
    tap_note("Linux %s, seed %" PRIu64, machine.release, options.seed);
    for (unsigned row = 0; row < known_rows(); row++) {
        if (known_is_crowded(row) && state.lanes == 1) {
            continue;
        }
        if (!known_probe(row, probe_lane(row))) {
            printf("1..0 # SKIP a probe failed: %s\n", probe_lane(row)->peer.slot->failure);
            return 0;
        }
    }
    int status = 1;
    if (options.case_file_opt != NULL) {
        status = run_case();
    } else {
        status = TAP_RUN(1, argv, tests);
    }
    ours_fini(state.ours);
    for (unsigned i = 0; i < state.lanes; i++) {
        lane_stop(&state.lane[i]);
    }
    return status;
}
