/* SPDX-License-Identifier: MIT */
/*
 * The ledger of pins, printed: for maps -p and mem.
 */
#pragma once

#include <stdint.h>

#include "command.h"

/* Print who pins pages of the process, and what it pins itself. Returns: the command's status. */
uint64_t ledger_print(const struct target *target);

/* Print how many frames are kept by pins alone, and which of them devices may still write. */
void ledger_print_totals(void);
