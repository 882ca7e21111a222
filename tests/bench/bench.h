/* SPDX-License-Identifier: MIT */
/*
 * What the rows of the benchmark have in common: samples, and requests that must succeed.
 *
 * A row measures with
 *
 *     uint64_t begin = bench_begin();
 *     ...the operation...
 *     bench_sample(begin, bench_end());
 *
 * RUNS times. The counter is read in two functions that are not inlined, between which
 * tests/bench/histogram finds the operation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <hf/env.h>
#include <hf/mem.h>

#define RUNS  256u
#define PAGE  HF_PAGE_BYTES
#define PAGES 1024u
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)
#define ANON  (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)
#define LARGE (UINT64_C(2) << 20)
#define AREA  UINT64_C(0x1000000000) /* nothing of the program's own is near */

/* Instructions so far. */
NOINLINE uint64_t bench_begin(void);
NOINLINE uint64_t bench_end(void);

/* Keep a sample; those beyond RUNS are dropped. */
void bench_sample(uint64_t begin, uint64_t end);

/* The first failure of a row is printed, and the program fails. Returns: whether it was none. */
bool bench_must(enum err error, const char *what);

/* Requests about one's own space that must succeed; `flags` are added to private and anonymous. */
uint64_t bench_map(uint64_t addr, uint64_t pages, uint32_t prot, uint32_t flags);
void bench_unmap(uint64_t addr, uint64_t pages);
void bench_protect(uint64_t addr, uint64_t pages, uint64_t prot);

struct hf_process;
struct hf_start;

/* Make ourselves a child, which does not run yet. Returns: whether it was made. */
bool bench_child_make(const char *const *argv, struct hf_process *process, struct hf_start *start);

/* Take the samples of a row. */
void rows_trap(void);
void rows_ipc(void);
void rows_ipc_words(void);
void rows_fault_ready(void);
void rows_fault_refused(void);
void rows_write_first(void);
void rows_write_first_run(void);
void rows_write_first_advised(void);
void rows_write_first_huge(void);
void rows_read_first(void);
void rows_populate(void);
void rows_unmap_touched(void);
void rows_map_merge(void);
void rows_map_apart(void);
void rows_map_unmap(void);
void rows_unmap_split(void);
void rows_map_hole(void);
void rows_protect_split(void);
void rows_protect_merge(void);
void rows_map_fixed_16(void);
void rows_copy(void);
void rows_clone_touched(void);
void rows_cow_copy(void);
void rows_cow_reuse(void);
void rows_lock(void);
void rows_pin(void);
void rows_pin_take(void);
void rows_pin_drop(void);
void rows_pin_long(void);
void rows_pager_fault(void);

/* Map at the end of `regions` others, RUNS times. */
void rows_map_at_end(uint64_t regions);

/* The child that supplies for rows_pager_fault(). */
int rows_supply(void);

/* The child that answers for rows_ipc(). */
int rows_serve(void);

ALWAYS_INLINE void touch_write(uint64_t addr)
{
    *(volatile char *)addr = 1;
}

ALWAYS_INLINE void touch_read(uint64_t addr)
{
    (void)*(volatile char *)addr;
}
