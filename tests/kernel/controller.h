/* SPDX-License-Identifier: MIT */
/*
 * A model of the interrupt controller, in the place of kernel/irq/plic.c. Level-sensitive: a raised
 * line interrupts whenever it is enabled and not claimed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONTROLLER_LINES 8u

/* No line is raised, enabled or claimed. */
void controller_start(void);

/* A device raises its line, or is content. */
void controller_raise(uint32_t line, bool is_raised);

/* Whether the line has been claimed and not completed. */
bool controller_is_claimed(uint32_t line);
