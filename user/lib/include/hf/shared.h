/* SPDX-License-Identifier: MIT */
/*
 * Shared memory and other objects of the memory server by handle; requests OBJECT_... of
 * mem/proto_object.h.
 *
 * A process holds an object for each handle that these functions give it, and lets it go by
 * hf_shared_close(). A handle that another process sent is held by hf_shared_hold() before it is
 * kept. hf_map() maps a handle. Needs free slots as hf/mem.h says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hf/mem.h>
#include <mem/proto_object.h>

/* flags: MEM_OBJECT_NORESERVE, _APPEND, _OWNED; seals: MEM_SEAL_.... All rights. */
enum err hf_shared_make(uint64_t bytes, uint64_t flags, uint64_t seals, uint64_t *object);
enum err hf_shared_resize(uint64_t object, uint64_t bytes);
enum err hf_shared_info(uint64_t object, struct mem_object_info_rep *rep);
enum err hf_shared_seal(uint64_t object, uint64_t seals);

/* One more handle, with MEM_OBJECT_... rights that `object` has. */
enum err hf_shared_derive(uint64_t object, uint64_t rights, uint64_t *derived);

/* A handle with these rights to an object of this number that the process made and still holds. */
enum err hf_shared_again(uint64_t number, uint64_t rights, uint64_t *object);

/* Part of the boot archive, whose handle `object` is: a handle to read, execute and map it. */
enum err hf_shared_slice(uint64_t object, uint64_t offset, uint64_t bytes, uint64_t *slice);

/* Hold an object whose handle came from elsewhere; let a child hold it, whose space this is. */
enum err hf_shared_hold(uint64_t object);
enum err hf_shared_hold_for(uint64_t space, uint64_t object);

/* Let it go once, and close the handle. */
enum err hf_shared_close(uint64_t object);

/*
 * Copy any number of bytes between `addr` and `offset` of the object; direction: MEM_COPY_TO it or
 * _FROM it. `copied` is written on ERR_OK and ERR_FAULT, and is less than `length` at the end of
 * the object.
 */
enum err hf_shared_copy(uint64_t object, uint64_t addr, uint64_t offset, uint64_t length,
                        uint64_t direction, uint64_t *copied);

/* Names: any bytes, 1 to MEM_NAME_BYTES_MAX of them (else ERR_INVAL). */
enum err hf_shared_name(uint64_t object, const char *name, size_t length, uint64_t rights);
enum err hf_shared_open(const char *name, size_t length, uint64_t rights, uint64_t *object);
enum err hf_shared_unname(const char *name, size_t length);
