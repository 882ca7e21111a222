/* SPDX-License-Identifier: MIT */
/*
 * The program of crash_test.py: processes write generations of a pattern into a partition that all
 * have mapped, each into pages of its own, SYNC some of them, and say on another partition for
 * which generation of which page SYNC has answered. One of them SYNCs all pages while the others
 * write. Nothing that is said is flushed: where it stands in the log of the disk is what counts.
 *
 *     crash_guest SEED [MARKS]    (the partition for what is said; the next one has the pages)
 *
 * Word i of a page p is p << 16 | i, and its generation in bits 32 to 39: whoever finds one knows
 * where it belongs and how old it is.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/disk.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/shared.h>

#include "guest.h"

#define SECTOR     DISK_SECTOR_BYTES
#define PAGE       4096u
#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define WRITERS    3u
#define OWN_PAGES  12u
#define PAGES      (WRITERS * OWN_PAGES)
#define ROUNDS     12u

/* A sector of the partition `marks`, which has one for each process: of each page, the last
 * generation for which SYNC has answered. */
struct mark {
    char magic[8];
    uint8_t promised[PAGES];
    uint8_t unused[SECTOR - 8 - PAGES];
};

static struct hf_disk disk;
static uint32_t marks;
static uint64_t *data;
static _Atomic uint8_t *written; /* the generation of each page, shared by all */
static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(random_state >> 33) % below;
}

static void *shared_memory(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    guest_expect("memory", at != MAP_FAILED);
    return at;
}

static void map_data(void)
{
    uint64_t bytes = 0;
    uint64_t address = 0;
    struct hf_map map = {.prot = MEM_PROT_READ | MEM_PROT_WRITE, .flags = MEM_MAP_SHARED};
    guest_check("object", hf_disk_object(&disk, marks + 1, &map.object, &bytes));
    guest_expect("the size of the partition", bytes >= (uint64_t)PAGES * PAGE);
    map.length = (uint64_t)PAGES * PAGE;
    guest_check("map", hf_map(map, &address));
    guest_check("close", hf_shared_close(map.object));
    data = (uint64_t *)address;
}

/* The next generation of a page. It is counted as written when all of it is. */
static void write_page(unsigned page)
{
    const uint8_t generation = written[page] + 1;
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        data[page * PAGE_WORDS + i] = (uint64_t)generation << 32 | (uint64_t)page << 16 | i;
    }
    written[page] = generation;
}

/* SYNC pages, then say which generation of them is lasting now. */
static void sync_pages(struct mark *mark, unsigned index, unsigned first, unsigned count)
{
    uint8_t before[PAGES];
    for (unsigned i = first; i < first + count; i++) {
        before[i] = written[i];
    }
    guest_expect("msync", msync(data + first * PAGE_WORDS, (size_t)count * PAGE, MS_SYNC) == 0);
    memcpy(mark->promised + first, before + first, count);
    guest_check("mark", hf_disk_write(&disk, marks, (uint64_t)index * SECTOR, mark, SECTOR));
}

static struct mark *mark_make(void)
{
    struct mark *mark = aligned_alloc(SECTOR, sizeof(*mark));
    guest_expect("memory", mark != NULL);
    *mark = (struct mark){.magic = "promised"};
    return mark;
}

/* A child: writes some of its pages, and SYNCs some of them, ROUNDS times. */
static void write_on(unsigned index, uint64_t seed)
{
    struct mark *mark = mark_make();
    const unsigned first = index * OWN_PAGES;
    random_state = seed + index;
    guest_check("open", hf_disk_open(0, &disk));
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < OWN_PAGES; i++) {
            if (draw(2) == 0) {
                write_page(first + i);
            }
        }
        const unsigned from = draw(OWN_PAGES);
        sync_pages(mark, index, first + from, 1 + draw(OWN_PAGES - from));
    }
    exit(0);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    struct mark *mark = mark_make();
    unsigned running = WRITERS;
    unsigned rounds = 0;
    marks = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
    guest_check("open", hf_disk_open(1, &disk));
    guest_check("delay", hf_disk_delay(&disk, seed, hf_env()->timebase_hz / 400));
    written = shared_memory(PAGES);
    map_data();
    for (unsigned i = 0; i < WRITERS; i++) {
        const pid_t child = fork();
        guest_expect("fork", child >= 0);
        if (child == 0) {
            write_on(i, seed);
        }
    }
    while (running > 0) {
        int status = 0;
        sync_pages(mark, WRITERS, 0, PAGES);
        rounds++;
        while (running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
            guest_expect("the status of a writer", status == 0);
            running--;
        }
    }
    sync_pages(mark, WRITERS, 0, PAGES);
    printf("done: all synced %u times beside %u writers\n", rounds, WRITERS);
    return 0;
}
