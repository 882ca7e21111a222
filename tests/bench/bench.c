/* SPDX-License-Identifier: MIT */
/*
 * Count the instructions of each operation and print one line for each: `bench NAME VALUE`.
 *
 * NAME is a row of peers.tsv. VALUE is the median of RUNS samples, divided by the pages where an
 * operation is about many. What reading the counter twice costs is taken off. Counts are exact only
 * under -icount.
 *
 * Usage: bench [--only NAME]
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW  10u
#define MANY 60000u

#define ARCHIVE UINT64_C(0x2000000000) /* where the boot archive goes */

/* What a row measures, and its samples. */
static struct {
    const char *row;
    uint64_t samples[RUNS];
    unsigned count;
    uint64_t overhead;
    bool is_failed;
} bench;

/* The comments keep the compiler from making one function of the two. */
uint64_t bench_begin(void)
{
    uint64_t count;
    __asm__ volatile("rdinstret %0 # begin" : "=r"(count)::"memory");
    return count;
}

uint64_t bench_end(void)
{
    uint64_t count;
    __asm__ volatile("rdinstret %0 # end" : "=r"(count)::"memory");
    return count;
}

void bench_sample(uint64_t begin, uint64_t end)
{
    if (bench.count < RUNS) {
        bench.samples[bench.count] = end - begin;
        bench.count++;
    }
}

bool bench_must(enum err error, const char *what)
{
    if (error != ERR_OK && !bench.is_failed) {
        printf("bench: %s: %s: error %d: %s\n", bench.row, what, (int)error, hf_last_refusal());
        bench.is_failed = true;
    }
    return error == ERR_OK;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t median(void)
{
    qsort(bench.samples, bench.count, sizeof(bench.samples[0]), compare);
    return bench.samples[bench.count / 2];
}

uint64_t bench_map(uint64_t addr, uint64_t pages, uint32_t prot, uint32_t flags)
{
    uint64_t mapped = 0;
    const struct hf_map request = {
        .addr = addr, .length = pages * PAGE, .prot = prot, .flags = ANON | flags};
    bench_must(hf_map(request, &mapped), "map");
    return mapped;
}

void bench_unmap(uint64_t addr, uint64_t pages)
{
    bench_must(hf_unmap(HF_OWN_SPACE, addr, pages * PAGE), "unmap");
}

void bench_protect(uint64_t addr, uint64_t pages, uint64_t prot)
{
    bench_must(hf_protect(HF_OWN_SPACE, addr, pages * PAGE, prot), "protect");
}

/* Rows and how they are measured; the total of a run is divided by `pages`. */
static const struct row {
    const char *name;
    void (*run)(void);
    uint64_t pages;
} rows[] = {
    {"trap", rows_trap, 1},
    {"ipc", rows_ipc, 1},
    {"ipc_words", rows_ipc_words, 1},
    {"fault_ready", rows_fault_ready, 1},
    {"write_first", rows_write_first, 1},
    {"write_first_run", rows_write_first_run, PAGES},
    {"write_first_advised", rows_write_first_advised, PAGES},
    {"write_first_huge", rows_write_first_huge, 1},
    {"read_first", rows_read_first, 1},
    {"populate", rows_populate, PAGES},
    {"map_merge", rows_map_merge, 1},
    {"map_apart", rows_map_apart, 1},
    {"map_unmap", rows_map_unmap, 1},
    {"unmap_split", rows_unmap_split, 1},
    {"map_hole", rows_map_hole, 1},
    {"protect_split", rows_protect_split, 1},
    {"protect_merge", rows_protect_merge, 1},
    {"map_fixed_16", rows_map_fixed_16, 1},
    {"unmap_touched", rows_unmap_touched, PAGES},
    {"copy", rows_copy, 1},
    {"cow_copy", rows_cow_copy, 1},
    {"cow_reuse", rows_cow_reuse, 1},
    {"clone_touched", rows_clone_touched, PAGES},
    {"lock", rows_lock, PAGES},
    {"pin_one", rows_pin, 1},
    {"pin_take", rows_pin_take, PAGES},
    {"pin_drop", rows_pin_drop, PAGES},
    {"pin_long", rows_pin_long, PAGES},
    {"fault_refused", rows_fault_refused, 1},
    {"pager_fault", rows_pager_fault, 1},
};

static void row_begin(const char *name)
{
    bench.row = name;
    bench.count = 0;
}

static void value_print(uint64_t hundredths)
{
    printf("bench %s %" PRIu64, bench.row, hundredths / 100);
    if (hundredths % 100 != 0) {
        printf(".%02" PRIu64, hundredths % 100);
    }
    printf("\n");
}

static void row_run(const struct row *row)
{
    row_begin(row->name);
    row->run();
    if (bench.is_failed || bench.count != RUNS) {
        bench.is_failed = true;
        printf("bench: %s: %u samples of %u\n", row->name, bench.count, RUNS);
        return;
    }
    uint64_t value = median();
    value = value > bench.overhead ? value - bench.overhead : 0;
    /* Hundredths, rounded: a figure by page is a mean. */
    uint64_t hundredths = (value * 100 + row->pages / 2) / row->pages;
    value_print(hundredths);
}

/* Few regions against many. */
static void regions_ratio_run(void)
{
    row_begin("map_regions_ratio");
    rows_map_at_end(FEW);
    uint64_t few = median() - bench.overhead;
    bench.count = 0;
    rows_map_at_end(MANY);
    uint64_t many = median() - bench.overhead;
    if (!bench.is_failed) {
        value_print((many * 100 + few / 2) / few);
    }
}

/*
 * Move the boot archive out of the way: whether it leaves room for RUNS pages right below the
 * mapping base depends on its size, and rows that map page after page expect them there.
 */
static void archive_move(void)
{
    struct hf_env env = *hf_env();
    uint64_t moved = 0;
    const uint64_t length = (env.archive_bytes + PAGE - 1) / PAGE * PAGE;
    const struct hf_remap remap = {
        .old_addr = (uint64_t)env.archive_opt,
        .old_length = length,
        .new_length = length,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .new_addr = ARCHIVE,
    };

    if (bench_must(hf_remap(remap, &moved), "remap")) {
        env.archive_opt = (const void *)moved;
        hf_env_set(&env);
    }
}

static void overhead_take(void)
{
    row_begin("overhead");
    for (unsigned i = 0; i < RUNS; i++) {
        /* The same instructions as in a row, and nothing that looks like one to a histogram. */
        uint64_t begin = bench_end();
        bench_sample(begin, bench_end());
    }
    bench.overhead = median();
}

int main(int argc, char **argv)
{
    const char *only_opt = NULL;
    bool is_found = false;
    if (argc == 2 && strcmp(argv[1], "--serve") == 0) {
        return rows_serve();
    }
    if (argc == 2 && strcmp(argv[1], "--supply") == 0) {
        return rows_supply();
    }
    if (argc == 3 && strcmp(argv[1], "--only") == 0) {
        only_opt = argv[2];
    } else if (argc != 1) {
        printf("bench: usage: bench [--only NAME]\n");
        return 2;
    }
    overhead_take();
    archive_move();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (only_opt == NULL || strcmp(only_opt, rows[i].name) == 0) {
            is_found = true;
            row_run(&rows[i]);
        }
    }
    if (only_opt == NULL || strcmp(only_opt, "map_regions_ratio") == 0) {
        is_found = true;
        regions_ratio_run();
    }
    if (!is_found) {
        printf("bench: no row '%s'\n", only_opt);
        return 2;
    }
    return bench.is_failed ? 1 : 0;
}
