/* SPDX-License-Identifier: MIT */
/*
 * What the driver shares with its device: the registers, and pages of its own. Those that the
 * device reaches are pinned for good, for the device: if the driver ends they are used by nobody
 * before the next one has reset it.
 *
 * Owner: the driver's only thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "blk.h"
#include "sd_blk.h"
#include "virtio.h"

/* The registers of a device of virtio as it wants to reach them. */
struct virtio_bus memory_bus(volatile uint32_t *registers);

/*
 * Make `count` pages that follow each other in the driver's space. `is_reached`: by the device, for
 * which they are pinned; else its address of one is the driver's.
 *
 * Returns:   ERR_OK; what MAP and PIN refuse.
 */
MUST_USE enum err memory_pages(uint32_t count, bool is_reached, const char *purpose,
                               struct blk_page *pages);

/* How bytes are moved to and from clients, who may do what they like meanwhile: nothing waits. */
extern const struct sd_blk_copier memory_copier;
