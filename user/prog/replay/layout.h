/* SPDX-License-Identifier: MIT */
/*
 * Where the start regions, the heap and the room for the stack lie in the replayer's own address
 * space.
 *
 *     recorded   |--file--|--file--|--bss--|  heap room  |        | stack room |--stack--|
 *                '------------- one group -------------'          '------ one group -----'
 *
 * Regions that touch are placed as one group, at their recorded addresses where those are free and
 * wherever the system likes elsewhere, so that what continues in the recording continues here. The
 * rooms are reserved without access and without charge, and not known to any block: a heap or stack
 * that grows is mapped over its room, so that nothing else can have come to lie there.
 */
#pragma once

#include "block.h"
#include "complain.h"
#include "file.h"
#include "survey.h"
#include "trace.h"

/* Reserved and not in use, in recorded addresses. */
struct layout_room {
    uint64_t start;
    uint64_t end;
    uint64_t distance; /* own address less recorded address, modulo 2^64 */
};

struct layout {
    struct layout_room heap;  /* the heap grows into its start */
    struct layout_room stack; /* the stack grows into its end */
};

/*
 * Map every start region and reserve both rooms.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER if the system refuses, or answers with memory in use.
 */
MUST_USE enum outcome layout_place(const struct trace *trace, const struct survey *survey,
                                   const struct file_table *files, struct block_map *map,
                                   struct layout *layout);

/* Whether the own addresses [start, end) lie outside both rooms. */
bool layout_is_clear(const struct layout *layout, uint64_t start, uint64_t end);

/*
 * Reserve `length` bytes at `own_hint`, or elsewhere; false with errno set if the system refuses.
 */
MUST_USE bool layout_reserve(uint64_t own_hint, uint64_t length, uint64_t *own);
