/* SPDX-License-Identifier: MIT */
/*
 * Several threads serve a pager, and several wait for it, in two processes: nobody is forgotten,
 * and everybody sees the page that he touched.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/pager.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "child.h"

#define PAGES   2048u
#define WORDS   (PAGE / sizeof(uint64_t))
#define WORKERS 3u
#define READERS 4u
#define NAME    "many pagers: object"

static uint64_t pager;

static uint64_t word_of(uint64_t page, uint64_t index)
{
    return page * WORDS * 3 + index * 7 + 1;
}

/* Each prepares pages in memory of its own and supplies them singly, the last ones first. */
static void serve(void *unused)
{
    uint64_t *made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct mem_pager_next_rep work;
    enum err error = made == MAP_FAILED ? ERR_NOMEM : ERR_OK;
    (void)unused;
    while (error == ERR_OK) {
        error = hf_pager_next(pager, false, &work);
        for (uint64_t i = error == ERR_OK ? work.pages : 0; i-- > 0 && error == ERR_OK;) {
            for (uint64_t word = 0; word < WORDS; word++) {
                made[word] = word_of(work.first + i, word);
            }
            error = hf_pager_supply(pager, &work, i, 1, MEM_SUPPLY_COPY, (uint64_t)made);
        }
    }
}

static int role_serve(void)
{
    static struct hf_thread threads[WORKERS - 1];
    const struct hf_pager_object made = {.bytes = (uint64_t)PAGES * PAGE, .window = 4};
    uint64_t object = 0;
    uint64_t number = 0;
    if (hf_pager_make(&pager) != ERR_OK ||
        hf_pager_object(pager, made, &object, &number) != ERR_OK) {
        return 1;
    }
    for (unsigned i = 0; i < WORKERS - 1; i++) {
        if (hf_thread_run(&threads[i], PRIORITY_DEFAULT, serve, NULL) != ERR_OK) {
            return 2;
        }
    }
    if (hf_shared_name(object, NAME, strlen(NAME), MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE) !=
        ERR_OK) {
        return 3;
    }
    serve(NULL);
    return 4;
}

struct reader {
    struct hf_thread thread;
    const volatile uint64_t *memory;
    uint64_t state;
    uint64_t wrong;
};

/* Touch pages by chance, many of which others touch at the same time. */
static void read_pages(void *argument)
{
    struct reader *reader = argument;
    for (unsigned i = 0; i < PAGES; i++) {
        reader->state = reader->state * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t page = (reader->state >> 33) % 8 == 0 ? (reader->state >> 40) % PAGES : i;
        const uint64_t index = (reader->state >> 50) % WORDS;
        reader->wrong += reader->memory[page * WORDS + index] != word_of(page, index) ? 1 : 0;
    }
}

/* All readers of a process. Returns: how many words were wrong. */
static uint64_t read_by_many(const volatile uint64_t *memory, uint64_t seed)
{
    static struct reader readers[READERS];
    uint64_t wrong = 0;
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.memory = memory, .state = seed + i};
        if (hf_thread_run(&readers[i].thread, PRIORITY_DEFAULT, read_pages, &readers[i]) !=
            ERR_OK) {
            return UINT64_MAX;
        }
    }
    for (unsigned i = 0; i < READERS; i++) {
        hf_thread_join(&readers[i].thread);
        wrong += readers[i].wrong;
    }
    return wrong;
}

TAP_TEST(many_threads_wait_for_many_and_nobody_is_forgotten)
{
    struct child child;
    uint64_t address = 0;
    int status = 0;
    enum err error = ERR_NOENT;
    struct hf_map map = {
        .length = (uint64_t)PAGES * PAGE, .prot = MEM_PROT_READ, .flags = MEM_MAP_SHARED};
    REQUIRE(child_start(&child, "serve", ""));
    for (unsigned i = 0; i < 5000 && error == ERR_NOENT; i++) {
        usleep(1000);
        error =
            hf_shared_open(NAME, strlen(NAME), MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE, &map.object);
    }
    REQUIRE(EXPECT_ERR(error, ERR_OK));
    REQUIRE(EXPECT_ERR(hf_map(map, &address), ERR_OK));
    /* What is mapped shared is the child's too. */
    const pid_t other = fork();
    if (other == 0) {
        _exit(read_by_many((const volatile uint64_t *)address, 1000) == 0 ? 0 : 1);
    }
    EXPECT_U64(read_by_many((const volatile uint64_t *)address, 1), 0);
    EXPECT(waitpid(other, &status, 0) == other && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_ERR(hf_shared_unname(NAME, strlen(NAME)), ERR_OK);
    EXPECT(munmap((void *)address, map.length) == 0);
    EXPECT_ERR(hf_shared_close(map.object), ERR_OK);
    hf_process_forget(&child.process);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(many_threads_wait_for_many_and_nobody_is_forgotten),
    };
    if (child_role(argc, argv) != NULL) {
        return role_serve();
    }
    return TAP_RUN(argc, argv, tests);
}
