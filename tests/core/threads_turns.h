/* SPDX-License-Identifier: MIT */
/*
 * Waiting and waking of server threads on the host: a semaphore for each.
 */
#pragma once

#include <stdint.h>

/* Set up, and take down. */
void turns_start(void);
void turns_stop(void);

/* Let server thread `number` go on once; wait for that. */
void turns_wake(uint32_t number);
void turns_wait(uint32_t number);
