/* SPDX-License-Identifier: MIT */
/*
 * Partitions as objects: memory that shows the disk, and is saved to it.
 *
 *   PULL  pages are read through the driver's endpoint into a buffer, and supplied from there
 *   SAVE  pages are copied into the buffer, written, and flushed: then they are lasting
 *
 * One pager serves all objects, in some threads of its own, which are clients of the driver like
 * any other, so that the driver never waits for them. Pages are in one thread's hands at a time.
 * An object is made when it is first asked for, and
 * stays. What is behind the end of a partition, in its last page, is zero and is not written.
 *
 * The pager is init's: when this process ends, its objects stay, with what was written to them and
 * is not on the disk, and those who wait for pages wait on. The next one takes them over, by keys
 * that say which partition each is, and where that begins. If there is no such partition any
 * longer, nothing is read from or written to what is there now: pages that are not there are a bus
 * error (NOENT), and what was not saved cannot be (SYNC says so).
 *
 * A file of an archive on a partition is an object of its own, which nobody writes to. Its key says
 * where on the disk it begins.
 *
 * A partition for swap is given to the memory server: pages of programs go there while there are
 * no frames for them. Its first page, which says what it is, stays as it is; what is saved there is
 * not flushed: it is of no use to the next boot.
 *
 * READ and WRITE of the driver go past the objects: they see what was saved.
 *
 * I1  An entry of the table whose number is not 0 is constant, but for is_swap.
 * Owner: paging_object() is for the driver's thread; the rest is the pager's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/* A stretch of the disk, as partitions are named by those who ask. */
struct paging_place {
    uint32_t partition;
    bool is_read_only;
    bool is_file;   /* of an archive on the partition */
    uint64_t first; /* sector of the disk at which the partition, or the file, begins */
    uint64_t bytes; /* of the object */
    uint64_t skip;  /* bytes of the partition before it; of a file 0 */
};

/*
 * Serve the objects of the pager, those that the driver before has left too. `is_there` says
 * whether there is such a partition: as an object it has so many bytes, or the first ones of them.
 *
 * Returns:   ERR_OK; what PAGER_ATTACH, PAGER_ADOPT and making a thread refuse.
 * On error:  the process is of no use.
 */
MUST_USE enum err paging_begin(bool (*is_there)(const struct paging_place *place));

/*
 * A handle for whoever asked to the object of a partition.
 *
 * Returns:   ERR_OK; ERR_NOSPC: as many are objects as can be; ERR_BUSY: it is for swap; what
 *            PAGER_OBJECT and making a thread refuse.
 * On error:  nothing is left.
 */
MUST_USE enum err paging_object(const struct paging_place *place, uint64_t *handle);

/*
 * Give a partition to the memory server, for swap, unless it has one from the driver before.
 *
 * Returns:   ERR_OK; ERR_INVAL: it has no two pages; what SWAP refuses; else as paging_object().
 * On error:  nothing is left but an object that is asked for nothing.
 */
MUST_USE enum err paging_swap(const struct paging_place *place);

/* As many files of archives can be objects. */
#define PAGING_FILES_MAX 1024u

/*
 * A handle to the object of a file, for reading, executing and mapping; to that of the driver
 * before, if it lies where the file lies and is as long.
 *
 * Returns:   ERR_OK; ERR_NOSPC: there are PAGING_FILES_MAX; ERR_EXIST: there was one of another
 *            size; ERR_NOMEM; else as paging_object().
 * On error:  nothing is left.
 */
MUST_USE enum err paging_file(const struct paging_place *place, uint64_t *handle);

/* How many there are. */
uint64_t paging_count(void);
