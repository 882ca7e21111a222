/* SPDX-License-Identifier: MIT */
/*
 * The first program: starts the one that the boot archive names, or the shell (session.h), says how
 * it ended, and powers off.
 *
 * The power-off status is the program's own, or cause * 256 when it was ended by a fault (enum
 * cause), as sbi/boot expects it. Statuses of init's own: 2 no program, 120 frames are missing
 * after the end, 126 cannot be started, 127 no such program.
 *
 * I1  Between the two counts of free frames init takes and keeps no memory: its image stands whole
 *     from boot on, nothing here calls malloc(), and the archive has its page tables before.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "arguments.h"
#include "ending.h"
#include "session.h"
#include <abi/fault.h>
#include <abi/layout.h>
#include <base/types.h>
#include <hf/archive.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/process.h>

#define STATUS_NO_PROGRAM   2
#define STATUS_FRAMES       120
#define STATUS_NOT_STARTED  126
#define STATUS_NOT_FOUND    127
#define STATUS_CAUSE_FACTOR 256

/* Run the program to its end. Returns the status for the machine; `end` is undefined unless
 * `*has_run`. */
static uint64_t program_run(const struct hf_program *program, struct mem_next_rep *end,
                            bool *has_run)
{
    struct hf_process process;
    const char *why = "";
    enum err error = hf_process_start(program, &process, &why);
    if (error != ERR_OK) {
        printf("init: %s: cannot be started: %s (%s)\n", program->argv[0], why, hf_strerror(error));
        return STATUS_NOT_STARTED;
    }
    error = hf_process_wait(&process, end);
    hf_process_forget(&process);
    if (error != ERR_OK) {
        printf("init: %s: its end cannot be learnt: %s\n", program->argv[0], hf_strerror(error));
        return STATUS_NOT_STARTED;
    }
    *has_run = true;
    if (end->cause == CAUSE_EXIT) {
        return end->detail;
    }
    ending_print(program->argv[0], end);
    return end->cause * STATUS_CAUSE_FACTOR;
}

static uint64_t frames_free(void)
{
    struct mem_stats_rep stats;
    return hf_stats(&stats) == ERR_OK ? stats.free : 0;
}

/*
 * Read a byte of every 2 MiB of the archive, so that its page tables, which init keeps, are there.
 * Where they end depends on the random place of the archive.
 */
static void archive_touch(const struct hf_archive *archive)
{
    const volatile unsigned char *bytes = archive->data;
    for (uint64_t offset = 0; offset < archive->bytes; offset += PAGES_PER_MEGA * PAGE_SIZE) {
        (void)bytes[offset];
    }
    (void)bytes[archive->bytes - 1];
}

/* Start, wait, and compare the free frames before and after. */
static uint64_t program_judge(const struct hf_program *program, bool is_quiet)
{
    struct mem_next_rep end;
    bool has_run = false;
    uint64_t before = frames_free();
    uint64_t status = program_run(program, &end, &has_run);
    uint64_t after = frames_free();
    if (before != after) {
        printf("init: %s: frames are missing: %" PRIu64 " free before, %" PRIu64 " after\n",
               program->argv[0], before, after);
        return STATUS_FRAMES;
    }
    if (has_run && end.cause == CAUSE_EXIT && !is_quiet) {
        printf("init: %s exited with status %" PRIu64 "; frames free: %" PRIu64 " before, %" PRIu64
               " after\n",
               program->argv[0], status, before, after);
    }
    return status;
}

/* Find out what to run, and run it. Returns the status for the machine. */
static uint64_t init_run(struct arguments *arguments)
{
    static const char *const envp[] = {NULL};
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    struct hf_archive_file file;
    const char *why = "";
    if (hf_env()->archive_opt == NULL) {
        printf("init: no boot archive: %s\n", hf_last_refusal());
        return STATUS_NO_PROGRAM;
    }
    if (hf_archive_find(&archive, "boot/args", &file) == HF_ARCHIVE_FOUND) {
        if (!arguments_parse(file.data, file.bytes, arguments, &why)) {
            printf("init: boot/args cannot be used: %s\n", why);
            return STATUS_NO_PROGRAM;
        }
    }
    struct hf_program program;
    if (arguments->count == 0) {
        if (hf_program_find("shell", &program) == ERR_OK) {
            return session_run();
        }
        printf("init: no program named, and no shell in the boot archive\n");
        return STATUS_NO_PROGRAM;
    }
    enum err error = hf_program_find(arguments->strings[0], &program);
    if (error != ERR_OK) {
        printf("init: %s: not in the boot archive\n", arguments->strings[0]);
        return STATUS_NOT_FOUND;
    }
    program.argv = arguments->strings;
    program.envp = envp;
    archive_touch(&archive);
    return program_judge(&program, arguments->is_quiet);
}

int main(void)
{
    static struct arguments arguments;
    uint64_t status = init_run(&arguments);
    fflush(stdout);
    enum err error = hf_power(HANDLE_MACHINE, POWER_OFF, status);
    printf("init: cannot power off: %s\n", hf_strerror(error));
    return STATUS_NOT_STARTED;
}
