/* SPDX-License-Identifier: MIT */
/*
 * Kernel calls with any registers, made by clients without privilege.
 *
 *   random_calls_test [calls=N]     (default 200,000)
 *
 * Each child is one caller, which draws calls, and a watcher, which lets it go on when a call of
 * its own has blocked it. What the child does to itself is its own affair, its end included; what
 * is tested is that nobody else notices: the kernel does not panic, the memory server answers as
 * before, every frame comes back and every account is as it was.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"
#include "count.h"

#define CALLS_A_CHILD 25000u
#define CHILDREN_MAX  400u
#define TOGETHER      4u

#define SLOTS     40u   /* where the caller looks most; its own handle is not there */
#define STILL     50u   /* looks without a new call: it is blocked */
#define REPLENISH 64u   /* calls after which there are objects again */
#define SUICIDES  4096u /* one in so many is carried out */

static struct hf_thread caller;
static uint64_t calls_wanted;
static atomic_ulong calls_made;
static uint64_t random_state;
static _Alignas(16) char upcall_stack[4096];

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

static bool random_one_in(uint64_t count)
{
    return random_next() % count == 0;
}

/* A register as calls have them: slots, flags, times, addresses of all kinds; or anything. */
static uint64_t random_word(void)
{
    switch (random_next() % 10) {
    case 0:
        return random_next() << 11 ^ random_next();
    case 1:
        return UINT64_C(1) << random_next() % 64;
    case 2:
        return (uint64_t)upcall_stack + random_next() % 8192;
    case 3:
        return UINT64_C(0xffffffc000000000) + (random_next() % (UINT64_C(1) << 38));
    case 4:
        return UINT64_MAX - random_next() % 3;
    case 5:
    case 6:
        return random_next() % SLOTS;
    default:
        return random_next() % 4;
    }
}

/* A slot; a call that empties it spares those that cannot be had again. */
static uint64_t random_slot(bool is_taken_away)
{
    if (random_one_in(64)) {
        return random_word();
    }
    return is_taken_away ? HANDLE_FREE + random_next() % (SLOTS - HANDLE_FREE)
                         : random_next() % SLOTS;
}

/* Requests that leave the caller's own memory alone. */
static uint64_t random_request(void)
{
    static const uint64_t harmless[] = {MEM_HELLO,      MEM_QUERY,       MEM_REFUSAL, MEM_STATS,
                                        MEM_SPACE_MAKE, MEM_THREAD_MAKE, MEM_DONATE,  MEM_INCORE,
                                        MEM_LIMITS,     MEM_BOOT_OBJECT, MEM_WORKER,  1000};
    return harmless[random_next() % (sizeof(harmless) / sizeof(harmless[0]))];
}

/* Where threads begin that the caller starts: they need no stack. */
void thread_passing(void);
__asm__(".pushsection .text.thread_passing, \"ax\"\n"
        "thread_passing:\n"
        "    li s0, 20\n"
        "1:  li t0, 9\n" /* YIELD */
        "    ecall\n"
        "    addi s0, s0, -1\n"
        "    bnez s0, 1b\n"
        "    li t0, 10\n" /* THREAD_EXIT */
        "    ecall\n"
        "    j 1b\n"
        ".popsection\n");

static bool ends_caller(uint64_t number, uint64_t slot)
{
    return number == SYS_EXIT || number == SYS_THREAD_EXIT ||
           (slot == caller.handle && (number == SYS_THREAD_END || number == SYS_HANDLE_CLOSE));
}

static NOINLINE uint64_t random_draw(struct hf_request *request, uint64_t *slot)
{
    const uint64_t number = random_one_in(32) ? random_word() : random_next() % SYS_COUNT;

    *slot = random_slot(number == SYS_HANDLE_CLOSE || number == SYS_OBJECT_DESTROY);
    for (int i = 0; i < IPC_WORDS; i++) {
        request->message.words[i] = random_word();
    }
    request->message.tag = random_one_in(4) ? random_word() << 8 : 0;
    request->token = (struct hf_token){random_word(), random_next() % 32};
    if (number == SYS_THREAD_START && !random_one_in(8)) {
        request->message.words[0] = (uint64_t)thread_passing;
    }
    if ((number == SYS_CALL || number == SYS_CALL_TIMED) && random_one_in(2)) {
        *slot = HANDLE_MEM;
    }
    if (*slot == HANDLE_MEM && !random_one_in(512)) {
        request->message.words[0] = random_request();
    }
    return number;
}

static void upcall_entry(uint64_t cause, uint64_t detail, const struct upcall_context *context)
{
    (void)detail;
    (void)context;
    if (cause == CAUSE_REQUEST) {
        (void)hf_upcall_resume();
    }
    hf_exit(atomic_load(&calls_made));
}

static void upcall_register(void)
{
    (void)hf_upcall_set((uint64_t)upcall_entry, (uint64_t)(upcall_stack + sizeof(upcall_stack)));
}

/* Objects and handles with fewer rights, wherever there is room for them. */
static void replenish(void)
{
    uint64_t slot;

    (void)hf_object_make(OBJECT_ENDPOINT, HANDLE_FREE + random_next() % 16, &slot);
    (void)hf_object_make(OBJECT_NOTIFICATION, HANDLE_FREE + random_next() % 16, &slot);
    (void)hf_handle_derive(HANDLE_FREE + random_next() % 16, random_next() % 256,
                           random_one_in(2) ? random_next() % 100 : 0, HANDLE_FREE + 16, &slot);
    (void)hf_handle_close(HANDLE_FREE + 16 + random_next() % 16);
    upcall_register();
}

static void call_for_ever(void *argument)
{
    struct hf_request request = {.badge = 0};
    uint64_t slot;

    (void)argument;
    upcall_register();
    for (;;) {
        const uint64_t number = random_draw(&request, &slot);
        if (ends_caller(number, slot) && !random_one_in(SUICIDES)) {
            continue;
        }
        /* The form that fills most registers; every other call looks at some of them. */
        (void)hf_syscall_reply((enum sys)number, slot, random_next() % 4, &request);
        if (number == SYS_UPCALL_SET) {
            upcall_register();
        }
        if (atomic_fetch_add(&calls_made, 1) % REPLENISH == 0) {
            replenish();
        }
    }
}

/* Let the caller go on whenever it does not, until it has made enough calls or cannot go on. */
NORETURN static void watch(void)
{
    uint64_t last = 0;
    unsigned still = 0;

    for (;;) {
        (void)hf_yield();
        const uint64_t made = atomic_load(&calls_made);
        still = made == last ? still + 1 : 0;
        last = made;
        if (made >= CALLS_A_CHILD) {
            hf_exit(made);
        }
        if (still < STILL) {
            continue;
        }
        still = 0;
        /* It may have lowered its own priority, and we never sleep. */
        (void)hf_thread_priority(caller.handle, PRIORITY_DEFAULT);
        (void)hf_thread_continue(caller.handle);
        const enum err error = hf_thread_upcall(caller.handle, 0);
        /* INVAL: it has not come to register, or handles the last one. */
        if (error != ERR_OK && error != ERR_BUSY && error != ERR_INVAL) {
            hf_exit(made);
        }
    }
}

static int role_calls(const char *word)
{
    struct mem_thread_make_rep made;

    random_state = strtoull(word, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    /* What it would write there could be taken for results of this test. */
    (void)hf_handle_close(HANDLE_LOG);
    (void)hf_handle_close(HANDLE_CONSOLE);
    (void)hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
    (void)hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &made);
    if (hf_thread_run(&caller, PRIORITY_DEFAULT, call_for_ever, NULL) != ERR_OK ||
        caller.handle < SLOTS || hf_accept(HANDLE_FREE, SLOTS - HANDLE_FREE) != ERR_OK) {
        return 1;
    }
    watch();
}

/* Run as many children at once as `count` says; how many calls they say they made. */
static uint64_t run_children(uint64_t seed, unsigned count, unsigned *odd)
{
    struct child children[TOGETHER];
    char word[24];
    uint64_t calls = 0;

    for (unsigned i = 0; i < count; i++) {
        snprintf(word, sizeof(word), "%llu", (unsigned long long)(seed + i));
        if (!child_start(&children[i], "calls", word)) {
            return 0;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        struct mem_next_rep end;
        if (!EXPECT_ERR(hf_next(0, &end), ERR_OK)) {
            return 0;
        }
        const bool is_told = end.cause == CAUSE_EXIT && end.detail <= 2 * CALLS_A_CHILD;
        calls += is_told ? end.detail : 0;
        *odd += !is_told;
    }
    for (unsigned i = 0; i < count; i++) {
        hf_process_forget(&children[i].process);
    }
    return calls;
}

TAP_TEST(calls_with_any_registers_harm_nobody)
{
    uint64_t calls = 0;
    unsigned children = 0;
    unsigned odd = 0;
    const uint64_t seed = hf_env()->random[0] % 1000000;

    tap_note("seeds from %llu", (unsigned long long)seed);
    (void)run_children(seed, TOGETHER, &odd);
    const struct balance before = balance_look();
    odd = 0;
    while (calls < calls_wanted && children < CHILDREN_MAX) {
        calls += run_children(seed + TOGETHER + children, TOGETHER, &odd);
        children += TOGETHER;
        if (!balance_expect(&before)) {
            return;
        }
    }
    tap_note("%llu calls by %u children, %u of which ended otherwise than by themselves",
             (unsigned long long)calls, children, odd);
    EXPECT(calls >= calls_wanted);
}

static int role_run(const char *role, const char *word)
{
    (void)role;
    return role_calls(word);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(calls_with_any_registers_harm_nobody),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    calls_wanted = count_asked(&argc, argv, "calls", 200000);
    return TAP_RUN(argc, argv, tests);
}
