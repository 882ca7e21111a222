/* SPDX-License-Identifier: MIT */
/*
 * Fills all memory that it can get, each page with its own address, and looks at all of it again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <hf/mem.h>

#define PAGE UINT64_C(4096)
#define KEPT UINT64_C(400) /* pages that are left to others, and tables */

int main(void)
{
    struct mem_stats_rep stats;
    if (hf_stats(&stats) != ERR_OK) {
        return 1;
    }
    /* A page in 512 is its table. */
    const uint64_t pages = (stats.free - KEPT) / 513 * 512;
    void *memory =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    uint64_t *words = memory;
    for (uint64_t page = 0; page < pages; page++) {
        words[page * PAGE / sizeof(*words)] = (uint64_t)&words[page * PAGE / sizeof(*words)];
    }
    printf("filled %" PRIu64 " MiB\n", pages * PAGE >> 20);
    for (uint64_t page = 0; page < pages; page++) {
        if (words[page * PAGE / sizeof(*words)] != (uint64_t)&words[page * PAGE / sizeof(*words)]) {
            printf("page %" PRIu64 " holds something else\n", page);
            return 1;
        }
    }
    printf("all of it holds what was written\n");
    return 0;
}
