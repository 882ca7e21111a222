/* SPDX-License-Identifier: MIT */
#include "gpt.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

/* UEFI 2.10, table 5-5: offsets in the head. */
#define HEAD_REVISION     8u
#define HEAD_BYTES        12u
#define HEAD_SUM          16u
#define HEAD_OWN          24u
#define HEAD_OTHER        32u
#define HEAD_FIRST_USABLE 40u
#define HEAD_LAST_USABLE  48u
#define HEAD_LIST         72u
#define HEAD_LIST_COUNT   80u
#define HEAD_ENTRY_BYTES  84u
#define HEAD_LIST_SUM     88u
#define HEAD_BYTES_MIN    92u
#define REVISION          UINT32_C(0x00010000)

/* Table 5-6: offsets in an entry. */
#define ENTRY_ID         16u
#define ENTRY_FIRST      32u
#define ENTRY_LAST       40u
#define ENTRY_ATTRIBUTES 48u
#define ENTRY_NAME       56u
#define ENTRY_NAME_UNITS 36u
#define ENTRY_BYTES_MIN  128u
#define ENTRY_BYTES_MAX  4096u

/* Table 5-3: the protective MBR. */
#define MBR_RECORDS      446u
#define MBR_RECORD_BYTES 16u
#define MBR_RECORD_TYPE  4u
#define MBR_PROTECTIVE   0xeeu
#define MBR_SIGNATURE    510u

static uint32_t read_32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t read_64(const uint8_t *bytes)
{
    return read_32(bytes) | (uint64_t)read_32(bytes + 4) << 32;
}

/* Go on with a sum that is not yet inverted. */
static uint32_t sum_more(uint32_t sum, const uint8_t *bytes, uint64_t length)
{
    /* A nibble at a time: the table is small, and 16 KiB are not much. */
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (uint64_t i = 0; i < length; i++) {
        sum ^= bytes[i];
        sum = sum >> 4 ^ table[sum & 15];
        sum = sum >> 4 ^ table[sum & 15];
    }
    return sum;
}

uint32_t gpt_sum(const uint8_t *bytes, uint64_t length)
{
    return ~sum_more(UINT32_MAX, bytes, length);
}

/* The sum over the head, in which the sum itself counts as 0. */
static uint32_t sum_head(const uint8_t *head, uint32_t bytes)
{
    static const uint8_t zero[4];
    uint32_t sum = sum_more(UINT32_MAX, head, HEAD_SUM);
    sum = sum_more(sum, zero, sizeof(zero));
    return ~sum_more(sum, head + HEAD_SUM + 4, bytes - HEAD_SUM - 4);
}

static uint32_t block_bytes(const struct gpt *gpt)
{
    return gpt->block_sectors * GPT_SECTOR_BYTES;
}

static uint64_t list_blocks(const struct gpt *gpt, const struct gpt_head *head)
{
    const uint64_t bytes = (uint64_t)head->list_count * head->entry_bytes;
    return (bytes + block_bytes(gpt) - 1) / block_bytes(gpt);
}

static bool is_protective(const uint8_t *sector)
{
    bool is_protective = false;
    for (uint32_t i = 0; i < 4; i++) {
        const uint8_t *record = sector + MBR_RECORDS + (size_t)i * MBR_RECORD_BYTES;
        is_protective = is_protective || record[MBR_RECORD_TYPE] == MBR_PROTECTIVE;
    }
    return is_protective && sector[MBR_SIGNATURE] == 0x55 && sector[MBR_SIGNATURE + 1] == 0xaa;
}

/* Whether the places that a head in block `own` names fit each other and the disk. */
static bool places_fit(const struct gpt *gpt, const struct gpt_head *head, uint64_t own)
{
    const uint64_t blocks = list_blocks(gpt, head);
    if (head->first_usable > head->last_usable || head->last_usable >= gpt->blocks ||
        head->list < 2 || head->list >= gpt->blocks || blocks > gpt->blocks - head->list) {
        return false;
    }
    const bool is_list_outside =
        head->list + blocks <= head->first_usable || head->list > head->last_usable;
    const bool is_own_outside = own < head->first_usable || own > head->last_usable;
    const bool is_own_in_list = own >= head->list && own < head->list + blocks;
    return is_list_outside && is_own_outside && !is_own_in_list && head->first_usable >= 2;
}

/* Read the head that stands in block `own`; `*head` is written if it is sound. */
static enum gpt_fault read_head(const struct gpt *gpt, const uint8_t *block, uint64_t own,
                                struct gpt_head *head)
{
    if (memcmp(block, "EFI PART", 8) != 0) {
        return GPT_ABSENT;
    }
    const uint32_t bytes = read_32(block + HEAD_BYTES);
    if (read_32(block + HEAD_REVISION) != REVISION || bytes < HEAD_BYTES_MIN ||
        bytes > block_bytes(gpt)) {
        return GPT_BAD_HEAD;
    }
    if (sum_head(block, bytes) != read_32(block + HEAD_SUM)) {
        return GPT_BAD_SUM;
    }
    const struct gpt_head read = {
        .other = read_64(block + HEAD_OTHER),
        .first_usable = read_64(block + HEAD_FIRST_USABLE),
        .last_usable = read_64(block + HEAD_LAST_USABLE),
        .list = read_64(block + HEAD_LIST),
        .list_count = read_32(block + HEAD_LIST_COUNT),
        .entry_bytes = read_32(block + HEAD_ENTRY_BYTES),
        .list_sum = read_32(block + HEAD_LIST_SUM),
    };
    /* 128 * 2^n (table 5-5). */
    if (read_64(block + HEAD_OWN) != own || read.entry_bytes < ENTRY_BYTES_MIN ||
        (read.entry_bytes & (read.entry_bytes - 1)) != 0 || read.list_count == 0) {
        return GPT_BAD_HEAD;
    }
    if (read.entry_bytes > ENTRY_BYTES_MAX ||
        read.list_count > GPT_READ_SECTORS_MAX * GPT_SECTOR_BYTES / read.entry_bytes) {
        return GPT_TOO_LARGE;
    }
    if (!places_fit(gpt, &read, own)) {
        return GPT_BAD_HEAD;
    }
    *head = read;
    return GPT_SOUND;
}

/* UTF-16 of the disk as UTF-8; `name` has room for three bytes a unit. */
static void read_name(const uint8_t *units, char name[GPT_NAME_BYTES])
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < ENTRY_NAME_UNITS; i++) {
        const uint32_t unit = units[2 * i] | (uint32_t)units[2 * i + 1] << 8;
        if (unit == 0) {
            break;
        }
        if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || (unit >= 0xd800 && unit < 0xe000)) {
            name[length++] = '?';
        } else if (unit < 0x80) {
            name[length++] = (char)unit;
        } else if (unit < 0x800) {
            name[length++] = (char)(0xc0 | unit >> 6);
            name[length++] = (char)(0x80 | (unit & 0x3f));
        } else {
            name[length++] = (char)(0xe0 | unit >> 12);
            name[length++] = (char)(0x80 | (unit >> 6 & 0x3f));
            name[length++] = (char)(0x80 | (unit & 0x3f));
        }
    }
    name[length] = '\0';
}

/* Read an entry. Returns: whether it is a partition inside the usable part. */
static bool read_entry(const struct gpt *gpt, const uint8_t *entry, struct gpt_partition *partition)
{
    const uint64_t first = read_64(entry + ENTRY_FIRST);
    const uint64_t last = read_64(entry + ENTRY_LAST);
    if (first < gpt->head.first_usable || last > gpt->head.last_usable || first > last) {
        return false;
    }
    partition->first = first * gpt->block_sectors;
    partition->sectors = (last - first + 1) * gpt->block_sectors;
    partition->attributes = read_64(entry + ENTRY_ATTRIBUTES);
    memcpy(partition->type, entry, GPT_GUID_BYTES);
    memcpy(partition->id, entry + ENTRY_ID, GPT_GUID_BYTES);
    read_name(entry + ENTRY_NAME, partition->name);
    return true;
}

static bool overlap(const struct gpt_partition *a, const struct gpt_partition *b)
{
    return a->first < b->first + b->sectors && b->first < a->first + a->sectors;
}

/* Leave out all that have a sector in common with another: no one can say whose it is. */
static void refuse_overlapping(struct gpt *gpt)
{
    bool is_refused[GPT_PARTITIONS_MAX] = {false};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < gpt->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (overlap(&gpt->partitions[i], &gpt->partitions[k])) {
                is_refused[i] = true;
                is_refused[k] = true;
            }
        }
    }
    for (uint32_t i = 0; i < gpt->count; i++) {
        if (is_refused[i]) {
            gpt->refused++;
        } else {
            gpt->partitions[kept++] = gpt->partitions[i];
        }
    }
    gpt->count = kept;
}

static enum gpt_fault read_list(struct gpt *gpt, const uint8_t *bytes)
{
    static const uint8_t unused[GPT_GUID_BYTES];
    const struct gpt_head *head = &gpt->head;
    if (gpt_sum(bytes, (uint64_t)head->list_count * head->entry_bytes) != head->list_sum) {
        return GPT_BAD_SUM;
    }
    gpt->count = 0;
    gpt->refused = 0;
    for (uint32_t i = 0; i < head->list_count; i++) {
        const uint8_t *entry = bytes + (size_t)i * head->entry_bytes;
        if (memcmp(entry, unused, sizeof(unused)) == 0) {
            continue;
        }
        struct gpt_partition partition = {.number = i + 1};
        if (!read_entry(gpt, entry, &partition) || gpt->count == GPT_PARTITIONS_MAX) {
            gpt->refused++;
        } else {
            gpt->partitions[gpt->count++] = partition;
        }
    }
    refuse_overlapping(gpt);
    return GPT_SOUND;
}

/* Head or list of the first table are damaged: go to the other one. */
static void turn_to_backup(struct gpt *gpt, enum gpt_fault fault, uint64_t block)
{
    gpt->primary = fault;
    gpt->backup_block = block;
    gpt->state = block >= 2 && block < gpt->blocks ? GPT_BACKUP_HEAD : GPT_NONE;
}

/* Nothing was found in the backup. */
static void give_up(struct gpt *gpt, enum gpt_fault fault)
{
    gpt->backup = fault;
    gpt->count = 0;
    gpt->state = GPT_NONE;
}

static void take_primary_head(struct gpt *gpt, const uint8_t *bytes_opt)
{
    if (bytes_opt != NULL && !is_protective(bytes_opt)) {
        gpt->primary = GPT_ABSENT;
        gpt->state = GPT_NONE;
        return;
    }
    const enum gpt_fault fault = bytes_opt == NULL
                                     ? GPT_UNREADABLE
                                     : read_head(gpt, bytes_opt + block_bytes(gpt), 1, &gpt->head);
    if (fault == GPT_SOUND) {
        gpt->state = GPT_PRIMARY_LIST;
    } else {
        turn_to_backup(gpt, fault, gpt->blocks - 1);
    }
}

static void take_backup_head(struct gpt *gpt, const uint8_t *bytes_opt)
{
    const enum gpt_fault fault = bytes_opt == NULL
                                     ? GPT_UNREADABLE
                                     : read_head(gpt, bytes_opt, gpt->backup_block, &gpt->head);
    if (fault == GPT_SOUND) {
        gpt->state = GPT_BACKUP_LIST;
    } else {
        give_up(gpt, fault);
    }
}

static void take_list(struct gpt *gpt, const uint8_t *bytes_opt)
{
    const enum gpt_fault fault = bytes_opt == NULL ? GPT_UNREADABLE : read_list(gpt, bytes_opt);
    if (fault == GPT_SOUND) {
        gpt->state = GPT_FOUND;
    } else if (gpt->state == GPT_PRIMARY_LIST) {
        turn_to_backup(gpt, fault, gpt->head.other);
    } else {
        give_up(gpt, fault);
    }
}

void gpt_begin(struct gpt *gpt, uint64_t sectors, uint32_t block_sectors)
{
    ASSERT(block_sectors == 1 || block_sectors == 2 || block_sectors == 4 || block_sectors == 8);
    gpt->blocks = sectors / block_sectors;
    gpt->block_sectors = block_sectors;
    gpt->primary = GPT_SOUND;
    gpt->backup = GPT_SOUND;
    gpt->backup_block = 0;
    gpt->refused = 0;
    gpt->count = 0;
    gpt->state = GPT_PRIMARY_HEAD;
    if (gpt->blocks < 2) {
        gpt->primary = GPT_ABSENT;
        gpt->state = GPT_NONE;
    }
    AUDIT(gpt_audit(gpt));
}

bool gpt_wants(const struct gpt *gpt, uint64_t *first, uint32_t *sectors)
{
    switch (gpt->state) {
    case GPT_PRIMARY_HEAD: /* and the protective MBR in front of it */
        *first = 0;
        *sectors = 2 * gpt->block_sectors;
        return true;
    case GPT_BACKUP_HEAD:
        *first = gpt->backup_block * gpt->block_sectors;
        *sectors = gpt->block_sectors;
        return true;
    case GPT_PRIMARY_LIST:
    case GPT_BACKUP_LIST:
        *first = gpt->head.list * gpt->block_sectors;
        *sectors = (uint32_t)list_blocks(gpt, &gpt->head) * gpt->block_sectors;
        return true;
    case GPT_FOUND:
    case GPT_NONE:
        return false;
    }
    UNREACHABLE();
}

void gpt_take(struct gpt *gpt, const uint8_t *bytes_opt)
{
    AUDIT(gpt_audit(gpt));
    switch (gpt->state) {
    case GPT_PRIMARY_HEAD:
        take_primary_head(gpt, bytes_opt);
        break;
    case GPT_BACKUP_HEAD:
        take_backup_head(gpt, bytes_opt);
        break;
    case GPT_PRIMARY_LIST:
    case GPT_BACKUP_LIST:
        take_list(gpt, bytes_opt);
        break;
    case GPT_FOUND:
    case GPT_NONE:
        UNREACHABLE();
    }
    AUDIT(gpt_audit(gpt));
}

bool gpt_is_swap(const struct gpt_partition *partition)
{
    static const uint8_t type[GPT_GUID_BYTES] = {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
                                                 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f};
    return memcmp(partition->type, type, sizeof(type)) == 0;
}

bool gpt_is_archive(const struct gpt_partition *partition)
{
    static const uint8_t type[GPT_GUID_BYTES] = {0x4a, 0x7f, 0x1f, 0x8f, 0x0c, 0x5d, 0x6e, 0x4c,
                                                 0x9b, 0x4f, 0x48, 0x4f, 0x4c, 0x44, 0x46, 0x41};
    return memcmp(partition->type, type, sizeof(type)) == 0;
}

const char *gpt_fault_text(enum gpt_fault fault)
{
    switch (fault) {
    case GPT_SOUND:
        return "is sound";
    case GPT_ABSENT:
        return "is not there";
    case GPT_UNREADABLE:
        return "cannot be read";
    case GPT_BAD_SUM:
        return "has a wrong sum";
    case GPT_BAD_HEAD:
        return "contradicts itself or the disk";
    case GPT_TOO_LARGE:
        return "is larger than 64 KiB";
    }
    UNREACHABLE();
}

void gpt_audit(const struct gpt *gpt)
{
    uint64_t first;
    uint32_t sectors;
    if (gpt_wants(gpt, &first, &sectors)) {
        ASSERT(sectors > 0 && sectors <= GPT_READ_SECTORS_MAX);
        ASSERT(first + sectors <= gpt->blocks * gpt->block_sectors);
    }
    ASSERT(gpt->count <= GPT_PARTITIONS_MAX);
    for (uint32_t i = 0; gpt->state == GPT_FOUND && i < gpt->count; i++) {
        const struct gpt_partition *partition = &gpt->partitions[i];
        ASSERT(partition->sectors > 0);
        ASSERT(partition->first >= gpt->head.first_usable * gpt->block_sectors);
        ASSERT(partition->first + partition->sectors <=
               (gpt->head.last_usable + 1) * gpt->block_sectors);
        for (uint32_t k = 0; k < i; k++) {
            ASSERT(!overlap(partition, &gpt->partitions[k]));
        }
    }
}
