/* SPDX-License-Identifier: MIT */
/*
 * A pager: word n of its object is n squared, until somebody writes something else there. A child
 * maps the object, prints the words that the arguments name, writes 1 more to each, has that saved,
 * and the pager prints what it was given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/error.h>
#include <hf/pager.h>
#include <hf/shared.h>
#include <hf/thread.h>

#define PAGES 65536u
#define PAGE  4096u
#define WORDS (PAGE / sizeof(uint64_t))
#define NAME  "squares"

static uint64_t *kept[PAGES]; /* as last saved; NULL: never */
static uint64_t pager;
static uint64_t object;

/* Supply each page from what was saved, or make it up. */
static enum err pull(const struct mem_pager_next_rep *work)
{
    static _Alignas(PAGE) uint64_t made[WORDS];
    enum err error = ERR_OK;
    for (uint64_t i = 0; i < work->pages && error == ERR_OK; i++) {
        const uint64_t page = work->first + i;
        for (uint64_t word = 0; word < WORDS && kept[page] == NULL; word++) {
            made[word] = (page * WORDS + word) * (page * WORDS + word);
        }
        const uint64_t *from = kept[page] != NULL ? kept[page] : made;
        error = hf_pager_supply(pager, work, i, 1, MEM_SUPPLY_COPY, (uint64_t)from);
    }
    return error;
}

/* Keep pages that were written to. A pager reads its own object by copying, never by address. */
static enum err save(const struct mem_pager_next_rep *work)
{
    enum err error = ERR_OK;
    for (uint64_t page = work->first; page < work->first + work->pages && error == ERR_OK; page++) {
        uint64_t copied = 0;
        if (kept[page] == NULL) {
            kept[page] = aligned_alloc(PAGE, PAGE);
        }
        error = kept[page] == NULL ? ERR_NOMEM
                                   : hf_shared_copy(object, (uint64_t)kept[page], page * PAGE, PAGE,
                                                    MEM_COPY_FROM, &copied);
    }
    return hf_pager_wrote(pager, work, error); /* with an error they stay to be saved */
}

/* Do what is asked for until nobody has the object any longer, or this process ends. */
static void serve(void *unused)
{
    struct mem_pager_next_rep work = {.kind = 0};
    enum err error = ERR_OK;
    (void)unused;
    while (error == ERR_OK && work.kind != MEM_WORK_GONE) {
        error = hf_pager_next(pager, false, &work);
        if (error == ERR_OK && work.kind != MEM_WORK_GONE) {
            error = work.kind == MEM_WORK_PULL ? pull(&work) : save(&work);
        }
        /* Who waited too long has been told; what comes too late harms nobody. */
        error = error == ERR_STALE || error == ERR_EXIST ? ERR_OK : error;
    }
    printf("squares: the pager ends: %s\n", hf_strerror(error));
}

static int use(int count, char **numbers)
{
    uint64_t addr = 0;
    struct hf_map map = {.length = (uint64_t)PAGES * PAGE,
                         .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                         .flags = MEM_MAP_SHARED};
    if (hf_shared_open(NAME, sizeof(NAME) - 1, MEM_OBJECT_RIGHTS, &map.object) != ERR_OK ||
        hf_map(map, &addr) != ERR_OK) {
        return 1;
    }
    for (int i = 0; i < count; i++) {
        volatile uint64_t *word =
            (uint64_t *)addr + strtoull(numbers[i], NULL, 0) % (PAGES * WORDS);
        printf("%s squared is %llu\n", numbers[i], (unsigned long long)*word);
        *word += 1;
    }
    return msync((void *)addr, map.length, MS_SYNC) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct hf_thread server;
    const struct hf_pager_object made = {.bytes = (uint64_t)PAGES * PAGE};
    uint64_t number = 0;
    int status = 1;
    if (hf_pager_make(&pager) != ERR_OK ||
        hf_pager_object(pager, made, &object, &number) != ERR_OK ||
        hf_shared_name(object, NAME, sizeof(NAME) - 1, MEM_OBJECT_RIGHTS) != ERR_OK ||
        hf_thread_run(&server, PRIORITY_DEFAULT, serve, NULL) != ERR_OK) {
        return 1;
    }
    const pid_t child = fork();
    if (child == 0) {
        _exit(use(argc - 1, argv + 1));
    }
    (void)waitpid(child, &status, 0);
    (void)hf_shared_unname(NAME, sizeof(NAME) - 1);
    for (int i = 1; i < argc; i++) {
        const uint64_t n = strtoull(argv[i], NULL, 0) % (PAGES * WORDS);
        if (kept[n / WORDS] == NULL) {
            return 1;
        }
        printf("saved: %llu\n", (unsigned long long)kept[n / WORDS][n % WORDS]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
