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
#include "ledger.h"

#define KIB_PER_PAGE (HF_PAGE_BYTES / 1024)
#define REGIONS      32u
/* Programs lie below, what is mapped without a wish for a place far above. */
#define PROGRAM_END UINT64_C(0x100000000)

static uint64_t fail(enum err error)
{
    printf("shell: %s\n", hf_strerror(error));
    return COMMAND_FAILED;
}

/* One line of ps. */
static void ps_line(const struct mem_look_rep *process)
{
    struct mem_query_rep totals;
    char name[TARGET_NAME_BYTES];
    command_name(process, name);
    if (hf_query(process->space, 0, 0, NULL, &totals) != ERR_OK) {
        return; /* it has ended meanwhile */
    }
    printf("%6" PRIu64 " %6" PRIu64 " %7" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64
           " %8" PRIu64 "  %s\n",
           process->space_id, process->parent_id, process->threads, totals.regions_total,
           totals.pages_total * KIB_PER_PAGE, totals.resident_total * KIB_PER_PAGE,
           totals.faults_total, name);
}

uint64_t command_ps(const struct words *words)
{
    struct mem_look_rep process = {.space_id = 0};
    enum err error;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    printf("   PID parent threads  regions   size KiB   resident   faults  program\n");
    while ((error = hf_look(process.space_id, &process)) == ERR_OK) {
        ps_line(&process);
        (void)hf_handle_close(process.space);
    }
    return error == ERR_NOENT ? COMMAND_DONE : fail(error);
}

/* What a region is, as far as that can be told from its place and its properties. */
static const char *region_name(const struct mem_region *region, const char *program)
{
    if (region->object != 0 && region->start >= PROGRAM_END) {
        return "(object)";
    }
    if ((region->flags & MEM_MAP_STACK) != 0) {
        return region->prot == MEM_PROT_NONE ? "[guard]" : "[stack]";
    }
    if (region->start >= PROGRAM_END) {
        return "";
    }
    return region->object == 0 ? "[data and heap]" : program;
}

static void maps_line(const struct mem_region *region, const char *program)
{
    printf("%010" PRIx64 "-%010" PRIx64 " %c%c%c%c %08" PRIx64 " %8" PRIu32 " %8" PRIu32 " %s\n",
           region->start, region->end, (region->prot & MEM_PROT_READ) != 0 ? 'r' : '-',
           (region->prot & MEM_PROT_WRITE) != 0 ? 'w' : '-',
           (region->prot & MEM_PROT_EXEC) != 0 ? 'x' : '-',
           (region->flags & MEM_MAP_TYPE) == MEM_MAP_SHARED ? 's' : 'p',
           region->object == 0 ? 0 : region->offset, region->resident, region->swapped,
           region_name(region, program));
}

static uint64_t maps_print(const struct target *target)
{
    struct mem_region regions[REGIONS];
    struct mem_query_rep rep = {.next = 0};
    printf("address               prot offset   resident  swapped what it is\n");
    do {
        enum err error = hf_query(target->space, rep.next, REGIONS, regions, &rep);
        if (error != ERR_OK) {
            return fail(error);
        }
        for (uint64_t i = 0; i < rep.count; i++) {
            maps_line(&regions[i], target->name);
        }
    } while (rep.next != 0);
    printf("%" PRIu64 " regions, %" PRIu64 " pages, %" PRIu64 " resident; all in pages\n",
           rep.regions_total, rep.pages_total, rep.resident_total);
    return COMMAND_DONE;
}

uint64_t command_maps(const struct words *words)
{
    struct target target;
    const bool has_pins = words->count == 3 && strcmp(words->items[1], "-p") == 0;
    if (words->count > 2 && !has_pins) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->items[has_pins ? 2 : 1], &target)) {
        return COMMAND_FAILED;
    }
    const uint64_t status = has_pins ? ledger_print(&target) : maps_print(&target);
    command_leave_process(&target);
    return status;
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
                       : info->slot == HANDLE_LOG     ? "the log"
                       : info->slot == HANDLE_MACHINE ? "power and interrupts"
                       : info->slot == HANDLE_FILES   ? "the file system"
                       : info->slot == HANDLE_NAMES   ? "the name service"
                       : info->slot == HANDLE_ARCHIVE ? "the boot archive"
                       : info->slot == HANDLE_CONSOLE ? "the console"
                                                      : "";
    printf("%6" PRIu32 " %-12s %s %16" PRIx64 " %s\n", info->slot, kind_text(info->kind), rights,
           info->badge, what);
}

static uint64_t handles_print(uint64_t space)
{
    static struct handle_info infos[HANDLE_INFOS_MAX];
    uint64_t count = HANDLE_INFOS_MAX;
    uint64_t first = 0;
    printf("handle kind         rights              badge\n");
    while (count == HANDLE_INFOS_MAX) {
        enum err error = hf_handles(space, first, &count);
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

uint64_t command_handles(const struct words *words)
{
    struct target target;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->items[1], &target)) {
        return COMMAND_FAILED;
    }
    const uint64_t status = handles_print(target.space);
    command_leave_process(&target);
    return status;
}

static const struct {
    const char *name;
    enum mem_limit which;
} limits[] = {
    {"regions", MEM_LIMIT_REGIONS}, {"pages", MEM_LIMIT_PAGES},     {"data", MEM_LIMIT_DATA},
    {"budget", MEM_LIMIT_BUDGET},   {"promised", MEM_LIMIT_COMMIT},
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

/* Say which limits there are, since this is none. */
static uint64_t limit_unknown(const char *name)
{
    printf("shell: %s: no limit; there are", name);
    for (size_t i = 0; i < LIMITS; i++) {
        printf("%s %s", i == 0 ? "" : ",", limits[i].name);
    }
    printf("\n");
    return COMMAND_FAILED;
}

/* `limit` of a process, with the words behind it. */
static uint64_t limit_serve(const struct words *words, const struct target *target)
{
    uint64_t value;
    enum err error = ERR_OK;
    size_t first = 0;
    size_t end = LIMITS;
    if (words->count > 2) {
        while (first < LIMITS && strcmp(words->items[2], limits[first].name) != 0) {
            first++;
        }
        if (first == LIMITS) {
            return limit_unknown(words->items[2]);
        }
        end = first + 1;
    }
    if (words->count == 4) {
        if (!command_number(words->items[3], &value)) {
            return COMMAND_FAILED;
        }
        error = hf_limit_set(target->space, limits[first].which, value);
        if (error == ERR_RIGHTS) {
            printf("shell: %s: not started by the shell, which can only look at its limits\n",
                   words->items[1]);
            return COMMAND_FAILED;
        }
        if (error != ERR_OK) {
            printf("shell: %s\n", hf_last_refusal());
            return COMMAND_FAILED;
        }
    }
    for (size_t i = first; i < end && error == ERR_OK; i++) {
        error = limit_line(target->space, i);
    }
    return error == ERR_OK ? COMMAND_DONE : fail(error);
}

uint64_t command_limit(const struct words *words)
{
    struct target target;
    if (words->count > 4) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->count > 1 ? words->items[1] : NULL, &target)) {
        return COMMAND_FAILED;
    }
    const uint64_t status = limit_serve(words, &target);
    command_leave_process(&target);
    return status;
}
