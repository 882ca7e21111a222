/* SPDX-License-Identifier: MIT */
/*
 * Slots for the handles of a process's own threads, apart from those in which handles arrive: so
 * that as many threads can be made as there is memory for, and files opened beside them.
 *
 * Each thread has a pair: the handle to it, and its notification (hf/wait.h). The first 32 pairs
 * are in the frame of slots that every process has, 63 more in each that this file has the memory
 * server donate, up to what the kernel lets a process have.
 *
 *   frame 0:      64 .. 95 threads         96 .. 127 their notifications
 *   frame k > 0:  128 k + 1 .. + 63        128 k + 65 .. + 127
 *
 * Others may put handles there too, since the kernel gives any free slot to who names none: a pair
 * whose first slot is taken is passed over, and a notification goes elsewhere if it must (wait.c).
 *
 * I1  A pair that is marked taken is a thread's, or about to be.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/*
 * Move a handle to a thread to a pair; `*handle` is its new slot.
 *
 * Returns:   ERR_OK; ERR_NOMEM: no memory for more slots; ERR_NO_SLOT: a process cannot have more.
 * On error:  nothing changed.
 */
MUST_USE enum err slots_move(uint64_t *handle);

/* The second slot of the pair of which `handle` is the first. */
uint64_t slots_partner(uint64_t handle);

/* The handle was closed: others may have the pair. */
void slots_give(uint64_t handle);

/* In a child that has its parent's memory, and a table of handles of its own. */
void slots_forget_all(void);
