/* SPDX-License-Identifier: MIT */
/*
 * How a process of Linux says that it cannot go on.
 */
#pragma once

#include "slot.h"

/* Where to write why, and the pipe that is told. */
void fail_init(struct slot *slot, int done);

/* Report a failure, with errno if it is not 0, and end. */
_Noreturn void fail_end(const char *what);
