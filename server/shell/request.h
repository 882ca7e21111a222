/* SPDX-License-Identifier: MIT */
/*
 * Serving one request: take what it is about, call the function of its number, keep what a refusal
 * was about.
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

/* Keep for the caller, whose space is taken, what the refusal of request `number` was about. */
void request_refused(struct shell *shell, struct space *own, uint64_t number, enum err error);
