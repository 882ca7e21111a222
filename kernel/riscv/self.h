/* SPDX-License-Identifier: MIT */
/*
 * Which hart executes this (struct hart: hart.h). Host tests have their own header of this name.
 */
#pragma once

#include <base/attr.h>

struct hart;

/* The hart that executes this: tp, which the kernel's C code does not use otherwise. */
ALWAYS_INLINE struct hart *hart_self(void)
{
    struct hart *hart;
    __asm__("mv %0, tp" : "=r"(hart)); /* no clobber: tp is constant while in the kernel */
    return hart;
}

/* Let the hart that executes this be `hart`: once for each, at boot. */
static inline void hart_enter(struct hart *hart)
{
    __asm__ volatile("mv tp, %0\n\tcsrw sscratch, %0" ::"r"(hart) : "memory");
}
