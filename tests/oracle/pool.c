/* SPDX-License-Identifier: MIT */
/*
 * The counts of sysfs (Documentation/admin-guide/mm/hugetlbpage.rst), one of which is a lock too.
 */
#include "pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* This process. */
static int pool = -1;     /* its size: read, written, locked */
static char before[32];   /* what it was; empty: nothing to be made undone */
static char failure[160]; /* why pool_take() refuses */

static bool read_count(const char *path, uint64_t *count)
{
    char text[32];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

    if (file >= 0) {
        close(file);
    }
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';
    *count = strtoull(text, NULL, 10);
    return true;
}

static const char *refuse(const char *why)
{
    snprintf(failure, sizeof(failure), "%s", why);
    if (pool >= 0) {
        close(pool);
        pool = -1;
    }
    return failure;
}

void pool_give_back(void)
{
    if (before[0] != '\0') {
        ssize_t done = pwrite(pool, before, strlen(before), 0);

        (void)done; /* nobody could do anything about it */
        before[0] = '\0';
    }
}

/* Whether the size that is used where nothing is said is 2 MiB. */
static bool is_default_size(void)
{
    char line[128];
    bool is_default = false;
    FILE *file = fopen("/proc/meminfo", "r");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "Hugepagesize:", 13) == 0) {
            is_default = strtoul(line + 13, NULL, 10) == 2048;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return is_default;
}

const char *pool_take(uint32_t pages)
{
    uint64_t total;
    uint64_t free_pages;
    uint64_t promised;
    uint64_t more;
    char text[32];

    pool = open(POOL "nr_hugepages", O_RDWR | O_CLOEXEC);
    if (pool < 0) {
        return refuse("the size of the pool of huge pages cannot be set: no root, or no pool");
    }
    if (!is_default_size()) {
        return refuse("huge pages are not of 2 MiB here");
    }
    if (flock(pool, LOCK_EX) != 0 || !read_count(POOL "nr_hugepages", &total) ||
        !read_count(POOL "free_hugepages", &free_pages) ||
        !read_count(POOL "resv_hugepages", &promised) ||
        !read_count(POOL "nr_overcommit_hugepages", &more)) {
        return refuse("the pool of huge pages cannot be read");
    }
    if (free_pages != total || more != 0) {
        return refuse("somebody uses huge pages, or may have more than there are");
    }
    int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)(pages + promised));
    snprintf(before, sizeof(before), "%llu", (unsigned long long)total);
    if (pwrite(pool, text, (size_t)length, 0) != length ||
        !read_count(POOL "nr_hugepages", &total) || total != pages + promised) {
        pool_give_back();
        return refuse("there is no pool of as many huge pages to be had");
    }
    return NULL;
}
