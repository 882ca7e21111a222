/* SPDX-License-Identifier: MIT */
/*
 * PIN, UNPIN, PINS, DEVICE_RESET.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>
#include <mem/proto.h>

#include "server/shell/call.h"

/*
 * Serve request `number`, one of the four. What a pin needs beside its target: the caller's own
 * space, to be changed; the ledger is core's to lock.
 *
 * Returns:   what mem/proto_pin.h says; ERR_INVAL and ERR_BADF of wire.h; errors of call_target().
 * On error:  nothing changed but residence. A PIN whose answer cannot be delivered is undone (P18).
 */
MUST_USE enum err pins_serve(struct call *call, enum mem_request number);
