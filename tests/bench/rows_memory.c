/* SPDX-License-Identifier: MIT */
/*
 * Rows about regions and faults of one's own space.
 */
#include "bench.h"

/* The server has the page's frame, but no leaf stands: as after a protection that was taken
 * back. */
void rows_fault_ready(void)
{
    bench_map(AREA, RUNS, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        touch_write(AREA + i * PAGE);
    }
    bench_protect(AREA, RUNS, MEM_PROT_NONE);
    bench_protect(AREA, RUNS, RW);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        touch_write(AREA + i * PAGE);
        bench_sample(begin, bench_end());
    }
    bench_unmap(AREA, RUNS);
}

/* One page in a region of its own each time; a neighbour keeps the page table. */
void rows_write_first(void)
{
    bench_map(AREA + 2 * PAGE, 1, MEM_PROT_READ, MEM_MAP_FIXED);
    touch_read(AREA + 2 * PAGE);
    for (unsigned i = 0; i < RUNS; i++) {
        bench_map(AREA, 1, RW, MEM_MAP_FIXED);
        uint64_t begin = bench_begin();
        touch_write(AREA);
        bench_sample(begin, bench_end());
        bench_unmap(AREA, 1);
    }
    bench_unmap(AREA, 3);
}

/* Writes to pages in order, which is advised or not. */
static void write_run(bool is_advised)
{
    for (unsigned i = 0; i < RUNS; i++) {
        bench_map(AREA, PAGES, RW, MEM_MAP_FIXED);
        if (is_advised) {
            bench_must(hf_advise(HF_OWN_SPACE, AREA, PAGES * PAGE, MEM_ADVISE_SEQUENTIAL),
                       "advise");
        }
        uint64_t begin = bench_begin();
        for (uint64_t page = 0; page < PAGES; page++) {
            touch_write(AREA + page * PAGE);
        }
        bench_sample(begin, bench_end());
        bench_unmap(AREA, PAGES);
    }
}

void rows_write_first_run(void)
{
    write_run(false);
}

void rows_write_first_advised(void)
{
    write_run(true);
}

/* One stretch after the other, on runs that were given back: nothing of them is zero. */
void rows_write_first_huge(void)
{
    const uint64_t stretches = 16;
    for (unsigned i = 0; i < RUNS / stretches; i++) {
        bench_map(AREA, stretches * LARGE / PAGE, RW, MEM_MAP_FIXED);
        bench_must(hf_advise(HF_OWN_SPACE, AREA, stretches * LARGE, MEM_ADVISE_HUGEPAGE), "advise");
        for (uint64_t stretch = 0; stretch < stretches; stretch++) {
            uint64_t begin = bench_begin();
            touch_write(AREA + stretch * LARGE);
            bench_sample(begin, bench_end());
        }
        bench_unmap(AREA, stretches * LARGE / PAGE);
    }
}

void rows_read_first(void)
{
    bench_map(AREA, RUNS + 1, RW, MEM_MAP_FIXED);
    touch_read(AREA + RUNS * PAGE); /* the page table is there */
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        touch_read(AREA + i * PAGE);
        bench_sample(begin, bench_end());
    }
    bench_unmap(AREA, RUNS + 1);
}

void rows_populate(void)
{
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_map(AREA, PAGES, RW, MEM_MAP_FIXED | MEM_MAP_POPULATE);
        bench_sample(begin, bench_end());
        bench_unmap(AREA, PAGES);
    }
}

void rows_unmap_touched(void)
{
    for (unsigned i = 0; i < RUNS; i++) {
        bench_map(AREA, PAGES, RW, MEM_MAP_FIXED);
        for (uint64_t page = 0; page < PAGES; page++) {
            touch_write(AREA + page * PAGE);
        }
        uint64_t begin = bench_begin();
        bench_unmap(AREA, PAGES);
        bench_sample(begin, bench_end());
    }
}

/* Where the next free choice will not join anything: below a page that may only be read. */
static uint64_t guard_make(void)
{
    return bench_map(0, 1, MEM_PROT_READ, 0);
}

void rows_map_merge(void)
{
    uint64_t guard = guard_make();
    uint64_t first = bench_map(0, 1, RW, 0);
    uint64_t lowest = first;
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        lowest = bench_map(0, 1, RW, 0);
        bench_sample(begin, bench_end());
    }
    bench_must(lowest == first - RUNS * PAGE ? ERR_OK : ERR_IO, "pages did not land side by side");
    bench_unmap(lowest, RUNS + 1);
    bench_unmap(guard, 1);
}

void rows_map_apart(void)
{
    uint64_t guard = guard_make();
    uint64_t lowest = guard;
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        lowest = bench_map(0, 1, i % 2 == 0 ? RW : MEM_PROT_READ, 0);
        bench_sample(begin, bench_end());
    }
    bench_must(lowest == guard - RUNS * PAGE ? ERR_OK : ERR_IO, "pages did not land side by side");
    bench_unmap(lowest, RUNS + 1);
}

void rows_map_unmap(void)
{
    uint64_t guard = guard_make();
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_unmap(bench_map(0, 1, RW, 0), 1);
        bench_sample(begin, bench_end());
    }
    bench_unmap(guard, 1);
}

/* 64 pages, of which the middle one is taken out and put back. */
#define MIDDLE (AREA + 32 * PAGE)

void rows_unmap_split(void)
{
    bench_map(AREA, 64, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_unmap(MIDDLE, 1);
        bench_sample(begin, bench_end());
        bench_map(MIDDLE, 1, RW, MEM_MAP_FIXED_NOREPLACE);
    }
    bench_unmap(AREA, 64);
}

void rows_map_hole(void)
{
    bench_map(AREA, 64, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        bench_unmap(MIDDLE, 1);
        uint64_t begin = bench_begin();
        bench_map(MIDDLE, 1, RW, MEM_MAP_FIXED_NOREPLACE);
        bench_sample(begin, bench_end());
    }
    bench_unmap(AREA, 64);
}

void rows_protect_split(void)
{
    bench_map(AREA, 64, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_protect(MIDDLE, 1, MEM_PROT_READ);
        bench_sample(begin, bench_end());
        bench_protect(MIDDLE, 1, RW);
    }
    bench_unmap(AREA, 64);
}

void rows_protect_merge(void)
{
    bench_map(AREA, 64, RW, MEM_MAP_FIXED);
    for (unsigned i = 0; i < RUNS; i++) {
        bench_protect(MIDDLE, 1, MEM_PROT_READ);
        uint64_t begin = bench_begin();
        bench_protect(MIDDLE, 1, RW);
        bench_sample(begin, bench_end());
    }
    bench_unmap(AREA, 64);
}

void rows_map_fixed_16(void)
{
    for (unsigned i = 0; i < RUNS; i++) {
        for (uint64_t page = 0; page < 16; page++) {
            bench_map(AREA + page * PAGE, 1, page % 2 == 0 ? RW : MEM_PROT_READ, MEM_MAP_FIXED);
        }
        uint64_t begin = bench_begin();
        bench_map(AREA, 16, RW, MEM_MAP_FIXED);
        bench_sample(begin, bench_end());
        bench_unmap(AREA, 16);
    }
}

void rows_map_at_end(uint64_t regions)
{
    for (uint64_t i = 0; i < regions; i++) {
        /* Nothing that could be written: so many pages are more than the machine could promise. */
        bench_map(AREA + i * PAGE, 1, i % 2 == 0 ? MEM_PROT_READ : MEM_PROT_NONE,
                  MEM_MAP_FIXED_NOREPLACE);
    }
    uint64_t end = AREA + (regions + 1) * PAGE;
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_map(end, 1, RW, MEM_MAP_FIXED_NOREPLACE);
        bench_sample(begin, bench_end());
        bench_unmap(end, 1);
    }
    bench_unmap(AREA, regions);
}
