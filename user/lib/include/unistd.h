/* SPDX-License-Identifier: MIT */
/*
 * The C library's <unistd.h>, and brk(2), which it lacks beside sbrk().
 */
#ifndef HF_UNISTD_H
#define HF_UNISTD_H

#include_next <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

int brk(void *address);

#ifdef __cplusplus
}
#endif

#endif
