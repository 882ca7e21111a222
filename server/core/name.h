/* SPDX-License-Identifier: MIT */
/*
 * Names of shared-memory objects: one table for the machine, as shm_open() wants it.
 *
 * A name is up to NAME_BYTES_MAX bytes, any but none; what they mean is the client's affair. It
 * keeps its object, and says which rights a handle gets at most that is opened by it. Whoever knows
 * a name may open or remove it: there are no users here, and what must stay private is passed on as
 * a handle.
 *
 * I1  A name has one reference of its object, which counts its names.
 * I2  No two names are the same; there are at most NAME_MAX, in the chain of their hash.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/space.h"

#define NAME_BYTES_MAX 255u
#define NAME_MAX       4096u
#define NAME_CHAINS    1024u

struct name {
    uint32_t next; /* in the chain */
    uint32_t object;
    uint32_t hash;
    uint32_t rights; /* MAP_RIGHT_ */
    uint32_t length;
    uint8_t bytes[NAME_BYTES_MAX + 1];
    uint32_t reserved;
};

/* A name as a request has it; `length` is 1 .. NAME_BYTES_MAX. */
struct name_text {
    const uint8_t *bytes; /* which nobody changes meanwhile */
    uint32_t length;
};

/*
 * Give an object a name, and rights to whoever opens it.
 *
 * Returns:   ERR_OK; ERR_EXIST: another or the same object has it; ERR_NOSPC: there are NAME_MAX;
 *            ERR_NOMEM: no frame (recorded in `space`).
 * On error:  nothing changed.
 */
MUST_USE enum err name_add(struct core *core, struct space *space, const struct name_text *text,
                           struct object *object, uint32_t rights);

/*
 * The object of a name, and its rights; NULL if nothing has the name. The caller is in
 * shared_enter(), and takes a reference before it leaves.
 */
struct object *name_find(const struct core *core, const struct name_text *text, uint32_t *rights);

/*
 * Take a name back. The object may be gone.
 *
 * Returns:   ERR_OK; ERR_NOENT: nothing has it (recorded in `space`).
 */
MUST_USE enum err name_remove(struct core *core, struct space *space, const struct name_text *text);

/* Check I2. Returns: how many names there are. */
uint64_t name_audit(const struct core *core);
