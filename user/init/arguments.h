/* SPDX-License-Identifier: MIT */
/*
 * The program that the boot archive asks for, and its arguments: boot/args, strings that each end
 * with a NUL. Options of init's own come before the program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define ARGUMENTS_MAX 256

struct arguments {
    bool is_quiet;  /* -q: say nothing about an end with status and no fault */
    uint64_t count; /* program and arguments; 0: none named */
    const char *strings[ARGUMENTS_MAX + 1]; /* end with NULL; point into the file */
};

/*
 * Read `bytes` bytes of boot/args.
 *
 * Returns:   true; false if there are more than ARGUMENTS_MAX strings, an unknown option, or no NUL
 *            at the end.
 * On error:  `why` is a reason, as the end of a sentence; `arguments` is undefined.
 */
MUST_USE bool arguments_parse(const char *data, uint64_t bytes, struct arguments *arguments,
                              const char **why);
