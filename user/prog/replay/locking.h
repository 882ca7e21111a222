/* SPDX-License-Identifier: MIT */
/*
 * mlock(), munlock() and msync() as events of a trace need them.
 */
#pragma once

#include <stddef.h>

/* Each returns 0, or -1 with errno set, as the POSIX function does. */
int locking_lock(void *address, size_t length);
int locking_unlock(void *address, size_t length);
int locking_sync(void *address, size_t length, int flags);
