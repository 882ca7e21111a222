/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/kernel.h>

#define STATUS_ABORT 134u
#define LINE_BYTES   128

uint64_t __stack_chk_guard;
static const char *guard_program = "";

void guard_init(const uint64_t random[2], const char *name)
{
    const char *slash = strrchr(name, '/');
    __stack_chk_guard = (random[0] ^ (random[1] << 13 | random[1] >> 51)) & ~UINT64_C(0xff);
    guard_program = slash != NULL ? slash + 1 : name;
}

/*
 * The line is of the form that sbi/boot completes with the function's name. The return address may
 * be the next function's, since the compiler knows that nobody returns: go back into the call.
 */
void __stack_chk_fail(void)
{
    char line[LINE_BYTES];
    const uint64_t pc = (uint64_t)(uintptr_t)__builtin_return_address(0) - 2;
    const int length =
        snprintf(line, sizeof(line), "[%" PRIu64 "] %s: stack smashed, pc 0x%" PRIx64 "\n",
                 hf_env()->space_id, guard_program, pc);
    if (length > 0) {
        (void)!write(STDERR_FILENO, line,
                     (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
    }
    hf_exit(STATUS_ABORT);
}
