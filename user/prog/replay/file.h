/* SPDX-License-Identifier: MIT */
/*
 * The files behind a trace's file regions, if a folder for them was named.
 *
 * A trace names files by what a start region is called, and by a descriptor's number. Each name and
 * each number is one file here, NAME or fdN, as long as what is mapped of it. A start region lies
 * in its file where it lies behind the first region of that name.
 *
 * What a file holds follows from its name: in each page eight words, one in the middle of every 512
 * bytes, made from the name and the page's number, and zeros. A file that is in the folder is used
 * as it is. One that is not there is made, with pages written just before they are first needed, so
 * that it takes no more room than that, and it is removed again. So is a folder that was not there.
 *
 * I1  `offset` of a block in its file: recorded address plus object_base, modulo 2^64.
 * I2  Of a file that was made here, each page that somebody has read was written before.
 * Owner: who called file_table_init() calls file_table_fini().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "complain.h"
#include "pattern.h"
#include "trace.h"

#define FILE_NAME_BYTES (TRACE_NAME_BYTES + 2)

struct file {
    char name[FILE_NAME_BYTES];
    uint64_t bytes_needed; /* what is mapped of it */
    uint64_t bytes;        /* its size */
    uint64_t seed;         /* its contents follow from it */
    uint64_t first;        /* of a name: where its first region starts */
    int descriptor;        /* -1: not open */
    bool is_made;
    unsigned char *written; /* valid in: is_made; a bit for each page */
};

struct file_table {
    const char *folder_opt; /* NULL: anonymous memory stands in for files */
    bool has_made_folder;
    struct file *files;
    uint32_t count;
    struct pattern_table
        shared; /* what was written to files through shared mappings, by file_key() */
};

/*
 * See which files `trace` needs, and open or make those in `folder_opt`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER if one is too short, or the system refuses; OUTCOME_MEMORY.
 * On error:  file_table_fini() is still to be called.
 */
MUST_USE enum outcome file_table_init(struct file_table *table, const struct trace *trace,
                                      const char *folder_opt);

/* Close all files and remove those that were made. */
void file_table_fini(struct file_table *table);

/*
 * Write every page of the files that were made, and keep them.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER if the system refuses.
 */
MUST_USE enum outcome file_table_keep(struct file_table *table);

/* Number of the file (from 1) of a start region, or of a descriptor; 0: there are no files. */
uint32_t file_of_region(const struct file_table *table, const struct trace_region *region);
uint32_t file_of_descriptor(const struct file_table *table, uint32_t number);

/* The file with a number from 1 on. */
static inline const struct file *file_get(const struct file_table *table, uint32_t number)
{
    return &table->files[number - 1];
}

/* What stands for a page of a file among the addresses of a pattern table. */
static inline uint64_t file_key(uint32_t number, uint64_t offset)
{
    return ((uint64_t)number << 40) + offset;
}

/*
 * Have [offset, offset + length) of a file written, as far as it was made here and was not yet.
 *
 * Returns:   whether the system did it; else errno says why not.
 */
MUST_USE bool file_fill(struct file_table *table, uint32_t number, uint64_t offset,
                        uint64_t length);

/* What the page at `offset` of a file holds if nobody has written to it through a mapping. */
struct pattern_ground file_ground(struct file_table *table, uint32_t number, uint64_t offset);
