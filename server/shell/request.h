/* SPDX-License-Identifier: MIT */
/*
 * Serving one request: find the caller, call the function of its number, keep what a refusal was
 * about.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/shell/message.h"
#include "server/shell/shell.h"

/*
 * Serve the request in `message`, whatever its words are.
 *
 * Fills `words`, which are zero, with the answer. On return everything that was decided has been
 * handed to the kernel.
 * Returns:   whether the caller is to be answered now.
 */
MUST_USE bool request_serve(struct shell *shell, const struct message *message,
                            uint64_t words[IPC_WORDS]);

/* Keep for the caller what the refusal of request `number` was about. */
void request_refused(struct shell *shell, struct space *own, uint64_t number, enum err error);

/* Every request ends with this: nothing that was decided waits for the kernel any longer. */
static inline void request_done(struct shell *shell)
{
    core_done(&shell->core);
    port_flush(&shell->port);
}
