/* SPDX-License-Identifier: MIT */
/*
 * Bringing a process to the stage, filling it, and making room.
 */
#include "linux_room.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <base/types.h>

#define GIGA         (UINT64_C(1) << 30)
#define STARTS_MAX   4
#define NOBODY       65534
#define BASE_PAGES   37u
#define STACK_IN_USE 65536u
#define GAPS_MAX     64u

/* This process. Set by room_enter() and room_prepare(), then constant. */
static struct {
    struct slot *slot;
    int filler; /* file of the fillers */
    int done;   /* pipe */
    int statm;
    uint64_t window_first; /* addresses of the largest window */
    uint64_t window_end;
    uint64_t low_end;                 /* of the low zone */
    uint64_t base_pages[STEP_LIMITS]; /* of the sequence */
    uint64_t stack_pages;             /* statm counts them as data, RLIMIT_DATA does not */
    struct rlimit limits[STEP_LIMITS];
} state;

static const int resources[STEP_LIMITS] = {
    [STEP_LIMIT_PAGES] = RLIMIT_AS,
    [STEP_LIMIT_DATA] = RLIMIT_DATA,
};

_Noreturn void room_fail(const char *what)
{
    snprintf(state.slot->failure, sizeof(state.slot->failure), "%s: %s", what, strerror(errno));
    char byte = SLOT_FAILED;
    if (write(state.done, &byte, 1) != 1) {
        _exit(2);
    }
    _exit(1);
}

static bool is_mappable(uint64_t addr)
{
    void *at = mmap((void *)addr, PAGE_SIZE, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED) {
        return errno == EEXIST;
    }
    munmap(at, PAGE_SIZE);
    return (uint64_t)at == addr;
}

/* First address after those that can be mapped. */
static uint64_t find_task_end(void)
{
    for (unsigned bits = 57; bits > 36; bits--) {
        uint64_t end = UINT64_C(1) << bits;
        if (is_mappable(end - 2 * PAGE_SIZE)) {
            return is_mappable(end - PAGE_SIZE) ? end : end - PAGE_SIZE;
        }
    }
    room_fail("no end of user addresses found");
}

/* Take away what the kernel mapped for the C library, which lies below the mapping base. */
static void drop_vdso(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    uint64_t ranges[8][2];
    unsigned count = 0;

    if (maps == NULL) {
        room_fail("/proc/self/maps");
    }
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (strstr(line, "[vvar") != NULL || strstr(line, "[vdso]") != NULL) {
            if (count < 8 &&
                sscanf(line, "%" SCNx64 "-%" SCNx64, &ranges[count][0], &ranges[count][1]) == 2) {
                count++;
            }
        }
    }
    fclose(maps);
    for (unsigned i = 0; i < count; i++) {
        munmap((void *)ranges[i][0], ranges[i][1] - ranges[i][0]);
    }
}

static uint64_t find_base(void)
{
    void *at = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        room_fail("first mapping");
    }
    munmap(at, PAGE_SIZE);
    return (uint64_t)at + PAGE_SIZE;
}

/* Start this program again with the mapping base `lower` bytes lower (or where it is first put). */
static void start_again(char **argv, uint64_t limit)
{
    struct rlimit stack;
    unsigned last = 0;
    char count[32];

    while (argv[last + 1] != NULL) {
        last++;
    }
    long starts = strtol(argv[last], NULL, 10);
    if (starts >= STARTS_MAX) {
        errno = 0;
        room_fail("the mapping base does not come to lie where it should");
    }
    snprintf(count, sizeof(count), "%ld", starts + 1);
    argv[last] = count;
    if (getrlimit(RLIMIT_STACK, &stack) != 0) {
        room_fail("getrlimit");
    }
    stack.rlim_cur = limit;
    if (setrlimit(RLIMIT_STACK, &stack) != 0) {
        room_fail("the stack limit cannot be raised");
    }
    if (personality(ADDR_NO_RANDOMIZE) < 0) {
        room_fail("personality");
    }
    execv("/proc/self/exe", argv);
    room_fail("/proc/self/exe");
}

void room_enter(char **argv, struct slot *slot)
{
    struct rlimit stack;
    unsigned last = 0;

    state.slot = slot;
    state.done = atoi(argv[3]);
    while (argv[last + 1] != NULL) {
        last++;
    }
    uint64_t task_end = find_task_end();
    uint64_t wanted = (task_end / 3 / GIGA + 2) * GIGA + BASE_PAGES * PAGE_SIZE;
    if (strcmp(argv[last], "0") == 0) {
        start_again(argv, task_end - wanted);
    }
    drop_vdso();
    uint64_t base = find_base();
    if (base != wanted) {
        if (getrlimit(RLIMIT_STACK, &stack) != 0) {
            room_fail("getrlimit");
        }
        start_again(argv, stack.rlim_cur + base - wanted);
    }
    slot->stage.task_end = task_end;
    slot->stage.base = base;
    slot->stage.shift = base - base % GIGA - STAGE_BASE;
}

/*
 * The sysctl says what takes a privilege; where hints are raised to may be higher
 * (LSM_MMAP_MIN_ADDR).
 */
static void find_lowest(struct stage *stage)
{
    uint64_t lowest;
    FILE *file = fopen("/proc/sys/vm/mmap_min_addr", "r");

    if (file == NULL || fscanf(file, "%" SCNu64, &lowest) != 1) {
        room_fail("/proc/sys/vm/mmap_min_addr");
    }
    fclose(file);
    stage->denied = lowest < PAGE_SIZE ? UINT64_MAX : (lowest - 1) & ~(uint64_t)PAGE_MASK;
    void *at =
        mmap((void *)(uint64_t)PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || (uint64_t)at >= STAGE_LOW) {
        room_fail("no page at the lowest address");
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
        room_fail(path);
    }
    return file;
}

static uint64_t read_stack_pages(void)
{
    char line[512];
    uint64_t kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (sscanf(line, "VmStk: %" SCNu64, &kilobytes) == 1) {
            break;
        }
    }
    if (status == NULL || kilobytes == 0) {
        room_fail("/proc/self/status");
    }
    fclose(status);
    return kilobytes * 1024 / PAGE_SIZE;
}

/* Occupy [first, end). */
static void fill(uint64_t first, uint64_t end)
{
    if (first < end && mmap((void *)first, end - first, PROT_NONE, MAP_SHARED | MAP_FIXED,
                            state.filler, (off_t)first) == MAP_FAILED) {
        room_fail("a filler cannot be mapped");
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
        room_fail("/proc/self/maps");
    }
    fclose(maps);
    fill(denied == UINT64_MAX ? 0 : denied + PAGE_SIZE, state.slot->stage.lowest);
    gaps[count][0] = at;
    gaps[count][1] = state.slot->stage.task_end;
    for (unsigned i = 0; i <= count; i++) {
        fill(gaps[i][0], gaps[i][1]);
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
        room_fail("/proc/self/statm");
    }
    state.base_pages[STEP_LIMIT_PAGES] = size;
    state.base_pages[STEP_LIMIT_DATA] = data - state.stack_pages;
}

static void drop_privileges(void)
{
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        room_fail("privileges cannot be dropped");
    }
}

void room_prepare(struct slot *slot, struct room_files *files)
{
    struct stage *stage = &slot->stage;
    volatile char stack[STACK_IN_USE];

    /* The stack cannot grow any more once its neighbourhood is filled. */
    for (size_t i = 0; i < sizeof(stack); i += PAGE_SIZE / 2) {
        stack[i] = 0;
    }
    find_lowest(stage);
    state.low_end = stage->lowest + STAGE_LOW_PAGES * PAGE_SIZE;
    state.window_first = stage->base - (uint64_t)STAGE_BELOW * PAGE_SIZE;
    state.window_end = stage->base + (uint64_t)STAGE_ABOVE * PAGE_SIZE;
    state.filler = memfd_create("filler", 0);
    if (state.filler < 0) {
        room_fail("memfd_create");
    }
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        room_fail("transparent huge pages cannot be turned off");
    }
    *files = (struct room_files){open_own("maps"), open_own("smaps"), open_own("pagemap"),
                                 open_own("mem"), open_own("statm")};
    for (unsigned i = 0; i < STEP_LIMITS; i++) {
        if (getrlimit((__rlimit_resource_t)resources[i], &state.limits[i]) != 0) {
            room_fail("getrlimit");
        }
    }
    if (slot->sequence.is_privileged == 0) {
        drop_privileges();
    }
    state.stack_pages = read_stack_pages();
    fill_gaps();
    state.statm = files->statm;
}

void room_change(const struct slot *slot)
{
    const struct zone *window = &slot->sequence.room.zones[STAGE_WINDOW];
    uint64_t first = stage_to_linux(&slot->stage, (uint64_t)window->first << PAGE_SHIFT);
    uint64_t end = stage_to_linux(&slot->stage, (uint64_t)window->end << PAGE_SHIFT);
    uint64_t lowest = slot->stage.lowest;

    for (unsigned i = 0; i < STEP_LIMITS; i++) {
        if (setrlimit((__rlimit_resource_t)resources[i], &state.limits[i]) != 0) {
            room_fail("setrlimit");
        }
    }
    if (slot->stage.denied != UINT64_MAX) {
        munmap((void *)slot->stage.denied, PAGE_SIZE);
    }
    if (munmap((void *)lowest, state.low_end - lowest) != 0 ||
        munmap((void *)state.window_first, state.window_end - state.window_first) != 0) {
        room_fail("the room cannot be emptied");
    }
    fill(state.window_first, first);
    fill(end, state.window_end);
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
