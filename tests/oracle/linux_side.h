/* SPDX-License-Identifier: MIT */
/*
 * The spaces of a sequence: this process is the first, each CLONE is a child of the one before.
 *
 *   oracle --pipe--> side 0 --pipes--> side 1 --pipes--> side 2
 *
 * Each knows its own child only and passes on what is about it or its descendants; one at a time
 * writes to the log. A process that loses its pipe ends.
 */
#pragma once

#include "linux_room.h"
#include "look.h"
#include "slot.h"

/* Carry out the sequence in the slot, and write what is seen into its log. */
void side_run(struct slot *slot, const struct room_files *files);

/* CLONE of the last side, which makes none; the others are seen to by side_run(). */
void linux_clone(const struct slot *slot, const struct step *step, struct look_head *head);

/* A batch: its operations one after the other, up to the one that is refused. */
void linux_batch(const struct slot *slot, const struct step *step, struct look_head *head);
