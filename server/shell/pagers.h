/* SPDX-License-Identifier: MIT */
/*
 * PAGER_MAKE to PAGER_ATTACH (mem/proto_pager.h): processes that fill the pages of objects.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>
#include <mem/proto.h>

#include "server/shell/call.h"

/*
 * Serve one of these requests.
 *
 * Returns:   ERR_OK or why it is refused; ERR_WAIT: it cannot be answered yet, and waits already
 *            (is_held) or has still to (waits.h).
 */
MUST_USE enum err pagers_serve(struct call *call, enum mem_request number);
