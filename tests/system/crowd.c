/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <hf/kernel.h>
#include <hf/thread.h>
#include <tap.h>

uint64_t crowd_harts(void)
{
    uint64_t count = 0;

    EXPECT_ERR(hf_info(INFO_HARTS, &count), ERR_OK);
    return count;
}

void crowd_run(void (*work)(void *), void *first, size_t size, unsigned count)
{
    struct hf_thread threads[CROWD_MAX];
    unsigned started = 0;

    for (; started < count; started++) {
        if (!EXPECT_ERR(hf_thread_run(&threads[started], PRIORITY_DEFAULT, work,
                                      (char *)first + started * size),
                        ERR_OK)) {
            break;
        }
    }
    while (started > 0) {
        hf_thread_join(&threads[--started]);
    }
}
