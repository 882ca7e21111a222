/* SPDX-License-Identifier: MIT */
/*
 * Putting leaves and tables in: the entries that can be refused.
 *
 * Frames are zeroed and copied into without the kernel lock, after the function has returned
 * (mm/fill.h): with ERR_INTR, then the entry goes on where it was cut; or with ERR_OK, then all but
 * the contents is in place.
 *
 * Lock: memory_lock. The caller has checked the entries' shape (entry_is_legal) and, before a frame
 * is zeroed or copied into, has flushed what the same vector took away.
 */
#pragma once

#include <stdint.h>

#include "mm/aspace.h"
#include <base/attr.h>

/*
 * Carry out INSTALL_ZERO, INSTALL, INSTALL_SERVER or INSTALL_DEVICE with 4 KiB leaves, from page
 * `*done` on.
 *
 * Returns:   ERR_OK; ERR_INTR with *done moved on; ERR_NO_TABLE, ERR_FRAME_KIND, ERR_OVERFLOW.
 * On error:  (not ERR_INTR) none of the range is mapped.
 */
MUST_USE enum err install_pages(struct aspace *aspace, struct map_entry entry, uint64_t *done)
    REQUIRES(memory_lock);

/*
 * The same for INSTALL_ZERO and INSTALL with large leaves. A frame that waits for its turn, zeroed,
 * is CLEAN; while there are no other harts it stays what it was.
 *
 * A large leaf that stands there goes first, also if the new one is then refused. If an interrupt
 * is pending it is cut after each 512 frames that are counted (I5 of mm/aspace.h).
 *
 * Returns:   as install_pages(), and ERR_EXIST where a table is in the way.
 */
COLD MUST_USE enum err install_large(struct aspace *aspace, struct map_entry entry, uint64_t *done)
    REQUIRES(memory_lock);

/*
 * Carry out INSTALL_COPY with the source frame `source`.
 *
 * Returns:   ERR_OK; ERR_NO_TABLE; ERR_FRAME_KIND: also if both are the same frame.
 * On error:  nothing changed.
 */
COLD MUST_USE enum err install_copy(struct aspace *aspace, struct map_entry entry, uint64_t source)
    REQUIRES(memory_lock);

/*
 * Carry out TABLE.
 *
 * Returns:   ERR_OK; ERR_NO_TABLE: the level above is missing; ERR_EXIST: there is a table or a
 *            large leaf; ERR_FRAME_KIND.
 * On error:  nothing changed.
 */
COLD MUST_USE enum err install_table(struct aspace *aspace, struct map_entry entry)
    REQUIRES(memory_lock);

/*
 * Carry out UNTABLE; flushes the TLB.
 *
 * Returns:   ERR_OK; ERR_NO_TABLE: there is none; ERR_FRAME_KIND: another frame is the table
 *            there; ERR_BUSY: it holds a lower table, large leaves or message pages.
 * On error:  nothing changed.
 */
COLD MUST_USE enum err install_untable(struct aspace *aspace, struct map_entry entry)
    REQUIRES(memory_lock);
