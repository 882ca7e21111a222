/* SPDX-License-Identifier: MIT */
#include "threads_turns.h"

#include <errno.h>
#include <semaphore.h>

#include <base/assert.h>

#include "server/core/arena.h"

static sem_t turns[ARENA_WORKERS];

void turns_start(void)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        int failed = sem_init(&turns[i], 0, 0);

        ASSERT(failed == 0);
    }
}

void turns_stop(void)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        int failed = sem_destroy(&turns[i]);

        ASSERT(failed == 0);
    }
}

void turns_wake(uint32_t number)
{
    int failed = sem_post(&turns[number]);

    ASSERT(failed == 0);
}

void turns_wait(uint32_t number)
{
    int failed = sem_wait(&turns[number]);

    ASSERT(failed == 0 || errno == EINTR);
}
