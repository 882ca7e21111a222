/* SPDX-License-Identifier: MIT */
/*
 * Cells in memory that a process shares with its children of fork().
 *
 * A page of them is mapped when a process with open files forks for the first time. A process that
 * is ended from outside takes its references along: those cells are not used again until all that
 * have the page are gone.
 */
#pragma once

#include "files.h"

/* A free cell with one reference; NULL: there is no memory. */
struct cell *cell_take(void);

/* One process less uses it. Returns: whether it was the last. */
bool cell_give(struct cell *cell);
