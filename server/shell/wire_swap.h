/* SPDX-License-Identifier: MIT */
/* The words of SWAP (wire.h says what that means). */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/message.h"

struct wire_swap {
    uint32_t flags;  /* 0, MEM_SWAP_ON or MEM_SWAP_OFF */
    uint64_t object; /* badge; 0 with flags 0 */
};
/*
 * Read SWAP.
 *
 * Returns:   ERR_OK; ERR_INVAL: reserved words, unknown flags, a handle without flags; ERR_BADF: no
 *            handle where one must be.
 */
MUST_USE enum err wire_swap(const struct message *message, struct wire_swap *out);
