/* SPDX-License-Identifier: MIT */
/*
 * Devices of the machine as objects that can be mapped: what init hands on to drivers.
 *
 * The records stand in struct shell_head from boot on, in the order of the kernel's.
 */
#pragma once

#include <stdint.h>

#include <abi/boot.h>
#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* Make an object for each device. Returns: ERR_OK; ERR_NOMEM: no frame for the records. */
MUST_USE enum err device_take(struct shell *shell, const struct boot_info *info);

/* BOOT_DEVICE: see mem/proto.h. */
MUST_USE enum err device_serve(struct call *call);
