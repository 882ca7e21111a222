/* SPDX-License-Identifier: MIT */
/*
 * Pagers and those who wait for them, each a process: pages that are supplied, saved, or never
 * come; pagers that say nothing, say rubbish, end, and are replaced.
 *
 * Objects and pagers are passed by name.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/pager.h>
#include <hf/pin.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "child.h"
#include "paged.h"

/* Serve as it should be, every other pull by copy; what is saved goes into `saved`. */
static enum err pager_serve(const struct paged *pager, uint64_t *saved)
{
    struct mem_pager_next_rep work;
    enum err error = hf_pager_next(pager->handle, false, &work);
    for (unsigned turn = 0; error == ERR_OK; turn++) {
        const uint64_t addr = (uint64_t)(uintptr_t)pager->memory;
        uint64_t copied = 0;
        switch (work.kind) {
        case MEM_WORK_PULL:
            for (uint64_t i = 0; i < work.pages; i++) {
                paged_fill(pager->memory + i * (PAGE / sizeof(uint64_t)), work.first + i);
            }
            error = hf_pager_supply_next(
                pager->handle, turn % 2 == 0 ? MEM_SUPPLY_MOVE : MEM_SUPPLY_COPY, addr, &work);
            break;
        case MEM_WORK_SAVE:
            error = hf_shared_copy(pager->object, (uint64_t)(uintptr_t)saved + work.first * PAGE,
                                   work.first * PAGE, work.pages * PAGE, MEM_COPY_FROM, &copied);
            if (error == ERR_OK) {
                error = paged_say_saved(pager, &work);
            }
            if (error == ERR_OK) {
                error = hf_pager_next(pager->handle, false, &work);
            }
            break;
        default:
            return ERR_OK; /* gone */
        }
    }
    return error;
}

/* The role of a pager that works. Ends when it is killed. */
static int role_serve(const char *word)
{
    struct paged pager;
    uint64_t *saved =
        mmap(NULL, PAGED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!paged_open(&pager, strcmp(word, "wait") == 0 ? MEM_PAGED_WAIT : 0, 0)) {
        return 1;
    }
    return pager_serve(&pager, saved) == ERR_OK ? 0 : 2;
}

/* Takes work and does nothing about it; with "end" it ends. */
static int role_silent(const char *word)
{
    struct paged pager;
    struct mem_pager_next_rep work;
    const bool ends = strcmp(word, "end") == 0;
    if (!paged_open(&pager, ends ? MEM_PAGED_WAIT : 0, ends ? 0 : strtoul(word, NULL, 10))) {
        return 1;
    }
    if (hf_pager_next(pager.handle, false, &work) != ERR_OK) {
        return 2;
    }
    while (!ends) {
        (void)hf_pager_next(pager.handle, false, &work);
    }
    return 0;
}

/* Serves the pager that another process made. */
static int role_attach(const char *word)
{
    struct paged pager = {.number = 0};
    pager.memory =
        mmap(NULL, PAGED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)word;
    if (hf_shared_open(PAGED_SELF, strlen(PAGED_SELF), MEM_OBJECT_READ | MEM_OBJECT_WRITE,
                       &pager.handle) != ERR_OK ||
        hf_pager_attach(pager.handle) != ERR_OK) {
        return 1;
    }
    return pager_serve(&pager, NULL) == ERR_OK ? 0 : 2;
}

/* Says all that is wrong before it says what is right. */
static int role_rubbish(const char *word)
{
    struct paged pager;
    struct mem_pager_next_rep work;
    (void)word;
    if (!paged_open(&pager, 0, 0) || hf_pager_next(pager.handle, false, &work) != ERR_OK) {
        return 1;
    }
    const uint64_t addr = (uint64_t)(uintptr_t)pager.memory;
    struct mem_pager_next_rep wrong = work;
    wrong.generation++;
    if (hf_pager_supply(pager.handle, &wrong, 0, 1, MEM_SUPPLY_ZERO, 0) != ERR_STALE ||
        hf_pager_supply(pager.handle, &work, 0, PAGED_PAGES, MEM_SUPPLY_ZERO, 0) != ERR_RANGE ||
        hf_pager_supply(pager.handle, &work, 0, 0, MEM_SUPPLY_ZERO, 0) != ERR_INVAL ||
        hf_pager_supply(pager.handle, &work, 0, 1, 0x10, addr) != ERR_INVAL ||
        hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_COPY, addr + 1) != ERR_INVAL ||
        hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_COPY, 0) != ERR_FAULT ||
        hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_MOVE, addr) != ERR_FAULT ||
        hf_pager_fail(pager.handle, &work, 0, 1, ERR_OK) != ERR_INVAL ||
        hf_pager_wrote(pager.handle, &work, ERR_OK) != ERR_STALE ||
        hf_pager_attach(pager.handle) != ERR_BUSY) {
        return 2;
    }
    paged_fill(pager.memory, work.first);
    if (hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_MOVE, addr) != ERR_OK ||
        hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_ZERO, 0) != ERR_EXIST) {
        return 3;
    }
    return pager_serve(&pager, NULL) == ERR_OK ? 0 : 4;
}

/* Refuses the odd pages, with a reason, and supplies the others as zeros, singly, from behind. */
static int role_fail(const char *word)
{
    struct paged pager;
    struct mem_pager_next_rep work;
    (void)word;
    if (!paged_open(&pager, 0, 0) || hf_shared_close(pager.object) != ERR_OK) {
        return 1;
    }
    for (;;) {
        enum err error = hf_pager_next(pager.handle, false, &work);
        if (error != ERR_OK || work.kind != MEM_WORK_PULL) {
            return error == ERR_OK ? 0 : 2;
        }
        for (uint64_t i = work.pages; i-- > 0 && error == ERR_OK;) {
            error = (work.first + i) % 2 != 0
                        ? hf_pager_fail(pager.handle, &work, i, 1, ERR_IO)
                        : hf_pager_supply(pager.handle, &work, i, 1, MEM_SUPPLY_ZERO, 0);
        }
        if (error != ERR_OK) {
            return 3;
        }
    }
}

static struct hf_pin pin_of(volatile uint64_t *memory, uint64_t pages, uint32_t flags)
{
    return (struct hf_pin){.addr = (const void *)(uintptr_t)memory,
                           .pages = pages,
                           .flags = flags | MEM_PIN_GET,
                           .purpose = "test"};
}

/* Waits for a page, at a fault (r) or in a request: copying it (c), or pinning it and the next. */
static int role_wait(const char *word, char how)
{
    static uint64_t copy;
    const uint64_t page = strtoul(word, NULL, 10);
    uint64_t object = 0;
    uint64_t copied = 0;
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    if (memory != NULL && how == 'r') {
        copy = memory[page * 512];
    } else if (memory != NULL && how == 'p') {
        const struct hf_pin pin = pin_of(memory + page * 512, 2, MEM_PIN_MAY_DROP);
        uint64_t number = 0;
        (void)hf_pin_all(&pin, &number, NULL);
    } else {
        (void)hf_shared_copy(object, (uint64_t)(uintptr_t)&copy, page * PAGE, sizeof(copy),
                             MEM_COPY_FROM, &copied);
    }
    return 0;
}

static int run_role(const char *role, const char *word)
{
    if (strcmp(role, "serve") == 0) {
        return role_serve(word);
    }
    if (strcmp(role, "silent") == 0) {
        return role_silent(word);
    }
    if (strcmp(role, "attach") == 0) {
        return role_attach(word);
    }
    if (strcmp(role, "fail") == 0) {
        return role_fail(word);
    }
    if (strcmp(role, "read") == 0 || strcmp(role, "copy") == 0 || strcmp(role, "pin") == 0) {
        return role_wait(word, role[0]);
    }
    return strcmp(role, "rubbish") == 0 ? role_rubbish(word) : 99;
}

TAP_TEST(what_a_pager_supplies_is_what_clients_see)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "serve", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    for (uint64_t i = 0; i < PAGED_PAGES; i++) {
        EXPECT(paged_is_right(memory, i * 37 % PAGED_PAGES));
    }
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

TAP_TEST(what_was_written_is_saved_by_sync_and_read_back)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "serve", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ | MEM_PROT_WRITE);
    REQUIRE(memory != NULL);
    const uint64_t words = PAGE / sizeof(uint64_t);
    for (uint64_t i = 0; i < 20; i++) {
        memory[i * words] = i;
    }
    EXPECT(msync((void *)memory, PAGED_PAGES * PAGE, MS_SYNC) == 0);
    /* Clean pages notice that they are written to again. */
    memory[0] = 77;
    EXPECT(msync((void *)memory, PAGED_PAGES * PAGE, MS_SYNC) == 0);
    EXPECT_U64(memory[0], 77);
    EXPECT_U64(memory[19 * words], 19);
    EXPECT_U64(memory[1], paged_word(0, 1));
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

TAP_TEST(pins_wait_for_pages_and_say_whether_the_space_was_free)
{
    struct child child;
    struct mem_pin_rep rep;
    uint64_t object = 0;
    uint64_t number = 0;
    REQUIRE(child_start(&child, "serve", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ | MEM_PROT_WRITE);
    REQUIRE(memory != NULL);
    struct hf_pin pin = pin_of(memory, 20, 0);
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 20);
    EXPECT_U64(rep.dropped, 0); /* P9 */
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT(paged_is_right(memory, 19));
    /* Behind what was asked for ahead. */
    pin = pin_of(memory + 48 * 512, 10, MEM_PIN_MAY_DROP | MEM_PIN_WRITE);
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 10);
    EXPECT_U64(rep.dropped, 1); /* P8, P11 */
    number = rep.pin;
    /* Saved while it is pinned, it stays to be saved. */
    EXPECT(msync((void *)memory, PAGED_PAGES * PAGE, MS_SYNC) == 0);
    memory[48 * 512] = 5;
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT(msync((void *)memory, PAGED_PAGES * PAGE, MS_SYNC) == 0);
    pin = pin_of(memory + 40 * 512, 1, MEM_PIN_NOWAIT);
    EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_AGAIN); /* P13 */
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

TAP_TEST(a_copy_from_an_object_waits_for_its_pages)
{
    static uint64_t page[512];
    struct child child;
    uint64_t object = 0;
    uint64_t copied = 0;
    REQUIRE(child_start(&child, "serve", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    EXPECT_ERR(
        hf_shared_copy(object, (uint64_t)(uintptr_t)page, 40 * PAGE, PAGE, MEM_COPY_FROM, &copied),
        ERR_OK);
    EXPECT_U64(copied, PAGE);
    EXPECT_U64(page[5], paged_word(40, 5));
    EXPECT(mlock((void *)memory, PAGED_PAGES * PAGE) == 0);
    EXPECT(paged_is_right(memory, 63));
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

/* A child that reads a word; the mapping is shared with it. */
static pid_t start_reader(const volatile uint64_t *word)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)*word;
        _exit(0);
    }
    return pid;
}

/* Whether it ended with a bus error. */
static bool ends_in_bus(pid_t pid)
{
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGBUS;
}

TAP_TEST(a_pager_that_never_answers_is_a_bus_error_after_its_time)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "silent", "200"));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    const uint64_t earliest = time_after(190);
    EXPECT(ends_in_bus(start_reader(memory + 512)));
    EXPECT(time_now() >= earliest);
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

TAP_TEST(who_waits_for_a_pager_that_is_killed_gets_a_bus_error)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "silent", "1000000"));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    const pid_t one = start_reader(memory);
    const pid_t other = start_reader(memory + 3 * 512);
    usleep(100000);
    hf_process_forget(&child.process);
    EXPECT(ends_in_bus(one));
    EXPECT(ends_in_bus(other));
    /* Who comes later need not wait. */
    EXPECT(ends_in_bus(start_reader(memory + 5 * 512)));
    paged_unmap(memory, object);
}

TAP_TEST(a_pager_that_answers_rubbish_harms_nobody)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "rubbish", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    EXPECT(paged_is_right(memory, 0));
    EXPECT(paged_is_right(memory, 30));
    paged_unmap(memory, object);
    hf_process_forget(&child.process);
}

TAP_TEST(who_waits_may_be_ended_at_any_time)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "silent", "1000000"));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    for (unsigned i = 0; i < 8; i++) {
        struct child reader;
        struct child copier;
        struct child pinner;
        const char page[] = {(char)('0' + i), 0};
        EXPECT(child_start(&reader, "read", page));
        EXPECT(child_start(&copier, "copy", page));
        EXPECT(child_start(&pinner, "pin", page));
        usleep(i * 4000);
        hf_process_forget(&reader.process);
        hf_process_forget(&copier.process);
        hf_process_forget(&pinner.process);
    }
    /* Nobody waits for the last of it any longer; the pager may end like that too. */
    hf_process_forget(&child.process);
    EXPECT(ends_in_bus(start_reader(memory)));
    paged_unmap(memory, object);
}

static void read_word(void *word)
{
    (void)*(volatile uint64_t *)word;
}

TAP_TEST(numbers_of_threads_that_ended_waiting_are_used_again)
{
    struct child child;
    uint64_t object = 0;
    REQUIRE(child_start(&child, "silent", "1000000"));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    for (unsigned i = 0; i < 60; i++) {
        struct hf_thread threads[3];
        for (unsigned j = 0; j < 3; j++) {
            REQUIRE(EXPECT_ERR(hf_thread_run(&threads[j], PRIORITY_DEFAULT, read_word,
                                             (void *)(memory + (i * 3 + j) % PAGED_PAGES * 512)),
                               ERR_OK));
        }
        if (i % 4 == 0) {
            usleep(1000);
        }
        for (unsigned j = 0; j < 3; j++) {
            hf_thread_kill(&threads[j]);
        }
    }
    hf_process_forget(&child.process);
    paged_unmap(memory, object);
}

TAP_TEST(pages_that_a_pager_fails_are_bus_errors_and_short_copies)
{
    static uint64_t pages[2 * 512];
    struct child child;
    struct mem_next_rep end;
    uint64_t object = 0;
    uint64_t copied = 0;
    REQUIRE(child_start(&child, "fail", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    EXPECT_U64(memory[8 * 512], 0);
    EXPECT(ends_in_bus(start_reader(memory + 9 * 512)));
    EXPECT_U64(memory[10 * 512], 0);
    EXPECT_ERR(hf_shared_copy(object, (uint64_t)(uintptr_t)pages, 20 * PAGE, 2 * PAGE,
                              MEM_COPY_FROM, &copied),
               ERR_FAULT);
    EXPECT_U64(copied, PAGE);
    /* Nobody has it any longer: its pager learns that, and ends. */
    paged_unmap(memory, object);
    EXPECT(child_end(&child, &end));
    EXPECT_U64(end.detail, 0);
}

static struct child second;

static void attach_later(void *unused)
{
    (void)unused;
    usleep(100000);
    EXPECT(child_start(&second, "attach", ""));
}

TAP_TEST(another_process_takes_the_place_of_a_pager_that_ended)
{
    struct child child;
    uint64_t object = 0;
    uint64_t self = 0;
    struct hf_thread starter;
    REQUIRE(child_start(&child, "silent", "end"));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(memory != NULL);
    REQUIRE(EXPECT_ERR(
        hf_shared_open(PAGED_SELF, strlen(PAGED_SELF), MEM_OBJECT_READ | MEM_OBJECT_WRITE, &self),
        ERR_OK));
    REQUIRE(EXPECT_ERR(hf_thread_run(&starter, PRIORITY_DEFAULT, attach_later, NULL), ERR_OK));
    /* The first pager takes the work and ends; the second does it. */
    EXPECT(paged_is_right(memory, 10));
    hf_thread_join(&starter);
    EXPECT(paged_is_right(memory, 50));
    hf_process_forget(&child.process);
    paged_unmap(memory, object);
    EXPECT_ERR(hf_shared_close(self), ERR_OK);
    hf_process_forget(&second.process);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_a_pager_supplies_is_what_clients_see),
        TAP(what_was_written_is_saved_by_sync_and_read_back),
        TAP(pins_wait_for_pages_and_say_whether_the_space_was_free),
        TAP(a_copy_from_an_object_waits_for_its_pages),
        TAP(a_pager_that_never_answers_is_a_bus_error_after_its_time),
        TAP(who_waits_for_a_pager_that_is_killed_gets_a_bus_error),
        TAP(a_pager_that_answers_rubbish_harms_nobody),
        TAP(who_waits_may_be_ended_at_any_time),
        TAP(numbers_of_threads_that_ended_waiting_are_used_again),
        TAP(pages_that_a_pager_fails_are_bus_errors_and_short_copies),
        TAP(another_process_takes_the_place_of_a_pager_that_ended),
    };
    const char *role_opt = child_role(argc, argv);

    if (role_opt != NULL) {
        return run_role(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
