/* SPDX-License-Identifier: MIT */
/*
 * OBJECT_MAKE, OBJECT_RESIZE, OBJECT_SEAL: shared memory by handle; RESIZE for pagers too.
 * OBJECT_SLICE: part of the boot archive. OBJECT_AGAIN: who may have a handle by number.
 *
 * A memory object has a size in bytes and pages up to its last byte. Shrinking it takes the pages
 * past the new end from every space that maps them, copies that private regions have of them
 * too, and fills the rest of the last page with zeros. Seals forbid what they name for good.
 *
 * Not here: which handle gives which rights (shell); names (name.h); bytes (op_copy.h).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <mem/prot.h>

#include "server/core/object.h"
#include "server/core/space.h"

struct object_request {
    uint64_t bytes;
    uint32_t flags; /* MEM_OBJECT_ */
    uint32_t seals; /* MEM_SEAL_; those it starts with */
};

/*
 * Make a memory object, which `space` then holds.
 *
 * Returns:   ERR_OK; ERR_INVAL: unknown flags or seals; ERR_FBIG: larger than OBJECT_BYTES_MAX;
 *            ERR_NOMEM: over the commit limit, or no frame (recorded).
 * On error:  nothing changed.
 * Semantics: memfd_create(2); charged by its size unless NORESERVE, which COMMIT_NEVER ignores.
 */
MUST_USE enum err op_object_make(struct core *core, struct space *space,
                                 const struct object_request *request, struct object **object);

/*
 * Make the object `bytes` long, on behalf of `space`, whose handle has `rights` (MAP_RIGHT_).
 *
 * Returns:   ERR_OK; ERR_WAIT (NEED_TURN): it is shorter, and is to be asked for again with the
 *            next message; ERR_INVAL: neither shared memory nor an object that the caller is the
 *            pager of; ERR_ACCES: no right to write, or OBJECT_OWNED and the space has not made it;
 *            ERR_FBIG;
 *            ERR_PERM: append-only, or sealed; ERR_NOMEM: over the commit limit (recorded);
 *            ERR_WAIT: the page in which it would end comes back from swap first (core->need).
 * On error:  nothing changed.
 * Semantics: ftruncate(2), F_ADD_SEALS(2const). The cost of shrinking grows with the regions that
 *            map the object and with the pages that go. The caller has `processes`, and no bucket:
 *            all are taken, so that pages of objects stay what they are for whoever has one.
 */
MUST_USE enum err op_object_resize(struct core *core, struct space *space, struct object *object,
                                   uint32_t rights, uint64_t bytes);

/*
 * Add seals.
 *
 * Returns:   ERR_OK; ERR_PERM: no right to write; ERR_INVAL: unknown seals, not shared memory;
 *            ERR_PERM: MEM_SEAL_SEAL is set; ERR_BUSY: MEM_SEAL_WRITE, and a shared region may be
 *            written, or a page is pinned, by whomever and for whatever (recorded).
 * On error:  nothing changed.
 * Semantics: F_ADD_SEALS(2const); no F_SEAL_EXEC. Linux gives pins 150 ms to go before it says so.
 */
MUST_USE enum err op_object_seal(struct core *core, struct space *space, struct object *object,
                                 uint32_t rights, uint32_t seals);

/* What a handle to a slice may let its holder do; the handle to the whole has all of them. */
#define SLICE_RIGHTS (MAP_RIGHT_READ | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE)

/*
 * Make an object of `bytes` bytes from byte `offset` of `whole` on, for which the caller's handle
 * has `rights`; `space` then holds it. What follows the last byte on the last page is seen with it.
 *
 * Returns:   ERR_OK; ERR_INVAL: not wired, or the offset is within a page; ERR_ACCES: not all of
 *            SLICE_RIGHTS; ERR_RANGE: it would leave `whole`; ERR_NOMEM: no frame (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err op_object_slice(struct core *core, struct space *space,
                                  const struct object *whole, uint32_t rights, uint64_t offset,
                                  uint64_t bytes, struct object **object);

/*
 * Whether `space` may have a handle with `rights` to the object of a number, which may be any.
 *
 * Returns:   ERR_OK; ERR_NOENT: there is none, or the space does not hold it; ERR_ACCES: to write
 *            to a slice, or not by those rights, and the space has not made it.
 */
MUST_USE enum err op_object_again(struct core *core, const struct space *space, uint64_t number,
                                  uint32_t rights);
