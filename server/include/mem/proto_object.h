/* SPDX-License-Identifier: MIT */
/*
 * The requests of proto.def about objects by handle; proto.h says what all requests have in common.
 * All but HOLD are the caller's own: word 7 is reserved.
 *
 * Objects by handle: shared memory, the boot archive, devices. What a handle lets its holder do is
 * chosen when it is made; MAP judges it by R13 to R20. `object` is a handle (tag mask bit 6), which
 * must be there: BADF; STALE: the object has gone.
 *
 * The kernel does not tell the server of the last handle, so spaces hold objects: OBJECT_MAKE,
 * _OPEN and _DERIVE let the caller hold the object once more, OBJECT_HOLD too, for a handle that
 * came from elsewhere, and OBJECT_CLOSE once less; when a space ends, all that it holds is let
 * go. An object goes when nobody holds it, no region maps it and no name is left.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>
#include <mem/proto_pager.h>

#define MEM_OBJECT_READ     0x1u
#define MEM_OBJECT_WRITE    0x2u
#define MEM_OBJECT_EXEC     0x4u
#define MEM_OBJECT_MAPPABLE 0x8u
#define MEM_OBJECT_RESET    0x10u /* of a device: say that it is reset (DEVICE_RESET) */
#define MEM_OBJECT_RIGHTS   0xfu

/*
 * OBJECT_MAKE: shared memory of `bytes` bytes. flags: MEM_OBJECT_NORESERVE, _APPEND, _OWNED,
 * _MANDATORY; seals:
 * MEM_SEAL_.... A handle with all rights comes back in word 1. FBIG: more than 2^63 - 1 bytes.
 */
struct mem_object_make_req {
    uint64_t head;
    uint64_t bytes;
    uint64_t flags;
    uint64_t seals;
    uint64_t reserved[4];
};
struct mem_object_make_rep {
    uint64_t error;
    uint64_t object;
    uint64_t number; /* never used again */
    uint64_t reserved[5];
};

/*
 * OBJECT_RESIZE: shared memory, or an object of the caller's as its pager (proto_pager.h). ACCES:
 * no right to write, or MEM_OBJECT_OWNED and the caller is not who made it; PERM: sealed,
 * append-only; FBIG. Shared memory that is to end within a page that is in swap waits for that
 * page; IO, TIMEDOUT: it does not come back. A size that is a multiple of pages needs none.
 */
struct mem_object_resize_req {
    uint64_t head;
    uint64_t bytes;
    uint64_t reserved[4];
    uint64_t object;
    uint64_t reserved_space;
};

/* OBJECT_INFO. */
struct mem_object_info_req {
    uint64_t head;
    uint64_t reserved[5];
    uint64_t object;
    uint64_t reserved_space;
};
struct mem_object_info_rep {
    uint64_t error;
    uint64_t number;
    uint64_t bytes;
    uint64_t resident; /* pages in memory */
    uint64_t seals;
    uint64_t rights; /* MEM_OBJECT_... of the handle */
    uint64_t flags;  /* MEM_OBJECT_APPEND, _MANDATORY, _NORESERVE, _OWNED */
    uint32_t holds;  /* of the caller; UINT32_MAX: as many or more */
    uint32_t others; /* other spaces that hold it, regions that map it, names */
};

/*
 * OBJECT_SEAL: add seals. PERM: no right to write, or MEM_SEAL_SEAL is set; BUSY: MEM_SEAL_WRITE
 * while a shared region may be written or a page is pinned, as fcntl(2).
 */
struct mem_object_seal_req {
    uint64_t head;
    uint64_t seals;
    uint64_t reserved[4];
    uint64_t object;
    uint64_t reserved_space;
};

/* OBJECT_DERIVE: a handle with `rights`, which the given one must have (ACCES), in word 1. */
struct mem_object_derive_req {
    uint64_t head;
    uint64_t rights;
    uint64_t reserved[4];
    uint64_t object;
    uint64_t reserved_space;
};

/*
 * OBJECT_HOLD, OBJECT_CLOSE. NOENT: CLOSE of what the caller does not hold. HOLD may name a space
 * (tag mask bit 7, right CONTROL), which then holds the object instead of the caller: so a parent
 * gives a child a handle that stays good.
 */
struct mem_object_hold_req {
    uint64_t head;
    uint64_t reserved[5];
    uint64_t object;
    uint64_t space; /* of HOLD */
};
struct mem_object_close_req {
    uint64_t head;
    uint64_t reserved[5];
    uint64_t object;
    uint64_t reserved_space;
};

/*
 * OBJECT_COPY `length` bytes (at most MEM_COPY_BYTES_MAX a request) between `addr` of the caller
 * and `offset` of the object: MEM_COPY_TO it or _FROM it. The answer counts the bytes copied, which
 * are fewer at the end of the object; FAULT if it is short for another reason. ACCES: no right;
 * PERM: sealed or append-only; NODEV: a device.
 */
struct mem_object_copy_req {
    uint64_t head;
    uint64_t addr;
    uint64_t offset;
    uint64_t length;
    uint64_t direction;
    uint64_t reserved;
    uint64_t object;
    uint64_t reserved_space;
};

/*
 * Names of objects: `length` bytes from the start of the message page, 1 to MEM_NAME_BYTES_MAX.
 * OBJECT_NAME: whoever opens the name may have `rights`, which the handle must have (ACCES); EXIST,
 * NOSPC: too many names. OBJECT_OPEN: a handle with `rights` in word 1; NOENT; ACCES: not those
 * rights. OBJECT_UNNAME: NOENT.
 */
#define MEM_NAME_BYTES_MAX 255u
struct mem_object_name_req {
    uint64_t head;
    uint64_t length;
    uint64_t rights;
    uint64_t reserved[3];
    uint64_t object;
    uint64_t reserved_space;
};
struct mem_object_open_req {
    uint64_t head;
    uint64_t length;
    uint64_t rights;
    uint64_t reserved[5];
};
struct mem_object_unname_req {
    uint64_t head;
    uint64_t length;
    uint64_t reserved[6];
};

/*
 * OBJECT_AGAIN: a handle with `rights` in word 1 to the object of this number, which the caller
 * holds; so who has many objects keeps numbers instead of handles. It is not held once more. NOENT:
 * there is none, or the caller does not hold it; ACCES: to write to a slice; or the caller has not
 * made it, and the handles by which it holds it do not have these rights together.
 */
struct mem_object_again_req {
    uint64_t head;
    uint64_t number;
    uint64_t rights;
    uint64_t reserved[5];
};

/*
 * OBJECT_SLICE: an object of `bytes` bytes from byte `offset` of the boot archive on, or of a
 * slice: the same frames, never to be written to. A handle with the rights to read, execute and map
 * comes back in word 1. What follows the last byte on the last page is seen with it; behind that
 * page is a bus error. INVAL: not the archive, or the offset is within a page; ACCES: the handle
 * lacks one of these rights; RANGE: it would leave the archive.
 */
struct mem_object_slice_req {
    uint64_t head;
    uint64_t offset;
    uint64_t bytes;
    uint64_t reserved[3];
    uint64_t object;
    uint64_t reserved_space;
};

STATIC_ASSERT(sizeof(struct mem_object_slice_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_again_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_make_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_make_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_resize_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_info_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_info_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_seal_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_derive_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_hold_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_close_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_copy_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_name_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_open_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_object_unname_req) == 64, "eight words");
