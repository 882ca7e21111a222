/* SPDX-License-Identifier: MIT */
/*
 * Threads that are ended by another of their process while they fault: what they were about to
 * touch holds what it should, and never what its frame held before.
 */
#include <stdatomic.h>

#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"

#define THREADS 3u
#define PAGES   16u /* of each thread */
#define ROUNDS  8u
#define WORDS   (PAGE / sizeof(uint64_t))

/* Where a thread writes, page after page, pass after pass. */
struct toucher {
    struct hf_thread thread;
    uint64_t start;
    uint64_t model;            /* pages that hold what these hold while they are new; 0: zeros */
    atomic_uint_fast64_t pass; /* a mark that no page held before; 0: nothing was written yet */
};

static struct toucher touchers[THREADS];

/* The word of a page that is written first, and the one that is written last. */
static volatile uint64_t *first_of(uint64_t start, uint64_t page)
{
    return (volatile uint64_t *)(start + page * PAGE);
}

static volatile uint64_t *last_of(uint64_t start, uint64_t page)
{
    return first_of(start, page) + WORDS - 1;
}

/* Write the mark of a pass into every page, drop the pages, begin anew. */
static void touch_run(void *argument)
{
    struct toucher *toucher = argument;

    for (;;) {
        const uint64_t pass = atomic_fetch_add(&toucher->pass, 1) + 1;
        for (uint64_t i = 0; i < PAGES; i++) {
            *first_of(toucher->start, i) = pass;
            *last_of(toucher->start, i) = pass;
        }
        (void)hf_advise(HF_OWN_SPACE, toucher->start, PAGES * PAGE, MEM_ADVISE_DONTNEED);
    }
}

/* A page holds the mark of the last pass, or is as it is when it is new, or half way between. */
static bool page_is_good(const struct toucher *toucher, uint64_t page)
{
    const uint64_t pass = atomic_load(&toucher->pass);
    const uint64_t first = *first_of(toucher->start, page);
    const uint64_t last = *last_of(toucher->start, page);
    const uint64_t first_new = toucher->model == 0 ? 0 : *first_of(toucher->model, page);
    const uint64_t last_new = toucher->model == 0 ? 0 : *last_of(toucher->model, page);
    const bool is_good = (first == pass && (last == pass || last == last_new)) ||
                         (first == first_new && last == last_new);

    if (!is_good) {
        tap_note("page %u in pass %u: %u %u", (unsigned)page, (unsigned)pass, (unsigned)first,
                 (unsigned)last);
    }
    return is_good;
}

/* Start the threads; end each while it works, at another moment in each round. */
static void round_run(uint64_t round)
{
    unsigned started = 0;

    for (; started < THREADS; started++) {
        struct toucher *toucher = &touchers[started];
        if (!EXPECT_ERR(hf_thread_run(&toucher->thread, PRIORITY_DEFAULT, touch_run, toucher),
                        ERR_OK)) {
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        const uint64_t pass = atomic_load(&touchers[i].pass);
        while (atomic_load(&touchers[i].pass) < pass + 2) {
            (void)hf_yield();
        }
        for (uint64_t turns = 0; turns < round * 97 % 1009; turns++) {
            __asm__ volatile("");
        }
        hf_thread_kill(&touchers[i].thread);
        for (uint64_t page = 0; page < PAGES; page++) {
            EXPECT(page_is_good(&touchers[i], page));
        }
    }
}

/* Let threads touch the pages from `start` on, which are private. */
static void rounds_run(uint64_t start, uint64_t model)
{
    for (unsigned i = 0; i < THREADS; i++) {
        const uint64_t offset = i * PAGES * PAGE;
        touchers[i] =
            (struct toucher){.start = start + offset, .model = model == 0 ? 0 : model + offset};
    }
    for (uint64_t round = 0; round < ROUNDS; round++) {
        round_run(round);
    }
}

TAP_TEST(a_page_of_a_thread_that_is_ended_in_its_fault_is_zero)
{
    REQUIRE(EXPECT_ERR(area_map(0, THREADS * PAGES, RW), ERR_OK));
    rounds_run(AREA_START, 0);
    area_clear();
}

/* The first pages of the boot archive. Returns: where; 0: they cannot be mapped. */
static uint64_t archive_map(uint32_t prot)
{
    const struct hf_map map = {
        .length = THREADS * PAGES * PAGE,
        .prot = prot,
        .flags = MEM_MAP_PRIVATE,
        .object = hf_env()->archive_object,
    };
    uint64_t at = 0;

    EXPECT_ERR(hf_map(map, &at), ERR_OK);
    return at;
}

TAP_TEST(a_page_of_a_thread_that_is_ended_in_its_fault_is_as_in_its_object)
{
    const uint64_t written = archive_map(RW);
    const uint64_t model = archive_map(MEM_PROT_READ);

    REQUIRE(written != 0 && model != 0);
    rounds_run(written, model);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, written, THREADS * PAGES * PAGE), ERR_OK);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, model, THREADS * PAGES * PAGE), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_page_of_a_thread_that_is_ended_in_its_fault_is_zero),
        TAP(a_page_of_a_thread_that_is_ended_in_its_fault_is_as_in_its_object),
    };
    return TAP_RUN(argc, argv, tests);
}
