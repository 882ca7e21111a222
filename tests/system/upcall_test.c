/* SPDX-License-Identifier: MIT */
/*
 * Upcalls: a thread handles its own faults and requests of others, and goes on where it was.
 */
#include <stdatomic.h>
#include <string.h>

#include <abi/fault.h>
#include <base/attr.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"
#include "waiter.h"

#define STACK_BYTES 8192

/* What the last upcall brought. */
static struct {
    uint64_t cause;
    uint64_t detail;
    struct upcall_context context;
    atomic_uint count;
} seen;

static _Alignas(16) char upcall_stack[STACK_BYTES];
static enum { ACTION_SKIP, ACTION_MAP, ACTION_RESUME, ACTION_NEST, ACTION_FLOAT } action;

static void map_page(uint64_t address)
{
    uint64_t mapped = 0;
    const struct hf_map map = {.addr = address & ~(HF_PAGE_BYTES - 1),
                               .length = HF_PAGE_BYTES,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags =
                                   MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED_NOREPLACE};
    (void)hf_map(map, &mapped);
}

/* The entry: a0 = cause, a1 = detail, a2 = context; never returns but by RESUME. */
static void upcall_entry(uint64_t cause, uint64_t detail, struct upcall_context *context)
{
    seen.cause = cause;
    seen.detail = detail;
    memcpy(&seen.context, context, sizeof(*context));
    atomic_fetch_add(&seen.count, 1);
    switch (action) {
    case ACTION_SKIP: /* the faulting instruction is 4 bytes long */
        context->pc += 4;
        break;
    case ACTION_MAP:
        map_page(detail);
        break;
    case ACTION_NEST:
        *(volatile char *)16 = 1;
        break;
    case ACTION_FLOAT: {
        volatile double x = 3.0;
        x = x * 7.0;
        context->pc += 4;
        break;
    }
    case ACTION_RESUME:
        break;
    }
    (void)hf_upcall_resume();
    hf_exit(99);
}

static void upcall_on(void)
{
    memset(&seen, 0, sizeof(seen));
    EXPECT_ERR(hf_upcall_set((uint64_t)upcall_entry, (uint64_t)(upcall_stack + STACK_BYTES)),
               ERR_OK);
}

static void upcall_off(void)
{
    EXPECT_ERR(hf_upcall_set(0, 0), ERR_OK);
}

/* Store to `address` with an instruction of 4 bytes; returns a register that must survive it. */
NOINLINE static uint64_t store_to(uint64_t address)
{
    register uint64_t t3 __asm__("t3") = UINT64_C(0x1234567890abcdef);
    __asm__ volatile(".option push\n\t.option norvc\n\tsd t3, 0(%1)\n\t.option pop"
                     : "+r"(t3)
                     : "r"(address)
                     : "memory");
    return t3;
}

TAP_TEST(a_store_to_nothing_is_told_and_can_be_skipped)
{
    action = ACTION_SKIP;
    upcall_on();
    EXPECT_U64(store_to(0x20), UINT64_C(0x1234567890abcdef));
    upcall_off();
    EXPECT_U64(atomic_load(&seen.count), 1);
    EXPECT_U64(seen.cause, CAUSE_MAPERR);
    EXPECT_U64(seen.detail, 0x20);
    EXPECT_U64(seen.context.cause, CAUSE_MAPERR);
    EXPECT_U64(seen.context.detail, 0x20);
    EXPECT_U64(seen.context.access, FAULT_WRITE);
    EXPECT_U64(seen.context.x[28], UINT64_C(0x1234567890abcdef));
    EXPECT(seen.context.pc >= (uint64_t)store_to);
}

TAP_TEST(the_fault_can_be_repaired_and_the_store_happens)
{
    uint64_t address = UINT64_C(0x2000000000);
    action = ACTION_MAP;
    upcall_on();
    (void)store_to(address + 8);
    upcall_off();
    EXPECT_U64(atomic_load(&seen.count), 1);
    EXPECT_U64(*(volatile uint64_t *)(address + 8), UINT64_C(0x1234567890abcdef));
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, HF_PAGE_BYTES), ERR_OK);
}

TAP_TEST(a_store_that_the_protection_forbids_is_told_apart)
{
    uint64_t address = 0;
    const struct hf_map map = {.length = HF_PAGE_BYTES,
                               .prot = MEM_PROT_READ,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    REQUIRE(EXPECT_ERR(hf_map(map, &address), ERR_OK));
    action = ACTION_SKIP;
    upcall_on();
    (void)store_to(address);
    upcall_off();
    EXPECT_U64(seen.cause, CAUSE_ACCERR);
    EXPECT_U64(seen.detail, address);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, HF_PAGE_BYTES), ERR_OK);
}

TAP_TEST(an_illegal_instruction_and_a_breakpoint_are_told)
{
    action = ACTION_SKIP;
    upcall_on();
    /* The unimplemented instruction of 4 bytes that RISC-V reserves for this: csrrw x0, cycle,
     * x0. */
    __asm__ volatile(".word 0xc0001073" ::: "memory");
    EXPECT_U64(seen.cause, CAUSE_ILLEGAL);
    __asm__ volatile(".option push\n\t.option norvc\n\tebreak\n\t.option pop" ::: "memory");
    upcall_off();
    EXPECT_U64(seen.cause, CAUSE_BREAKPOINT);
    EXPECT_U64(atomic_load(&seen.count), 2);
}

TAP_TEST(floating_point_registers_survive_a_handler_that_uses_them)
{
    action = ACTION_FLOAT;
    upcall_on();
    register double value __asm__("fs3") = 0.125;
    register double other __asm__("ft5") = 2.5;
    register uint64_t address __asm__("t3") = 0x30;
    __asm__ volatile(".option push\n\t.option norvc\n\tsd zero, 0(%2)\n\t.option pop"
                     : "+f"(value), "+f"(other)
                     : "r"(address)
                     : "memory");
    double kept = value;
    double also_kept = other;
    upcall_off();
    EXPECT(kept == 0.125);
    EXPECT(also_kept == 2.5);
    EXPECT_U64(seen.context.has_float, 1);
    EXPECT_U64(atomic_load(&seen.count), 1);
}

TAP_TEST(resume_outside_an_upcall_is_inval)
{
    EXPECT_ERR(hf_upcall_resume(), ERR_INVAL);
}

TAP_TEST(a_crooked_stack_is_refused)
{
    EXPECT_ERR(hf_upcall_set((uint64_t)upcall_entry, (uint64_t)upcall_stack + 8), ERR_INVAL);
}

/* A thread that counts until it is told to stop. */
static atomic_uint counter_stop;
static atomic_uint counter_ready;

static void counter_run(void *argument)
{
    (void)argument;
    upcall_on();
    atomic_store(&counter_ready, 1);
    while (atomic_load(&counter_stop) == 0) {
        (void)hf_yield();
    }
}

static void counter_start(struct hf_thread *thread)
{
    atomic_store(&counter_stop, 0);
    atomic_store(&counter_ready, 0);
    if (!EXPECT_ERR(hf_thread_run(thread, PRIORITY_DEFAULT, counter_run, NULL), ERR_OK)) {
        return;
    }
    while (atomic_load(&counter_ready) == 0) {
        (void)hf_yield();
    }
}

TAP_TEST(another_thread_can_be_made_to_take_an_upcall)
{
    struct hf_thread thread;
    action = ACTION_RESUME;
    counter_start(&thread);
    EXPECT_ERR(hf_thread_upcall(thread.handle, 0xabc), ERR_OK);
    while (atomic_load(&seen.count) == 0) {
        (void)hf_yield();
    }
    atomic_store(&counter_stop, 1);
    hf_thread_join(&thread);
    EXPECT_U64(seen.cause, CAUSE_REQUEST);
    EXPECT_U64(seen.detail, 0xabc);
}

static void silent_run(void *argument)
{
    (void)argument;
    atomic_store(&counter_ready, 1);
    while (atomic_load(&counter_stop) == 0) {
        (void)hf_yield();
    }
}

TAP_TEST(a_thread_that_has_not_registered_takes_no_upcall)
{
    struct hf_thread thread;
    atomic_store(&counter_stop, 0);
    REQUIRE(EXPECT_ERR(hf_thread_run(&thread, PRIORITY_DEFAULT, silent_run, NULL), ERR_OK));
    EXPECT_ERR(hf_thread_upcall(thread.handle, 1), ERR_INVAL);
    atomic_store(&counter_stop, 1);
    hf_thread_join(&thread);
}

static uint64_t interrupted;
static enum err interrupted_error;

static void sleeper_run(void *argument)
{
    (void)argument;
    uint64_t bits = 0;
    upcall_on();
    interrupted_error = hf_wait(interrupted, 0, 0, &bits);
}

TAP_TEST(a_wait_is_cut_short_by_an_upcall)
{
    struct hf_thread thread;
    action = ACTION_RESUME;
    interrupted_error = ERR_OK;
    REQUIRE(object_make(OBJECT_NOTIFICATION, &interrupted));
    REQUIRE(EXPECT_ERR(hf_thread_run(&thread, PRIORITY_DEFAULT, sleeper_run, NULL), ERR_OK));
    REQUIRE(waiter_is_there(interrupted));
    EXPECT_ERR(hf_thread_upcall(thread.handle, 7), ERR_OK);
    hf_thread_join(&thread);
    EXPECT_U64(seen.cause, CAUSE_REQUEST);
    EXPECT_U64(seen.detail, 7);
    EXPECT_ERR(interrupted_error, ERR_INTR);
    EXPECT_ERR(hf_object_destroy(interrupted), ERR_OK);
    EXPECT_ERR(hf_handle_close(interrupted), ERR_OK);
}

TAP_TEST(a_fault_in_the_handler_ends_the_program_with_that_fault)
{
    struct mem_next_rep end;
    REQUIRE(child_run("nest", "", &end));
    EXPECT_U64(end.cause, CAUSE_MAPERR);
    EXPECT_U64(end.detail, 16);
    EXPECT_U64(end.access, FAULT_WRITE);
}

/* In the child: fault, and fault again in the handler. */
static int role_nest(void)
{
    action = ACTION_NEST;
    (void)hf_upcall_set((uint64_t)upcall_entry, (uint64_t)(upcall_stack + STACK_BYTES));
    (void)store_to(0x20);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_store_to_nothing_is_told_and_can_be_skipped),
        TAP(the_fault_can_be_repaired_and_the_store_happens),
        TAP(a_store_that_the_protection_forbids_is_told_apart),
        TAP(an_illegal_instruction_and_a_breakpoint_are_told),
        TAP(floating_point_registers_survive_a_handler_that_uses_them),
        TAP(resume_outside_an_upcall_is_inval),
        TAP(a_crooked_stack_is_refused),
        TAP(another_thread_can_be_made_to_take_an_upcall),
        TAP(a_thread_that_has_not_registered_takes_no_upcall),
        TAP(a_wait_is_cut_short_by_an_upcall),
        TAP(a_fault_in_the_handler_ends_the_program_with_that_fault),
    };
    if (child_role(argc, argv) != NULL) {
        return role_nest();
    }
    return TAP_RUN(argc, argv, tests);
}
