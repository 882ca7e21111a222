/* SPDX-License-Identifier: MIT */
/*
 * The C library's <unistd.h>, and brk(2), which it lacks beside sbrk().
 */
#pragma once

#include_next <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* brk(2): move the end of the heap; -1 and ENOMEM if that is not possible. */
int brk(void *address);

#ifdef __cplusplus
}
#endif
