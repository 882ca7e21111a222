/* SPDX-License-Identifier: MIT */
/*
 * Executing what is in a page, one file an architecture.
 *
 * Words that the oracle stores at the start of a page have FETCH_BYTE as their lowest byte; other
 * pages start with zeros.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Execute at the start of a page of such words or of zeros.
 *
 * Returns if the page starts with a stored word; for zeros there is a signal for which
 * fetch_was_zeros() holds.
 */
void fetch(uint64_t addr);

/* Whether a signal says that zeros were executed. */
bool fetch_was_zeros(int number, const siginfo_t *info);
