/* SPDX-License-Identifier: MIT */
/*
 * What the driver shares with its device: the registers, and pages of its own that the device
 * reaches. Those are pinned for good, for the device: if the driver ends they are used by nobody
 * before the next one has reset it.
 *
 * Owner: the driver's only thread.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "blk.h"

/* Map the page of registers. `offset`: where they begin in it. */
MUST_USE enum err memory_registers(uint64_t offset, struct virtio_bus *bus);

/*
 * Make `count` pages that follow each other in the driver's space, and pin them.
 *
 * Returns:   ERR_OK; what MAP and PIN refuse.
 */
MUST_USE enum err memory_pages(uint32_t count, const char *purpose, struct blk_page *pages);
