/* SPDX-License-Identifier: MIT */
/*
 * Checking the ledger of pins (pin.h) against the frames that it names, the spaces, and what these
 * are charged.
 */
#pragma once

struct core;

/* Check all pins. */
void pin_audit(const struct core *core);
