/* SPDX-License-Identifier: MIT */
/*
 * Several processes that do anything at once, to each other's memory too.
 *
 *   chaos_test [rounds=N]     (default 20)
 *
 * Actors have two threads each, which map, touch, move, lock, pin, page out and clone what they
 * share with the others: shared memory whose size changes, and the object of a pager that answers
 * late, twice, wrongly or not at all. Their parent does the same to all of them, with its handles
 * to their spaces, and ends one of them each round, a pager too.
 *
 * What is tested is that nobody else notices: a private page holds what its own process wrote
 * there, or zeros; the memory server goes on; and when all have ended, every account is as it was.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pager.h>
#include <hf/process.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"
#include "count.h"
#include "meddle.h"

#define ACTORS   4u
#define PAGERS   1u
#define CHILDREN (ACTORS + PAGERS)
#define MEDDLERS 2u
#define ROUND_US 100000u

/* With which an actor ends of itself, beside MEDDLE_LEAKED. */
enum status {
    NOT_BEGUN = 1,
    NO_MEMORY = 2, /* there was no frame for what is not in the windows */
};

static uint64_t rounds;
static uint64_t last_seed; /* of the child that was started last; never used again */

static struct hf_thread second; /* of an actor */
static const char *program_name;
static _Atomic(uint64_t) spaces[CHILDREN];

static const char *object_name(unsigned index)
{
    static const char *const names[MEDDLE_OBJECTS] = {"chaos: a", "chaos: b", "chaos: paged"};
    return names[index];
}

/* A fault is told here, on a stack of the thread's own: the instruction is skipped. */
static void upcall_entry(uint64_t cause, uint64_t detail, struct upcall_context *context)
{
    if (cause != CAUSE_REQUEST) {
        if (detail < MEDDLE_OWN || detail >= MEDDLE_MIXED + MEDDLE_PAGES * PAGE) {
            hf_exit(NO_MEMORY);
        }
        context->pc += 4;
    }
    (void)hf_upcall_resume();
    hf_exit(NO_MEMORY);
}

/* With instructions of 4 bytes; a load that is skipped leaves `otherwise`. */
NOINLINE static uint64_t load(uint64_t addr, uint64_t otherwise)
{
    __asm__ volatile(".option push\n\t.option norvc\n\tld %0, 0(%1)\n\t.option pop"
                     : "+&r"(otherwise)
                     : "r"(addr)
                     : "memory");
    return otherwise;
}

NOINLINE static void store(uint64_t addr, uint64_t value)
{
    __asm__ volatile(".option push\n\t.option norvc\n\tsd %0, 0(%1)\n\t.option pop"
                     :
                     : "r"(value), "r"(addr)
                     : "memory");
}

static void touch(struct meddler *meddler)
{
    const uint64_t base = meddle_draw(meddler, 2) ? MEDDLE_MIXED : MEDDLE_OWN;
    const struct meddle_place place = meddle_draw_place(meddler, base);
    const uint64_t offset = meddle_draw(meddler, 8) * 512;

    for (uint64_t addr = place.addr; addr < place.addr + place.length; addr += PAGE) {
        if (meddle_draw(meddler, 2)) {
            store(addr + offset, meddler->mark << 32 | addr >> 12);
            continue;
        }
        const uint64_t word = load(addr + offset, 0);
        if (base == MEDDLE_OWN) {
            meddle_check(meddler, addr + offset, word);
        }
    }
}

static void act(void *argument)
{
    struct meddler *meddler = argument;
    static _Thread_local _Alignas(16) unsigned char stack[8192];

    (void)hf_upcall_set((uint64_t)(uintptr_t)upcall_entry,
                        (uint64_t)(uintptr_t)(stack + sizeof(stack)));
    for (;;) {
        if (meddle_draw(meddler, 3) == 0) {
            touch(meddler);
        } else {
            meddle(meddler, HF_OWN_SPACE, meddler->mark);
        }
    }
}

static void object_open(unsigned index)
{
    const char *name = object_name(index);

    if (hf_shared_open(name, strlen(name), MEM_OBJECT_RIGHTS, &meddle_objects[index]) != ERR_OK) {
        meddle_objects[index] = HF_NO_OBJECT;
    }
}

/* That of the pager that serves now, in place of that of one before. */
static void object_renew(void)
{
    if (meddle_objects[2] != HF_NO_OBJECT) {
        (void)hf_shared_close(meddle_objects[2]);
    }
    object_open(2);
}

static int role_act(const char *word)
{
    static struct meddler actors[2];
    const uint64_t seed = strtoull(word, NULL, 10);

    for (unsigned i = 0; i < MEDDLE_OBJECTS; i++) {
        object_open(i);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!meddle_init(&actors[i], seed * 2 + i, seed)) {
            return NOT_BEGUN;
        }
    }
    if (hf_thread_run_stack(&second, PRIORITY_DEFAULT, 32 * PAGE, act, &actors[1]) != ERR_OK) {
        return NOT_BEGUN;
    }
    act(&actors[0]);
    return NOT_BEGUN;
}

/* A pager that does anything with its work. */
static int role_page(const char *word)
{
    static struct meddler actor;
    struct mem_pager_next_rep work = {.kind = 0};
    struct mem_pager_next_rep last = {.kind = 0};
    uint64_t pager = 0;
    uint64_t number = 0;
    uint64_t copied = 0;
    const struct hf_pager_object made = {.bytes = MEDDLE_BYTES, .deadline_ms = 30, .window = 16};

    if (!meddle_init(&actor, strtoull(word, NULL, 10), 1) || hf_pager_make(&pager) != ERR_OK ||
        hf_pager_object(pager, made, &meddle_objects[2], &number) != ERR_OK) {
        return NOT_BEGUN;
    }
    (void)hf_shared_unname(object_name(2), strlen(object_name(2)));
    (void)hf_shared_name(meddle_objects[2], object_name(2), strlen(object_name(2)),
                         MEM_OBJECT_RIGHTS);
    for (;;) {
        const bool is_framed = meddle_draw(&actor, 3) == 0;
        const uint64_t addr = (uint64_t)(uintptr_t)actor.buffer;
        const uint64_t what = meddle_draw(&actor, 16);

        if (is_framed ? hf_pager_next_frames(pager, false, addr, &work) != ERR_OK
                      : hf_pager_next(pager, false, &work) != ERR_OK) {
            return NOT_BEGUN;
        }
        if (what == 0) {
            usleep(20000);
        } else if (what == 1) {
            work.generation += meddle_draw(&actor, 3) - 1;
        } else if (what == 2) {
            (void)hf_shared_resize(meddle_objects[2], meddle_draw(&actor, MEDDLE_BYTES));
        } else if (what == 3) {
            continue;
        }
        if (work.kind == MEM_WORK_PULL && meddle_draw(&actor, 8) == 0) {
            (void)hf_pager_fail(pager, &work, 0, work.pages, ERR_IO);
        } else if (work.kind == MEM_WORK_PULL) {
            const uint64_t first = meddle_draw(&actor, 4) ? 0 : meddle_draw(&actor, work.pages + 1);
            const uint64_t how = meddle_draw(&actor, 3);
            (void)hf_pager_supply(pager, &work, first, work.pages - first,
                                  how == 0   ? MEM_SUPPLY_COPY
                                  : how == 1 ? MEM_SUPPLY_MOVE
                                             : MEM_SUPPLY_ZERO,
                                  how == 2 ? 0 : addr);
        } else if (work.kind == MEM_WORK_SAVE) {
            (void)hf_shared_copy(meddle_objects[2], addr, work.first * PAGE, work.pages * PAGE,
                                 MEM_COPY_FROM, &copied);
            (void)hf_pager_wrote(pager, &work, meddle_draw(&actor, 8) ? ERR_OK : ERR_IO);
        }
        if (meddle_draw(&actor, 8) == 0) {
            (void)hf_pager_supply(pager, &last, 0, last.pages, MEM_SUPPLY_COPY, addr);
            (void)hf_pager_wrote(pager, &last, ERR_OK);
        }
        last = work;
    }
}

static void meddle_with_all(void *argument)
{
    struct meddler *meddler = argument;

    for (;;) {
        const uint64_t space = atomic_load(&spaces[meddle_draw(meddler, CHILDREN)]);
        if (space != HF_OWN_SPACE) {
            meddle(meddler, space, 0);
        }
    }
}

/* As child_start(), but it may be refused: there may be no memory. */
static bool start(struct hf_process *process, uint64_t number)
{
    static const char *const envp[] = {NULL};
    char word[24];
    const char *why = "";
    struct hf_program program;
    const char *const argv[] = {program_name, number < ACTORS ? "child:act" : "child:page", word,
                                NULL};

    last_seed++;
    snprintf(word, sizeof(word), "%lu", (unsigned long)last_seed);
    if (hf_program_find(program_name, &program) != ERR_OK) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    program.frames_max = last_seed % 3 == 0 ? 600 : 0;
    return hf_process_start(&program, process, &why) == ERR_OK;
}

/* Whether none of those that have ended found what it should not have. */
static bool look_at_ends(void)
{
    struct mem_next_rep end;
    bool is_good = true;

    while (hf_next(1, &end) == ERR_OK) {
        is_good = is_good && (end.cause != CAUSE_EXIT || end.detail != MEDDLE_LEAKED);
    }
    return is_good;
}

static bool objects_make(void)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *name = object_name(i);

        if (hf_shared_make(MEDDLE_BYTES, 0, 0, &meddle_objects[i]) != ERR_OK ||
            hf_shared_name(meddle_objects[i], name, strlen(name), MEM_OBJECT_RIGHTS) != ERR_OK) {
            return false;
        }
    }
    return true;
}

/* Begin one after the other, anew if it was there, so many times. */
static int rounds_run(uint64_t count, unsigned *refused)
{
    static struct hf_process processes[CHILDREN];
    bool is_good = true;

    for (uint64_t i = 0; i < count && is_good; i++) {
        const uint64_t number = (i * 7 + CHILDREN - 1) % CHILDREN;

        if (atomic_exchange(&spaces[number], HF_OWN_SPACE) != HF_OWN_SPACE) {
            hf_process_forget(&processes[number]);
        }
        if (start(&processes[number], number)) {
            atomic_store(&spaces[number], processes[number].space);
        } else {
            (*refused)++;
        }
        usleep(ROUND_US);
        object_renew();
        is_good = look_at_ends();
    }
    return is_good ? 0 : MEDDLE_LEAKED;
}

/* The process whose children all of them are; what it has goes with it. */
static int role_direct(const char *word)
{
    static struct meddler meddlers[MEDDLERS];
    static struct hf_thread threads[MEDDLERS];
    unsigned refused = 0;

    last_seed = (hf_env()->random[0] & UINT64_C(0x7fffff)) << 8; /* a mark has 32 bits */
    if (!objects_make()) {
        return NOT_BEGUN;
    }
    for (unsigned i = 0; i < MEDDLERS; i++) {
        if (!meddle_init(&meddlers[i], last_seed + i, 1) ||
            hf_thread_run(&threads[i], PRIORITY_DEFAULT, meddle_with_all, &meddlers[i]) != ERR_OK) {
            return NOT_BEGUN;
        }
    }
    const int status = rounds_run(strtoull(word, NULL, 10), &refused);

    for (unsigned i = 0; i < MEDDLE_OBJECTS; i++) {
        (void)hf_shared_unname(object_name(i), strlen(object_name(i)));
    }
    if (refused > 0) {
        printf("# %u children could not be started\n", refused);
    }
    return status;
}

static void direct(uint64_t count)
{
    char word[24];
    struct mem_next_rep end = {.cause = 0};

    snprintf(word, sizeof(word), "%lu", (unsigned long)count);
    REQUIRE(child_run("direct", word, &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
}

TAP_TEST(processes_that_do_anything_at_once_harm_nobody)
{
    direct(1);
    const struct balance before = balance_look();

    direct(rounds);
    balance_expect(&before);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(processes_that_do_anything_at_once_harm_nobody),
    };
    const char *role_opt = child_role(argc, argv);

    program_name = argv[0];
    if (role_opt != NULL) {
        return strcmp(role_opt, "direct") == 0 ? role_direct(argv[2])
               : strcmp(role_opt, "act") == 0  ? role_act(argv[2])
                                               : role_page(argv[2]);
    }
    rounds = count_asked(&argc, argv, "rounds", 20);
    return TAP_RUN(argc, argv, tests);
}
