/* SPDX-License-Identifier: MIT */
/*
 * Commands that show what a process has: ps, maps, handles, limit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>

#include "command.h"
#include "jobs.h"

#define KIB_PER_PAGE (HF_PAGE_BYTES / 1024)
#define REGIONS      32u

static uint64_t fail(enum err error)
{
    printf("shell: %s\n", hf_strerror(error));
    return COMMAND_FAILED;
}

/* One line of ps. */
static void ps_line(uint64_t number, uint64_t space, const char *name)
{
    struct mem_query_rep totals;
    if (hf_query(space, 0, 0, NULL, &totals) != ERR_OK) {
        printf("%6" PRIu64 "  %-42s %s\n", number, "(ended)", name);
        return;
    }
    printf("%6" PRIu64 " %8" PRIu64 " %12" PRIu64 " %10" PRIu64 " %9" PRIu64 "  %s\n", number,
           totals.regions_total, totals.pages_total * KIB_PER_PAGE,
           totals.resident_total * KIB_PER_PAGE, totals.faults_total, name);
}

uint64_t command_ps(const struct words *words)
{
    size_t at = 0;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    printf("   PID  regions     size KiB   resident    faults  program\n");
    ps_line(hf_env()->space_id, HF_OWN_SPACE, "shell");
    for (struct job *job = jobs_next(&at); job != NULL; job = jobs_next(&at)) {
        ps_line(job->process.space_id, job->process.space, job->name);
    }
    return COMMAND_DONE;
}

static void maps_line(const struct mem_region *region)
{
    printf("%010" PRIx64 "-%010" PRIx64 " %c%c%c%c %08" PRIx64 " %8" PRIu32 " %s\n", region->start,
           region->end, (region->prot & MEM_PROT_READ) != 0 ? 'r' : '-',
           (region->prot & MEM_PROT_WRITE) != 0 ? 'w' : '-',
           (region->prot & MEM_PROT_EXEC) != 0 ? 'x' : '-',
           (region->flags & MEM_MAP_TYPE) == MEM_MAP_SHARED ? 's' : 'p',
           region->object == 0 ? 0 : region->offset, region->resident,
           region->object != 0                    ? "object"
           : (region->flags & MEM_MAP_STACK) != 0 ? "[stack]"
                                                  : "");
}

uint64_t command_maps(const struct words *words)
{
    struct mem_region regions[REGIONS];
    struct mem_query_rep rep = {.next = 0};
    uint64_t space;
    uint64_t kernel_space;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->items[1], &space, &kernel_space)) {
        return COMMAND_FAILED;
    }
    printf("address               prot offset   resident pages\n");
    do {
        enum err error = hf_query(space, rep.next, REGIONS, regions, &rep);
        if (error != ERR_OK) {
            return fail(error);
        }
        for (uint64_t i = 0; i < rep.count; i++) {
            maps_line(&regions[i]);
        }
    } while (rep.next != 0);
    printf("%" PRIu64 " regions, %" PRIu64 " pages, %" PRIu64 " resident\n", rep.regions_total,
           rep.pages_total, rep.resident_total);
    return COMMAND_DONE;
}

static const char *kind_text(uint16_t kind)
{
    switch ((enum object_kind)kind) {
    case OBJECT_NONE:
        return "(ended)";
    case OBJECT_ENDPOINT:
        return "endpoint";
    case OBJECT_NOTIFICATION:
        return "notification";
    case OBJECT_THREAD:
        return "thread";
    case OBJECT_SPACE:
        return "space";
    case OBJECT_AUTHORITY:
        return "authority";
    case OBJECT_LOG:
        return "log";
    case OBJECT_MACHINE:
        return "machine";
    case OBJECT_HANDLES:
        return "handles";
    case OBJECT_INTERRUPT:
        return "interrupt";
    }
    return "unknown";
}

/* Rights as letters, in the order of their bits: call receive signal wait control... */
static void handle_line(const struct handle_info *info)
{
    static const char letters[] = "crswoTDX";
    char rights[sizeof(letters)];
    for (unsigned i = 0; i < sizeof(letters) - 1; i++) {
        rights[i] = (info->rights >> i & 1) != 0 ? letters[i] : '-';
    }
    rights[sizeof(letters) - 1] = '\0';
    const char *what = info->slot == HANDLE_MEM       ? "the memory server"
                       : info->slot == HANDLE_ARCHIVE ? "the boot archive"
                       : info->slot == HANDLE_CONSOLE ? "the console"
                                                      : "";
    printf("%6" PRIu32 " %-12s %s %16" PRIx64 " %s\n", info->slot, kind_text(info->kind), rights,
           info->badge, what);
}

uint64_t command_handles(const struct words *words)
{
    uint64_t space;
    uint64_t kernel_space;
    uint64_t count = HANDLE_INFOS_MAX;
    uint64_t first = 0;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->items[1], &space, &kernel_space)) {
        return COMMAND_FAILED;
    }
    printf("handle kind         rights              badge\n");
    while (count == HANDLE_INFOS_MAX) {
        static struct handle_info infos[HANDLE_INFOS_MAX];
        enum err error = hf_handles_read(kernel_space, first, &count);
        if (error != ERR_OK) {
            return fail(error);
        }
        memcpy(infos, hf_message_page(), count * sizeof(infos[0]));
        for (uint64_t i = 0; i < count; i++) {
            handle_line(&infos[i]);
            first = infos[i].slot + 1;
        }
    }
    printf("rights: c call, r receive, s signal, w wait, o control, T transfer, D derive, "
           "X destroy\n");
    return COMMAND_DONE;
}

static const struct {
    const char *name;
    enum mem_limit which;
} limits[] = {
    {"regions", MEM_LIMIT_REGIONS},
    {"pages", MEM_LIMIT_PAGES},
    {"data", MEM_LIMIT_DATA},
    {"budget", MEM_LIMIT_BUDGET},
};
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static enum err limit_line(uint64_t space, size_t index)
{
    struct mem_limits_rep rep;
    enum err error = hf_limit_get(space, limits[index].which, &rep);
    if (error != ERR_OK) {
        return error;
    }
    printf("%-8s %12" PRIu64 " used of ", limits[index].name, rep.used);
    if (rep.value == MEM_UNLIMITED) {
        printf("any number\n");
    } else {
        printf("%" PRIu64 "\n", rep.value);
    }
    return ERR_OK;
}

uint64_t command_limit(const struct words *words)
{
    uint64_t space;
    uint64_t kernel_space;
    uint64_t value;
    enum err error = ERR_OK;
    size_t first = 0;
    size_t end = LIMITS;
    if (words->count > 4) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->count > 1 ? words->items[1] : NULL, &space, &kernel_space)) {
        return COMMAND_FAILED;
    }
    if (words->count > 2) {
        while (first < LIMITS && strcmp(words->items[2], limits[first].name) != 0) {
            first++;
        }
        if (first == LIMITS) {
            return COMMAND_MISUSE;
        }
        end = first + 1;
    }
    if (words->count == 4) {
        if (!command_number(words->items[3], &value)) {
            return COMMAND_FAILED;
        }
        error = hf_limit_set(space, limits[first].which, value);
        if (error != ERR_OK) {
            printf("shell: %s\n", hf_last_refusal());
            return COMMAND_FAILED;
        }
    }
    for (size_t i = first; i < end && error == ERR_OK; i++) {
        error = limit_line(space, i);
    }
    return error == ERR_OK ? COMMAND_DONE : fail(error);
}
