/* SPDX-License-Identifier: MIT */
/*
 * Run programs one after the other, each in a process of its own: in_turn PROGRAM...
 *
 * I1  Between the counts before and behind a program this process takes and loses no memory: all
 *     that it has is locked. What it reads of the boot archive would else give it page tables when
 *     it comes to the next 2 MiB of it.
 *
 * What stands before and behind the output of each is for tests/system/in_turn_test.py:
 *
 *     in turn: NAME begins: COUNTS
 *     in turn: NAME ends: status N: COUNTS
 *     in turn: NAME ends: HOW IT DIED: COUNTS
 *
 * with counts "free FRAMES user FRAMES tables FRAMES server FRAMES objects FRAMES names COUNT
 * shared FRAMES changes COUNT": frames by use (mem/proto_stats.h); `names` and `shared` are those
 * of shared memory, `changes` those of the file system: with them it can be told whether frames
 * are missing. Before the first: "in turn: archive from ADDRESS to ADDRESS", where it is mapped.
 *
 * It needs `may lock` of the manifest. Status: 0 if all were started, whatever they did; 1 if one
 * could not be, what they did could not be learnt, or this process not be locked; 2 without
 * programs.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <abi/fault.h>
#include <hf/end.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/process.h>
#include <hf/wait.h>

#define STATUS_FAILED 1
#define STATUS_MISUSE 2

/* The machine has settled once nobody has taken or given frames for so long, or is left alone. */
#define SETTLE_MS    100u
#define SETTLE_STILL 10u
#define SETTLE_TURNS 300u

/* Drivers begin beside us and take memory: let them, so that they do not do it amid a program. */
static void machine_settle(void)
{
    struct mem_stats_rep stats = {.free = 0};
    uint64_t before = 0;
    unsigned still = 0;
    for (unsigned turn = 0; turn < SETTLE_TURNS && still < SETTLE_STILL; turn++) {
        (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz * SETTLE_MS / 1000);
        before = stats.free;
        (void)!hf_stats(&stats);
        still = stats.free == before ? still + 1 : 0;
    }
}

/* What the machine has, as a part of a line. */
static void machine_print(void)
{
    struct mem_stats_rep stats = {.error = ERR_OK};
    struct mem_commit_rep commit = {.error = ERR_OK};
    struct files_space_rep files = {.error = ERR_OK};
    (void)!hf_stats(&stats);
    (void)!hf_commit_get(&commit);
    (void)!hf_files_space(hf_env()->files, 0, &files);
    printf(": free %" PRIu64 " user %" PRIu64 " tables %" PRIu64 " server %" PRIu64
           " objects %" PRIu64 " names %" PRIu64 " shared %" PRIu64 " changes %" PRIu64 "\n",
           stats.free, stats.user, stats.tables, stats.server, stats.objects, commit.names,
           commit.shared, files.changes);
    fflush(stdout);
}

static bool failed(const char *name, const char *what, enum err error)
{
    printf("in turn: %s: %s: %s\n", name, what, hf_strerror(error));
    return false;
}

/* Run one program to its end. Returns: whether it could be, and its end be learnt. */
static bool program_run(const char *name)
{
    static const char *const envp[] = {NULL};
    const char *const argv[] = {name, NULL};
    struct hf_program program;
    struct hf_process process;
    struct mem_next_rep end;
    char how[HF_END_BYTES];
    const char *why = "cannot be started";
    enum err error = hf_program_find(name, &program);
    if (error != ERR_OK) {
        return failed(name, "not in the boot archive", error);
    }
    program.argv = argv;
    program.envp = envp;
    printf("in turn: %s begins", name);
    machine_print();
    error = hf_process_start(&program, &process, &why);
    if (error != ERR_OK) {
        return failed(name, why, error);
    }
    error = hf_process_wait(&process, &end);
    hf_process_forget(&process);
    if (error != ERR_OK) {
        return failed(name, "how it ended cannot be learnt", error);
    }
    /* On a line of its own, whatever the program has left unfinished. */
    if (end.cause == CAUSE_EXIT) {
        printf("\nin turn: %s ends: status %" PRIu64, name, end.detail);
    } else {
        printf("\nin turn: %s ends: %s", name, hf_end_text(&end, how));
    }
    machine_print();
    return true;
}

int main(int argc, char **argv)
{
    bool is_good = true;
    if (argc < 2) {
        printf("in turn: no programs (usage: in_turn PROGRAM...)\n");
        return STATUS_MISUSE;
    }
    const enum err error = hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT | MEM_LOCK_FUTURE);
    if (error != ERR_OK) {
        (void)failed(argv[0], "cannot be locked", error);
        return STATUS_FAILED;
    }
    const uint64_t archive = (uint64_t)(uintptr_t)hf_env()->archive_opt;
    printf("in turn: archive from 0x%" PRIx64 " to 0x%" PRIx64 "\n", archive,
           archive + hf_env()->archive_bytes);
    machine_settle();
    for (int i = 1; i < argc; i++) {
        is_good = program_run(argv[i]) && is_good;
    }
    return is_good ? 0 : STATUS_FAILED;
}
