/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any disk through the reader of partition tables.
 *
 * An input is one byte of choices, then the bytes of the two heads, one after the other, then
 * entries: they are put where a small disk has them. One choice has both sums put right, so that
 * what follows them is reached; others have reads fail. The reader audits itself after every step.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gpt.h"
#include <base/assert.h>

#define SECTORS    80u
#define HEAD_BYTES 92u
#define LIST       2u

#define CHOICE_SEAL   0x01u
#define CHOICE_NO_MBR 0x02u
#define CHOICE_BLOCKS 0x0cu /* 1, 2, 4 or 8 sectors a block */
#define CHOICE_BROKEN 0x70u /* this read fails, from 1 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint8_t disk[SECTORS * GPT_SECTOR_BYTES];
static struct gpt gpt;

static size_t take(const uint8_t **bytes, size_t *size, uint8_t *to, size_t room)
{
    const size_t length = *size < room ? *size : room;
    memcpy(to, *bytes, length);
    *bytes += length;
    *size -= length;
    return length;
}

static void put_32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get_32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Put the sums of a head right, as far as what it says of sizes lies on the disk. */
static void seal(uint8_t *head, uint32_t block_bytes)
{
    const uint64_t list = (uint64_t)get_32(head + 72) * block_bytes;
    const uint64_t length = (uint64_t)get_32(head + 80) * get_32(head + 84);
    if (list < sizeof(disk) && length <= sizeof(disk) - list) {
        put_32(head + 88, gpt_sum(disk + list, length));
    }
    const uint32_t bytes = get_32(head + 12);
    if (bytes >= HEAD_BYTES && bytes <= block_bytes) {
        put_32(head + 16, 0);
        put_32(head + 16, gpt_sum(head, bytes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const uint8_t choices = bytes[0];
    const uint32_t block_sectors = UINT32_C(1) << ((choices & CHOICE_BLOCKS) >> 2);
    const uint32_t block_bytes = block_sectors * GPT_SECTOR_BYTES;
    uint8_t *primary = disk + block_bytes;
    uint8_t *backup = disk + sizeof(disk) - block_bytes;
    bytes++;
    size--;
    memset(disk, 0, sizeof(disk));
    if ((choices & CHOICE_NO_MBR) == 0) {
        disk[450] = 0xee;
        disk[510] = 0x55;
        disk[511] = 0xaa;
    }
    (void)take(&bytes, &size, primary, HEAD_BYTES);
    (void)take(&bytes, &size, backup, HEAD_BYTES);
    (void)take(&bytes, &size, disk + (size_t)LIST * block_bytes,
               sizeof(disk) - (size_t)(LIST + 1) * block_bytes);
    if ((choices & CHOICE_SEAL) != 0) {
        seal(primary, block_bytes);
        seal(backup, block_bytes);
    }
    gpt_begin(&gpt, SECTORS, block_sectors);
    uint64_t first = 0;
    uint32_t sectors = 0;
    for (uint32_t turn = 1; gpt_wants(&gpt, &first, &sectors); turn++) {
        ASSERT(turn <= 4);
        ASSERT(sectors <= GPT_READ_SECTORS_MAX && first + sectors <= SECTORS);
        const bool is_broken = turn == (choices & CHOICE_BROKEN) >> 4;
        gpt_take(&gpt, is_broken ? NULL : disk + first * GPT_SECTOR_BYTES);
    }
    for (uint32_t i = 0; i < gpt.count; i++) {
        ASSERT(memchr(gpt.partitions[i].name, '\0', GPT_NAME_BYTES) != NULL);
    }
    return 0;
}
