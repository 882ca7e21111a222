/* SPDX-License-Identifier: MIT */
/*
 * From what the kernel found to a memory server that knows all frames, the boot archive and init.
 */
#pragma once

#include <stdint.h>

#include <abi/boot.h>

#include "server/shell/shell.h"

/*
 * Bring core up in the free frames of `info`, take over the archive, init's space and its thread,
 * and start the other server threads. `shells` has one for each.
 *
 * `message` is the server thread's message page. What goes wrong here ends the machine with a line
 * that says what.
 */
void boot_start(const struct boot_info *info, void *message, struct shell *shells);
