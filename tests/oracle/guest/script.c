/* SPDX-License-Identifier: MIT */
/*
 * Write a file of random sequences with core's answers (script.h).
 *
 *   oracle-script --out FILE [--steps N] [--seed N]
 *
 * The space is one as the memory server makes it in the system: its lowest address, its limits, no
 * privilege, commit mode "never". So that the limit of the commit account, which is the machine's,
 * decides nothing, it is out of reach.
 */
#include "script.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/layout.h>
#include <base/types.h>
#include <mem/limits.h>

#include "tests/oracle/compose.h"
#include "tests/oracle/ours_look.h"
#include "tests/oracle/random.h"

#define COMMIT_LIMIT (UINT64_C(1) << 40)
/* Every so many sequences one is crowded, as in oracle.c. */
#define CROWDED_PERIOD 5u
#define STEPS_LEAST    50u
#define STEPS_MOST     200u
#define STEPS_CROWDED  90u

/* Half a GiB below the end, 37 pages above a multiple of 2 MiB. */
#define SCRIPT_BASE (UINT64_C(0x3fe0000000) + 37 * PAGE_SIZE)

static struct {
    const char *out_opt;
    uint64_t steps;
    uint64_t seed;
} options = {.steps = 10000, .seed = 1};

static struct stage guest_stage(void)
{
    const uint64_t lowest = MEM_MAP_MIN_ADDR_DEFAULT;

    return (struct stage){
        .task_end = USER_END,
        .lowest = lowest,
        .denied = lowest - (uint64_t)STAGE_DENIED * PAGE_SIZE,
        .base = SCRIPT_BASE,
        .lock_max = MEM_LOCKED_MAX_DEFAULT,
        .rights = STAGE_MAY_CLONE | STAGE_MAY_APPEND,
    };
}

static bool write_sequence(FILE *file, uint64_t seed, const struct sequence *sequence,
                           const struct look_log *log)
{
    const struct script_sequence head = {
        .seed = seed,
        .room = sequence->room,
        .spare = sequence->spare,
        .steps = sequence->steps,
        .log_bytes = log->used,
    };

    return fwrite(&head, sizeof(head), 1, file) == 1 &&
           fwrite(sequence->step, sizeof(sequence->step[0]), sequence->steps, file) ==
               sequence->steps &&
           fwrite(log->bytes, 1, log->used, file) == log->used;
}

/* Returns: whether all could be written; `head` counts. */
static bool write_sequences(FILE *file, struct script_head *head)
{
    static struct sequence sequence;
    static unsigned char bytes[SLOT_LOG_BYTES];
    const struct stage stage = guest_stage();
    struct random random = random_make(options.seed);
    struct ours *ours = ours_init(COMMIT_NEVER);
    uint64_t dodged[DODGES] = {0};
    struct look_log log;
    bool is_ok = true;

    ours->world->core.head->commit.limit = COMMIT_LIMIT;
    ours->world->core.head->fault_ahead = FAULT_AHEAD_DEFAULT;
    look_log_init(&log, bytes, sizeof(bytes));
    struct composer composer = {.ours = ours, .stage = &stage, .log = &log, .dodged = dodged};
    while (is_ok && head->steps < options.steps) {
        bool is_crowded = head->sequences % CROWDED_PERIOD == CROWDED_PERIOD - 1;
        uint64_t seed = random_next(&random);
        uint64_t most = is_crowded ? STEPS_CROWDED : STEPS_MOST;
        uint64_t steps = STEPS_LEAST + random_below(&random, most - STEPS_LEAST);
        uint64_t left = options.steps - head->steps;

        compose_sequence(&composer, seed, (uint32_t)(steps < left ? steps : left), is_crowded,
                         &sequence);
        is_ok = !log.is_full && write_sequence(file, seed, &sequence, &log);
        head->sequences++;
        head->steps += sequence.steps;
    }
    ours_fini(ours);
    return is_ok;
}

/* Returns: whether the arguments make sense. */
static bool options_parse(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--out") == 0) {
            options.out_opt = argv[i + 1];
        } else if (strcmp(argv[i], "--steps") == 0) {
            options.steps = strtoull(argv[i + 1], NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(argv[i + 1], NULL, 0);
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && options.out_opt != NULL;
}

int main(int argc, char **argv)
{
    struct script_head head = {
        .magic = SCRIPT_MAGIC, .base = SCRIPT_BASE, .lowest = MEM_MAP_MIN_ADDR_DEFAULT};

    if (!options_parse(argc, argv)) {
        fprintf(stderr, "usage: oracle-script --out FILE [--steps N] [--seed N]\n");
        return 2;
    }
    FILE *file = fopen(options.out_opt, "wb");
    bool is_ok = file != NULL && fwrite(&head, sizeof(head), 1, file) == 1 &&
                 write_sequences(file, &head) && fseek(file, 0, SEEK_SET) == 0 &&
                 fwrite(&head, sizeof(head), 1, file) == 1;

    if (file == NULL || fclose(file) != 0 || !is_ok) {
        perror(options.out_opt);
        return 1;
    }
    printf("%" PRIu32 " steps in %" PRIu32 " sequences, seed %" PRIu64 "\n", head.steps,
           head.sequences, options.seed);
    return 0;
}
