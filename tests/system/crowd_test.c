/* SPDX-License-Identifier: MIT */
/*
 * More threads than one page table of a window holds, all at once.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/mem.h>
#include <tap.h>

#include "balance.h"
#include "child.h"

#define CROWD 1000

/* A thread without a stack: counts itself at a0 and makes the call a1 for ever. */
__asm__(".text\n"
        "crowd_entry:\n"
        "    li      a2, 1\n"
        "    amoadd.w zero, a2, (a0)\n"
        "    mv      s0, a1\n"
        "1:  mv      t0, s0\n"
        "    ecall\n"
        "    j       1b\n");
extern const char crowd_entry[];

static atomic_uint_least32_t crowd_count;

/* Run a role; it must say that all is well, and everything must be back after the second time. */
static void pass_role(const char *role)
{
    struct mem_next_rep end;
    REQUIRE(child_run(role, "", &end));
    const uint64_t free = balance_free();
    REQUIRE(child_run(role, "", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    EXPECT_U64(balance_free(), free);
    tap_note("%s: %llu frames came back", role, (unsigned long long)end.frames);
}

TAP_TEST(a_process_has_a_thousand_threads_and_ends_with_them)
{
    pass_role("crowd");
}

TAP_TEST(threads_are_made_until_the_last_number_and_the_refusal_says_so)
{
    pass_role("numbers");
}

static int role_crowd(void)
{
    for (int i = 0; i < CROWD; i++) {
        struct mem_thread_make_rep made;
        const struct hf_start start = {
            .pc = (uint64_t)crowd_entry, .a0 = (uint64_t)&crowd_count, .a1 = SYS_YIELD};
        if (hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &made) != ERR_OK) {
            return 1;
        }
        if (hf_thread_start(made.thread, &start) != ERR_OK ||
            hf_handle_close(made.thread) != ERR_OK) {
            return 2;
        }
    }
    while (atomic_load(&crowd_count) < CROWD) {
        (void)hf_yield();
    }
    return 0;
}

static int role_numbers(void)
{
    struct mem_thread_make_rep made;
    struct mem_refusal_rep refusal;
    uint64_t count = 0;
    enum err error;
    while ((error = hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &made)) == ERR_OK) {
        count++;
        if (hf_handle_close(made.thread) != ERR_OK) {
            return 1;
        }
    }
    if (error != ERR_NOMEM || hf_refusal(&refusal) != ERR_OK) {
        return 2;
    }
    return refusal.limit == MEM_LIMIT_SPACES && refusal.used + 1 == refusal.value &&
                   count > CROWD && count < refusal.value
               ? 0
               : 3;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_process_has_a_thousand_threads_and_ends_with_them),
        TAP(threads_are_made_until_the_last_number_and_the_refusal_says_so),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return strcmp(role_opt, "crowd") == 0 ? role_crowd() : role_numbers();
    }
    return TAP_RUN(argc, argv, tests);
}
