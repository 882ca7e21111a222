/* SPDX-License-Identifier: MIT */
/*
 * Reading what the kernel shows of huge pages: the pool of the machine, and what regions of them
 * hold.
 */
#pragma once

#include "look.h"
#include "slot.h"

/* Open the counts of the machine's pool. Where there is none, they are 0. */
void linux_huge_init(void);

/*
 * The room is empty: promises that there are nevertheless are lost (pool.h), so make the pool as
 * large as the stage says without those.
 */
void linux_huge_begin(const struct stage *stage);

/*
 * Write what is free, and promised, into the record, but for what was lost; nothing where the stage
 * has no pool: the machine's may be that of another run beside this one.
 */
void linux_huge_count(struct look_head *head);

/*
 * Add the pages of a region to the record that is being written; of shared ones those that hold
 * something (look.h). `pagemap` and `memory` are files of this process.
 */
void linux_huge_pages(const struct slot *slot, int pagemap, int memory,
                      const struct look_region *region, struct look_log *log);
