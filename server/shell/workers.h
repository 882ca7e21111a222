/* SPDX-License-Identifier: MIT */
/*
 * The threads of the memory server: one for each hart, which it is kept on.
 *
 * The first one stands at boot. The others get frames, thread numbers and stacks of the server's
 * own, which nobody is charged for, and start when boot is over. A message goes to the server
 * thread of the sender's hart if that waits (abi/calls.h, THREAD_HART).
 *
 *   thread numbers   0: the first; 1: init's; then two for each other server thread, since its
 *                    message page is in the server's window twice: as its own, and by its number
 *   stacks           behind the image, each above a page left out
 *
 * Not here: what they do (main.h), and how they keep out of each other's way (core/shared.h).
 */
#pragma once

#include <stdint.h>

#include <abi/boot.h>
#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/shell.h"

/* How many there are to be. */
uint32_t workers_count(const struct boot_info *info);

/* The first thread number that is not theirs or init's. */
uint32_t workers_numbers(const struct boot_info *info);

/* Set up the port of the first, whose message page is `message`. */
void workers_begin(const struct boot_info *info, void *message, struct shell *first);

/*
 * Make the others, in `shells` behind the first.
 *
 * Returns: ERR_OK; ERR_NOMEM without frames; ERR_RANGE: their stacks do not fit behind the image.
 */
MUST_USE enum err workers_make(const struct boot_info *info, struct shell *shells);

/* Keep each on its hart, and start the others. */
void workers_start(const struct shell *shells);
