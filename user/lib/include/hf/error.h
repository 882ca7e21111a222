/* SPDX-License-Identifier: MIT */
/*
 * Errors as text and as errno.
 */
#pragma once

#include <abi/error.h>

/* The text of error.def; a constant, also for a number that is no error. */
const char *hf_strerror(enum err error);

/*
 * The value for errno, as <errno.h> of the C library has it. Errors below 200 have Linux's numbers,
 * which are the library's too but for a few; ours above 200 become the nearest of POSIX.
 */
int hf_errno(enum err error);
