/* SPDX-License-Identifier: MIT */
/*
 * The end of a run: one framed line on the console, by which whoever started the machine knows how
 * it went, and the power switch.
 *
 *     [holdfast NONCE exit STATUS]     [holdfast NONCE panic WHO: REASON]
 *
 * NONCE comes from the kernel option of that name, so that no program can forge the line; without
 * one it and the space behind it are left out.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

#define POWER_NONCE_MAX 64u

/* Keep the nonce for the end line. Longer ones are cut. Once, at boot. */
void power_set_nonce(const char *nonce);

/* Print the end line with a status and power off. */
NORETURN void power_off(uint64_t status);

/* Print the end line of a panic, with who had to stop and why, and power off. */
NORETURN void power_off_panic(const char *who, const char *reason);

/* Restart the machine. */
NORETURN void power_restart(void);
