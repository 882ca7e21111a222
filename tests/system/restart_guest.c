/* SPDX-License-Identifier: MIT */
/*
 * The program of restart_test.py: maps partitions of the disk, and ends the disk's driver while
 * they are used. Word i of page p of the disk is round << 56 | p << 32 | i: round 0 is the host's.
 * [in=PARTITION] WHAT [NUMBER], with in= a partition is what is else the whole disk:
 *
 *   returns ROUND   threads write and SYNC all pages; the driver is ended and started again
 *   keeps ROUND     what was written, unmapped and not SYNCed is there by the next driver
 *   gone            no driver comes: what is not there is a bus error with a reason, soon
 *   moved NUMBER    the next driver does not find the partition of that number
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
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <hf/thread.h>

#include "guest.h"
#include "whole.h"

#define PAGE        4096u
#define PAGE_WORDS  (PAGE / sizeof(uint64_t))
#define ROUND_SHIFT 56
#define MAPPERS     6u
#define KILLS       3u
#define PASSES_MAX  30u /* over all pages, in which the driver has to be found at work */
#define SYNC_PAGES  8u  /* that a mapper writes between two SYNCs */

static struct hf_disk disk;
static uint32_t whole;
static uint64_t *data;
static uint64_t pages;
static uint64_t first_page; /* of the disk, at which `data` begins */

static uint64_t word_of(uint64_t page, uint64_t word, uint64_t round)
{
    return round << ROUND_SHIFT | (first_page + page) << 32 | word;
}

static void look(const char *what, uint64_t page, uint64_t round)
{
    for (uint64_t i = 0; i < PAGE_WORDS; i++) {
        if (data[page * PAGE_WORDS + i] != word_of(page, i, round)) {
            printf("page %" PRIu64 ", word %" PRIu64 ": 0x%" PRIx64 "\n", page, i,
                   data[page * PAGE_WORDS + i]);
            guest_expect(what, false);
        }
    }
}

static void fill(uint64_t page, uint64_t round)
{
    for (uint64_t i = 0; i < PAGE_WORDS; i++) {
        data[page * PAGE_WORDS + i] = word_of(page, i, round);
    }
}

static bool sync_pages(uint64_t page, uint64_t count)
{
    return msync(data + page * PAGE_WORDS, count * PAGE, MS_SYNC) == 0;
}

static void map_partition(uint32_t partition)
{
    uint64_t address = 0;
    uint64_t bytes = 0;
    uint64_t first;
    uint64_t sectors;
    struct hf_map map = {.prot = MEM_PROT_READ | MEM_PROT_WRITE, .flags = MEM_MAP_SHARED};
    guest_check("object", hf_disk_object(&disk, partition, &map.object, &bytes));
    whole_find(&disk, partition, &first, &sectors);
    first_page = first * DISK_SECTOR_BYTES / PAGE;
    map.length = bytes;
    guest_check("map", hf_map(map, &address));
    guest_check("close", hf_shared_close(map.object)); /* the region keeps it */
    data = (uint64_t *)address;
    pages = bytes / PAGE;
}

static _Alignas(16) char upcall_stack[8192];

/* The child cannot go on: its status is why. */
static void tell_reason(uint64_t cause, uint64_t detail, const void *context)
{
    struct mem_refusal_rep refusal = {.refused = 0};
    (void)cause;
    (void)detail;
    (void)context;
    (void)hf_refusal(&refusal);
    _exit((int)refusal.refused);
}

/* Why a page cannot be read; ERR_OK: it can. */
static enum err reason_of(uint64_t page)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        guest_check("upcall", hf_upcall_set((uint64_t)tell_reason,
                                            (uint64_t)(upcall_stack + sizeof(upcall_stack))));
        (void)*(volatile uint64_t *)(data + page * PAGE_WORDS);
        _exit(0);
    }
    guest_expect("the child", waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? (enum err)WEXITSTATUS(status) : ERR_FAULT;
}

struct mapper {
    struct hf_thread thread;
    uint64_t first;
    uint64_t count;
    uint64_t round;
};

static atomic_uint ends_left; /* of the driver */
static atomic_uint touching;  /* mappers that read a page which was not there */
static atomic_uint syncing;
static atomic_uint done_pages;

/* Use its pages; `there` is the round of what is in them. */
static void map_once(const struct mapper *mapper, uint64_t there)
{
    for (uint64_t i = 0; i < mapper->count; i++) {
        const uint64_t page = mapper->first + i;
        touching++;
        (void)*(volatile uint64_t *)(data + page * PAGE_WORDS);
        touching--;
        look("what is there", page, there);
        fill(page, mapper->round);
        if (i % SYNC_PAGES == SYNC_PAGES - 1) {
            syncing++;
            guest_expect("msync", sync_pages(page + 1 - SYNC_PAGES, SYNC_PAGES));
            syncing--;
        }
        done_pages++;
    }
}

/* What the host wrote, and on and on until the driver has ended as often as it is to. */
static void map_on(void *argument)
{
    const struct mapper *mapper = argument;
    map_once(mapper, 0);
    while (ends_left > 0) {
        map_once(mapper, mapper->round);
    }
}

/*
 * End the driver as soon as some page is waited for, or being saved, and the device is at work, but
 * not before so many pages are done.
 */
static void end_driver_at_work(uint64_t pages_done, unsigned *waited, unsigned *saved)
{
    struct disk_info_rep info = {.flying = 0};
    unsigned touched = 0;
    unsigned synced = 0;
    while (done_pages < pages_done || info.flying == 0 || touched + synced == 0) {
        const enum err error = hf_disk_info(&disk, &info);
        guest_expect("info", error == ERR_OK || error == ERR_PEER_GONE || error == ERR_STALE);
        touched = touching;
        synced = syncing;
        guest_expect("the driver is ended while it works", done_pages < PASSES_MAX * pages);
    }
    guest_end_driver();
    ends_left--;
    *waited += touched;
    *saved += synced;
}

static void driver_returns(uint64_t round)
{
    static struct mapper mappers[MAPPERS];
    unsigned waited = 0;
    unsigned saved = 0;
    map_partition(whole);
    ends_left = KILLS;
    for (unsigned i = 0; i < MAPPERS; i++) {
        mappers[i] = (struct mapper){.first = i * (pages / MAPPERS), .round = round};
        mappers[i].count =
            (i + 1 < MAPPERS ? (i + 1) * (pages / MAPPERS) : pages) - mappers[i].first;
        guest_check("thread", hf_thread_run(&mappers[i].thread, 8, map_on, &mappers[i]));
    }
    for (unsigned i = 0; i < KILLS; i++) {
        end_driver_at_work(i * pages / (KILLS + 1), &waited, &saved);
    }
    for (unsigned i = 0; i < MAPPERS; i++) {
        hf_thread_join(&mappers[i].thread);
    }
    for (uint64_t page = 0; page < pages; page++) {
        look("what was written", page, round);
    }
    guest_expect("msync of all", sync_pages(0, pages));
    printf("ended %u times: %u threads were at a page, %u at a SYNC\n", KILLS, waited, saved);
}

static void driver_keeps(uint64_t round)
{
    map_partition(whole);
    fill(5, round);
    guest_check("unmap", munmap(data, pages * PAGE) == 0 ? ERR_OK : ERR_FAULT);
    guest_end_driver();
    map_partition(whole);
    look("what was not saved", 5, round);
    look("what is on the disk", 6, 0);
    guest_expect("msync", sync_pages(0, pages));
}

static void driver_gone(void)
{
    map_partition(whole);
    look("what is on the disk", 0, 0);
    fill(0, 9);
    guest_end_driver();
    const uint64_t before = hf_time_now();
    guest_expect("what was there", data[1] == word_of(0, 1, 9));
    guest_expect("a reason", reason_of(pages - 1) == ERR_PEER_GONE);
    guest_expect("nothing is saved", !sync_pages(0, 1));
    guest_expect("soon", hf_time_now() - before < 3 * hf_env()->timebase_hz);
}

/* Whoever looks for partitions next finds none: the table and its backup, at the end, are gone. */
static void wipe_table(void)
{
    struct disk_info_rep info;
    uint64_t *sector = aligned_alloc(PAGE, PAGE);
    guest_check("info", hf_disk_info(&disk, &info));
    memset(sector, 0, PAGE);
    guest_check("write",
                hf_disk_write(&disk, DISK_WHOLE, DISK_SECTOR_BYTES, sector, DISK_SECTOR_BYTES));
    guest_check("write", hf_disk_write(&disk, DISK_WHOLE, (info.sectors - 1) * DISK_SECTOR_BYTES,
                                       sector, DISK_SECTOR_BYTES));
}

static void partition_moved(uint32_t partition)
{
    uint64_t object = 0;
    uint64_t bytes = 0;
    map_partition(partition);
    const uint64_t first = first_page;
    look("what is on the disk", 0, 0);
    fill(0, 9);
    wipe_table();
    guest_end_driver();
    guest_expect("what was there", data[1] == word_of(0, 1, 9));
    guest_expect("a reason", reason_of(pages - 1) == ERR_NOENT);
    guest_expect("nothing is saved", !sync_pages(0, 1));
    guest_expect("no such partition",
                 hf_disk_object(&disk, partition, &object, &bytes) == ERR_NOENT);
    map_partition(DISK_WHOLE);
    look("what is on the disk now", first, 0);
}

int main(int argc, char **argv)
{
    whole = whole_take(&argc, &argv);
    const char *what = argc > 1 ? argv[1] : "";
    const uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    guest_check("open", hf_disk_open(1, &disk));
    if (strcmp(what, "returns") == 0) {
        driver_returns(number);
    } else if (strcmp(what, "keeps") == 0) {
        driver_keeps(number);
    } else if (strcmp(what, "gone") == 0) {
        driver_gone();
    } else if (strcmp(what, "moved") == 0) {
        partition_moved((uint32_t)number);
    } else {
        return 2;
    }
    hf_disk_close(&disk);
    printf("done\n");
    return 0;
}
