/* SPDX-License-Identifier: MIT */
/*
 * fork(), waitpid() and CLONE: memory of parent and child, ends in any order, and every frame back.
 */
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/clone.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"
#include "balance.h"
#include "child.h"

#define NOWHERE  UINT64_C(0x2000000000)
#define CHILD_OK 42

static volatile unsigned char *memory_make(uint64_t pages)
{
    void *memory =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The status with which the child ended; -1: otherwise. */
static int status_of(pid_t pid)
{
    int status = 0;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

/* In the child: end, saying whether all was as it must be. */
static void child_leave(bool is_ok)
{
    _exit(is_ok ? CHILD_OK : 1);
}

/* Whether the process has the name, as LOOK tells it. */
static bool has_name(uint64_t number, const char *name)
{
    struct mem_look_rep rep;
    if (hf_look(number - 1, &rep) != ERR_OK) {
        return false;
    }
    (void)hf_handle_close(rep.space);
    return rep.space_id == number && strncmp(rep.name, name, sizeof(rep.name) - 1) == 0;
}

TAP_TEST(a_child_has_the_name_of_its_parent)
{
    pid_t pid = fork();
    if (pid == 0) {
        child_leave(has_name((uint64_t)getpid(), hf_env()->name));
    }
    EXPECT(has_name((uint64_t)getpid(), "bin/clone_test"));
    EXPECT_I64(status_of(pid), CHILD_OK);
}

TAP_TEST(a_child_goes_on_with_registers_and_stack_of_its_parent)
{
    /* Kept in registers that the call preserves, or on the stack. */
    unsigned long words[12];
    double real = 1.5;
    for (unsigned i = 0; i < 12; i++) {
        words[i] = (unsigned long)getpid() * 1000 + i;
    }
    fesetround(FE_DOWNWARD);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        bool is_ok = getpid() != parent && fegetround() == FE_DOWNWARD && real == 1.5;
        for (unsigned i = 0; i < 12; i++) {
            is_ok = is_ok && words[i] == (unsigned long)parent * 1000 + i;
        }
        child_leave(is_ok);
    }
    fesetround(FE_TONEAREST);
    EXPECT(pid > 0 && pid != parent);
    EXPECT_I64(getpid(), parent);
    EXPECT_I64(status_of(pid), CHILD_OK);
}

TAP_TEST(parent_and_child_write_separately)
{
    volatile unsigned char *memory = memory_make(600);
    REQUIRE(memory != NULL);
    for (unsigned i = 0; i < 300; i++) {
        memory[i * PAGE] = (unsigned char)i;
    }
    pid_t pid = fork();
    if (pid == 0) {
        bool is_ok = true;
        for (unsigned i = 0; i < 600; i++) {
            is_ok = is_ok && memory[i * PAGE] == (i < 300 ? (unsigned char)i : 0);
            memory[i * PAGE] = 0xaa;
            memory[i * PAGE + PAGE - 1] = 0xab;
        }
        child_leave(is_ok);
    }
    for (unsigned i = 1; i < 600; i += 2) {
        memory[i * PAGE] = 0xbb;
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    bool is_ok = true;
    for (unsigned i = 0; i < 600; i++) {
        unsigned char even = i < 300 ? (unsigned char)i : 0;
        is_ok = is_ok && memory[i * PAGE] == (i % 2 == 1 ? 0xbb : even) &&
                memory[i * PAGE + PAGE - 1] == 0;
    }
    EXPECT(is_ok);
    EXPECT_I64(munmap((void *)memory, 600 * PAGE), 0);
}

TAP_TEST(a_write_after_the_child_has_ended_keeps_the_frame)
{
    volatile unsigned char *memory = memory_make(1);
    REQUIRE(memory != NULL);
    memory[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        child_leave(memory[0] == 1);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    uint64_t before = balance_free();
    memory[0] = 2;
    EXPECT_U64(balance_free(), before);
    EXPECT_U64(memory[0], 2);
    EXPECT_I64(munmap((void *)memory, PAGE), 0);
}

/* Depth more generations, each of which writes its own page and looks at all. */
static bool descend(volatile unsigned char *memory, unsigned depth, unsigned generation)
{
    memory[generation * PAGE] = (unsigned char)(100 + generation);
    if (generation == depth) {
        return true;
    }
    pid_t pid = fork();
    if (pid == 0) {
        bool is_ok = true;
        for (unsigned i = 0; i <= generation; i++) {
            is_ok = is_ok && memory[i * PAGE] == 100 + i;
        }
        child_leave(descend(memory, depth, generation + 1) && is_ok);
    }
    bool is_ok = status_of(pid) == CHILD_OK;
    return is_ok && memory[(generation + 1) * PAGE] == 0;
}

TAP_TEST(grandchildren_have_what_their_parents_wrote)
{
    volatile unsigned char *memory = memory_make(8);
    REQUIRE(memory != NULL);
    EXPECT(descend(memory, 6, 0));
    EXPECT_I64(munmap((void *)memory, 8 * PAGE), 0);
}

TAP_TEST(dontfork_memory_is_missing_and_wipeonfork_memory_is_empty)
{
    volatile unsigned char *memory = memory_make(4);
    unsigned char there = 9;
    REQUIRE(memory != NULL);
    memory[0] = 1;
    memory[PAGE] = 2;
    memory[2 * PAGE] = 3;
    REQUIRE(madvise((void *)memory, PAGE, MADV_DONTFORK) == 0);
    REQUIRE(madvise((void *)(memory + PAGE), PAGE, MADV_WIPEONFORK) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool is_missing = mincore((void *)memory, PAGE, &there) == -1 && errno == ENOMEM;
        child_leave(is_missing && memory[PAGE] == 0 && memory[2 * PAGE] == 3);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    EXPECT_U64(memory[0], 1);
    EXPECT_U64(memory[PAGE], 2);
    EXPECT_I64(munmap((void *)memory, 4 * PAGE), 0);
}

TAP_TEST(a_fault_in_the_child_is_told_as_a_signal)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        *(volatile char *)NOWHERE = 1;
        _exit(0);
    }
    EXPECT_I64(waitpid(pid, &status, 0), pid);
    EXPECT(WIFSIGNALED(status));
    EXPECT_I64(WTERMSIG(status), SIGSEGV);
}

TAP_TEST(children_are_waited_for_in_any_order)
{
    pid_t pids[5];
    int status = 0;
    for (int i = 0; i < 5; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _exit(i);
        }
    }
    EXPECT_I64(status_of(pids[3]), 3);
    EXPECT_I64(status_of(pids[0]), 0);
    unsigned seen = 0;
    for (int i = 0; i < 3; i++) {
        pid_t pid = wait(&status);
        EXPECT(pid == pids[1] || pid == pids[2] || pid == pids[4]);
        EXPECT_I64(pids[WEXITSTATUS(status)], pid);
        seen += (unsigned)WEXITSTATUS(status);
    }
    EXPECT_U64(seen, 1 + 2 + 4);
    EXPECT_I64(wait(&status), -1);
    EXPECT_I64(errno, ECHILD);
    EXPECT_I64(waitpid(pids[3], &status, 0), -1);
    EXPECT_I64(errno, ECHILD);
    EXPECT_I64(waitpid(-1, &status, WUNTRACED), -1);
    EXPECT_I64(errno, EINVAL);
}

TAP_TEST(waiting_without_patience_says_that_nobody_has_ended)
{
    struct hf_process child;
    bool is_child = false;
    struct mem_next_rep end;
    REQUIRE(hf_clone(&child, &is_child) == ERR_OK);
    if (is_child) {
        for (;;) {
            (void)hf_yield();
        }
    }
    EXPECT_ERR(hf_next(1, &end), ERR_WOULD_BLOCK);
    EXPECT_ERR(hf_space_end(child.space, 5), ERR_OK);
    EXPECT_ERR(hf_process_wait(&child, &end), ERR_OK);
    EXPECT_U64(end.detail, 5);
    hf_process_forget(&child);
}

TAP_TEST(a_clone_more_urgent_than_its_parent_is_refused)
{
    struct mem_query_rep before;
    struct mem_query_rep after;
    struct mem_space_make_rep rep;
    uint64_t free = balance_free();
    REQUIRE(hf_query(HF_OWN_SPACE, 0, 0, NULL, &before) == ERR_OK);
    EXPECT_ERR(hf_space_clone(HF_OWN_SPACE, "urgent", PRIORITY_SERVER, &rep), ERR_RANGE);
    REQUIRE(hf_query(HF_OWN_SPACE, 0, 0, NULL, &after) == ERR_OK);
    EXPECT_U64(after.regions_total, before.regions_total);
    EXPECT_U64(balance_free(), free);
}

/* A page in each of `tables` blocks of 2 MiB: a clone needs three frames for each. */
#define SPARSE_START  UINT64_C(0x1000000000)
#define SPARSE_STRIDE (512 * PAGE)

static volatile unsigned char *sparse_page(uint64_t index)
{
    return (volatile unsigned char *)(SPARSE_START + index * SPARSE_STRIDE);
}

static bool sparse_make(uint64_t tables)
{
    for (uint64_t i = 0; i < tables; i++) {
        uint64_t addr = 0;
        const struct hf_map map = {.addr = SPARSE_START + i * SPARSE_STRIDE,
                                   .length = PAGE,
                                   .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                   .flags = ANON | MEM_MAP_FIXED};
        if (!EXPECT_ERR(hf_map(map, &addr), ERR_OK)) {
            return false;
        }
        *sparse_page(i) = (unsigned char)i;
    }
    return true;
}

/* Clone until that is refused, then drop the clones. Returns: how many there were. */
static unsigned clones_until_refused(void)
{
    enum { CLONES = 14 };
    struct hf_process clones[CLONES];
    struct mem_space_make_rep rep;
    struct mem_refusal_rep refusal;
    unsigned made = 0;
    enum err error = ERR_OK;
    while (made < CLONES) {
        error = hf_space_clone(HF_OWN_SPACE, "clone", 0, &rep);
        if (error != ERR_OK) {
            break;
        }
        clones[made] = (struct hf_process){.space = rep.space, .kernel_space = rep.kernel_space};
        made++;
    }
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_ERR(hf_refusal(&refusal), ERR_OK);
    EXPECT_U64(refusal.request, MEM_CLONE);
    EXPECT_U64(refusal.limit, MEM_LIMIT_BUDGET);
    for (unsigned i = 0; i < made; i++) {
        hf_process_forget(&clones[i]);
    }
    return made;
}

TAP_TEST(a_clone_that_finds_no_frame_half_way_leaves_every_frame)
{
    const uint64_t tables = balance_free() / 12;
    REQUIRE(sparse_make(tables));
    /* Once before: pages of this stack, and what the server keeps for speed. */
    EXPECT(clones_until_refused() > 1);
    uint64_t before = balance_free();
    EXPECT(clones_until_refused() > 1);
    EXPECT_U64(balance_free(), before);
    bool is_ok = true;
    for (uint64_t i = 0; i < tables; i++) {
        is_ok = is_ok && *sparse_page(i) == (unsigned char)i;
        *sparse_page(i) = 1;
    }
    EXPECT(is_ok);
    EXPECT_U64(balance_free(), before);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, SPARSE_START, tables * SPARSE_STRIDE), ERR_OK);
}

TAP_TEST(a_thousand_children_one_after_the_other_leave_nothing)
{
    volatile unsigned char *memory = memory_make(16);
    REQUIRE(memory != NULL);
    for (unsigned i = 0; i < 16; i++) {
        memory[i * PAGE] = 1;
    }
    pid_t first = fork();
    if (first == 0) {
        child_leave(true);
    }
    EXPECT_I64(status_of(first), CHILD_OK);
    uint64_t before = balance_free();
    unsigned failed = 0;
    for (unsigned i = 0; i < 1000; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            memory[i % 16 * PAGE] = 7;
            _exit((int)(i % 100));
        }
        failed += status_of(pid) == (int)(i % 100) ? 0 : 1;
    }
    EXPECT_U64(failed, 0);
    EXPECT_U64(balance_free(), before);
    EXPECT_I64(munmap((void *)memory, 16 * PAGE), 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_child_has_the_name_of_its_parent),
        TAP(a_child_goes_on_with_registers_and_stack_of_its_parent),
        TAP(parent_and_child_write_separately),
        TAP(a_write_after_the_child_has_ended_keeps_the_frame),
        TAP(grandchildren_have_what_their_parents_wrote),
        TAP(dontfork_memory_is_missing_and_wipeonfork_memory_is_empty),
        TAP(a_fault_in_the_child_is_told_as_a_signal),
        TAP(children_are_waited_for_in_any_order),
        TAP(waiting_without_patience_says_that_nobody_has_ended),
        TAP(a_clone_more_urgent_than_its_parent_is_refused),
        TAP(a_clone_that_finds_no_frame_half_way_leaves_every_frame),
        TAP(a_thousand_children_one_after_the_other_leave_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
