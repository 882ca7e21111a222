/* SPDX-License-Identifier: MIT */
/*
 * Ends of the whole machine that the memory server brings about, each with a line on the console.
 */
#pragma once

#include <base/attr.h>

#include "server/shell/client.h"

/* Init has ended without powering off: say how, and power off with a failure. */
NORETURN void halt_init_ended(const struct ending *ending);

/* Boot went wrong: say at which step, and power off with a failure. */
NORETURN void halt_boot(const char *step);
