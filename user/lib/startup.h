/* SPDX-License-Identifier: MIT */
/*
 * The start structure of a new process (hf/auxv.h), built as bytes that are then copied to its
 * stack.
 *
 *   sp -> argc | argv.. 0 | envp.. 0 | auxv.. 0 0 | padding | strings | name | 16 random bytes <-
 *   top
 *
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define STARTUP_RANDOM_BYTES 16

struct startup_aux {
    uint64_t type;
    uint64_t value;
};

/* Borrowed throughout. */
struct startup {
    const char *name; /* of the program's file: HF_AT_EXECFN */
    const char *const *argv;
    const char *const *envp;
    const struct startup_aux *aux; /* without HF_AT_RANDOM, HF_AT_EXECFN and HF_AT_NULL */
    uint64_t aux_count;
    uint64_t random[STARTUP_RANDOM_BYTES / sizeof(uint64_t)];
};

/*
 * Build the structure for a stack that ends at `top`, 16-byte aligned.
 *
 * Returns:   true: the first `top - *sp` bytes of `buffer` are what must stand at `*sp`, 16-byte
 *            aligned; false if that is more than `buffer_bytes`.
 * On error:  the buffer is undefined, `sp` unchanged.
 */
MUST_USE bool startup_build(const struct startup *startup, uint64_t top, void *buffer,
                            uint64_t buffer_bytes, uint64_t *sp);
