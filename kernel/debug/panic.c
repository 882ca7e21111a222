/* SPDX-License-Identifier: MIT */
#include "debug/panic.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "debug/console.h"
#include "debug/power.h"
#include "debug/trace.h"
#include "riscv/csr.h"
#include "riscv/hart.h"
#include "riscv/image.h"
#include <base/assert.h>

#define PANIC_EVENTS_MAX 64u
#define PANIC_CALLS_MAX  32u
#define REG_SP           2 /* 0: no registers are known */

static _Atomic(uint64_t) panic_hart; /* 1 + index of the hart that panics; 0: none */
static struct trace_event panic_events[PANIC_EVENTS_MAX];

/* Privileged ISA 4.1.8: scause of exceptions */
static const char *cause_text(uint64_t cause)
{
    static const char *const texts[] = {
        "instruction address misaligned",
        "instruction access fault",
        "illegal instruction",
        "breakpoint",
        "load address misaligned",
        "load access fault",
        "store address misaligned",
        "store access fault",
        "call from user mode",
        "call from the kernel",
        "cause 10",
        "cause 11",
        "instruction page fault",
        "load page fault",
        "cause 14",
        "store page fault",
    };
    return cause < sizeof(texts) / sizeof(texts[0]) ? texts[cause] : "unknown cause";
}

/*
 * The instruction before `address` is a call: jal or jalr to ra, long or compressed (Unprivileged
 * ISA 2.5, 16.8).
 */
static bool follows_call(uint64_t address)
{
    if (address < image_text_start() + 4 || address > image_boot_end() || (address & 1) != 0) {
        return false;
    }
    const uint16_t *parcel = (const uint16_t *)(uintptr_t)address;
    const uint32_t whole = (uint32_t)parcel[-1] << 16 | parcel[-2];
    const bool is_jal = (whole & 0xfff) == 0x0ef;
    const bool is_jalr = (whole & 0x7fff) == 0x00e7;
    const bool is_short = (parcel[-1] & 0xf07f) == 0x9002 && (parcel[-1] & 0x0f80) != 0;
    return is_jal || is_jalr || is_short;
}

/* There are no frame pointers: whatever on the stack can be a return address is shown. */
static void print_calls(uint64_t sp)
{
    const uint64_t index = (sp - image_guard(0)) / IMAGE_STACK_STEP;
    unsigned printed = 0;
    if (sp < image_guard(0) || index >= IMAGE_STACKS) {
        return;
    }
    const uint64_t top = image_stack_top(index);
    if (sp < top - IMAGE_STACK_BYTES) {
        return; /* the guard page */
    }
    for (sp &= ~UINT64_C(7); sp < top && printed < PANIC_CALLS_MAX; sp += 8) {
        const uint64_t value = *(const uint64_t *)(uintptr_t)sp;
        if (follows_call(value)) {
            console_print("  at 0x%lx\n", value);
            printed++;
        }
    }
}

static void print_events(void)
{
    const uint64_t count = trace_is_on ? trace_copy(panic_events, PANIC_EVENTS_MAX) : 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct trace_event *event = &panic_events[i];
        console_print("  %lu hart %u: %s: 0x%lx 0x%lx\n", event->time, event->hart,
                      trace_text(event->kind), event->first, event->second);
    }
}

/* Print what follows the reason, and stop. */
NORETURN static void finish(uint64_t sp, const char *who, const char *reason)
{
    print_calls(sp);
    print_events();
    power_off_panic(who, reason);
}

/* Where the epitaph was asked for; the first address printed names the place itself. */
NORETURN static void finish_here(const char *reason)
{
    const uint64_t here = 0;
    console_print("  at 0x%lx\n", (uint64_t)(uintptr_t)&panic);
    finish((uint64_t)(uintptr_t)&here, "kernel", reason);
}

/* A fault on the way here must not start another epitaph. */
static void begin(void)
{
    const struct hart *hart = hart_self();
    const uint64_t self = 1 + (hart == NULL ? 0 : hart->index);
    uint64_t begun = 0;

    csr_clear_sstatus(SSTATUS_SIE);
    if (!atomic_compare_exchange_strong(&panic_hart, &begun, self)) {
        if (begun == self) {
            power_off_panic("kernel", "panic during a panic");
        }
        for (;;) { /* another hart is telling already */
            csr_wfi();
        }
    }
    console_print("\nKernel panic: ");
}

void panic(const char *reason)
{
    begin();
    console_print("%s\n", reason);
    finish_here(reason);
}

void panic_trap(const char *who, const struct panic_registers *registers)
{
    static const char *const names[32] = {
        "  ", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
        "a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    };
    begin();
    console_print("%s: %s\n  pc 0x%lx  value 0x%lx  cause 0x%lx  status 0x%lx\n", who,
                  cause_text(registers->cause), registers->pc, registers->value, registers->cause,
                  registers->status);
    for (unsigned i = 1; i < 32 && registers->x[REG_SP] != 0; i++) {
        console_print("  %s 0x%lx%s", names[i], registers->x[i], i % 4 == 3 ? "\n" : "");
    }
    console_print("  at 0x%lx\n", registers->pc);
    finish(registers->x[REG_SP], who, cause_text(registers->cause));
}

void assert_fail(const char *what)
{
    begin();
    console_print("%s\n", what);
    finish_here("assertion failed");
}
