/* SPDX-License-Identifier: MIT */
/*
 * For a system without these calls: a trace that has them is refused at the first one.
 */
#include "locking.h"

#include <errno.h>

int locking_lock(void *address, size_t length)
{
    (void)address;
    (void)length;
    errno = ENOSYS;
    return -1;
}

int locking_unlock(void *address, size_t length)
{
    return locking_lock(address, length);
}

int locking_sync(void *address, size_t length, int flags)
{
    (void)flags;
    return locking_lock(address, length);
}
