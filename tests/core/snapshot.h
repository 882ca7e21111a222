/* SPDX-License-Identifier: MIT */
/*
 * All that clients can tell of a world: spaces, regions, contents, totals, threads; not residence
 * and caches.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

#define SNAPSHOT_WORDS 8192u

struct snapshot {
    size_t count;
    uint64_t words[SNAPSHOT_WORDS];
};

/* Write down all that a client or the accounts can see; compare two of these. */
void snapshot_take(const struct world *world, struct snapshot *snapshot);
/* Of one space alone; its number may have none any longer. */
void snapshot_take_space(const struct world *world, uint64_t number, struct snapshot *snapshot);

/* Whether two say the same. */
bool snapshot_is_equal(const struct snapshot *a, const struct snapshot *b);
