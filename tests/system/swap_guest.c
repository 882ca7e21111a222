/* SPDX-License-Identifier: MIT */
/*
 * A program that uses more memory than there is: for swap_test.py.
 *
 *   MIB [CHILDREN]   write a pattern to so much memory, read some of it here and there, change a
 *                    third, read all of it; each of CHILDREN clones then changes and reads its own
 *
 *   MIB out          write a pattern to so much memory, of which there is enough, have it paged
 *                    out, see that its frames have gone, and read all of it
 *
 *   MIB cut          the same with shared memory, of which the last page is cut off in the middle
 *                    while it is away: what followed there is zeros when it is as long as before
 *
 * What every page holds is a function of its number and of who wrote it last.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pager.h>

#define WORDS (HF_PAGE_BYTES / sizeof(uint64_t))
#define STEP  64u /* words between those that are looked at */
#define TURNS 200u

static uint64_t pages;
static volatile uint64_t *memory;

static void check(bool is_right, const char *what, uint64_t page)
{
    if (!is_right) {
        printf("guest: %s, page %" PRIu64 "\n", what, page);
        exit(1);
    }
}

static uint64_t word_of(uint64_t page, uint64_t word, uint64_t writer)
{
    return (page * 0x9e3779b97f4a7c15u) ^ (word << 48) ^ writer;
}

static void write_page(uint64_t page, uint64_t writer)
{
    for (uint64_t word = 0; word < WORDS; word += STEP) {
        memory[page * WORDS + word] = word_of(page, word, writer);
    }
}

static void read_page(uint64_t page, uint64_t writer)
{
    for (uint64_t word = 0; word < WORDS; word += STEP) {
        check(memory[page * WORDS + word] == word_of(page, word, writer), "holds something else",
              page);
    }
}

/* Wait until pages can go somewhere: the disk's driver begins beside us. */
static void wait_for_swap(void)
{
    struct mem_swap_rep swap = {.slots = 0};
    for (unsigned turn = 0; turn < TURNS && swap.slots == 0; turn++) {
        check(hf_swap(0, 0, &swap) == ERR_OK, "no SWAP", 0);
        if (swap.slots == 0) {
            (void)usleep(50000);
        }
    }
    check(swap.slots != 0, "there is no swap", 0);
}

static void tell(void)
{
    struct mem_swap_rep swap;
    check(hf_swap(0, 0, &swap) == ERR_OK, "no SWAP", 0);
    printf("swap: slots %" PRIu64 " used %" PRIu64 " held %" PRIu64 " reserve %" PRIu64
           " swapped %" PRIu64 " dropped %" PRIu64 " waits %" PRIu64 "\n",
           swap.slots, swap.used, swap.held, swap.reserve, swap.swapped, swap.dropped, swap.waits);
}

/* Each page of ours is in memory or in swap, as QUERY tells; many are there. */
static void look(const void *mapped)
{
    struct mem_region region;
    struct mem_query_rep rep;
    check(hf_query(HF_OWN_SPACE, (uint64_t)mapped, 1, &region, &rep) == ERR_OK, "no QUERY", 0);
    printf("region: pages %" PRIu64 " resident %" PRIu32 " swapped %" PRIu32 "\n", pages,
           region.resident, region.swapped);
    check(region.end - region.start == pages * HF_PAGE_BYTES, "is another region", 0);
    check(region.resident + region.swapped == pages, "is nowhere", 0);
    check(region.swapped > pages / 4, "are all in memory", 0);
}

/* Every page is as `writer` has left it, and a third of them as `last`. */
static void read_all(uint64_t writer, uint64_t last)
{
    for (uint64_t page = 0; page < pages; page++) {
        read_page(page, page % 3 == 0 ? last : writer);
    }
}

static void work(void)
{
    for (uint64_t page = 0; page < pages; page++) {
        write_page(page, 1);
    }
    for (uint64_t i = 0; i < pages / 16; i++) {
        read_page(i * 7919 % pages, 1);
    }
    for (uint64_t page = 0; page < pages; page += 3) {
        write_page(page, 2);
    }
    read_all(1, 2);
}

/* A clone changes what it got, a seventh of it, and sees no other's changes. */
static int work_as_clone(uint64_t number)
{
    for (uint64_t page = number; page < pages; page += 7) {
        write_page(page, 100 + number);
    }
    for (uint64_t page = 0; page < pages; page++) {
        const bool is_own = page >= number && (page - number) % 7 == 0;
        read_page(page, is_own ? 100 + number : page % 3 == 0 ? 2 : 1);
    }
    return 0;
}

/* Have all of it go, and wait until none of it has a frame. */
static void let_go(void *mapped, uint64_t bytes)
{
    struct mem_swap_rep swap = {.held = 1};

    check(madvise(mapped, bytes, MADV_PAGEOUT) == 0, "madvise", 0);
    for (unsigned turn = 0; turn < TURNS && swap.held != 0; turn++) {
        check(hf_swap(0, 0, &swap) == ERR_OK, "no SWAP", 0);
        (void)usleep(50000);
    }
    tell();
    check(swap.used == pages && swap.held == 0, "have not gone", 0);
}

/* Nobody needs the frames: they go because that is what was asked for. */
static void page_out(void *mapped, uint64_t bytes)
{
    struct mem_region region;
    struct mem_query_rep rep;

    for (uint64_t page = 0; page < pages; page++) {
        write_page(page, 1);
    }
    check(hf_query(HF_OWN_SPACE, (uint64_t)mapped, 1, &region, &rep) == ERR_OK, "no QUERY", 0);
    check(region.resident == pages, "are not all there", 0);
    let_go(mapped, bytes);
    check(hf_query(HF_OWN_SPACE, (uint64_t)mapped, 1, &region, &rep) == ERR_OK, "no QUERY", 0);
    check(region.resident == 0 && region.swapped == pages, "are somewhere else", 0);
    for (uint64_t page = 0; page < pages; page++) {
        read_page(page, 1);
    }
    printf("all pages came back\n");
}

/* The driver of the disk has the last page: making the memory end within it waits for that. */
static void cut(uint64_t bytes)
{
    const uint64_t last = pages - 1;
    const int file = memfd_create("cut", 0);

    check(file >= 0 && ftruncate(file, (off_t)bytes) == 0, "no shared memory", 0);
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(mapped != MAP_FAILED, "no memory", 0);
    memory = mapped;
    for (uint64_t page = 0; page < pages; page++) {
        write_page(page, 1);
    }
    let_go(mapped, bytes);
    check(ftruncate(file, (off_t)(bytes - HF_PAGE_BYTES / 2)) == 0, "cannot be cut", last);
    check(ftruncate(file, (off_t)bytes) == 0, "cannot be as long as before", last);
    for (uint64_t word = 0; word < WORDS; word += STEP) {
        check(memory[last * WORDS + word] == (word < WORDS / 2 ? word_of(last, word, 1) : 0),
              "is not cut off in the middle", last);
    }
    for (uint64_t page = 0; page < last; page++) {
        read_page(page, 1);
    }
    printf("all but what was cut off came back\n");
}

int main(int argc, char **argv)
{
    const uint64_t bytes = argc > 1 ? strtoull(argv[1], NULL, 0) << 20 : 0;
    const bool is_out = argc > 2 && strcmp(argv[2], "out") == 0;
    const uint64_t children = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    wait_for_swap();
    pages = bytes / HF_PAGE_BYTES;
    if (argc > 2 && strcmp(argv[2], "cut") == 0) {
        cut(bytes);
        return 0;
    }
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(mapped != MAP_FAILED, "no memory", 0);
    memory = mapped;
    if (is_out) {
        page_out(mapped, bytes);
        return 0;
    }
    work();
    tell();
    look(mapped);
    for (uint64_t i = 0; i < children; i++) {
        const pid_t child = fork();
        check(child >= 0, "no clone", i);
        if (child == 0) {
            _exit(work_as_clone(i));
        }
    }
    for (uint64_t i = 0; i < children; i++) {
        int status = 0;
        check(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a clone", i);
    }
    read_all(1, 2);
    check(munmap(mapped, bytes) == 0, "munmap", 0);
    tell();
    printf("all pages hold what was written to them\n");
    return 0;
}
