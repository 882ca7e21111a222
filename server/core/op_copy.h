/* SPDX-License-Identifier: MIT */
/*
 * COPY, OBJECT_COPY: move bytes between two spaces, or a space and an object, as if each client had
 * touched its own pages.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/object.h"
#include "server/core/space.h"

/* One side of a copy: a page made present. */
struct copy_page {
    pfn_t frame;
    uint32_t offset;
};

/*
 * Make the page that holds `address` present for `access` (one MEM_PROT_ bit), in the page table
 * too.
 *
 * Returns:   ERR_OK; ERR_FAULT, ERR_NOMEM, ERR_WAIT as op_copy().
 */
MUST_USE enum err copy_touch(struct core *core, struct space *space, uint64_t address,
                             uint32_t access, struct copy_page *page);

struct copy_request {
    struct space *to;
    struct space *from; /* may be the same; ranges that overlap give what page-wise copying gives */
    uaddr_t to_address;
    uaddr_t from_address;
    uint64_t length; /* bytes */
    bool is_nowait;  /* a page that has to be waited for is an error */
};

/*
 * Copy `request->length` bytes; pages of both sides are faulted in, by the code of the clients' own
 * faults.
 *
 * Returns:   ERR_OK; ERR_FAULT at the first page that cannot be read or written; ERR_NOMEM at the
 *            first that finds no frame; at the first that has to wait ERR_WAIT, or ERR_AGAIN if
 *            that is not wanted. `*copied` says how many bytes were copied before, and is written
 *            in every case.
 * On error:  what was copied stays copied.
 */
MUST_USE enum err op_copy(struct core *core, const struct copy_request *request, uint64_t *copied);

struct copy_object_request {
    struct space *space;
    struct object *object;
    uint32_t rights; /* MAP_RIGHT_; of the space's handle to the object */
    bool is_to_object;
    uaddr_t address;
    uint64_t offset; /* bytes, into the object */
    uint64_t length; /* bytes; what is past the end of the object is left out */
};

/*
 * Copy between a space and an object. A page of shared memory that was never touched is read as
 * zeros and stays so; one that a pager has not supplied is asked for.
 *
 * Returns:   ERR_OK; ERR_NODEV for a device or a pager; ERR_ACCES without the right to read or
 *            write, or to write what is wired; ERR_PERM: append-only, or sealed against writing;
 *            ERR_FAULT, ERR_NOMEM, ERR_WAIT as op_copy(). `*copied` as there.
 * On error:  what was copied stays copied.
 */
MUST_USE enum err op_copy_object(struct core *core, const struct copy_object_request *request,
                                 uint64_t *copied);
