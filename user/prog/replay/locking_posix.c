/* SPDX-License-Identifier: MIT */
#include "locking.h"

#include <sys/mman.h>

int locking_lock(void *address, size_t length)
{
    return mlock(address, length);
}

int locking_unlock(void *address, size_t length)
{
    return munlock(address, length);
}

int locking_sync(void *address, size_t length, int flags)
{
    return msync(address, length, flags);
}
