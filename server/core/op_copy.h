/* SPDX-License-Identifier: MIT */
/*
 * COPY: move bytes between two spaces, as if each client had touched its own pages.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/space.h"

struct copy_request {
    struct space *to;
    struct space *from; /* may be the same; ranges that overlap give what page-wise copying gives */
    uaddr_t to_address;
    uaddr_t from_address;
    uint64_t length; /* bytes */
};

/*
 * Copy `request->length` bytes; pages of both sides are faulted in, by the code of the clients' own
 * faults.
 *
 * Returns:   ERR_OK; ERR_FAULT at the first page that cannot be read or written; ERR_NOMEM at the
 *            first that finds no frame. `*copied` says how many bytes were copied before, and is
 *            written in every case.
 * On error:  what was copied stays copied.
 */
MUST_USE enum err op_copy(struct core *core, const struct copy_request *request, uint64_t *copied);
