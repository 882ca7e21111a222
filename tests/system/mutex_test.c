/* SPDX-License-Identifier: MIT */
/*
 * What a mutex promises to threads that run at the same time, each kept on a hart of its own where
 * there are so many: one is in at a time, and sees all that was written by those before. The words
 * under it are plain ones, so nothing else makes them right.
 *
 * Not here: how threads sleep for it, recursive ones and conditions (threads_test.c).
 */
#include <stdatomic.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/mutex.h>
#include <tap.h>

#include "crowd.h"

#define THREADS    CROWD_MAX
#define ROUNDS     800u
#define STAY_AFTER 50u /* rounds after which the holder stays inside until another one comes */
#define WORDS      64u
#define LETTERS    250u
#define PAGE_WORDS (HF_PAGE_BYTES / sizeof(uint64_t))

static struct hf_mutex mutex;

/* One thread's. */
struct worker {
    uint64_t number; /* which decides where it runs */
    uint64_t wrong;  /* what it found that nobody can have left */
};

/* The threads come one after the other to a hart, and all wait until the last has come. */
static atomic_uint arrived;
static atomic_uint coming; /* threads that want the mutex and have not got it */
static atomic_uint gone;

static void begin(const struct worker *worker)
{
    EXPECT_ERR(hf_thread_hart(0, worker->number % crowd_harts()), ERR_OK);
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < THREADS) {
        (void)hf_yield();
    }
}

static void enter(void)
{
    atomic_fetch_add(&coming, 1);
    hf_mutex_lock(&mutex);
    atomic_fetch_sub(&coming, 1);
}

/* Stay inside until another one comes. Returns: whether one has; else all others have gone. */
static bool stay(void)
{
    while (atomic_load(&coming) == 0 && atomic_load(&gone) < THREADS - 1) {
        (void)hf_yield();
    }
    return atomic_load(&coming) != 0;
}

/* Let `work` be done by all. Returns: what they found wrong. */
static uint64_t run_all(void (*work)(void *))
{
    struct worker workers[THREADS];
    uint64_t wrong = 0;

    atomic_store(&arrived, 0);
    atomic_store(&gone, 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i};
    }
    crowd_run(work, workers, sizeof(workers[0]), THREADS);
    for (uint64_t i = 0; i < THREADS; i++) {
        wrong += workers[i].wrong;
    }
    EXPECT_U64(atomic_load(&mutex.state), HF_MUTEX_FREE);
    return wrong;
}

static uint64_t counter;
static uint64_t crowded; /* how often the holder has seen another one come */

static void count_run(void *argument)
{
    begin(argument);
    for (unsigned i = 0; i < ROUNDS; i++) {
        enter();
        const uint64_t before = counter;
        if (i % STAY_AFTER == 0) {
            crowded += stay();
        }
        counter = before + 1;
        hf_mutex_unlock(&mutex);
        if (i % STAY_AFTER == 0) {
            (void)hf_yield(); /* who was woken may run here */
        }
    }
    atomic_fetch_add(&gone, 1);
}

TAP_TEST(a_count_under_a_mutex_loses_nothing)
{
    counter = 0;
    crowded = 0;
    EXPECT_U64(run_all(count_run), 0);
    EXPECT_U64(counter, (uint64_t)THREADS * ROUNDS);
    /* Only the last one has nobody to wait for. */
    EXPECT(crowded >= (THREADS - 1) * (ROUNDS / STAY_AFTER));
}

/* Words that are all of one round, each in a line of its own of any cache. */
static struct {
    _Alignas(64) uint64_t round;
} published[WORDS];

/* All that the one before wrote is there, and nothing older than what was seen last. */
static void publish_run(void *argument)
{
    struct worker *worker = argument;
    uint64_t last = 0;

    begin(worker);
    for (unsigned i = 0; i < ROUNDS; i++) {
        enter();
        const uint64_t round = published[0].round;
        worker->wrong += round < last;
        for (unsigned j = 1; j < WORDS; j++) {
            worker->wrong += published[j].round != round;
        }
        last = round + 1;
        /* From either end, so that neither the first nor the last is always the oldest. */
        for (unsigned j = 0; j < WORDS; j++) {
            if (j == WORDS / 2 && i % STAY_AFTER == 0) {
                (void)stay();
            }
            published[i % 2 == 0 ? j : WORDS - 1 - j].round = last;
        }
        hf_mutex_unlock(&mutex);
        if (i % STAY_AFTER == 0) {
            (void)hf_yield();
        }
    }
    atomic_fetch_add(&gone, 1);
}

TAP_TEST(all_that_was_written_under_a_mutex_is_seen_by_the_next)
{
    for (unsigned i = 0; i < WORDS; i++) {
        published[i].round = 0;
    }
    EXPECT_U64(run_all(publish_run), 0);
    for (unsigned i = 0; i < WORDS; i++) {
        EXPECT_U64(published[i].round, (uint64_t)THREADS * ROUNDS);
    }
}

/* A page that its writer has mapped and filled by itself, under no mutex; the next takes it. */
static uint64_t *letter;
static uint64_t letters_taken;

static bool letter_write(uint64_t word)
{
    const struct hf_map map = {
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };
    uint64_t address = 0;

    if (hf_map(map, &address) != ERR_OK) {
        return false;
    }
    uint64_t *page = (uint64_t *)address;
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        page[i] = word + i;
    }
    for (bool is_sent = false; !is_sent;) {
        hf_mutex_lock(&mutex);
        is_sent = letter == NULL;
        letter = is_sent ? page : letter;
        hf_mutex_unlock(&mutex);
        if (!is_sent) {
            (void)hf_yield();
        }
    }
    return true;
}

/* Take whatever letter there is. Returns: whether it was as somebody has written it, and gone. */
static bool letter_take(void)
{
    uint64_t *page = NULL;

    while (page == NULL) {
        hf_mutex_lock(&mutex);
        page = letter;
        letter = NULL;
        letters_taken += page != NULL;
        hf_mutex_unlock(&mutex);
        if (page == NULL) {
            (void)hf_yield();
        }
    }
    bool is_whole = page[0] != 0; /* as a page is that nobody has written to */
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        is_whole = is_whole && page[i] == page[0] + i;
    }
    return hf_unmap(HF_OWN_SPACE, (uint64_t)page, HF_PAGE_BYTES) == ERR_OK && is_whole;
}

/* Half of the threads write, the others read. */
static void letters_run(void *argument)
{
    struct worker *worker = argument;

    begin(worker);
    for (uint64_t i = 1; i <= LETTERS; i++) {
        const bool is_well =
            worker->number % 2 == 0 ? letter_write((worker->number + 1) << 32 | i) : letter_take();
        worker->wrong += !is_well;
    }
}

TAP_TEST(what_a_thread_made_before_it_took_the_mutex_is_whole_to_who_takes_it_next)
{
    letters_taken = 0;
    EXPECT_U64(run_all(letters_run), 0);
    EXPECT_U64(letters_taken, (uint64_t)THREADS / 2 * LETTERS);
    EXPECT(letter == NULL);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_count_under_a_mutex_loses_nothing),
        TAP(all_that_was_written_under_a_mutex_is_seen_by_the_next),
        TAP(what_a_thread_made_before_it_took_the_mutex_is_whole_to_who_takes_it_next),
    };

    return TAP_RUN(argc, argv, tests);
}
