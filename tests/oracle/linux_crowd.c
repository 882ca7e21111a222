/* SPDX-License-Identifier: MIT */
/*
 * The crowd.
 */
#include "linux_crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/types.h>

#include "linux_fail.h"
#include "linux_room.h"

/* From the mapping base. */
#define CROWD_AWAY (UINT64_C(1) << 34)

/* Constant once the crowd stands. */
static struct {
    uint64_t first; /* address of the crowd */
    uint64_t fixed; /* pages of it that stay */
} crowd;

static uint64_t read_limit(void)
{
    uint64_t limit;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

    if (file == NULL || fscanf(file, "%" SCNu64, &limit) != 1) {
        fail_end("/proc/sys/vm/max_map_count");
    }
    fclose(file);
    return limit;
}

/* Regions of this process: lines of user addresses. */
static uint64_t count_regions(const struct slot *slot, int maps)
{
    static char text[65536];
    uint64_t count = 0;

    if (lseek(maps, 0, SEEK_SET) != 0) {
        fail_end("lseek");
    }
    for (;;) {
        ssize_t bytes = read(maps, text, sizeof(text) - 1);
        if (bytes < 0) {
            fail_end("list of regions");
        }
        if (bytes == 0) {
            return count;
        }
        text[bytes] = '\0';
        for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
            count += strtoull(line, NULL, 16) < slot->stage.task_end;
        }
    }
}

static void add_page(uint64_t number)
{
    int prot = number % 2 == 0 ? PROT_READ : PROT_NONE;

    if (mmap((void *)(crowd.first + number * PAGE_SIZE), PAGE_SIZE, prot,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        fail_end("the crowd");
    }
}

void crowd_make(const struct slot *slot, int maps)
{
    /* The window, still filled, will split the filler. */
    uint64_t limit = read_limit() - 1;

    crowd.first = slot->stage.base + CROWD_AWAY;
    /* The first one splits the filler. */
    add_page(0);
    uint64_t count = count_regions(slot, maps);
    if (limit < count + CROWD_SPARE_MAX || limit > 1000000) {
        fail_end("the limit of regions cannot be reached");
    }
    crowd.fixed = limit - CROWD_SPARE_MAX - count + 1;
    for (uint64_t i = 1; i < crowd.fixed; i++) {
        add_page(i);
    }
    if (count_regions(slot, maps) != limit - CROWD_SPARE_MAX) {
        fail_end("the crowd has another number of regions than it should");
    }
}

void crowd_change(const struct slot *slot)
{
    uint64_t end = crowd.first + (crowd.fixed + CROWD_SPARE_MAX) * PAGE_SIZE;

    room_fill(crowd.first + crowd.fixed * PAGE_SIZE, end);
    for (uint64_t i = 0; i + slot->sequence.spare < CROWD_SPARE_MAX; i++) {
        add_page(crowd.fixed + i);
    }
}
