/* SPDX-License-Identifier: MIT */
/*
 * Numbers that boot finds out and SYS_INFO tells.
 */
#pragma once

#include <stdint.h>

/* Constant after boot. */
struct misc_machine {
    uint64_t timebase_hz;
    uint64_t harts;
    uint64_t frames;        /* of RAM */
    uint64_t frames_kernel; /* that nobody can get */
};

/* Once, at boot. */
void misc_set_machine(struct misc_machine machine);
