/* SPDX-License-Identifier: MIT */
/*
 * The first program: starts the processes of the manifest, says how the final one ended (the
 * program that was named for this boot, or the shell), and powers off.
 *
 * The power-off status is that one's own, or cause * 256 when it was ended by a fault (enum cause),
 * as sbi/boot expects it. Statuses of init's own: 2 no program, 120 frames are missing after the
 * end, 121 the manifest cannot be used, 126 cannot be started, 127 no such program.
 *
 * I1  Between the two counts of free frames init takes and keeps no memory: its image stands whole
 *     from boot on, nothing here calls malloc(), and the archive has its page tables before.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "roster.h"
#include <abi/fault.h>
#include <abi/layout.h>
#include <base/types.h>
#include <console/proto.h>
#include <hf/archive.h>
#include <hf/disk.h>
#include <hf/end.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/mem.h>
#include <hf/process.h>

#define STATUS_NO_PROGRAM   2
#define STATUS_FRAMES       120
#define STATUS_MANIFEST     121
#define STATUS_NOT_STARTED  126
#define STATUS_NOT_FOUND    127
#define STATUS_CAUSE_FACTOR 256

#define MANIFEST      "boot/manifest"
#define DRAIN_SECONDS 1u

static struct roster roster;

static uint64_t frames_free(void)
{
    struct mem_stats_rep stats;
    return hf_stats(&stats) == ERR_OK ? stats.free : 0;
}

/* How often anything in the file system has become different; 0: there is none. */
static uint64_t files_changes(void)
{
    const uint64_t files = roster_endpoint(&roster, "files");
    struct files_space_rep rep;
    return files != HANDLE_NONE && hf_files_space(files, 0, &rep) == ERR_OK ? rep.changes : 0;
}

/* How many partitions of the disk are memory, which the driver keeps; 0: there is no disk. */
static uint64_t disk_objects(void)
{
    const struct hf_disk disk = {.endpoint = roster_endpoint(&roster, "disk")};
    struct disk_info_rep rep;
    return disk.endpoint != HANDLE_NONE && hf_disk_info(&disk, &rep) == ERR_OK ? rep.objects : 0;
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

/*
 * Wait for ends until the final process has ended. Returns: whether its end could be learnt; the
 * status of the machine after it; a line is printed unless it ended by its own will.
 */
static bool wait_final(struct mem_next_rep *end, uint64_t *status)
{
    char text[HF_END_BYTES];
    const char *name = NULL;
    while (name == NULL) {
        enum err error = hf_next(0, end);
        if (error != ERR_OK) {
            printf("init: how processes end cannot be learnt: %s\n", hf_strerror(error));
            return false;
        }
        name = roster_take_end(&roster, end);
    }
    *status = end->detail;
    if (end->cause != CAUSE_EXIT) {
        printf("init: %s: %s\n", name, hf_end_text(end, text));
        *status = end->cause * STATUS_CAUSE_FACTOR;
    }
    return true;
}

/* Names of shared memory, and frames that it takes; all 0 if that cannot be learnt. */
static struct mem_commit_rep shared_kept(void)
{
    struct mem_commit_rep commit = {.error = ERR_OK};
    enum err error = hf_commit_get(&commit);
    if (error != ERR_OK) {
        printf("init: what is promised cannot be learnt: %s\n", hf_strerror(error));
    }
    return commit;
}

/* Start the program, the last of the manifest; wait; compare the free frames before and after. */
static uint64_t program_judge(const struct arguments *arguments)
{
    const char *name = arguments->strings[0];
    struct mem_next_rep end;
    uint64_t status = 0;
    const bool is_settled = roster_settle(&roster);
    const struct mem_commit_rep kept = shared_kept();
    const uint64_t before = frames_free();
    const uint64_t changes = roster.changes;
    const uint64_t files_before = files_changes();
    if (!roster_start(&roster, roster.manifest->count - 1, arguments->strings) ||
        !wait_final(&end, &status)) {
        return STATUS_NOT_STARTED;
    }
    roster_take_ends(&roster);
    const struct mem_commit_rep left = shared_kept();
    /* Names outlive who gave them (shm_open(3)), and their memory with them. */
    const uint64_t shared = left.names != kept.names ? left.shared - kept.shared : 0;
    const uint64_t after = frames_free() + shared;
    /*
     * Frames cannot be compared if other processes use memory meanwhile, begin or end, if files
     * have come, gone or got another size, or if the disk was mapped.
     */
    if (before != after && is_settled && roster.changes == changes + 2 &&
        files_before == files_changes() && disk_objects() == 0) {
        printf("init: %s: frames are missing: %" PRIu64 " free before, %" PRIu64 " after\n", name,
               before, after);
        return STATUS_FRAMES;
    }
    if (arguments->is_quiet) {
        return status;
    }
    if (shared != 0) {
        printf("init: %s: it left %" PRIu64 " names of shared memory, which keep %" PRIu64
               " frames\n",
               name, left.names - kept.names, shared);
    }
    printf("init: %s", name);
    if (end.cause == CAUSE_EXIT) {
        printf(" exited with status %" PRIu64 ";", status);
    } else {
        printf(":");
    }
    printf(" frames free: %" PRIu64 " before, %" PRIu64 " after\n", before, after);
    return status;
}

/* Let what was written reach the device, but do not wait for ever. */
static void drain(void)
{
    const uint64_t console = roster_endpoint(&roster, "console");
    struct hf_message message = {.words = {CONSOLE_DRAIN}};
    if (console != HANDLE_NONE) {
        const uint64_t latest = hf_time_now() + DRAIN_SECONDS * hf_env()->timebase_hz;
        (void)hf_call_timed(console, latest, &message);
    }
}

static uint64_t session_judge(void)
{
    struct mem_next_rep end;
    uint64_t status = STATUS_NOT_STARTED;
    (void)!wait_final(&end, &status);
    drain();
    return status;
}

/* Read boot/manifest; says what is wrong with it. */
static bool manifest_load(const struct hf_archive *archive, struct manifest *manifest)
{
    struct hf_archive_file file;
    struct manifest_error error;
    if (hf_archive_find(archive, MANIFEST, &file) != HF_ARCHIVE_FOUND) {
        printf("init: the boot archive has no %s\n", MANIFEST);
        return false;
    }
    if (!manifest_parse(file.data, file.bytes, manifest, &error)) {
        printf("init: %s, line %u: %s%s%s\n", MANIFEST, error.line, error.word,
               error.word[0] != '\0' ? " " : "", error.reason);
        return false;
    }
    return true;
}

/* Have memory promised as the manifest says. */
static bool commit_set(const struct manifest *manifest)
{
    static const uint64_t modes[] = {
        [MANIFEST_NEVER] = MEM_COMMIT_NEVER,
        [MANIFEST_HEURISTIC] = MEM_COMMIT_HEURISTIC,
        [MANIFEST_OVERCOMMIT_ALWAYS] = MEM_COMMIT_ALWAYS,
    };
    enum err error = hf_commit_set(modes[manifest->overcommit], manifest->percent);
    if (error != ERR_OK) {
        printf("init: overcommit: %s\n", hf_strerror(error));
    }
    return error == ERR_OK;
}

static void hugepages_refused(const char *size, uint64_t pages, enum err error)
{
    struct mem_stats_rep frames;
    if (error == ERR_NOMEM && hf_stats(&frames) == ERR_OK) {
        printf("init: hugepages %s %" PRIu64 ": so much memory is not free in one row that begins "
               "at a multiple of %s (free in all: %" PRIu64 " MiB)\n",
               size, pages, size, frames.free * HF_PAGE_BYTES >> 20);
    } else {
        printf("init: hugepages %s %" PRIu64 ": %s\n", size, pages, hf_strerror(error));
    }
}

/* Set huge pages aside: while nothing has used the memory yet, and the larger ones first. */
static bool hugepages_set(const struct manifest *manifest)
{
    const struct {
        const char *text;
        uint64_t bytes;
        uint64_t pages;
    } pools[] = {
        {"1G", MEM_HUGE_1GB, manifest->hugepages_1g},
        {"2M", MEM_HUGE_2MB, manifest->hugepages_2m},
    };
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        if (pools[i].pages != 0) {
            enum err error = hf_huge_set(pools[i].bytes, pools[i].pages);
            if (error != ERR_OK) {
                hugepages_refused(pools[i].text, pools[i].pages, error);
                return false;
            }
        }
    }
    return true;
}

static bool has_program_in(const struct manifest *manifest)
{
    return manifest->count > 0 &&
           strcmp(manifest->processes[manifest->count - 1].name, MANIFEST_ANY) == 0;
}

/* Find out what to run, and run it. Returns the status for the machine. */
static uint64_t init_run(struct arguments *arguments)
{
    static struct manifest manifest;
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    struct hf_archive_file file;
    struct hf_program program;
    const char *why = "";
    if (hf_env()->archive_opt == NULL) {
        printf("init: no boot archive: %s\n", hf_last_refusal());
        return STATUS_NO_PROGRAM;
    }
    if (!manifest_load(&archive, &manifest)) {
        return STATUS_MANIFEST;
    }
    roster.manifest = &manifest;
    if (hf_archive_find(&archive, "boot/args", &file) == HF_ARCHIVE_FOUND &&
        !arguments_parse(file.data, file.bytes, arguments, &why)) {
        printf("init: boot/args cannot be used: %s\n", why);
        return STATUS_NO_PROGRAM;
    }
    const bool has_program = arguments->count > 0;
    if (has_program && hf_program_find(arguments->strings[0], &program) != ERR_OK) {
        printf("init: %s: not in the boot archive\n", arguments->strings[0]);
        return STATUS_NOT_FOUND;
    }
    if (has_program && !has_program_in(&manifest)) {
        printf("init: %s lets no program be named: it has no 'process *'\n", MANIFEST);
        return STATUS_MANIFEST;
    }
    if (!hugepages_set(&manifest) || !commit_set(&manifest)) {
        return STATUS_MANIFEST;
    }
    archive_touch(&archive);
    if (!roster_start_all(&roster, has_program)) {
        return STATUS_NOT_STARTED;
    }
    return has_program ? program_judge(arguments) : session_judge();
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
