/* SPDX-License-Identifier: MIT */
/*
 * The page tables of one space, changed by vectors of map entries (abi/map.h).
 *
 * The kernel knows nothing of regions: it sees that every leaf's frame is of a kind that may be
 * there, counts mappings, and leaves the rest to the memory server. Entries are carried out in
 * order; see aspace_apply().
 *
 *     root entry 0..255     user half: leaves of USER and WIRED frames and of devices (in the
 *                           memory server's space: of SERVER frames)
 *     root entry 256        window of message pages: leaves of MESSAGE frames, 4 KiB only
 *     root entry 257..511   the kernel, the same in every space
 *
 * I1  A leaf counts once in the words of all its frames, unless they are a device's; a table's
 *     frame is TABLE with its level and is pointed to by exactly one entry.
 * I2  A writable leaf never names a WIRED frame.
 * I3  USER frames are in no space with is_server, SERVER frames in no other.
 * I4  After each public function the TLB of this hart knows nothing that the tables do not say.
 * I5  A leaf of 1 GiB comes and goes in steps of 512 frames: an entry of the root without V names
 *     the first of its frames in whose words it counts, and counts in all behind that one.
 *
 * *Pending installs.* The answer to a fault may be carried out later than it is given, when the
 * faulted thread resumes. To the server it must look as if it had happened at once. So whoever
 * keeps them (ipc/pending.c) keeps them in the order in which they were given, in one queue, and
 * carries out all of them, up to and including the one wanted, before anything else that looks at
 * frames or page tables: SYS_MAP, SYS_FRAME_COPY, donations, releases, a resume further back in
 * the queue. They are never dropped, not even when their thread ends: the frame has to become
 * zeroed user memory all the same.
 *
 * Lock: memory_lock. Owner: the space object embeds it.
 * Not here: regions, limits, which frame to take (the memory server); who may call (syscall/map.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mm/frame.h"
#include "riscv/sv39.h"
#include "riscv/tlb.h"
#include <abi/error.h>
#include <abi/map.h>
#include <base/attr.h>
#include <base/types.h>

struct aspace {
    pte_t *root;      /* constant after init */
    uint64_t satp;    /* constant after init */
    bool is_server;   /* constant after init: the memory server's own space */
    bool has_devices; /* leaves may name frames of devices; once true, for good */

    /* The level-0 table that was last needed, so that neighbours need no walk (mm/quick.h). */
    uint64_t near;     /* its pages >> 9; ASPACE_NOT_NEAR: none */
    pte_t *near_table; /* without meaning while none is */
};

#define ASPACE_NOT_NEAR UINT64_MAX

/* How far a vector has come. All zero before the start. */
struct map_progress {
    uint64_t entries; /* carried out */
    uint64_t pages;   /* of the next one, where it may be cut */
};

/* Root table that every space's kernel half is copied from; set once by boot. */
COLD void aspace_set_kernel_root(pte_t *root);
pte_t *aspace_kernel_root(void);

/*
 * Start a space without tables and leaves.
 *
 * Requires:  `root` has been taken as TABLE of level 2 (frame_take).
 */
COLD void aspace_init(struct aspace *aspace, pfn_t root, bool is_server) REQUIRES(memory_lock);

/* No table but the root, and no leaf. */
COLD bool aspace_is_empty(const struct aspace *aspace) REQUIRES(memory_lock);

/* Give the root back. Requires: aspace_is_empty(), and no hart runs in the space. */
COLD void aspace_fini(struct aspace *aspace) REQUIRES(memory_lock);

/*
 * See whether entries are well formed, without looking at frames or tables.
 *
 * Returns:   ERR_OK; ERR_INVAL: unknown operation, protection, flag, or bits that must be zero; a
 *            range outside the user half, not aligned to its leaves or of the wrong length; a
 *            COPY_SOURCE not behind its INSTALL_COPY; an operation for the other sort of space.
 */
MUST_USE enum err aspace_check(const struct aspace *aspace, const struct map_entry *entries,
                               uint64_t count);

/*
 * Carry out entries in order, from `progress` on, until done, refused, or somebody wants the hart.
 * Frames are filled in between (mm/fill.h).
 *
 * An entry that is refused part-way takes back what it installed (so a leaf that it replaced is
 * gone too: a leaf may always go). Frames that it had made USER stay USER.
 *
 * Returns:   ERR_OK: all done. ERR_INTR: an interrupt is pending, or frames are to be filled
 *            (fill_is_open, also behind the last entry); call again with the same progress after
 *            that was done. Else the entry after progress->entries is refused:
 *            ERR_INVAL as aspace_check();
 *            ERR_FRAME_KIND: a frame is not RAM, not of the kind needed, or still mapped; UNTABLE:
 *            the table there is another frame;
 *            ERR_NO_TABLE: no table covers the address; UNTABLE: no table there;
 *            ERR_EXIST: a table is where a table or a large leaf should go;
 *            ERR_BUSY: UNTABLE of a table that holds a lower table, large leaves or message pages;
 *            ERR_OVERFLOW: a frame has 2^32 - 1 mappings.
 * On return: progress says how far it came; the TLB is flushed.
 */
MUST_USE enum err aspace_apply(struct aspace *aspace, const struct map_entry *entries,
                               uint64_t count, struct map_progress *progress) REQUIRES(memory_lock);

/*
 * See whether the leaf at a user address allows an access (FAULT_READ, _WRITE, _EXEC) by now.
 *
 * Flushes the TLB if it does, so that the access can simply be tried again.
 */
bool aspace_allows(const struct aspace *aspace, uaddr_t address, uint32_t access)
    REQUIRES(memory_lock);

/*
 * See whether message page `number` of the window can be mapped.
 *
 * Returns:   ERR_OK; ERR_RANGE: beyond the window; ERR_NO_TABLE; ERR_EXIST: taken.
 */
COLD MUST_USE enum err aspace_check_message(const struct aspace *aspace, uint64_t number)
    REQUIRES(memory_lock);

/* Map a MESSAGE frame as message page `number`. Requires: aspace_check_message() said ERR_OK. */
COLD void aspace_map_message(struct aspace *aspace, uint64_t number, pfn_t pfn)
    REQUIRES(memory_lock);

/* Drop message page `number`, which is mapped. */
COLD void aspace_unmap_message(struct aspace *aspace, uint64_t number) REQUIRES(memory_lock);
