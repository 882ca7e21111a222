/* SPDX-License-Identifier: MIT */
/*
 * A set of physical addresses as ascending ranges: what RAM there is, and what of it is still free.
 *
 * The only place in boot where ends of ranges are computed.
 *
 * I1  Ranges are not empty, ascending, and neither overlap nor touch.
 * I2  No end is above RANGES_END: sums and roundings cannot wrap.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define RANGES_MAX 64u
/* Sv39 and Sv48 machines have at most 56 physical address bits (Privileged ISA 4.4.1). */
#define RANGES_END (UINT64_C(1) << 56)

/* Half-open: start, end. */
struct range {
    uint64_t start;
    uint64_t end;
};

struct ranges {
    uint64_t count;
    bool is_full; /* something was left out, because RANGES_MAX ranges were there */
    struct range items[RANGES_MAX];
};

/*
 * Add what of [start, start + bytes) lies below RANGES_END. With no room, is_full is set and
 * nothing added.
 */
void ranges_add(struct ranges *ranges, uint64_t start, uint64_t bytes);

/*
 * Remove every address of [start, start + bytes). With no room for the piece behind a hole,
 * is_full is set and the piece is removed as well: what was asked to be gone always is.
 */
void ranges_remove(struct ranges *ranges, uint64_t start, uint64_t bytes);

/* Remove all but the lowest `bytes` addresses. */
void ranges_keep_lowest(struct ranges *ranges, uint64_t bytes);

/*
 * Shrink every range to whole units; those that hold none vanish. `unit`: a power of two, at most
 * 2^32.
 */
void ranges_trim(struct ranges *ranges, uint64_t unit);

/*
 * Remove the lowest `bytes` bytes at a multiple of `unit` that lie in one range.
 *
 * Returns:   whether there was such a place; *start is it.
 */
MUST_USE bool ranges_take(struct ranges *ranges, uint64_t bytes, uint64_t unit, uint64_t *start);

/* Some address of [start, end) is in the set. */
bool ranges_meet(const struct ranges *ranges, uint64_t start, uint64_t end);

/* Every address of [start, end) is in one range of the set. */
bool ranges_have(const struct ranges *ranges, uint64_t start, uint64_t end);

/* Number of addresses. */
uint64_t ranges_bytes(const struct ranges *ranges);

/* Assert I1 and I2. */
void ranges_audit(const struct ranges *ranges);
