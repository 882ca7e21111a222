/* SPDX-License-Identifier: MIT */
/*
 * Filling a process, and making room.
 */
#include "linux_room.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/capability.h>

#include <base/types.h>

#include "linux_crowd.h"
#include "linux_fail.h"
#include "linux_huge.h"
#include "linux_object.h"

#define NOBODY       65534
#define STACK_IN_USE 65536u
#define GAPS_MAX     64u

/* This process. Set by room_prepare(), then constant. */
static struct {
    struct slot *slot;
    int filler; /* file of the fillers */
    int statm;
    uint64_t window_first; /* addresses of the largest window */
    uint64_t window_end;
    uint64_t low_end;                 /* of the low zone */
    uint64_t base_pages[STEP_LIMITS]; /* of the sequence */
    uint64_t stack_pages;             /* statm counts them as data, RLIMIT_DATA does not */
    struct rlimit limits[STEP_LIMITS];
    bool is_locked; /* all that is outside the zones */
    int status;
    uint64_t base_locked; /* pages that Linux counts though none is locked, see known_lock.c */
} state;

static const int resources[STEP_LIMITS] = {
    [STEP_LIMIT_PAGES] = RLIMIT_AS,
    [STEP_LIMIT_DATA] = RLIMIT_DATA,
    [STEP_LIMIT_LOCKED] = RLIMIT_MEMLOCK,
    [STEP_LIMIT_STACK] = RLIMIT_STACK,
};

/*
 * The sysctl says what takes a privilege; where hints are raised to may be higher
 * (LSM_MMAP_MIN_ADDR).
 */
static void find_lowest(struct stage *stage)
{
    uint64_t lowest;
    FILE *file = fopen("/proc/sys/vm/mmap_min_addr", "r");

    if (file == NULL || fscanf(file, "%" SCNu64, &lowest) != 1) {
        fail_end("/proc/sys/vm/mmap_min_addr");
    }
    fclose(file);
    stage->denied = lowest < PAGE_SIZE ? UINT64_MAX : (lowest - 1) & ~(uint64_t)PAGE_MASK;
    void *at =
        mmap((void *)(uint64_t)PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || (uint64_t)at >= STAGE_LOW) {
        fail_end("no page at the lowest address");
    }
    munmap(at, PAGE_SIZE);
    stage->lowest = (uint64_t)at;
}

static int open_own(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/%s", name);
    int file = open(path, O_RDONLY);
    if (file < 0) {
        fail_end(path);
    }
    return file;
}

/* The number behind a name in /proc/self/status. */
static uint64_t read_status(const char *name, int base)
{
    char line[512];
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            fclose(status);
            return strtoull(line + strlen(name), NULL, base);
        }
    }
    fail_end("/proc/self/status");
}

static bool has_capability(unsigned capability)
{
    return (read_status("CapEff:", 16) >> capability & 1) != 0;
}

void room_fill(uint64_t first, uint64_t end)
{
    if (first < end && mmap((void *)first, end - first, PROT_NONE, MAP_SHARED | MAP_FIXED,
                            state.filler, (off_t)first) == MAP_FAILED) {
        fail_end("a filler cannot be mapped");
    }
}

/* Occupy everything that is free but for the zones below the window. */
static void fill_gaps(void)
{
    static uint64_t gaps[GAPS_MAX][2];
    char line[512];
    unsigned count = 0;
    uint64_t denied = state.slot->stage.denied;
    uint64_t at = state.low_end;
    FILE *maps = fopen("/proc/self/maps", "r");

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL && count < GAPS_MAX - 1) {
        uint64_t first;
        uint64_t end;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &first, &end) != 2 ||
            first >= state.slot->stage.task_end) {
            continue;
        }
        gaps[count][0] = at;
        gaps[count][1] = first;
        count++;
        at = end;
    }
    if (maps == NULL || count == GAPS_MAX - 1) {
        fail_end("/proc/self/maps");
    }
    fclose(maps);
    room_fill(denied == UINT64_MAX ? 0 : denied + PAGE_SIZE, state.slot->stage.lowest);
    gaps[count][0] = at;
    gaps[count][1] = state.slot->stage.task_end;
    for (unsigned i = 0; i <= count; i++) {
        room_fill(gaps[i][0], gaps[i][1]);
    }
}

static void read_base_pages(void)
{
    char text[256];
    uint64_t size;
    uint64_t data;

    ssize_t length = pread(state.statm, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    if (sscanf(text, "%" SCNu64 " %*u %*u %*u %*u %" SCNu64, &size, &data) != 2) {
        fail_end("/proc/self/statm");
    }
    state.base_pages[STEP_LIMIT_PAGES] = size;
    state.base_pages[STEP_LIMIT_DATA] = data - state.stack_pages;
}

/* No capability has effect any longer; clones take them back for their files. */
static void drop_privileges(void)
{
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, 0) != 0) {
        fail_end("privileges cannot be dropped");
    }
}

static struct room_files open_files(void)
{
    return (struct room_files){open_own("maps"), open_own("smaps"), open_own("pagemap"),
                               open_own("mem"),  open_own("statm"), open_own("status")};
}

void room_prepare(struct slot *slot, struct room_files *files)
{
    struct stage *stage = &slot->stage;
    volatile char stack[STACK_IN_USE];

    /* The stack cannot grow any more once its neighbourhood is filled. */
    for (size_t i = 0; i < sizeof(stack); i += PAGE_SIZE / 2) {
        stack[i] = 0;
    }
    state.slot = slot;
    find_lowest(stage);
    state.low_end = stage->lowest + STAGE_LOW_PAGES * PAGE_SIZE;
    state.window_first = stage->base - (uint64_t)STAGE_BELOW * PAGE_SIZE;
    state.window_end = stage->base + (uint64_t)STAGE_ABOVE * PAGE_SIZE;
    state.filler = memfd_create("filler", 0);
    if (state.filler < 0) {
        fail_end("memfd_create");
    }
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        fail_end("transparent huge pages cannot be turned off");
    }
    *files = open_files();
    for (unsigned i = 0; i < STEP_LIMITS; i++) {
        if (getrlimit((__rlimit_resource_t)resources[i], &state.limits[i]) != 0) {
            fail_end("getrlimit");
        }
        state.limits[i].rlim_cur = state.limits[i].rlim_max;
    }
    /* Room for base_locked. */
    stage->lock_max = state.limits[STEP_LIMIT_LOCKED].rlim_max / 2;
    object_prepare();
    if (slot->sequence.is_privileged == 0) {
        drop_privileges();
    }
    state.stack_pages = read_status("VmStk:", 10) * 1024 / PAGE_SIZE;
    stage->rights = (has_capability(CAP_SYS_RAWIO) ? STAGE_MAY_LOW : 0) |
                    (has_capability(CAP_IPC_LOCK) ? STAGE_MAY_LOCK : 0) | object_rights();
    fill_gaps();
    state.statm = files->statm;
    state.status = files->status;
    if (slot->sequence.spare != SLOT_NOT_CROWDED) {
        crowd_make(slot, files->maps);
    }
}

/* A number of pages of /proc/self/status, which gives kilobytes. */
static uint64_t read_pages(const char *name)
{
    static char lines[4096];

    ssize_t bytes = pread(state.status, lines, sizeof(lines) - 1, 0);
    lines[bytes > 0 ? bytes : 0] = '\0';
    const char *line = strstr(lines, name);
    if (line == NULL) {
        fail_end("/proc/self/status");
    }
    return strtoull(line + strlen(name), NULL, 10) / (PAGE_SIZE / 1024);
}

void room_change(const struct slot *slot)
{
    const struct zone *window = &slot->sequence.room.zones[STAGE_WINDOW];
    uint64_t first = stage_to_linux(&slot->stage, (uint64_t)window->first << PAGE_SHIFT);
    uint64_t end = stage_to_linux(&slot->stage, (uint64_t)window->end << PAGE_SHIFT);
    uint64_t lowest = slot->stage.lowest;

    if (munlockall() != 0) {
        fail_end("munlockall");
    }
    state.is_locked = false;
    state.base_locked = read_pages("VmLck:");
    state.limits[STEP_LIMIT_STACK].rlim_cur = STAGE_STACK_MAX;
    state.limits[STEP_LIMIT_LOCKED].rlim_cur = room_lock_limit(slot->stage.lock_max);
    for (unsigned i = 0; i < STEP_LIMITS; i++) {
        if (setrlimit((__rlimit_resource_t)resources[i], &state.limits[i]) != 0) {
            fail_end("setrlimit");
        }
    }
    if (slot->stage.denied != UINT64_MAX) {
        munmap((void *)slot->stage.denied, PAGE_SIZE);
    }
    object_forget();
    uint64_t low = (uint64_t)slot->sequence.room.zones[1].end << PAGE_SHIFT;
    if (munmap((void *)lowest, state.low_end - lowest) != 0 ||
        munmap((void *)state.window_first, state.window_end - state.window_first) != 0) {
        fail_end("the room cannot be emptied");
    }
    linux_huge_begin(&slot->stage);
    room_fill(low > lowest ? low : lowest, state.low_end);
    room_fill(state.window_first, first);
    room_fill(end, state.window_end);
    if (slot->sequence.spare != SLOT_NOT_CROWDED) {
        crowd_change(slot);
    }
    read_base_pages();
}

uint64_t room_pages(unsigned which)
{
    return state.base_pages[which];
}

uint64_t room_data_pages(uint64_t statm_data)
{
    return statm_data - state.stack_pages - state.base_pages[STEP_LIMIT_DATA];
}

uint64_t room_locked_pages(void)
{
    uint64_t outside = state.is_locked ? state.base_pages[STEP_LIMIT_PAGES] : 0;

    /* Linux counts the pages of a region in an int: fillers are right modulo 2^32. */
    return (uint32_t)(read_pages("VmLck:") - state.base_locked - outside);
}

uint64_t room_stack_pages(void)
{
    return read_pages("VmStk:") - state.stack_pages;
}

uint64_t room_lock_limit(uint64_t bytes)
{
    return bytes == 0 ? 0 : bytes + state.base_locked * PAGE_SIZE;
}

void room_set_locked(bool is_locked)
{
    state.is_locked = is_locked;
}

void room_enter_clone(struct room_files *files)
{
    const int old[] = {files->maps,   files->smaps, files->pagemap,
                       files->memory, files->statm, files->status};
    const bool is_privileged = state.slot->sequence.is_privileged != 0;
    const uint64_t base_locked = state.base_locked;
    struct rlimit limit;

    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        close(old[i]);
    }
    if (!is_privileged && setresuid(NOBODY, 0, 0) != 0) {
        fail_end("privileges cannot be taken back");
    }
    *files = open_files();
    if (!is_privileged) {
        drop_privileges();
    }
    state.statm = files->statm;
    state.status = files->status;
    state.is_locked = false;
    state.base_locked = read_pages("VmLck:");
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        fail_end("getrlimit");
    }
    if (limit.rlim_cur != 0) {
        limit.rlim_cur += (state.base_locked - base_locked) * PAGE_SIZE;
    }
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        fail_end("setrlimit");
    }
}
