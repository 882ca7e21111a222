/* SPDX-License-Identifier: MIT */
/*
 * Where threads of the memory server begin: the first from crt0.S, the others made by it.
 */
#pragma once

#include <base/attr.h>

#include "server/shell/message.h"
#include "server/shell/shell.h"

/* Run the memory server. `message_page` holds struct boot_info. */
NORETURN void main_start(void *message_page);

/* Serve for ever, as another server thread. */
NORETURN void main_serve(struct shell *shell);

/*
 * Decide a fault that waited, once more.
 *
 * Returns:   what to answer; serial 0: it waits again.
 */
struct answer main_serve_fault(struct shell *shell, const struct message *message);

/* Give that answer. */
void main_answer_fault(struct shell *shell, const struct answer *answer);
