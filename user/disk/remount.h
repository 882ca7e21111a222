/* SPDX-License-Identifier: MIT */
/*
 * When the file system ends and is started again it knows nothing of the files on the disk: a
 * thread of the driver's process mounts them again (mount.h).
 *
 *   WATCH, held by the file system --it ends--> WATCH, answered by the next one --> MOUNT each file
 *     ^                                                                                   |
 *     +-----------------------------------------------------------------------------------+
 *
 * It is a client of the driver and of the file system like any other, so the driver never waits for
 * it, nor through it for pages that are in swap. Each answer names the file system that gave it:
 * one that ends in the middle is noticed, and all is done once more with the next.
 *
 * Owner: the thread, from remount_start() on.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "gpt.h"

/*
 * Watch the file system, and mount again when it is not `instance` (0: when there is one). `gpt` is
 * constant from now on.
 *
 * Returns:   ERR_OK; what SPACE_DERIVE and making a thread refuse.
 * On error:  nothing is watched.
 */
MUST_USE enum err remount_start(const struct gpt *gpt, uint64_t instance);
