/* SPDX-License-Identifier: MIT */
/*
 * Where threads of the memory server begin: the first from crt0.S, the others made by it.
 */
#pragma once

#include <base/attr.h>

#include "server/shell/shell.h"

/* Run the memory server. `message_page` holds struct boot_info. */
NORETURN void main_start(void *message_page);

/* Serve for ever, as another server thread. */
NORETURN void main_serve(struct shell *shell);
