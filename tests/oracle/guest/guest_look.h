/* SPDX-License-Identifier: MIT */
/*
 * Comparing what requests tell of the space with what core looked like on the host.
 */
#pragma once

#include <stdbool.h>

#include "guest_place.h"
#include "tests/oracle/look.h"

#define GUEST_TEXT_MAX 240

/*
 * Compare regions and totals; if core's look is a full one, also what is locked, which pages are
 * present, and what stands in those that may be read.
 *
 * Returns: whether they are equal; else `text` says what is not.
 */
bool guest_look(const struct place *place, const struct look *wanted, char text[GUEST_TEXT_MAX]);

/*
 * In a clone, drop the pages that are there and of which core's look says nothing: zero pages, as
 * in linux_look.h. If one had a frame of its own, the look that follows misses it.
 */
bool guest_forget_zeros(const struct place *place, const struct look *wanted);
