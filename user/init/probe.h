/* SPDX-License-Identifier: MIT */
/*
 * What is in a slot of virtio: the device tree does not say, its registers do.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/*
 * The kind of device behind the registers that begin at `offset` in the object; 0: none.
 *
 * Returns:   ERR_OK; ERR_NODEV: no registers of virtio; what MAP refuses.
 * On error:  nothing is left mapped.
 * Source:    virtio 1.2, 4.2.2
 */
MUST_USE enum err probe_virtio(uint64_t object, uint64_t offset, uint32_t *kind);
