/* SPDX-License-Identifier: MIT */
/*
 * Names of shared-memory objects: one table for the machine, as shm_open() wants it.
 *
 * A name is up to NAME_BYTES_MAX bytes, any but none; what they mean is the client's affair. It
 * keeps its object, and says which rights a handle gets at most that is opened by it. Whoever knows
 * a name may open or remove it: there are no users here, and what must stay private is passed on as
 * a handle.
 *
 * So that no program takes all of them, a space and its descendants may have given half as many as
 * those of its maker: NAME_MAX for the first, and NAME_LEAST at least. A name that outlives its
 * giver counts as the maker's.
 *
 * I1  A name has one reference of its object, which counts its names.
 * I2  No two names are the same; there are at most NAME_MAX, in the chain of their hash.
 * I3  `names` of a space counts those whose giver it is or descends from it.
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
#define NAME_LEAST     16u

struct name {
    uint32_t next; /* in the chain */
    uint32_t object;
    uint32_t hash;
    uint32_t rights; /* MAP_RIGHT_ */
    uint32_t length;
    uint8_t bytes[NAME_BYTES_MAX + 1];
    uint32_t giver; /* space; 0: it has ended, and so has its maker */
};

/* A name as a request has it; `length` is 1 .. NAME_BYTES_MAX. */
struct name_text {
    const uint8_t *bytes; /* which nobody changes meanwhile */
    uint32_t length;
};

/*
 * Give an object a name, and rights to whoever opens it.
 *
 * Returns:   ERR_OK; ERR_EXIST: another or the same object has it; ERR_NOSPC: there are NAME_MAX,
 *            or as many as `space` or one of its makers may give; ERR_NOMEM: no frame (recorded in
 *            `space`).
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

/* The names that a space gave, which ends, count as its maker's. */
void name_end(struct core *core, struct space *space);

/*
 * Frames of memory objects, with what their records, tables and names take of the arena: what a
 * name that is left behind keeps is a part of it. The caller is in shared_enter().
 */
uint64_t name_frames(const struct core *core);

/* Check I2 and I3. Returns: how many names there are. */
uint64_t name_audit(const struct core *core);
