/* SPDX-License-Identifier: MIT */
/*
 * Steps in which core and Linux are known to differ, seen beforehand.
 *
 * A known difference (known.h) ends the comparison of a sequence, so most of the steps that would
 * show one are drawn again. Some are kept, since the rows must not go stale; and what is dodged on
 * one kernel is dodged on all, so that a seed means the same. Each draw that is turned away is a
 * comparison not made, and counted as such.
 */
#pragma once

#include <stdbool.h>

#include "draw.h"

/* Whether a step may show a known difference, and which. */
enum dodge dodge_hits(const struct draw *draw, const struct step *step);

/* Whether it may show one that the process of Linux does not get over: it is never drawn. */
enum dodge dodge_must(const struct draw *draw, const struct step *step);
