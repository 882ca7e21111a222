/* SPDX-License-Identifier: MIT */
/*
 * Which frames are registers of devices, by the device tree: the only ones that are no RAM and can
 * be mapped all the same (MAP_INSTALL_DEVICE).
 *
 * Their mappings are not counted; they have no words in the frame table. Constant after boot.
 */
#pragma once

#include <stdbool.h>

#include <base/types.h>

#define DEVICE_RANGES_MAX 32u

/* At boot: frames first .. first + pages - 1 are a device's. Beyond DEVICE_RANGES_MAX: ignored. */
void device_add(pfn_t first, npages_t pages);

/* Whether the frame is a device's. */
bool device_has(pfn_t pfn);
