/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <inttypes.h>
#include <stdio.h>

#include <hf/env.h>
#include <hf/kernel.h>

#include "tell.h"

#define STATUS_ABORT 134u
#define HOW_BYTES    48

uint64_t __stack_chk_guard;

void guard_init(const uint64_t random[2])
{
    __stack_chk_guard = (random[0] ^ (random[1] << 13 | random[1] >> 51)) & ~UINT64_C(0xff);
}

/*
 * The return address may be the next function's, since the compiler knows that nobody returns: go
 * back into the call.
 */
void __stack_chk_fail(void)
{
    char how[HOW_BYTES];
    const uint64_t pc = (uint64_t)(uintptr_t)__builtin_return_address(0) - 2;

    snprintf(how, sizeof(how), "stack smashed, pc 0x%" PRIx64, pc);
    tell_end(hf_env()->space_id, how);
    hf_exit(STATUS_ABORT);
}
