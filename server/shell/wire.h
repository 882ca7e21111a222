/* SPDX-License-Identifier: MIT */
/*
 * The words of messages: the only place that reads requests and writes answers.
 *
 * wire_head() judges what all requests have in common; one function for each request then turns its
 * words into what core or the shell takes, and refuses what has no meaning: nonzero reserved words,
 * unknown flags, numbers that do not fit. What the meaning allows is not judged here.
 *
 * I1  Only `words`, `tag` and `error` of a message are looked at. Outputs are written only on
 *     ERR_OK.
 * I2  A word that is a handle is nonzero exactly if its bit in the tag's two masks is set, after
 *     ERR_OK.
 *
 * Owner: none; no state. Compiled for the host too, where tests feed it any words.
 * Not here: which space or object a badge names, and rights (request.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/ipc.h>
#include <base/attr.h>
#include <mem/proto.h>

#include "server/core/op_advise.h"
#include "server/core/op_commit.h"
#include "server/core/op_huge.h"
#include "server/core/op_incore.h"
#include "server/core/op_limits.h"
#include "server/core/op_lock.h"
#include "server/core/op_map.h"
#include "server/core/op_protect.h"
#include "server/core/op_remap.h"
#include "server/shell/message.h"

/* One bit for each request of the list, by its number. */
uint64_t wire_features(void);

/*
 * Judge head and tag of a request.
 *
 * Returns:   ERR_OK; ERR_INVAL: head has unknown bits, or a handle stands where none belongs;
 *            ERR_NOSYS: unknown number; ERR_BADF: a handle that is not one of the server's.
 */
MUST_USE enum err wire_head(const struct message *message, enum mem_request *number,
                            bool *is_linux);

/*
 * The words of each request. `space` and `object` are badges, 0: none given.
 *
 * Returns:   ERR_OK; ERR_INVAL as above; ERR_BADF: a word for a handle holds a plain number.
 */
struct wire_map {
    struct map_request map; /* without object and rights */
    uint64_t object;
    uint64_t space;
};
MUST_USE enum err wire_map(const struct message *message, struct wire_map *out);

struct wire_range {
    uaddr_t address;
    uint64_t length;
    uint64_t space;
};
/* Read UNMAP or INCORE: no words past the length. */
MUST_USE enum err wire_unmap(const struct message *message, struct wire_range *out);

struct wire_protect {
    struct protect_request protect; /* without is_linux */
    uint64_t space;
};
/* Read PROTECT. */
MUST_USE enum err wire_protect(const struct message *message, struct wire_protect *out);

struct wire_remap {
    struct remap_request remap; /* without is_linux */
    uint64_t space;
};
/* Read REMAP. */
MUST_USE enum err wire_remap(const struct message *message, struct wire_remap *out);

struct wire_advise {
    struct advise_request advise; /* without is_linux */
    uint64_t space;
};
/* Read ADVISE. */
MUST_USE enum err wire_advise(const struct message *message, struct wire_advise *out);

struct wire_lock {
    struct lock_request lock; /* without is_linux */
    uint64_t progress;        /* page; 0 in UNLOCK */
    struct lock_cost cost;    /* with MEM_LOCK_DRY: of the turns before */
    uint64_t space;
};
/* Read LOCK; UNLOCK, whose flags are reserved; LOCK_ALL, which has no range. */
MUST_USE enum err wire_lock(const struct message *message, struct wire_lock *out);
MUST_USE enum err wire_lock_all(const struct message *message, struct wire_lock *out);
MUST_USE enum err wire_unlock(const struct message *message, struct wire_lock *out);

struct wire_go_on {
    uint64_t what;
    uint64_t first;
    uint64_t second;
    uint64_t space;
};
/* Read GO_ON. */
MUST_USE enum err wire_go_on(const struct message *message, struct wire_go_on *out);

struct wire_sync {
    struct sync_request sync; /* without is_linux */
    uint64_t space;
};
/* Read SYNC. */
MUST_USE enum err wire_sync(const struct message *message, struct wire_sync *out);

/* Read UNLOCK_ALL: a space alone. */
MUST_USE enum err wire_space(const struct message *message, uint64_t *space);

struct wire_query {
    uaddr_t address;
    uint32_t count; /* at most MEM_QUERY_REGIONS_MAX */
    uint64_t space;
};
/* Read QUERY. */
MUST_USE enum err wire_query(const struct message *message, struct wire_query *out);

struct wire_copy {
    uaddr_t own;
    uaddr_t other;
    uint64_t length; /* at most MEM_COPY_BYTES_MAX */
    bool is_to_other;
    bool is_nowait;
    uint64_t space;
};
/* Read COPY. */
MUST_USE enum err wire_copy(const struct message *message, struct wire_copy *out);

struct wire_limits {
    struct limits_request limits;
    uint64_t space;
};
/* Read LIMITS: one that a space has; values only where they are set. */
MUST_USE enum err wire_limits(const struct message *message, struct wire_limits *out);

struct wire_space_make {
    uint64_t frames_max;
    char name[16]; /* ends with a NUL, and is zero from there on */
    uint64_t priority_max;
    uint64_t privileges; /* of SPACE_MAKE */
    uint64_t space;      /* of CLONE */
};
/* Read SPACE_MAKE: a name that ends, and no unknown privilege. */
MUST_USE enum err wire_space_make(const struct message *message, struct wire_space_make *out);
/* Read CLONE: the same without privileges, and a space. */
MUST_USE enum err wire_clone(const struct message *message, struct wire_space_make *out);

struct wire_number {
    uint64_t number;
    uint64_t space;
};
/* Read SPACE_END, THREAD_MAKE, DONATE, LOCK_ALL, BATCH or SPACE_DERIVE: one number and a space. */
MUST_USE enum err wire_number(const struct message *message, struct wire_number *out);

/* Read NEXT. */
MUST_USE enum err wire_next(const struct message *message, bool *is_nowait);

/* Read BOOT_DEVICE, LOOK or WORKER: one number, any. */
MUST_USE enum err wire_index(const struct message *message, uint64_t *index);

/* HELLO: the version is ours. */
MUST_USE enum err wire_hello(const struct message *message);

/* Requests without arguments: REFUSAL, BOOT_OBJECT. */
MUST_USE enum err wire_bare(const struct message *message);

/* Read STATS. Returns: ERR_OK; ERR_INVAL: reserved words, or `which` is none of MEM_STATS_... */
MUST_USE enum err wire_stats(const struct message *message, uint32_t *which);

/* Read COMMIT; mode and percentage are any numbers. */
MUST_USE enum err wire_commit(const struct message *message, struct commit_request *out);

/* Read HUGE; size and number are any numbers. */
MUST_USE enum err wire_huge(const struct message *message, struct huge_request *out);
