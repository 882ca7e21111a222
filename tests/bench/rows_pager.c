/* SPDX-License-Identifier: MIT */
/*
 * A fault on a page that another process supplies.
 *
 * The other process is a child that runs this program: each page is asked for by itself, filled by
 * copying a page that stands ready, and the next work is waited for in the same request.
 */
#include "bench.h"

#include <string.h>
#include <unistd.h>

#include <hf/pager.h>
#include <hf/process.h>
#include <hf/shared.h>

#define NAME "bench: pages"

/* The child that supplies; it ends with the program. */
int rows_supply(void)
{
    static _Alignas(4096) unsigned char ready[PAGE];
    const struct hf_pager_object made = {.bytes = RUNS * PAGE, .window = 1};
    struct mem_pager_next_rep work;
    uint64_t pager = 0;
    uint64_t object = 0;
    uint64_t number = 0;
    memset(ready, 1, sizeof(ready));
    enum err error = hf_pager_make(&pager);
    error = error == ERR_OK ? hf_pager_object(pager, made, &object, &number) : error;
    error = error == ERR_OK
                ? hf_shared_name(object, NAME, strlen(NAME), MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE)
                : error;
    error = error == ERR_OK ? hf_pager_next(pager, false, &work) : error;
    while (error == ERR_OK) {
        error = hf_pager_supply_next(pager, MEM_SUPPLY_COPY, (uint64_t)ready, &work);
    }
    return 1;
}

void rows_pager_fault(void)
{
    static const char *const argv[] = {"bench", "--supply", NULL};
    struct hf_process process;
    struct hf_start start;
    struct hf_map map = {.length = RUNS * PAGE, .prot = MEM_PROT_READ, .flags = MEM_MAP_SHARED};
    uint64_t address = 0;
    enum err error = ERR_NOENT;
    if (!bench_child_make(argv, &process, &start) ||
        !bench_must(hf_process_go(&process, &start), "start")) {
        return;
    }
    for (unsigned i = 0; i < 1000 && error == ERR_NOENT; i++) {
        (void)usleep(1000);
        error =
            hf_shared_open(NAME, strlen(NAME), MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE, &map.object);
    }
    if (!bench_must(error, "open") || !bench_must(hf_map(map, &address), "map")) {
        return;
    }
    for (uint64_t page = 0; page < RUNS; page++) {
        const volatile unsigned char *at = (const unsigned char *)(address + page * PAGE);
        uint64_t begin = bench_begin();
        unsigned char byte = *at;
        bench_sample(begin, bench_end());
        bench_must(byte == 1 ? ERR_OK : ERR_IO, "what was supplied");
    }
    bench_unmap(address, RUNS);
    bench_must(hf_shared_close(map.object), "close");
    bench_must(hf_shared_unname(NAME, strlen(NAME)), "unname");
    hf_process_forget(&process);
}
