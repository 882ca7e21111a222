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
bool snapshot_is_equal(const struct snapshot *a, const struct snapshot *b);
