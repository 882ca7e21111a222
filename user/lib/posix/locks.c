/* SPDX-License-Identifier: MIT */
/*
 * The locks of the C library, which leaves them to the system: every one of them recursive, so that
 * a whole printf() can hold the lock that each of its characters takes.
 *
 * A lock that is NULL locks nothing: the standard streams have none in the C library's structures
 * and are locked by streams.c. Not here: trying to take one, which nothing in the library does and
 * newer versions have no name for.
 */
#include <stdlib.h>
#include <sys/lock.h>

#include <hf/mutex.h>

struct __lock {
    struct hf_recursive_mutex mutex;
};

struct __lock __lock___libc_recursive_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    if (lock != NULL) {
        hf_recursive_lock(&lock->mutex);
    }
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    if (lock != NULL) {
        hf_recursive_unlock(&lock->mutex);
    }
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}
