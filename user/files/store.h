/* SPDX-License-Identifier: MIT */
/*
 * The bytes of files: memory objects of the memory server, which this process makes and holds.
 *
 * An object is made when its file is first opened or gets a size, and for each file of the boot
 * archive at the start, as a slice of that; the driver of a disk makes those of files there. It is
 * known by number; a handle is had for as long as it takes (OBJECT_AGAIN). Clients hold and map
 * objects themselves, so reading and writing does not come here; only this process resizes them
 * (MEM_OBJECT_OWNED).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "node.h"

/*
 * Have an object for a file of the archive, which `archive` is a handle to. A file that does not
 * begin on a page gets none: it can be read, and not be mapped. ERR_NOMEM.
 */
MUST_USE enum err store_slice(struct node *node, uint64_t archive);

/*
 * Hold an object of somebody else as that of a file of `bytes` bytes, by a handle with all rights
 * that clients get. ERR_INVAL: it is not so long; ERR_STALE: it has gone; ERR_NOMEM.
 */
MUST_USE enum err store_adopt(uint64_t handle, uint64_t bytes, uint64_t *object);

/* A handle with MEM_OBJECT_... rights to a file's object. ERR_NOSPC: there is no memory. */
MUST_USE enum err store_open(struct node *node, uint64_t rights, uint64_t *handle);

/* Make the object so long. ERR_NOSPC: no memory is left for it. On error: nothing changed. */
MUST_USE enum err store_resize(struct node *node, uint64_t bytes);

/* Write bytes of ours below the end of the file. ERR_NOSPC: there was no memory for all. */
MUST_USE enum err store_write(const struct node *node, uint64_t offset, const char *bytes,
                              uint64_t length);

/* An object of no bytes for others to hold: its number, and a handle. */
MUST_USE enum err store_token(uint64_t *object, uint64_t *handle);

/* Whether somebody else holds or maps the object of this number (0: there is none). */
bool store_is_used(uint64_t object);

/* Let the object go. */
void store_drop(uint64_t object);
