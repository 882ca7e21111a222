/* SPDX-License-Identifier: MIT */
/*
 * Private pages are seen through the region, as far as the page table has them. Of a shared object
 * the page table of one process says little, so its file is read.
 */
#include "linux_huge.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/bits.h>
#include <base/types.h>

#include "linux_fail.h"

#define HUGE_BYTES ((size_t)STAGE_HUGE * PAGE_SIZE)
#define POOL       "/sys/kernel/mm/hugepages/hugepages-2048kB/"
/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT BIT(63)

static int pool_free = -1;
static int pool_promised = -1;
static bool is_counted;                 /* the pool is the stage's, not another's */
static uint64_t lost;                   /* pages that are promised to nobody */
static unsigned char bytes[HUGE_BYTES]; /* of the page that is looked at */

void linux_huge_init(void)
{
    pool_free = open(POOL "free_hugepages", O_RDONLY | O_CLOEXEC);
    pool_promised = open(POOL "resv_hugepages", O_RDONLY | O_CLOEXEC);
}

static uint64_t read_count(int file)
{
    char text[32];

    if (file < 0) {
        return 0;
    }
    ssize_t length = pread(file, text, sizeof(text) - 1, 0);
    if (length <= 0) {
        fail_end(POOL);
    }
    text[length] = '\0';
    return strtoull(text, NULL, 10);
}

void linux_huge_begin(const struct stage *stage)
{
    char text[32];

    is_counted = (stage->rights & STAGE_HUGE_PAGES) != 0;
    if (!is_counted) {
        return;
    }
    lost = read_count(pool_promised);
    if (read_count(pool_free) == stage->huge + lost) {
        return;
    }
    int length = snprintf(text, sizeof(text), "%" PRIu64, stage->huge + lost);
    int file = open(POOL "nr_hugepages", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, text, (size_t)length) != length ||
        read_count(pool_free) != stage->huge + lost) {
        fail_end(POOL "nr_hugepages");
    }
    close(file);
}

void linux_huge_count(struct look_head *head)
{
    head->huge_free = is_counted ? read_count(pool_free) - lost : 0;
    head->huge_promised = is_counted ? read_count(pool_promised) - lost : 0;
}

/* The words of the huge page at `page`, which `bytes` holds. */
static void add_words(uint32_t page, bool is_shared, struct look_log *log)
{
    for (uint32_t i = 0; i < STAGE_HUGE; i++) {
        struct look_word word;

        memcpy(&word.head, bytes + (size_t)i * PAGE_SIZE, sizeof(word.head));
        memcpy(&word.tail, bytes + (size_t)(i + 1) * PAGE_SIZE - sizeof(word.tail),
               sizeof(word.tail));
        if (!is_shared || (word.head | word.tail) != 0) {
            look_add_page(log, page + i, LOOK_OWN, &word);
        }
    }
}

/* Read a huge page of a file. Returns: whether all of it was there. */
static bool read_page(int file, uint64_t offset)
{
    size_t done = 0;

    while (done < HUGE_BYTES) {
        ssize_t more = pread(file, bytes + done, HUGE_BYTES - done, (off_t)(offset + done));
        if (more <= 0) {
            return false;
        }
        done += (size_t)more;
    }
    return true;
}

static void look_shared(uint64_t start, const struct look_region *region, struct look_log *log)
{
    const uint64_t end = start + (uint64_t)(region->end - region->first) * PAGE_SIZE;
    char path[80];

    snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIx64 "-%" PRIx64, start, end);
    int file = open(path, O_RDONLY);
    if (file < 0) {
        fail_end(path);
    }
    for (uint32_t at = 0; at < region->end - region->first; at += STAGE_HUGE) {
        if (read_page(file, (region->offset + at) * PAGE_SIZE)) {
            add_words(region->first + at, true, log);
        }
    }
    close(file);
}

void linux_huge_pages(const struct slot *slot, int pagemap, int memory,
                      const struct look_region *region, struct look_log *log)
{
    const uint64_t start = stage_to_linux(&slot->stage, (uint64_t)region->first << PAGE_SHIFT);

    if ((region->flags & LOOK_SHARED) != 0) {
        look_shared(start, region, log);
        return;
    }
    for (uint32_t at = 0; at < region->end - region->first; at += STAGE_HUGE) {
        const uint64_t addr = start + (uint64_t)at * PAGE_SIZE;
        uint64_t entry;

        if (pread(pagemap, &entry, sizeof(entry), (off_t)(addr >> PAGE_SHIFT) * 8) !=
            sizeof(entry)) {
            fail_end("/proc/self/pagemap");
        }
        if ((entry & PAGEMAP_PRESENT) == 0) {
            continue;
        }
        if (!read_page(memory, addr)) {
            fail_end("/proc/self/mem");
        }
        add_words(region->first + at, false, log);
    }
}
