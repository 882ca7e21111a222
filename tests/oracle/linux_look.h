/* SPDX-License-Identifier: MIT */
/*
 * Looking at this process's zones as the kernel of Linux shows them: regions from /proc/self/maps
 * (LIGHT) or smaps (FULL), present pages from /proc/self/pagemap, their words from memory, totals
 * from /proc/self/statm.
 *
 * Everything is read into static buffers; nothing here maps or allocates. The zero page is known by
 * its frame number, which the kernel shows to files opened as root.
 */
#pragma once

#include "linux_room.h"
#include "look.h"
#include "slot.h"

/* Learn how the zero page looks; notes in the slot if it cannot be told, or if there is none. */
void linux_look_init(struct slot *slot, const struct room_files *files);

/* Write regions, totals and pages of the room, as far as `level` says, into the record that is
 * being written. */
void linux_look(struct slot *slot, const struct room_files *files, struct look_log *log,
                struct look_head *head);

/*
 * Let a clone have no zero pages before it reads them: whether it gets those that were there hangs
 * on page records, and so on borders that only Linux keeps. Ours does the same.
 *
 * Returns: how many there were.
 */
uint64_t linux_look_forget_zeros(struct slot *slot, const struct room_files *files);
