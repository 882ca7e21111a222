/* SPDX-License-Identifier: MIT */
/*
 * Four threads map, touch, clone, remap, lock and unmap in one space at once, each on a hart of its
 * own where there are so many; in the end every account is where it was.
 *
 *   accounts_test [seconds=N]     (default 5)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/mutex.h>
#include <hf/process.h>
#include <hf/thread.h>
#include <tap.h>

#include "count.h"

#define THREADS    4u
#define PAGE       HF_PAGE_BYTES
#define PAGES      32u
#define PAGES_KEPT 8u /* ARENA_KEEP of server/core/arena.h */
#define RW         (MEM_PROT_READ | MEM_PROT_WRITE)

static uint64_t seconds = 5;
static uint64_t latest;
/* One child at a time: whoever waits for the end of one gets that of any. */
static struct hf_mutex children;

/* What the space has, and the machine. */
struct accounts {
    uint64_t regions;
    uint64_t pages;
    uint64_t resident;
    uint64_t data;
    uint64_t locked;
    uint64_t promised;
    uint64_t budget;
    uint64_t free;
};

/* One thread's. */
struct worker {
    struct hf_thread thread;
    uint64_t hart;
    uint64_t random;
    uint64_t rounds;
    uint64_t clones;
    const char *failed; /* what went wrong first; NULL: nothing */
};

static uint64_t used(enum mem_limit which)
{
    struct mem_limits_rep rep = {.used = 0};

    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, which, &rep), ERR_OK);
    return rep.used;
}

static struct accounts look(void)
{
    struct mem_query_rep totals = {.count = 0};
    struct mem_commit_rep commit = {.used = 0};
    struct mem_stats_rep stats = {.free = 0};

    EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &totals), ERR_OK);
    EXPECT_ERR(hf_commit_get(&commit), ERR_OK);
    EXPECT_ERR(hf_stats(&stats), ERR_OK);
    return (struct accounts){
        .regions = totals.regions_total,
        .pages = totals.pages_total,
        .resident = totals.resident_total,
        .data = used(MEM_LIMIT_DATA),
        .locked = used(MEM_LIMIT_LOCKED),
        .promised = commit.used,
        .budget = used(MEM_LIMIT_BUDGET),
        .free = stats.free,
    };
}

static uint64_t draw(struct worker *worker, uint64_t below)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random % below;
}

/* Note the first thing that goes wrong. Returns: whether it went well. */
static bool well(struct worker *worker, bool is_so, const char *what)
{
    if (!is_so && worker->failed == NULL) {
        worker->failed = what;
    }
    return is_so;
}

/* A clone sees what was written before it, and is ended again. */
static bool clone_once(struct worker *worker, uint64_t at, uint64_t word)
{
    struct mem_space_make_rep rep;
    uint64_t seen = ~word;
    uint64_t copied = 0;

    hf_mutex_lock(&children);
    bool is_well = well(
        worker, hf_space_clone(HF_OWN_SPACE, "clone", PRIORITY_DEFAULT, &rep) == ERR_OK, "a clone");
    if (is_well) {
        const struct hf_process child = {
            .space = rep.space, .kernel_space = rep.kernel_space, .space_id = rep.space_id};
        struct mem_next_rep end;

        *(volatile uint64_t *)at = ~word; /* which the clone must not see */
        is_well = well(worker,
                       hf_copy(rep.space, (uint64_t)&seen, at, sizeof(seen), MEM_COPY_FROM,
                               &copied) == ERR_OK &&
                           seen == word,
                       "what a clone sees") &&
                  well(worker, hf_space_end(rep.space, 0) == ERR_OK, "the end of a clone") &&
                  well(worker, hf_process_wait(&child, &end) == ERR_OK, "the news of its end");
        hf_process_forget(&child);
        worker->clones++;
    }
    hf_mutex_unlock(&children);
    return is_well;
}

/* Unmap what is left beside page `cut`, where another thread may have mapped something by now. */
static bool unmap_rest(struct worker *worker, uint64_t at, uint64_t cut, uint64_t pages)
{
    const uint64_t behind = at + (cut + 1) * PAGE;

    return (cut == 0 ||
            well(worker, hf_unmap(HF_OWN_SPACE, at, cut * PAGE) == ERR_OK, "UNMAP before it")) &&
           well(worker, hf_unmap(HF_OWN_SPACE, behind, (pages - cut - 1) * PAGE) == ERR_OK,
                "UNMAP behind it");
}

/* Map, touch, lock, clone now and then, move, take apart. */
static bool round_once(struct worker *worker)
{
    const bool is_shared = draw(worker, 3) == 0;
    const uint64_t pages = 2 + draw(worker, PAGES - 2);
    const struct hf_map map = {.length = pages * PAGE,
                               .prot = RW,
                               .flags = MEM_MAP_ANONYMOUS |
                                        (is_shared ? MEM_MAP_SHARED : MEM_MAP_PRIVATE)};
    const uint64_t word = draw(worker, UINT64_C(1) << 60) | 1;
    uint64_t at = 0;

    if (!well(worker, hf_map(map, &at) == ERR_OK, "MAP")) {
        return false;
    }
    for (uint64_t i = 0; i < pages; i++) {
        *(volatile uint64_t *)(at + i * PAGE) = word + i;
    }
    const uint64_t locked = 1 + draw(worker, pages - 1);
    struct hf_remap remap = {.old_addr = at,
                             .old_length = pages * PAGE,
                             .new_length = (pages + 4) * PAGE,
                             .flags = MEM_REMAP_MAYMOVE};

    if (!well(worker, hf_lock(HF_OWN_SPACE, at, locked * PAGE, 0) == ERR_OK, "LOCK") ||
        !well(worker, hf_unlock(HF_OWN_SPACE, at, pages * PAGE) == ERR_OK, "UNLOCK") ||
        !well(worker, hf_lock(HF_OWN_SPACE, at, pages * PAGE, 0) == ERR_OK, "LOCK of all") ||
        (!is_shared && worker->rounds % 8 == 1 && !clone_once(worker, at, word)) ||
        !well(worker, hf_remap(remap, &at) == ERR_OK, "REMAP")) {
        return false;
    }
    for (uint64_t i = 1; i < pages; i++) {
        if (!well(worker, *(volatile uint64_t *)(at + i * PAGE) == word + i, "what was moved")) {
            return false;
        }
    }
    const uint64_t cut = draw(worker, pages);

    return well(worker, hf_protect(HF_OWN_SPACE, at + cut * PAGE, PAGE, MEM_PROT_READ) == ERR_OK,
                "PROTECT") &&
           well(worker, hf_unmap(HF_OWN_SPACE, at + cut * PAGE, PAGE) == ERR_OK, "UNMAP of one") &&
           unmap_rest(worker, at, cut, pages + 4);
}

static void work(void *argument)
{
    struct worker *worker = argument;

    if (!well(worker, hf_thread_hart(0, worker->hart) == ERR_OK, "a hart")) {
        return;
    }
    do {
        worker->rounds++;
    } while (round_once(worker) && hf_time_now() < latest);
}

/* Run all threads for as long as `latest` says. */
static void work_all(struct worker workers[THREADS])
{
    uint64_t harts = 1;

    EXPECT_ERR(hf_info(INFO_HARTS, &harts), ERR_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.hart = i % harts, .random = 88172645463325252 + i};
        if (!EXPECT_ERR(hf_thread_run(&workers[i].thread, PRIORITY_DEFAULT, work, &workers[i]),
                        ERR_OK)) {
            exit(1);
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        hf_thread_join(&workers[i].thread);
    }
}

TAP_TEST(four_threads_on_four_harts_leave_every_account_as_it_was)
{
    static struct worker workers[THREADS];
    uint64_t clones = 0;

    /* What comes with the first time stays: stacks that were touched, slabs, notifications. */
    latest = hf_time_now() + hf_env()->timebase_hz / 2;
    work_all(workers);
    const struct accounts before = look();

    latest = hf_time_now() + seconds * hf_env()->timebase_hz;
    work_all(workers);
    const struct accounts after = look();

    for (unsigned i = 0; i < THREADS; i++) {
        tap_note("thread %u: %" PRIu64 " rounds, %" PRIu64 " clones", i, workers[i].rounds,
                 workers[i].clones);
        EXPECT_STR(workers[i].failed == NULL ? "" : workers[i].failed, "");
        EXPECT(workers[i].rounds > 0);
        clones += workers[i].clones;
    }
    EXPECT(clones > 0);
    EXPECT_U64(after.regions, before.regions);
    EXPECT_U64(after.pages, before.pages);
    EXPECT_U64(after.resident, before.resident);
    EXPECT_U64(after.data, before.data);
    EXPECT_U64(after.locked, 0);
    EXPECT_U64(after.promised, before.promised);
    EXPECT_U64(after.budget, before.budget);
    /* The server keeps some pages for records; when the program has ended, init misses no frame. */
    EXPECT(after.free + PAGES_KEPT >= before.free);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(four_threads_on_four_harts_leave_every_account_as_it_was),
    };

    seconds = count_asked(&argc, argv, "seconds", seconds);
    return TAP_RUN(argc, argv, tests);
}
