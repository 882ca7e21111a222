/* SPDX-License-Identifier: MIT */
/*
 * What of the disk is the program's: all of it, or, booted from it, the partition that the script
 * names in the first word: in=PARTITION.
 */
#pragma once

#include <stdint.h>

#include <hf/disk.h>

/* Take that word off the arguments. Returns: the partition; DISK_WHOLE without one. */
uint32_t whole_take(int *argc, char ***argv);

/* Where a partition, or DISK_WHOLE, begins, in sectors, and how many it has. Ends the program if
 * there is no such partition. */
void whole_find(const struct hf_disk *disk, uint32_t partition, uint64_t *first, uint64_t *sectors);
