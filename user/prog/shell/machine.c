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
#include <hf/pager.h>

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
    printf("\n%72s\n", "lock waits in");
    printf("hart page faults   switches   messages      instructions     kernel     server\n");
    for (uint64_t i = 0; i < harts; i++) {
        printf("%4" PRIu64, i);
        for (size_t j = 0; j < sizeof(columns) / sizeof(columns[0]); j++) {
            uint64_t value = 0;
            if (columns[j] == INFO_HART_INSTRUCTIONS && !is_counted) {
                printf(" %17s", "-");
                continue;
            }
            (void)hf_info_of(columns[j], i, &value); /* 0 for one that is not used */
            printf(" %*" PRIu64,
                   columns[j] == INFO_HART_INSTRUCTIONS ? 17
                   : j == 0                             ? 11
                                                        : 10,
                   value);
        }
        struct mem_worker_rep worker;
        if (hf_worker(i, &worker) == ERR_OK) {
            printf(" %10" PRIu64 "\n", worker.waits);
        } else { /* the server has a thread for each hart that is used */
            printf(" %10s\n", "-");
        }
    }
    if (!is_counted) {
        printf("Instructions are counted by sbi/boot --icount.\n");
    } else if (harts > 1) {
        printf("Instructions are a hart's own, but under QEMU those of all harts together.\n");
    }
}

/* What was promised to programs, whether or not they have touched it, and how that is judged. */
static void promised_print(void)
{
    struct mem_commit_rep commit;
    if (hf_commit_get(&commit) != ERR_OK) {
        return;
    }
    printf("\n%-32s %8" PRIu64 " frames, ", "promised to programs", commit.used);
    switch (commit.mode) {
    case MEM_COMMIT_NEVER:
        printf("at most %" PRIu64 "\n%-32s %7" PRIu64 "%% of swap and all but the kernel's\n",
               commit.limit, "that is", commit.percent);
        break;
    case MEM_COMMIT_HEURISTIC:
        printf("no request for more than %" PRIu64 " at once\n", commit.limit);
        break;
    default: /* MEM_COMMIT_ALWAYS */
        printf("whatever is asked for\n");
        break;
    }
}

/* Huge pages that were set aside, if any were. */
static void huge_print(const char *text, uint64_t bytes)
{
    struct mem_huge_rep huge;
    if (hf_huge_get(bytes, &huge) == ERR_OK && huge.total != 0) {
        printf("huge pages of %s %18s %8" PRIu64 " pages, %" PRIu64 " free, %" PRIu64
               " of these promised\n",
               text, "", huge.total, huge.free, huge.promised);
    }
}

/* Where pages are that had to make room, if there is such a place. */
static void swap_print(void)
{
    struct mem_swap_rep swap;
    if (hf_swap(0, 0, &swap) != ERR_OK || (swap.slots == 0 && swap.used == 0)) {
        return;
    }
    printf("\n");
    mem_line("swap in use", swap.used);
    mem_line("of these in memory too", swap.held);
    mem_line("swap free", swap.slots > swap.used ? swap.slots - swap.used : 0);
    printf("%-32s %8" PRIu64 " out, %" PRIu64 " dropped, %" PRIu64 " waits for a frame\n",
           "pages since boot", swap.swapped, swap.dropped, swap.waits);
}

/* Free frames that are not anybody's. */
static void reserve_print(void)
{
    struct mem_stats_reserve_rep reserve;
    if (hf_stats_reserve(&reserve) != ERR_OK || reserve.frames + reserve.areas == 0) {
        return;
    }
    printf("\n%-32s %8" PRIu64 " frames, %" PRIu64 " there, %" PRIu64 " taken so far\n",
           "reserve of memory makers", reserve.frames, reserve.left, reserve.spent);
    printf("%-32s %8" PRIu64 " frames, and %" PRIu64 " for pages asked for\n", "reserve of swap",
           reserve.areas, reserve.promised);
}

/* What had to wait for pagers, and what came of it. */
static void waits_print(void)
{
    struct mem_stats_waits_rep waits;
    struct mem_stats_pages_rep pages;
    if (hf_stats_waits(&waits) != ERR_OK || hf_stats_pages(&pages) != ERR_OK ||
        pages.pulls + pages.saves + waits.frames == 0) {
        return;
    }
    printf("\n%-32s %8" PRIu64 " first, %" PRIu64 " second, %" PRIu64 " again, %" PRIu64
           " queued, %" PRIu64 " timed out, %" PRIu64 " stale answers\n",
           "waits since boot", waits.first, waits.second, waits.again, waits.queued, waits.timeouts,
           waits.stale);
    printf("%-32s %8" PRIu64 " times, %" PRIu64 " joined, %" PRIu64 " saves\n", "pagers were asked",
           pages.pulls, pages.joined, pages.saves);
    printf("%-32s %8" PRIu64 " ahead, %" PRIu64 " of them used, %" PRIu64 " mapped around, %" PRIu64
           " evicted\n",
           "pages of pagers", pages.ahead, pages.hits, pages.around, pages.evicted);
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
    huge_print("2M", MEM_HUGE_2MB);
    huge_print("1G", MEM_HUGE_1GB);
    swap_print();
    reserve_print();
    waits_print();
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
        printf("shell: nothing was recorded: sbi/boot --trace, or sbi/flash --append trace\n");
    }
    return COMMAND_DONE;
}
