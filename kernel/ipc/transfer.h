/* SPDX-License-Identifier: MIT */
/*
 * Handles in messages: bits 15..8 of the tag say which words are handles (abi/ipc.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/ipc.h>
#include <base/attr.h>

#include "task/thread.h"

/* The tag is one that a sender may use. */
bool transfer_is_legal_tag(uint64_t tag);

/*
 * Move or copy the handles of a message from the space of `from` into the window that `to` accepts.
 *
 * In `tag` and `words`: as sent; out: as they arrive (kind 0).
 * Requires:  transfer_is_legal_tag(*tag).
 * Returns:   ERR_OK; ERR_SENDER_HANDLE: bad, stale, or without RIGHT_TRANSFER; ERR_RECEIVER_SLOTS:
 *            the window has no free slot left.
 * On error:  nothing changed.
 */
MUST_USE enum err transfer_handles(struct thread *from, struct thread *to, uint64_t *tag,
                                   uint64_t words[IPC_WORDS]);
