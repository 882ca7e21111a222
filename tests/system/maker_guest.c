/* SPDX-License-Identifier: MIT */
/*
 * The program of maker_test.py: writes to more memory than there is, which only the disk's driver
 * can make room for, and ends that driver meanwhile. Word i of page p is round << 56 | p << 32 | i.
 *
 *   disk ROUND KILLS   all pages of the disk, mapped shared, without swap, and SYNCs them
 *   swap MIB KILLS     so much memory of its own, with a partition for swap
 *   bad PAGE           pages of the disk around one that cannot be written, and SYNCs them together
 *
 * With in=PARTITION in front of that a partition is what is else the whole disk.
 *
 * The driver is ended KILLS times, as often while pages are written as while they are read again.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hf/disk.h>
#include <hf/error.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pager.h>
#include <hf/shared.h>
#include <hf/thread.h>

#include "guest.h"
#include "whole.h"

#define PAGE       4096u
#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define WAITS      200u

static volatile uint64_t *data;
static uint64_t pages;
static uint64_t kills;
static uint32_t whole;
static atomic_ulong done; /* pages that were written, or read again */

static _Alignas(16) char upcall_stack[8192];

/* A page does not come: say why. */
static void tell_reason(uint64_t cause, uint64_t detail, const void *context)
{
    struct mem_refusal_rep refusal = {.refused = 0};
    (void)context;
    (void)hf_refusal(&refusal);
    printf("failed: cause %" PRIu64 " at page %" PRIu64 ": %s\n", cause,
           (detail - (uint64_t)data) / PAGE, hf_last_refusal());
    fflush(stdout);
    _exit(1);
}

static uint64_t word_of(uint64_t page, uint64_t word, uint64_t round)
{
    return round << 56 | page << 32 | word;
}

static void write_page(uint64_t page, uint64_t round)
{
    for (uint64_t i = 0; i < PAGE_WORDS; i++) {
        data[page * PAGE_WORDS + i] = word_of(page, i, round);
    }
}

static void write_all(uint64_t round)
{
    for (uint64_t page = 0; page < pages; page++) {
        write_page(page, round);
        done++;
    }
}

static void read_all(uint64_t round)
{
    for (uint64_t page = 0; page < pages; page++) {
        for (uint64_t i = 0; i < PAGE_WORDS; i++) {
            if (data[page * PAGE_WORDS + i] != word_of(page, i, round)) {
                printf("page %" PRIu64 ", word %" PRIu64 ": 0x%" PRIx64 "\n", page, i,
                       data[page * PAGE_WORDS + i]);
                guest_expect("what was written", false);
            }
        }
        done++;
    }
}

/* End the driver at even distances of what is done in all. */
static void end_drivers(void *unused)
{
    (void)unused;
    for (uint64_t i = 0; i < kills; i++) {
        while (done < (2 * i + 1) * pages / kills) {
            (void)usleep(1000);
        }
        guest_end_driver();
    }
}

/* Write and read all, with the driver ending meanwhile. */
static void work(uint64_t round)
{
    static struct hf_thread killer;
    guest_check("thread", hf_thread_run(&killer, 8, end_drivers, NULL));
    write_all(round);
    read_all(round);
    hf_thread_join(&killer);
}

static void tell(void)
{
    struct mem_stats_reserve_rep reserve;
    struct mem_swap_rep swap;
    guest_check("reserve", hf_stats_reserve(&reserve));
    guest_check("swap", hf_swap(0, 0, &swap));
    printf("counts: reserve %" PRIu64 " spent %" PRIu64 " swapped %" PRIu64 " waits %" PRIu64 "\n",
           reserve.frames, reserve.spent, swap.swapped, swap.waits);
}

static void map_disk(void)
{
    struct hf_disk disk;
    uint64_t address = 0;
    struct hf_map map = {.prot = MEM_PROT_READ | MEM_PROT_WRITE, .flags = MEM_MAP_SHARED};
    guest_check("open", hf_disk_open(20, &disk));
    guest_check("object", hf_disk_object(&disk, whole, &map.object, &map.length));
    guest_check("map", hf_map(map, &address));
    data = (volatile uint64_t *)address;
    pages = map.length / PAGE;
    hf_disk_close(&disk);
}

static bool sync_pages(uint64_t first, uint64_t count)
{
    return msync((void *)(uintptr_t)(data + first * PAGE_WORDS), count * PAGE, MS_SYNC) == 0;
}

static void on_disk(uint64_t round)
{
    map_disk();
    work(round);
    guest_expect("msync", sync_pages(0, pages));
    read_all(round);
}

/* All but the page itself are on the disk, and SYNC says each time that not all of them are. */
static void around_a_bad_page(uint64_t bad)
{
    map_disk();
    for (uint64_t page = bad - 2; page <= bad + 2; page++) {
        write_page(page, 7);
    }
    guest_expect("a page that cannot be written", !sync_pages(bad - 2, 5));
    guest_expect("it is told again", !sync_pages(bad - 2, 5));
    guest_expect("those before it", sync_pages(bad - 2, 2));
    guest_expect("those behind it", sync_pages(bad + 1, 2));
}

/* Wait until pages can go somewhere: the disk's driver begins beside us. */
static void wait_for_swap(void)
{
    struct mem_swap_rep swap = {.slots = 0};
    for (unsigned i = 0; i < WAITS && swap.slots == 0; i++) {
        (void)usleep(50000);
        guest_check("swap", hf_swap(0, 0, &swap));
    }
    guest_expect("a partition for swap", swap.slots != 0);
}

static void in_swap(uint64_t mib)
{
    wait_for_swap();
    void *mapped =
        mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guest_expect("memory", mapped != MAP_FAILED);
    data = mapped;
    pages = (mib << 20) / PAGE;
    work(3);
}

int main(int argc, char **argv)
{
    whole = whole_take(&argc, &argv);
    const char *what = argc > 1 ? argv[1] : "";
    const uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    kills = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    guest_check("lock", hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT)); /* so that it can be told */
    guest_check("upcall", hf_upcall_set((uint64_t)tell_reason,
                                        (uint64_t)(upcall_stack + sizeof(upcall_stack))));
    if (strcmp(what, "disk") == 0) {
        on_disk(number);
    } else if (strcmp(what, "swap") == 0) {
        in_swap(number);
    } else if (strcmp(what, "bad") == 0) {
        around_a_bad_page(number);
    } else {
        return 2;
    }
    tell();
    printf("all pages hold what was written to them\n");
    return 0;
}
