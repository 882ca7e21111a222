/* SPDX-License-Identifier: MIT */
/*
 * mlock(), munlock() and msync() under names of our own, so that the build can choose
 * locking_absent.c for a system whose library does not have them.
 */
#pragma once

#include <stddef.h>

/* Each returns 0, or -1 with errno set, as the POSIX function does. */
int locking_lock(void *address, size_t length);
int locking_unlock(void *address, size_t length);
int locking_sync(void *address, size_t length, int flags);
