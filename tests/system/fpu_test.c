/* SPDX-License-Identifier: MIT */
/*
 * Floating-point registers of threads and processes that take turns.
 */
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

#define ROUNDS 200

/* The 32 floating-point registers and the control register. */
struct floats {
    double f[32];
    uint64_t fcsr;
};

/*
 * Load all registers with numbers of `seed`, yield the processor, and compare what is there then.
 * Returns: how many differ.
 */
static unsigned floats_survive_yield(unsigned seed)
{
    struct floats in;
    struct floats out;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 32; i++) {
        in.f[i] = seed * 1000.0 + i + 0.5;
    }
    in.fcsr = (seed % 5) << 5;
    register uint64_t t0 __asm__("t0") = SYS_YIELD;
    register struct floats *a0 __asm__("a0") = &in;
    register struct floats *s2 __asm__("s2") = &out;
#define LOAD(n)  "fld f" #n ", 8*" #n "(a0)\n\t"
#define STORE(n) "fsd f" #n ", 8*" #n "(s2)\n\t"
#define FOUR(do, a, b, c, d) \
    do                       \
    (a) do(b) do(c) do(d)
#define ALL(do)              \
    FOUR(do, 0, 1, 2, 3)     \
    FOUR(do, 4, 5, 6, 7)     \
    FOUR(do, 8, 9, 10, 11)   \
    FOUR(do, 12, 13, 14, 15) \
    FOUR(do, 16, 17, 18, 19) \
    FOUR(do, 20, 21, 22, 23) \
    FOUR(do, 24, 25, 26, 27) \
    FOUR(do, 28, 29, 30, 31)
    __asm__ volatile("ld t1, 256(a0)\n\t"
                     "fscsr t1\n\t" ALL(LOAD) "ecall\n\t" ALL(STORE) "frcsr t1\n\t"
                                                                     "sd t1, 256(s2)\n\t"
                                                                     "fscsr zero"
                     : "+r"(t0), "+r"(a0)
                     : "r"(s2)
                     : "ra", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2", "a3", "a4", "a5", "a6",
                       "a7", "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "ft8", "ft9",
                       "ft10", "ft11", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7",
                       "fs0", "fs1", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10",
                       "fs11", "memory");
    for (unsigned i = 0; i < 32; i++) {
        wrong += in.f[i] == out.f[i] ? 0 : 1;
    }
    return wrong + (in.fcsr == out.fcsr ? 0 : 1);
}

static unsigned rounds_run(unsigned seed)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        wrong += floats_survive_yield(seed + i);
    }
    return wrong;
}

struct work {
    unsigned seed;
    unsigned wrong;
};

static void thread_run(void *argument)
{
    struct work *work = argument;
    work->wrong = rounds_run(work->seed);
}

TAP_TEST(threads_keep_their_floating_point_registers)
{
    struct hf_thread threads[3];
    struct work work[3] = {{1, 1}, {1000, 1}, {5000, 1}};
    for (unsigned i = 0; i < 3; i++) {
        REQUIRE(
            EXPECT_ERR(hf_thread_run(&threads[i], PRIORITY_DEFAULT, thread_run, &work[i]), ERR_OK));
    }
    EXPECT_U64(rounds_run(9000), 0);
    for (unsigned i = 0; i < 3; i++) {
        hf_thread_join(&threads[i]);
        EXPECT_U64(work[i].wrong, 0);
    }
}

TAP_TEST(processes_keep_their_floating_point_registers)
{
    struct child first;
    struct child second;
    struct mem_next_rep end;
    REQUIRE(child_start(&first, "rounds", ""));
    REQUIRE(child_start(&second, "rounds", ""));
    EXPECT_U64(rounds_run(700), 0);
    for (int i = 0; i < 2; i++) {
        REQUIRE(EXPECT_ERR(hf_next(0, &end), ERR_OK));
        EXPECT_U64(end.cause, 1);
        EXPECT_U64(end.detail, 0);
    }
    hf_process_forget(&first.process);
    hf_process_forget(&second.process);
}

TAP_TEST(a_new_process_starts_with_empty_registers)
{
    struct mem_next_rep end;
    /* What must not show through. */
    (void)floats_survive_yield(77);
    REQUIRE(child_run("empty", "", &end));
    EXPECT_U64(end.detail, 0);
}

/* In a child, before anything else has used floating point: every register is zero. */
static int role_empty(void)
{
    uint64_t bits;
    uint64_t any = 0;
#define TAKE(n)                                        \
    __asm__ volatile("fmv.x.d %0, f" #n : "=r"(bits)); \
    any |= bits;
    ALL(TAKE)
    return any == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(threads_keep_their_floating_point_registers),
        TAP(processes_keep_their_floating_point_registers),
        TAP(a_new_process_starts_with_empty_registers),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_opt[0] == 'e' ? role_empty() : rounds_run((unsigned)argc) != 0;
    }
    return TAP_RUN(argc, argv, tests);
}
