/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of the kernel image lie (kernel.ld), as addresses of the direct map.
 *
 *     start  header, text (RX) | boot code (RX, then free) | rodata (R) | data, bss, with guard
 *     pages and stacks in it (RW)  end
 *
 * All bounds are page aligned. Stacks of harts that the machine does not have are free memory.
 */
#pragma once

#include <stdint.h>

/* Defined by kernel.ld: only their addresses mean something. */
extern const char ld_start[];
extern const char ld_text_end[];
extern const char ld_boot_end[];
extern const char ld_rodata_end[];
extern const char ld_sum_end[];
extern const char ld_stacks[];
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

/* Up to here the image is as it was loaded until its sum is taken: data too, but for entry.S's. */
static inline uint64_t image_sum_end(void)
{
    return (uint64_t)(uintptr_t)ld_sum_end;
}

/* Each hart's stack has IMAGE_STACK_BYTES above a guard page; so many harts have one. */
#define IMAGE_STACK_BYTES UINT64_C(0x4000)
#define IMAGE_STACK_STEP  (IMAGE_STACK_BYTES + UINT64_C(0x1000))
#define IMAGE_STACKS      8u

/*
 * Page below the stack of hart `index` that is never mapped: whoever overruns the stack faults. For
 * index IMAGE_STACKS: where the stacks end.
 */
static inline uint64_t image_guard(uint64_t index)
{
    return (uint64_t)(uintptr_t)ld_stacks + index * IMAGE_STACK_STEP;
}

static inline uint64_t image_stack_top(uint64_t index)
{
    return image_guard(index + 1);
}

static inline uint64_t image_end(void)
{
    return (uint64_t)(uintptr_t)ld_end;
}
