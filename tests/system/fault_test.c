/* SPDX-License-Identifier: MIT */
/*
 * Programs that end by a fault: whoever waits for them learns cause, address, access and place.
 */
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <abi/layout.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

/* Where the roles fault. */
#define NOWHERE UINT64_C(0x1234567000)

extern const char _end[];

static void expect_end(const char *role, enum cause cause, uint64_t detail, uint64_t access)
{
    struct mem_next_rep end;
    if (!child_run(role, "", &end)) {
        return;
    }
    EXPECT_U64(end.cause, cause);
    EXPECT_U64(end.detail, detail);
    EXPECT_U64(end.access, access);
    if (access != FAULT_EXEC) {
        EXPECT(end.pc >= MEM_MAP_MIN_ADDR_DEFAULT && end.pc < (uint64_t)_end);
    }
    EXPECT(end.frames > 0);
}

TAP_TEST(a_null_pointer_is_told_with_address_and_access)
{
    expect_end("null-read", CAUSE_MAPERR, 0, FAULT_READ);
    expect_end("null-write", CAUSE_MAPERR, 8, FAULT_WRITE);
    expect_end("null-call", CAUSE_MAPERR, 0, FAULT_EXEC);
}

TAP_TEST(an_address_without_a_region_is_a_map_error)
{
    expect_end("read", CAUSE_MAPERR, NOWHERE + 5, FAULT_READ);
    expect_end("write", CAUSE_MAPERR, NOWHERE + 8, FAULT_WRITE);
    expect_end("call", CAUSE_MAPERR, NOWHERE, FAULT_EXEC);
}

TAP_TEST(kernel_and_window_addresses_are_no_regions)
{
    expect_end("kernel-read", CAUSE_MAPERR, UINT64_C(0xffffffff80200000), FAULT_READ);
    expect_end("kernel-write", CAUSE_MAPERR, UINT64_C(0xffffffff80200000), FAULT_WRITE);
    expect_end("window-read", CAUSE_MAPERR, WINDOW_START + 100 * HF_PAGE_BYTES, FAULT_READ);
    expect_end("hole-read", CAUSE_MAPERR, UINT64_C(1) << 40, FAULT_READ);
    expect_end("end-read", CAUSE_MAPERR, USER_END, FAULT_READ);
}

TAP_TEST(a_write_to_the_programs_code_is_an_access_error)
{
    struct mem_next_rep end;
    REQUIRE(child_run("code-write", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_WRITE);
}

TAP_TEST(a_jump_into_data_is_an_access_error)
{
    struct mem_next_rep end;
    REQUIRE(child_run("data-call", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_EXEC);
    EXPECT_U64(end.pc, end.detail);
}

TAP_TEST(a_page_without_protection_is_an_access_error)
{
    struct mem_next_rep end;
    REQUIRE(child_run("none-read", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_READ);
}

TAP_TEST(a_write_to_the_boot_archive_is_an_access_error)
{
    struct mem_next_rep end;
    REQUIRE(child_run("archive-write", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_WRITE);
}

TAP_TEST(instructions_that_do_not_exist_are_told)
{
    struct mem_next_rep end;
    REQUIRE(child_run("illegal", "", &end));
    EXPECT_U64(end.cause, CAUSE_ILLEGAL);
    REQUIRE(child_run("breakpoint", "", &end));
    EXPECT_U64(end.cause, CAUSE_BREAKPOINT);
}

TAP_TEST(supervisor_instructions_are_illegal)
{
    struct mem_next_rep end;
    REQUIRE(child_run("csr", "", &end));
    EXPECT_U64(end.cause, CAUSE_ILLEGAL);
    REQUIRE(child_run("sfence", "", &end));
    EXPECT_U64(end.cause, CAUSE_ILLEGAL);
}

TAP_TEST(abort_is_status_134)
{
    struct mem_next_rep end;
    REQUIRE(child_run("abort", "", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 134);
}

TAP_TEST(a_stack_that_overflows_is_told)
{
    struct mem_next_rep end;
    REQUIRE(child_run("overflow", "", &end));
    EXPECT(end.cause == CAUSE_MAPERR || end.cause == CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_WRITE);
}

TAP_TEST(a_fault_in_another_thread_ends_the_whole_program)
{
    expect_end("thread", CAUSE_MAPERR, NOWHERE, FAULT_READ);
}

static void read_from(uint64_t address)
{
    (void)*(volatile char *)address;
}

static void write_to(uint64_t address)
{
    *(volatile char *)address = 1;
}

static void jump_to(uint64_t address)
{
    __asm__ volatile("jr %0" : : "r"(address));
}

static void overflow(volatile char *above)
{
    volatile char frame[4096];
    frame[0] = *above;
    overflow(frame);
    frame[1] = frame[0]; /* not a tail call */
}

static void thread_run(void *argument)
{
    read_from((uint64_t)argument);
}

static void none_read(void)
{
    uint64_t address = 0;
    const struct hf_map map = {.length = HF_PAGE_BYTES,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    if (hf_map(map, &address) == ERR_OK) {
        read_from(address);
    }
}

static void thread_fault(void)
{
    struct hf_thread thread;
    if (hf_thread_run(&thread, PRIORITY_DEFAULT, thread_run, (void *)NOWHERE) == ERR_OK) {
        hf_thread_join(&thread);
    }
}

/* Roles that touch one address. */
static const struct {
    const char *role;
    void (*touch)(uint64_t address);
    uint64_t address;
} touches[] = {
    {"null-read", read_from, 0},
    {"null-write", write_to, 8},
    {"null-call", jump_to, 0},
    {"read", read_from, NOWHERE + 5},
    {"write", write_to, NOWHERE + 8},
    {"call", jump_to, NOWHERE},
    {"kernel-read", read_from, UINT64_C(0xffffffff80200000)},
    {"kernel-write", write_to, UINT64_C(0xffffffff80200000)},
    {"window-read", read_from, WINDOW_START + 100 * HF_PAGE_BYTES},
    {"hole-read", read_from, UINT64_C(1) << 40},
    {"end-read", read_from, USER_END},
    {"code-write", write_to, (uint64_t)read_from},
    {"data-call", jump_to, (uint64_t)touches},
};

/* In a child: do what the role says. Whoever comes back did not fault. */
static int role_fault(const char *role)
{
    for (size_t i = 0; i < sizeof(touches) / sizeof(touches[0]); i++) {
        if (strcmp(role, touches[i].role) == 0) {
            touches[i].touch(touches[i].address);
        }
    }
    if (strcmp(role, "none-read") == 0) {
        none_read();
    } else if (strcmp(role, "archive-write") == 0) {
        write_to((uint64_t)hf_env()->archive_opt);
    } else if (strcmp(role, "illegal") == 0) {
        __asm__ volatile(".word 0xffffffff");
    } else if (strcmp(role, "breakpoint") == 0) {
        __asm__ volatile("ebreak");
    } else if (strcmp(role, "csr") == 0) {
        __asm__ volatile("csrr t0, sstatus" ::: "t0");
    } else if (strcmp(role, "sfence") == 0) {
        __asm__ volatile("sfence.vma" ::: "memory");
    } else if (strcmp(role, "abort") == 0) {
        abort();
    } else if (strcmp(role, "overflow") == 0) {
        volatile char top = 0;
        overflow(&top);
    } else if (strcmp(role, "thread") == 0) {
        thread_fault();
    }
    return 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_null_pointer_is_told_with_address_and_access),
        TAP(an_address_without_a_region_is_a_map_error),
        TAP(kernel_and_window_addresses_are_no_regions),
        TAP(a_write_to_the_programs_code_is_an_access_error),
        TAP(a_jump_into_data_is_an_access_error),
        TAP(a_page_without_protection_is_an_access_error),
        TAP(a_write_to_the_boot_archive_is_an_access_error),
        TAP(instructions_that_do_not_exist_are_told),
        TAP(supervisor_instructions_are_illegal),
        TAP(abort_is_status_134),
        TAP(a_stack_that_overflows_is_told),
        TAP(a_fault_in_another_thread_ends_the_whole_program),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_fault(role_opt);
    }
    return TAP_RUN(argc, argv, tests);
}
