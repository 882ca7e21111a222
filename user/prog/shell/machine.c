/* SPDX-License-Identifier: MIT */
/*
 * Commands that show what the machine and the kernel have counted and kept: mem, dmesg, trace.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <abi/log.h>
#include <abi/trace.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>

#include "command.h"
#include "ledger.h"

#define KIB_PER_PAGE (HF_PAGE_BYTES / 1024)
#define TRACE_LINES  32u

static void mem_line(const char *what, uint64_t frames)
{
    printf("%-32s %8" PRIu64 " frames %9" PRIu64 " KiB\n", what, frames, frames * KIB_PER_PAGE);
}

/* Whether the counter of instructions counts them: QEMU's does not always (sbi/README.md). */
static bool has_instructions(void)
{
    return access("/boot/uncounted", F_OK) != 0;
}

/* What each hart has done. */
static void harts_print(void)
{
    static const enum info columns[] = {INFO_HART_FAULTS, INFO_HART_SWITCHES, INFO_HART_IPC,
                                        INFO_HART_INSTRUCTIONS, INFO_HART_WAITS};
    const bool is_counted = has_instructions();
    uint64_t harts = 0;
    if (hf_info(INFO_HARTS, &harts) != ERR_OK) {
        return;
    }
    printf("\nhart   page faults      switches      messages        instructions    lock waits\n");
    for (uint64_t i = 0; i < harts; i++) {
        printf("%4" PRIu64, i);
        for (size_t j = 0; j < sizeof(columns) / sizeof(columns[0]); j++) {
            uint64_t value = 0;
            if (columns[j] == INFO_HART_INSTRUCTIONS && !is_counted) {
                printf(" %19s", "-");
                continue;
            }
            (void)hf_info_of(columns[j], i, &value); /* 0 for one that is not used */
            printf(" %*" PRIu64, columns[j] == INFO_HART_INSTRUCTIONS ? 19 : 13, value);
        }
        printf("\n");
    }
    if (!is_counted) {
        printf("Instructions are counted by sbi/boot --icount.\n");
    }
}

/* What was promised to programs, whether or not they have touched it, and how that is judged. */
static void promised_print(void)
{
    struct mem_commit_rep commit;
    if (hf_commit_get(&commit) != ERR_OK) {
        return;
    }
    printf("\n");
    mem_line("promised to programs", commit.used);
    if (commit.mode == MEM_COMMIT_NEVER) {
        printf("%-32s %8" PRIu64 "%% of the frames\n", "  of", commit.percent);
        mem_line("  at most", commit.limit);
    } else {
        printf("  %s\n", commit.mode == MEM_COMMIT_ALWAYS ? "whatever is asked for"
                                                          : "no request for more than all frames");
    }
}

uint64_t command_mem(const struct words *words)
{
    struct mem_stats_rep stats;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    enum err error = hf_stats(&stats);
    if (error != ERR_OK) {
        printf("shell: %s\n", hf_strerror(error));
        return COMMAND_FAILED;
    }
    mem_line("free", stats.free);
    mem_line("memory of programs", stats.user);
    mem_line("page tables and their shadow", stats.tables);
    mem_line("kernel objects, message pages", stats.objects);
    mem_line("memory server", stats.server);
    mem_line("kernel, firmware, boot archive", stats.kernel);
    mem_line("all", stats.total);
    ledger_print_totals();
    promised_print();
    harts_print();
    return COMMAND_DONE;
}

static void time_print(uint64_t time)
{
    const uint64_t hz = hf_env()->timebase_hz;
    printf("[%5" PRIu64 ".%06" PRIu64 "] ", time / hz, time % hz * 1000000 / hz);
}

static const char *level_text(uint32_t level)
{
    static const char *const texts[LOG_LEVELS] = {"info", "warning", "error", "debug"};
    return level < LOG_LEVELS ? texts[level] : "?";
}

/* Print one record; `at_line_start`: what came before ended its line. */
static void record_print(const struct log_record *record, const char *text)
{
    uint32_t length = record->length;
    while (length > 0 && *text == '\n') {
        text++;
        length--;
    }
    while (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    if (length == 0) {
        return;
    }
    time_print(record->time);
    if (record->source == 0) {
        printf("%-7s system: ", level_text(record->level));
    } else {
        printf("%-7s %6" PRIu64 ": ", level_text(record->level), record->source);
    }
    printf("%.*s\n", (int)length, text);
}

/* Print the whole records of `bytes` bytes. Returns: how many bytes they are. */
static uint64_t records_print(const char *buffer, uint64_t bytes)
{
    uint64_t at = 0;
    struct log_record record;
    while (bytes - at >= sizeof(record)) {
        memcpy(&record, buffer + at, sizeof(record));
        if (bytes - at - sizeof(record) < record.length) {
            break;
        }
        record_print(&record, buffer + at + sizeof(record));
        at += sizeof(record) + record.length;
    }
    return at;
}

uint64_t command_dmesg(const struct words *words)
{
    static char buffer[2 * MESSAGE_DATA_BYTES];
    uint64_t position = 0;
    uint64_t held = 0; /* bytes at the start of the buffer: the beginning of a record */
    uint64_t bytes = 0;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    enum err error = hf_info(INFO_LOG_FIRST, &position);
    while (error == ERR_OK) {
        error = hf_log_copy(HANDLE_LOG, position, &bytes);
        if (error != ERR_OK || bytes == 0) {
            break;
        }
        memcpy(buffer + held, hf_message_page(), bytes);
        position += bytes;
        held += bytes;
        const uint64_t done = records_print(buffer, held);
        held -= done;
        memmove(buffer, buffer + done, held);
    }
    if (error == ERR_RANGE) {
        printf("shell: the log has moved on; the rest is lost\n");
        return COMMAND_DONE;
    }
    if (error != ERR_OK) {
        printf("shell: %s\n", hf_strerror(error));
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

static const char *event_text(uint32_t kind)
{
    switch (kind) {
#define TRACE(name, number, text) \
    case (number):                \
        return (text);
#include <abi/trace.def>
#undef TRACE
    default:
        return "unknown event";
    }
}

uint64_t command_trace(const struct words *words)
{
    static struct trace_event events[MESSAGE_DATA_BYTES / sizeof(struct trace_event)];
    uint64_t count = TRACE_LINES;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (words->count == 2 && !command_number(words->items[1], &count)) {
        return COMMAND_FAILED;
    }
    enum err error = hf_trace_read(HANDLE_MACHINE, count, &count);
    if (error != ERR_OK) {
        printf("shell: %s\n", hf_strerror(error));
        return COMMAND_FAILED;
    }
    memcpy(events, hf_message_page(), count * sizeof(events[0]));
    for (uint64_t i = 0; i < count; i++) {
        time_print(events[i].time);
        printf("hart %" PRIu32 ": %s: 0x%" PRIx64 " 0x%" PRIx64 "\n", events[i].hart,
               event_text(events[i].kind), events[i].first, events[i].second);
    }
    if (count == 0) {
        printf("shell: nothing was recorded: boot with sbi/boot --trace\n");
    }
    return COMMAND_DONE;
}
