/* SPDX-License-Identifier: MIT */
/*
 * What memory stands in for a recorded mapping.
 *
 * Anonymous memory is mapped as recorded. Files are not part of a trace: a mapping of one is of a
 * file of the replayer's (file.h), private or shared as recorded; or, if no folder for them was
 * named, it is private anonymous memory.
 */
#pragma once

#include <sys/types.h>

#include "block.h"
#include "file.h"
#include "trace.h"

/* The last three arguments of mmap(), and its protection. */
struct object_mapping {
    int prot;
    int flags;
    int file;
    off_t offset;
};

/* The arguments for the map `event`, whose fixed flags included. */
struct object_mapping object_mapping_of(const struct file_table *files, const struct event *event);

/* The traits of what the map `event` makes. */
struct block_traits object_traits_of(const struct file_table *files, const struct event *event);

/* The arguments and traits for a start region; `index` tells the regions apart. */
struct object_mapping object_mapping_of_region(const struct file_table *files,
                                               const struct trace_region *region);
struct block_traits object_traits_of_region(const struct file_table *files,
                                            const struct trace_region *region, uint32_t index);

/* Whether the system's refusal of the map `event` would be seen with the memory that stands in. */
bool object_can_refuse(const struct event *event);

/* `traits` with the protection `prot`, charged as promised memory if they are so from then on. */
struct block_traits object_protect(struct block_traits traits, uint32_t prot);

/* The system's protection bits for TRACE_PROT_... */
int object_prot(uint32_t prot);

/*
 * Whether blocks `a` and `b` that meet in own addresses are one region there: anonymous memory that
 * stands in for files knows no difference between them and other anonymous memory.
 */
bool object_is_one_region(const struct block *a, const struct block *b);
