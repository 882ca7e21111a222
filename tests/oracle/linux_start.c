/* SPDX-License-Identifier: MIT */
/*
 * The ends of the address space and the mapping base.
 */
#include "linux_start.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/types.h>

#include "linux_fail.h"

#define GIGA       (UINT64_C(1) << 30)
#define STARTS_MAX 4
#define KEYS_MAX   64u
#define BASE_PAGES 37u

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
    fail_end("no end of user addresses found");
}

/* Take away what the kernel mapped for the C library, which lies below the mapping base. */
static void drop_vdso(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    uint64_t ranges[8][2];
    unsigned count = 0;

    if (maps == NULL) {
        fail_end("/proc/self/maps");
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
        fail_end("first mapping");
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
        fail_end("the mapping base does not come to lie where it should");
    }
    snprintf(count, sizeof(count), "%ld", starts + 1);
    argv[last] = count;
    if (getrlimit(RLIMIT_STACK, &stack) != 0) {
        fail_end("getrlimit");
    }
    stack.rlim_cur = limit;
    if (setrlimit(RLIMIT_STACK, &stack) != 0) {
        fail_end("the stack limit cannot be raised");
    }
    if (personality(ADDR_NO_RANDOMIZE) < 0) {
        fail_end("personality");
    }
    execv("/proc/self/exe", argv);
    fail_end("/proc/self/exe");
}

/*
 * Use up the protection keys. Where the processor has some, Linux takes one for memory that may
 * only be executed, if there is one left: nobody reads it then, not even POPULATE, and who tries
 * gets a signal of its own. Without one all is as on processors that have none.
 */
static void spend_keys(void)
{
    for (unsigned i = 0; i < KEYS_MAX && syscall(SYS_pkey_alloc, 0, 0) >= 0; i++) {
    }
}

void start_enter(char **argv, struct slot *slot)
{
    struct rlimit stack;
    unsigned last = 0;

    while (argv[last + 1] != NULL) {
        last++;
    }
    spend_keys();
    uint64_t task_end = find_task_end();
    uint64_t wanted = (task_end / 3 / GIGA + 2) * GIGA + BASE_PAGES * PAGE_SIZE;
    if (strcmp(argv[last], "0") == 0) {
        start_again(argv, task_end - wanted);
    }
    drop_vdso();
    uint64_t base = find_base();
    if (base != wanted) {
        if (getrlimit(RLIMIT_STACK, &stack) != 0) {
            fail_end("getrlimit");
        }
        start_again(argv, stack.rlim_cur + base - wanted);
    }
    slot->stage.task_end = task_end;
    slot->stage.base = base;
    slot->stage.shift = base - base % GIGA - STAGE_BASE;
}
