/* SPDX-License-Identifier: MIT */
/*
 * Requests to the name service and its answers: eight words each.
 *
 * A name is 1 to 31 printable characters but space and star, padded with NULs. Which names a caller
 * may register and find stands in the boot manifest, by the badge of its handle: ACCES. Nonzero
 * reserved words, names that are none, handles where none belong: INVAL.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

enum names_request {
#define REQUEST(name, number, function, summary) NAMES_##name = (number),
#include <names/proto.def>
#undef REQUEST
};

#define NAMES_BYTES 32u

/* Names with the badge of one handle. */
#define NAMES_EACH_MAX 16u

/*
 * REGISTER: `endpoint` is a handle (tag mask bit 5) to an endpoint (TYPE) with CALL and TRANSFER
 * (RIGHTS), and with DERIVE if those who find it are to derive from it. EXIST: the name has one
 * that lives; NOSPC: too many names in all, or NAMES_EACH_MAX with the badge of
 * the caller's handle. With OK and EXIST comes the number of the instance: a service that is
 * started again has another, and knows no names.
 *
 * FIND: the handle comes in word 1. If the name has no endpoint, `latest` (time CSR; 0: no limit)
 * says how long to wait. In the end: PEER_GONE if it had one, which has ended; NOENT if it never
 * had one, or TIMEDOUT if that was waited for. AGAIN: too many wait; ask again.
 *
 * REMOVE: NOENT: there is no such name.
 *
 * WATCH: not answered while `instance` is the one that is asked: its end ends the call (PEER_GONE).
 * OK: it has ended before. So who registers with an instance and then watches it misses no end.
 */
struct names_register_req {
    uint64_t number;
    char name[NAMES_BYTES];
    uint64_t endpoint;
    uint64_t reserved[2];
};
struct names_find_req {
    uint64_t number;
    char name[NAMES_BYTES];
    uint64_t latest;
    uint64_t reserved[2];
};
struct names_remove_req {
    uint64_t number;
    char name[NAMES_BYTES];
    uint64_t reserved[3];
};
struct names_watch_req {
    uint64_t number;
    uint64_t instance;
    uint64_t reserved[6];
};
struct names_register_rep {
    uint64_t error;
    uint64_t instance;
    uint64_t reserved[6];
};
struct names_find_rep {
    uint64_t error;
    uint64_t endpoint;
    uint64_t reserved[6];
};
/* Answer of the other requests. */
struct names_empty_rep {
    uint64_t error;
    uint64_t reserved[7];
};

STATIC_ASSERT(sizeof(struct names_register_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_find_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_remove_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_watch_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_register_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_find_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct names_empty_rep) == 64, "eight words");

/* Where the service receives. */
#define NAMES_SLOT_ENDPOINT 64u
