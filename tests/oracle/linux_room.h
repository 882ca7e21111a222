/* SPDX-License-Identifier: MIT */
/*
 * Preparing an address space of Linux, so that everything in it but the zones of a sequence is
 * occupied.
 *
 * Fillers are shared mappings of a file without protection: they join each other, but nothing in a
 * zone. Their number does not depend on the zones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slot.h"

/* Files of this process, opened while it was root. */
struct room_files {
    int maps;
    int smaps;
    int pagemap;
    int memory;
    int statm;
    int status;
};

/* After start_enter(): drop privileges if asked to, fill everything and open the files. */
void room_prepare(struct slot *slot, struct room_files *files);

/* Empty the zones of the last sequence, make those of the next one, and take back limits. */
void room_change(const struct slot *slot);

/* Pages that count against RLIMIT_AS (0) and RLIMIT_DATA (1) outside the zones. */
uint64_t room_pages(unsigned which);

/* Pages of data inside the zones, from statm's number. */
uint64_t room_data_pages(uint64_t statm_data);

/* Pages that are locked inside the zones. */
uint64_t room_locked_pages(void);

/* Pages of regions in the zones that grow. */
uint64_t room_stack_pages(void);

/* What RLIMIT_MEMLOCK must be so that `bytes` can be locked. */
uint64_t room_lock_limit(uint64_t bytes);

/* From now on everything outside the zones is locked, or nothing. */
void room_set_locked(bool is_locked);

/* This process is a clone now, which has files of its own, and has locked nothing. */
void room_enter_clone(struct room_files *files);

/* Occupy [first, end). */
void room_fill(uint64_t first, uint64_t end);
