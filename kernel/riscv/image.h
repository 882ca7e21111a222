/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of the kernel image lie (kernel.ld), as addresses of the direct map.
 *
 *     start  header, text (RX) | boot code (RX, then free) | rodata (R) | data, bss, with guard
 *     page and stack in it (RW)  end
 *
 * All bounds but the stack's ends are page aligned.
 */
#pragma once

#include <stdint.h>

/* Defined by kernel.ld: only their addresses mean something. */
extern const char ld_start[];
extern const char ld_text_end[];
extern const char ld_boot_end[];
extern const char ld_rodata_end[];
extern const char ld_guard[];
extern const char ld_stack_bottom[];
extern const char ld_stack_top[];
extern const char ld_end[];

static inline uint64_t image_text_start(void)
{
    return (uint64_t)(uintptr_t)ld_start;
}

static inline uint64_t image_text_end(void)
{
    return (uint64_t)(uintptr_t)ld_text_end;
}

/* Boot code lies between the end of text and here; its pages are given away when boot is over. */
static inline uint64_t image_boot_end(void)
{
    return (uint64_t)(uintptr_t)ld_boot_end;
}

static inline uint64_t image_rodata_end(void)
{
    return (uint64_t)(uintptr_t)ld_rodata_end;
}

/* Page that is never mapped: whoever overruns the boot hart's stack faults. */
static inline uint64_t image_guard(void)
{
    return (uint64_t)(uintptr_t)ld_guard;
}

static inline uint64_t image_stack_bottom(void)
{
    return (uint64_t)(uintptr_t)ld_stack_bottom;
}

static inline uint64_t image_stack_top(void)
{
    return (uint64_t)(uintptr_t)ld_stack_top;
}

static inline uint64_t image_end(void)
{
    return (uint64_t)(uintptr_t)ld_end;
}
