/* SPDX-License-Identifier: MIT */
/*
 * The partition table of a disk, as UEFI 2.10, chapter 5 has it (GPT).
 *
 * The reader never reads itself: it says which sectors it wants next, and is given them, or told
 * that they could not be read. Everything on the disk is an allegation: sums, places and sizes are
 * checked before they are used. A primary table that is damaged is replaced by the backup at the
 * end of the disk. An entry that leaves the usable part of the disk or overlaps another one is left
 * out, and counted.
 *
 *                 good              good
 *   PRIMARY_HEAD -----> PRIMARY_LIST ----> FOUND
 *        |                  |
 *        | no table         | damaged      good              good
 *        |   or damaged     +------> BACKUP_HEAD ----> BACKUP_LIST ----> FOUND
 *        +----------------------------^   |                |
 *        v                                +------> NONE <--+
 *      NONE   (a disk without a protective MBR has no table, whatever its end says)
 *
 *   any state -> the next one  [gpt_take]
 *
 * I1  Sectors that are wanted lie on the disk, and are at most GPT_READ_SECTORS_MAX.
 * I2  Partitions in FOUND: inside the usable part, none empty, no two with a sector in common.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define GPT_SECTOR_BYTES     512u
#define GPT_READ_SECTORS_MAX 128u /* 64 KiB of entries, four times what tables have */
#define GPT_PARTITIONS_MAX   128u
#define GPT_GUID_BYTES       16u
#define GPT_NAME_BYTES       112u /* 36 characters of at most three bytes, and a NUL */

enum gpt_state {
    GPT_PRIMARY_HEAD,
    GPT_PRIMARY_LIST,
    GPT_BACKUP_HEAD,
    GPT_BACKUP_LIST,
    GPT_FOUND,
    GPT_NONE,
};

/* Why a table was not used. */
enum gpt_fault {
    GPT_SOUND = 0,
    GPT_ABSENT,     /* no protective MBR, or no signature */
    GPT_UNREADABLE, /* the sectors could not be read */
    GPT_BAD_SUM,
    GPT_BAD_HEAD, /* what the head says contradicts itself or the disk */
    GPT_TOO_LARGE,
};

struct gpt_partition {
    uint32_t number; /* its place in the table, from 1 */
    uint32_t reserved;
    uint64_t first;   /* sector */
    uint64_t sectors; /* not 0 */
    uint64_t attributes;
    uint8_t type[GPT_GUID_BYTES]; /* as on the disk: the first three fields little-endian */
    uint8_t id[GPT_GUID_BYTES];
    char name[GPT_NAME_BYTES]; /* UTF-8; what cannot be shown is '?' */
};

/* The head of one of the two tables; units are blocks. */
struct gpt_head {
    uint64_t other; /* block of the other table's head */
    uint64_t first_usable;
    uint64_t last_usable;
    uint64_t list;
    uint32_t list_count;
    uint32_t entry_bytes;
    uint32_t list_sum;
};

struct gpt {
    enum gpt_state state;
    uint64_t blocks;        /* of the disk */
    uint32_t block_sectors; /* of a block */
    enum gpt_fault primary; /* what was wrong with the first table */
    enum gpt_fault backup;  /* valid in: FOUND and NONE, if the backup was looked at */
    uint64_t backup_block;  /* where the backup's head is looked for */
    struct gpt_head head;   /* valid in: the two LIST states, FOUND */
    uint32_t refused;       /* entries that were left out */
    uint32_t count;         /* partitions; valid in: FOUND */
    struct gpt_partition partitions[GPT_PARTITIONS_MAX];
};

/* Begin with a disk of so many sectors, in blocks of `block_sectors` (a power of two up to 8). */
void gpt_begin(struct gpt *gpt, uint64_t sectors, uint32_t block_sectors);

/* Whether sectors are wanted; which. */
MUST_USE bool gpt_wants(const struct gpt *gpt, uint64_t *first, uint32_t *sectors);

/* The bytes of the wanted sectors; NULL: they could not be read. */
void gpt_take(struct gpt *gpt, const uint8_t *bytes_opt);

/* Whether a partition is for swap: type 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f, as on Linux. */
bool gpt_is_swap(const struct gpt_partition *partition);

/* Whether a partition is an archive of files: type 8f1f7f4a-5d0c-4c6e-9b4f-484f4c444641, ours. */
bool gpt_is_archive(const struct gpt_partition *partition);

/* The fault in words, as the end of a sentence. */
const char *gpt_fault_text(enum gpt_fault fault);

/* CRC-32 (ISO 3309, reflected), as the table uses it. */
uint32_t gpt_sum(const uint8_t *bytes, uint64_t length);

/* I1 and I2. */
void gpt_audit(const struct gpt *gpt);
