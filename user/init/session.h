/* SPDX-License-Identifier: MIT */
/*
 * What runs when the boot archive names no program: the console's driver and the shell.
 *
 *   init ---- endpoint, registers, interrupt line ----> console
 *        ---- console, machine -----------------------> shell
 *
 * The console's endpoint is init's own: when the driver ends, a new one takes its place there, and
 * whoever still waits at the endpoint is served. The session ends with the shell.
 */
#pragma once

#include <stdint.h>

/* Run the session. Returns: the status for the machine. */
uint64_t session_run(void);
