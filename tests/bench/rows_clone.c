/* SPDX-License-Identifier: MIT */
/*
 * Rows about clones of one's own space: what copying it costs, and the writes afterwards.
 */
#include "bench.h"

#include <hf/process.h>

/* A clone without threads. */
static struct hf_process clone_make(void)
{
    struct mem_space_make_rep rep = {0};
    bench_must(hf_space_clone(HF_OWN_SPACE, "clone", 0, &rep), "clone");
    return (struct hf_process){.space = rep.space, .kernel_space = rep.kernel_space};
}

static void area_touch(uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++) {
        touch_write(AREA + page * PAGE);
    }
}

static uint64_t clone_and_end(void)
{
    uint64_t begin = bench_begin();
    struct hf_process clone = clone_make();
    hf_process_forget(&clone);
    return bench_end() - begin;
}

/* Clone and end with so many touched pages more, and without. */
void rows_clone_touched(void)
{
    bench_map(AREA, PAGES, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t without = clone_and_end();
        area_touch(PAGES);
        uint64_t with = clone_and_end();
        bench_sample(without, with);
        bench_must(hf_advise(HF_OWN_SPACE, AREA, PAGES * PAGE, MEM_ADVISE_DONTNEED), "advise");
    }
    bench_unmap(AREA, PAGES);
}

/* Writes to pages that a clone has too. */
void rows_cow_copy(void)
{
    bench_map(AREA, RUNS, RW, MEM_MAP_FIXED);
    area_touch(RUNS);
    struct hf_process clone = clone_make();
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        touch_write(AREA + i * PAGE);
        bench_sample(begin, bench_end());
    }
    hf_process_forget(&clone);
    bench_unmap(AREA, RUNS);
}

/* Writes to pages that a clone had. */
void rows_cow_reuse(void)
{
    bench_map(AREA, RUNS, RW, MEM_MAP_FIXED);
    area_touch(RUNS);
    struct hf_process clone = clone_make();
    hf_process_forget(&clone);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        touch_write(AREA + i * PAGE);
        bench_sample(begin, bench_end());
    }
    bench_unmap(AREA, RUNS);
}
