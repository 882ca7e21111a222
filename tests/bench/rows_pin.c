/* SPDX-License-Identifier: MIT */
/*
 * Rows about pins and locks of present pages of one's own space.
 */
#include <hf/pin.h>

#include "bench.h"

#define MANY 1024u

static struct hf_pin pin_of(uint64_t pages, uint32_t flags)
{
    return (struct hf_pin){
        .addr = (const void *)AREA,
        .pages = pages,
        .flags = MEM_PIN_GET | MEM_PIN_WRITE | flags,
        .purpose = "bench",
    };
}

/* Pages of AREA, all of them touched. */
static void area_make(uint64_t pages)
{
    bench_map(AREA, pages, RW, MEM_MAP_FIXED);
    for (uint64_t page = 0; page < pages; page++) {
        touch_write(AREA + page * PAGE);
    }
}

/* Pin one page and drop it. */
void rows_pin(void)
{
    const struct hf_pin pin = pin_of(1, 0);
    uint64_t number;

    area_make(1);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        enum err error = hf_pin_all(&pin, &number, NULL);
        error = error == ERR_OK ? hf_unpin(number, 0) : error;
        bench_sample(begin, bench_end());
        bench_must(error, "pin");
    }
    bench_unmap(AREA, 1);
}

/* Pin 1,024 pages, and drop them: what of it is measured. */
static void pin_many(uint32_t flags, bool is_drop)
{
    const struct hf_pin pin = pin_of(MANY, flags);
    uint64_t number;

    area_make(MANY);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        bench_must(hf_pin_all(&pin, &number, NULL), "pin");
        uint64_t taken = bench_end();
        bench_must(hf_unpin(number, 0), "unpin");
        uint64_t dropped = bench_end();
        bench_sample(is_drop ? taken : begin, is_drop ? dropped : taken);
    }
    bench_unmap(AREA, MANY);
}

void rows_pin_take(void)
{
    pin_many(0, false);
}

void rows_pin_drop(void)
{
    pin_many(0, true);
}

void rows_pin_long(void)
{
    pin_many(MEM_PIN_LONGTERM, false);
}

/* Lock 1,024 present pages. */
void rows_lock(void)
{
    area_make(MANY);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        enum err error = hf_lock(HF_OWN_SPACE, AREA, MANY * PAGE, 0);
        bench_sample(begin, bench_end());
        bench_must(error, "lock");
        bench_must(hf_unlock(HF_OWN_SPACE, AREA, MANY * PAGE), "unlock");
    }
    bench_unmap(AREA, MANY);
}
