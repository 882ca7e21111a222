/* SPDX-License-Identifier: MIT */
/*
 * Bytes that callers left for a request to come, because a message has no room for them.
 *
 * I1  A caller, by badge and thread, has one entry at most.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <files/proto.h>

#define PARTS_MAX 16u

struct part {
    uint64_t badge; /* 0: free */
    uint64_t thread;
    uint64_t used; /* when, by the table's count */
    uint32_t length;
    char bytes[FILES_PARTS_MAX];
};

struct part_table {
    uint64_t clock;
    struct part parts[PARTS_MAX];
};

/*
 * Keep `length` bytes of a caller behind the `offset` bytes that it has left; offset 0 begins anew,
 * if need be in place of the entry that was not used for longest.
 *
 * Returns:   whether the caller had left so many and has room for more.
 * On error:  the caller has left nothing.
 */
MUST_USE bool part_put(struct part_table *table, uint64_t badge, uint64_t thread, uint64_t offset,
                       const char *bytes, uint32_t length);

/* What a caller has left; NULL: nothing. Borrowed until the next part_put(). */
struct part *part_find(struct part_table *table, uint64_t badge, uint64_t thread);

/* It is used up. */
void part_drop(struct part *part);
