/* SPDX-License-Identifier: MIT */
/*
 * The one hart of the host tests. Takes the place of kernel/riscv/self.h.
 */
#pragma once

struct hart;

extern struct hart *model_hart;

static inline struct hart *hart_self(void)
{
    return model_hart;
}
