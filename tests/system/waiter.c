/* SPDX-License-Identifier: MIT */
#include "waiter.h"

#include <hf/kernel.h>
#include <tap.h>

#include "child.h"

#define PAST UINT64_C(1)

bool waiter_is_there(uint64_t notification)
{
    const uint64_t latest = time_after(10000);
    uint64_t bits = 0;
    enum err error = hf_wait(notification, 0, PAST, &bits);

    while (error == ERR_TIMEDOUT && time_now() < latest) {
        (void)hf_yield();
        error = hf_wait(notification, 0, PAST, &bits);
    }
    return EXPECT_ERR(error, ERR_BUSY);
}
