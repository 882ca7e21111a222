/* SPDX-License-Identifier: MIT */
/*
 * The program of paging_test.py: several threads read and write a partition that is larger than
 * memory, while the disk holds its answers for seeded times, and other threads read the disk
 * itself. Ends with what was counted meanwhile.
 *
 *     paging_guest SEED PAGES [PARTITION]
 *
 * Of each page some words are looked at: word i is page << 32 | i, as the host has written it, with
 * WRITTEN once the guest has written it. The host looks at all words in the end.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <hf/disk.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/shared.h>
#include <hf/thread.h>

#include "guest.h"

#define PAGE       4096u
#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define STEP       64u /* words between those that are looked at */
#define WRITTEN    (UINT64_C(1) << 63)
#define READERS    3u /* that map the partition */
#define PINS       16u
#define WRITES     64u /* every so many pages one is written */
#define MEETINGS   8u  /* pages that all readers want at once */

static struct hf_disk disk;
static uint64_t *data;
static uint32_t partition = 1; /* with the data */
static uint64_t pages;
static atomic_uint running = READERS;
static atomic_uint arrived;

static bool is_written(uint64_t page)
{
    return page % WRITES == 0;
}

/* A page is as the host wrote it or, `is_new`, as a reader has. */
static void look(uint64_t page, bool is_new)
{
    for (uint64_t i = 0; i < PAGE_WORDS; i += STEP) {
        const uint64_t word = data[page * PAGE_WORDS + i];
        const uint64_t mark = is_new ? WRITTEN : word & (is_written(page) ? WRITTEN : 0);
        guest_expect("what is in a page", word == (mark | page << 32 | i));
    }
}

struct reader {
    struct hf_thread thread;
    uint64_t first;
};

/*
 * Want the same pages at the same time as the others, ones that nobody has looked at: the first
 * asks for them, the others join.
 */
static void meet(void)
{
    for (unsigned i = 1; i <= MEETINGS; i++) {
        arrived++;
        while (arrived < i * READERS) {
            hf_yield();
        }
        look(pages - i * (pages / (MEETINGS * READERS + 1)), false);
    }
}

/* Go once round the partition, and write the pages of which this is told. */
static void read_on(void *argument)
{
    const struct reader *reader = argument;
    meet();
    for (uint64_t i = 0; i < pages; i++) {
        const uint64_t page = (reader->first + i) % pages;
        look(page, false);
        if (is_written(page)) {
            for (uint64_t word = 0; word < PAGE_WORDS; word++) {
                data[page * PAGE_WORDS + word] |= WRITTEN;
            }
        }
    }
    running--;
}

/* Pin pages that are not there, with the space kept while they are waited for. */
static void pin_some(void *unused)
{
    (void)unused;
    for (uint64_t i = 0; i < PINS; i++) {
        const uint64_t page = (i * 7919 + 13) % pages;
        const struct hf_pin pin = {
            .addr = data + page * PAGE_WORDS, .pages = 1, .flags = MEM_PIN_GET, .purpose = "test"};
        uint64_t number = 0;
        guest_check("pin", hf_pin_all(&pin, &number, NULL));
        look(page, false);
        guest_check("unpin", hf_unpin(number, 0));
    }
}

/* What the disk is asked for beside the pages. */
static void read_raw(void *unused)
{
    struct hf_disk own;
    uint64_t *buffer =
        mmap(NULL, 64 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)unused;
    guest_expect("memory", buffer != MAP_FAILED);
    guest_check("open", hf_disk_open(0, &own));
    for (uint64_t page = 1; running > 0; page = (page + 61) % (pages - 16)) {
        guest_check("read", hf_disk_read(&own, partition, page * PAGE, buffer, 64 * 1024));
        guest_expect("what was read", (buffer[1] & ~WRITTEN) == (page << 32 | 1));
    }
    hf_disk_close(&own);
}

static void map_data(void)
{
    uint64_t bytes = 0;
    uint64_t address = 0;
    struct hf_map map = {.prot = MEM_PROT_READ | MEM_PROT_WRITE, .flags = MEM_MAP_SHARED};
    guest_check("object", hf_disk_object(&disk, partition, &map.object, &bytes));
    guest_expect("the size of the partition", bytes >= pages * PAGE);
    map.length = pages * PAGE;
    guest_check("map", hf_map(map, &address));
    guest_check("close", hf_shared_close(map.object));
    data = (uint64_t *)address;
}

static void tell(void)
{
    struct mem_stats_waits_rep waits;
    struct mem_stats_pages_rep seen;
    struct disk_counts_rep counts;
    guest_check("stats", hf_stats_waits(&waits));
    guest_check("stats", hf_stats_pages(&seen));
    guest_check("counts", hf_disk_counts(&disk, &counts));
    printf("counts: first %" PRIu64 " second %" PRIu64 " timeouts %" PRIu64 " stale %" PRIu64
           " pulls %" PRIu64 " joined %" PRIu64 " saves %" PRIu64 " ahead %" PRIu64 " hits %" PRIu64
           " around %" PRIu64 " evicted %" PRIu64 " depth %" PRIu64 " frames %" PRIu64 "\n",
           waits.first, waits.second, waits.timeouts, waits.stale, seen.pulls, seen.joined,
           seen.saves, seen.ahead, seen.hits, seen.around, seen.evicted, counts.depth_max,
           waits.frames);
}

int main(int argc, char **argv)
{
    static struct reader readers[READERS];
    static struct hf_thread raw;
    static struct hf_thread pinner;
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    pages = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    if (argc > 3) {
        partition = (uint32_t)strtoul(argv[3], NULL, 0);
    }
    guest_check("open", hf_disk_open(1, &disk));
    guest_check("delay", hf_disk_delay(&disk, seed, hf_env()->timebase_hz / 1000));
    map_data();
    guest_check("thread", hf_thread_run(&raw, 8, read_raw, NULL));
    guest_check("thread", hf_thread_run(&pinner, 8, pin_some, NULL));
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].first = i * pages / READERS;
        guest_check("thread", hf_thread_run(&readers[i].thread, 8, read_on, &readers[i]));
    }
    for (unsigned i = 0; i < READERS; i++) {
        hf_thread_join(&readers[i].thread);
    }
    hf_thread_join(&pinner);
    hf_thread_join(&raw);
    for (uint64_t page = 0; page < pages; page++) {
        look(page, is_written(page));
    }
    guest_expect("msync", msync(data, pages * PAGE, MS_SYNC) == 0);
    tell();
    return 0;
}
