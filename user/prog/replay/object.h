/* SPDX-License-Identifier: MIT */
/*
 * What memory stands in for a recorded mapping.
 *
 * Anonymous memory is mapped as recorded. Files are not part of a trace, so that a mapping of one
 * gets private anonymous memory, shared mappings included; a back end that gives each file number
 * an object of its own replaces object.c and nothing else.
 */
#pragma once

#include <sys/types.h>

#include "block.h"
#include "trace.h"

/* The last three arguments of mmap(), and its protection. */
struct object_mapping {
    int prot;
    int flags;
    int file;
    off_t offset;
};

/* The arguments for the map `event`, whose fixed flags included. */
struct object_mapping object_mapping_of(const struct event *event);

/* The traits of what the map `event` makes. */
struct block_traits object_traits_of(const struct event *event);

/* The arguments and traits for a start region; `index` tells the regions apart. */
struct object_mapping object_mapping_of_region(const struct trace_region *region);
struct block_traits object_traits_of_region(const struct trace_region *region, uint32_t index);

/* Whether the system's refusal of the map `event` would be seen with the memory that stands in. */
bool object_can_refuse(const struct event *event);

/* `traits` with the protection `prot`, charged as promised memory if they are so from then on. */
struct block_traits object_protect(struct block_traits traits, uint32_t prot);

/* The system's protection bits for TRACE_PROT_... */
int object_prot(uint32_t prot);

/*
 * Whether blocks of the traits `a` and `b` that meet in own addresses are one region there: the
 * memory that stands in for files knows no difference between them and anonymous memory.
 */
bool object_is_one_region(const struct block_traits *a, const struct block_traits *b);
