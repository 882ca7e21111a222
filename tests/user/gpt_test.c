/* SPDX-License-Identifier: MIT */
/*
 * Partition tables: those that sgdisk makes, those made here, and damaged ones.
 *
 *   block  0    1     2 ....... 33   34 ............ 66  67 ....... 98   99
 *          MBR  head  list (128)     usable              list           head
 */
#include "gpt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define DISK_SECTORS_MAX 2048u
#define SMALL            100u /* sectors of the disk drawn above */
#define USABLE_FIRST     34u
#define USABLE_LAST      66u
#define ENTRIES          128u
#define ENTRY_BYTES      128u
#define LIST_BYTES       (ENTRIES * ENTRY_BYTES)

static uint8_t disk[DISK_SECTORS_MAX * GPT_SECTOR_BYTES];
static struct gpt gpt;

static void put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint8_t *block(uint64_t number)
{
    return disk + number * GPT_SECTOR_BYTES;
}

/* Give a head the sum of what it holds now. */
static void head_seal(uint64_t own)
{
    put(block(own) + 16, 0, 4);
    put(block(own) + 16, gpt_sum(block(own), 92), 4);
}

static void head_make(uint64_t own, uint64_t other, uint64_t list)
{
    uint8_t *head = block(own);
    memset(head, 0, GPT_SECTOR_BYTES);
    memcpy(head, "EFI PART", 8);
    put(head + 8, 0x10000, 4);
    put(head + 12, 92, 4);
    put(head + 24, own, 8);
    put(head + 32, other, 8);
    put(head + 40, USABLE_FIRST, 8);
    put(head + 48, USABLE_LAST, 8);
    put(head + 72, list, 8);
    put(head + 80, ENTRIES, 4);
    put(head + 84, ENTRY_BYTES, 4);
    put(head + 88, gpt_sum(block(list), LIST_BYTES), 4);
    head_seal(own);
}

static void entry_put(unsigned index, uint64_t first, uint64_t last, const char *name)
{
    uint8_t *entry = block(2) + (size_t)index * ENTRY_BYTES;
    memset(entry, (int)(0x40 + index), 32);
    put(entry + 32, first, 8);
    put(entry + 40, last, 8);
    put(entry + 48, index, 8);
    for (size_t i = 0; i < strlen(name); i++) {
        put(entry + 56 + 2 * i, (unsigned char)name[i], 2);
    }
}

/* Both tables of what stands in the first list. */
static void seal(void)
{
    memcpy(block(67), block(2), LIST_BYTES);
    head_make(1, SMALL - 1, 2);
    head_make(SMALL - 1, 1, 67);
}

/* A disk with two partitions: 34 to 40 and 50 to 66. */
static void make(void)
{
    memset(disk, 0, sizeof(disk));
    block(0)[450] = 0xee;
    put(block(0) + 510, 0xaa55, 2);
    entry_put(0, 34, 40, "one");
    entry_put(3, 50, 66, "two");
    seal();
}

/* Read the table as a driver would; reads that begin at sector `broken` fail. */
static enum gpt_state read_all(uint64_t sectors, uint32_t block_sectors, uint64_t broken)
{
    uint64_t first = 0;
    uint32_t count = 0;
    gpt_begin(&gpt, sectors, block_sectors);
    for (int turns = 0; gpt_wants(&gpt, &first, &count); turns++) {
        if (!EXPECT(turns < 4) || !EXPECT(count <= GPT_READ_SECTORS_MAX) ||
            !EXPECT(first + count <= sectors)) {
            break;
        }
        gpt_take(&gpt, first == broken ? NULL : block(first));
    }
    return gpt.state;
}

static enum gpt_state read_small(void)
{
    return read_all(SMALL, 1, UINT64_MAX);
}

static void expect_both(void)
{
    EXPECT_U64(gpt.count, 2);
    EXPECT_U64(gpt.refused, 0);
    EXPECT_U64(gpt.partitions[0].number, 1);
    EXPECT_U64(gpt.partitions[0].first, 34);
    EXPECT_U64(gpt.partitions[0].sectors, 7);
    EXPECT_STR(gpt.partitions[0].name, "one");
    EXPECT_U64(gpt.partitions[0].type[15], 0x40);
    EXPECT_U64(gpt.partitions[0].id[0], 0x40);
    EXPECT_U64(gpt.partitions[1].number, 4);
    EXPECT_U64(gpt.partitions[1].first, 50);
    EXPECT_U64(gpt.partitions[1].sectors, 17);
    EXPECT_U64(gpt.partitions[1].attributes, 3);
    EXPECT_STR(gpt.partitions[1].name, "two");
}

TAP_TEST(the_sum_is_crc_32)
{
    EXPECT_U64(gpt_sum((const uint8_t *)"123456789", 9), 0xcbf43926);
    EXPECT_U64(gpt_sum(disk, 0), 0);
}

TAP_TEST(a_sound_table_is_read_whole)
{
    make();
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_SOUND);
    expect_both();
}

TAP_TEST(a_disk_without_a_protective_mbr_has_no_table)
{
    make();
    block(0)[450] = 0x83;
    EXPECT_U64(read_small(), GPT_NONE);
    EXPECT_U64(gpt.primary, GPT_ABSENT);
    make();
    block(0)[511] = 0;
    EXPECT_U64(read_small(), GPT_NONE);
    memset(disk, 0, sizeof(disk));
    EXPECT_U64(read_small(), GPT_NONE);
    EXPECT_U64(read_all(1, 1, UINT64_MAX), GPT_NONE);
    EXPECT_U64(read_all(0, 1, UINT64_MAX), GPT_NONE);
}

TAP_TEST(the_backup_serves_when_any_byte_of_the_first_head_is_damaged)
{
    for (unsigned at = 0; at < 92; at++) {
        make();
        block(1)[at] ^= 0x10;
        EXPECT_U64(read_small(), GPT_FOUND);
        EXPECT(gpt.primary != GPT_SOUND);
        EXPECT_U64(gpt.backup, GPT_SOUND);
        expect_both();
    }
}

TAP_TEST(the_backup_serves_when_any_byte_of_the_first_list_is_damaged)
{
    for (unsigned at = 0; at < LIST_BYTES; at += 37) {
        make();
        block(2)[at] ^= 0x01;
        EXPECT_U64(read_small(), GPT_FOUND);
        EXPECT_U64(gpt.primary, GPT_BAD_SUM);
        expect_both();
    }
}

TAP_TEST(the_backup_serves_when_the_first_table_cannot_be_read)
{
    make();
    EXPECT_U64(read_all(SMALL, 1, 0), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_UNREADABLE);
    expect_both();
    EXPECT_U64(read_all(SMALL, 1, 2), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_UNREADABLE);
    expect_both();
}

TAP_TEST(two_damaged_tables_are_none_and_both_faults_are_told)
{
    make();
    block(2)[5] ^= 1;
    block(67)[5] ^= 1;
    EXPECT_U64(read_small(), GPT_NONE);
    EXPECT_U64(gpt.primary, GPT_BAD_SUM);
    EXPECT_U64(gpt.backup, GPT_BAD_SUM);
    EXPECT_U64(gpt.count, 0);
    make();
    memset(block(1), 0, GPT_SECTOR_BYTES);
    memset(block(SMALL - 1), 0, GPT_SECTOR_BYTES);
    EXPECT_U64(read_small(), GPT_NONE);
    EXPECT_U64(gpt.backup, GPT_ABSENT);
}

TAP_TEST(a_backup_is_looked_for_where_the_first_head_says_if_that_is_sound)
{
    make();
    block(2)[5] ^= 1;
    EXPECT_U64(read_all(SMALL + 20, 1, UINT64_MAX), GPT_FOUND); /* the disk has grown */
    expect_both();
    put(block(1) + 32, UINT64_MAX, 8);
    head_seal(1);
    EXPECT_U64(read_small(), GPT_NONE);
    put(block(1) + 32, 1, 8);
    head_seal(1);
    EXPECT_U64(read_small(), GPT_NONE);
}

/* The first head, sealed with one field changed, is refused with the fault. */
static void expect_field(unsigned at, uint64_t value, int bytes, enum gpt_fault fault)
{
    make();
    put(block(1) + at, value, bytes);
    if (at != 12) {
        head_seal(1);
    }
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_U64(gpt.primary, fault);
    expect_both();
}

TAP_TEST(a_head_that_contradicts_itself_or_the_disk_is_not_used)
{
    expect_field(8, 0x20000, 4, GPT_BAD_HEAD);
    expect_field(12, 91, 4, GPT_BAD_HEAD);
    expect_field(12, 513, 4, GPT_BAD_HEAD);
    expect_field(12, UINT32_MAX, 4, GPT_BAD_HEAD);
    expect_field(24, 2, 8, GPT_BAD_HEAD);
    expect_field(40, 67, 8, GPT_BAD_HEAD); /* first above last */
    expect_field(40, 33, 8, GPT_BAD_HEAD); /* usable reaches into the list */
    expect_field(40, 0, 8, GPT_BAD_HEAD);
    expect_field(48, SMALL, 8, GPT_BAD_HEAD);
    expect_field(48, UINT64_MAX, 8, GPT_BAD_HEAD);
    expect_field(72, 0, 8, GPT_BAD_HEAD); /* the list lies over the MBR, the head */
    expect_field(72, 1, 8, GPT_BAD_HEAD);
    expect_field(72, 40, 8, GPT_BAD_HEAD);        /* over partitions */
    expect_field(72, SMALL - 1, 8, GPT_BAD_HEAD); /* behind the end */
    expect_field(72, UINT64_MAX, 8, GPT_BAD_HEAD);
    expect_field(72, UINT64_MAX - 31, 8, GPT_BAD_HEAD);
    expect_field(80, 0, 4, GPT_BAD_HEAD);
    expect_field(80, 513, 4, GPT_TOO_LARGE);
    expect_field(80, UINT32_MAX, 4, GPT_TOO_LARGE);
    expect_field(84, 64, 4, GPT_BAD_HEAD);
    expect_field(84, 129, 4, GPT_BAD_HEAD);
    expect_field(84, 8192, 4, GPT_TOO_LARGE);
    expect_field(84, UINT32_C(1) << 31, 4, GPT_TOO_LARGE);
    expect_field(88, 0, 4, GPT_BAD_SUM);
}

TAP_TEST(entries_that_leave_the_usable_part_are_left_out)
{
    static const uint64_t wrong[][2] = {
        {33, 40}, {0, 40}, {60, 67}, {60, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}, {45, 44}, {45, 0},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        make();
        entry_put(3, wrong[i][0], wrong[i][1], "two");
        seal();
        EXPECT_U64(read_small(), GPT_FOUND);
        EXPECT_U64(gpt.count, 1);
        EXPECT_U64(gpt.refused, 1);
        EXPECT_STR(gpt.partitions[0].name, "one");
    }
}

TAP_TEST(entries_that_overlap_are_left_out_all_of_them)
{
    make();
    entry_put(1, 40, 45, "over one");
    entry_put(9, 46, 49, "beside both");
    seal();
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_U64(gpt.count, 2);
    EXPECT_U64(gpt.refused, 2);
    EXPECT_STR(gpt.partitions[0].name, "two");
    EXPECT_STR(gpt.partitions[1].name, "beside both");
    make();
    entry_put(7, 34, 66, "over all");
    seal();
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_U64(gpt.count, 0);
    EXPECT_U64(gpt.refused, 3);
}

TAP_TEST(all_128_entries_can_be_partitions)
{
    make();
    memset(block(2), 0, LIST_BYTES);
    for (unsigned i = 0; i < ENTRIES; i++) {
        entry_put(i, 34 + i, 34 + i, "x");
    }
    seal();
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_U64(gpt.count, 33);
    EXPECT_U64(gpt.refused, ENTRIES - 33);
}

TAP_TEST(names_become_plain_utf_8)
{
    make();
    uint8_t *name = block(2) + 56;
    static const uint16_t units[] = {'a', 0x1b, 0xe4, 0x20ac, 0xd83d, 0x7f, 0x9b, 'z'};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        put(name + 2 * i, units[i], 2);
    }
    for (size_t i = 0; i < 36; i++) {
        put(block(2) + 3 * (size_t)ENTRY_BYTES + 56 + 2 * i, 0xffff, 2);
    }
    seal();
    EXPECT_U64(read_small(), GPT_FOUND);
    EXPECT_STR(gpt.partitions[0].name, "a?\xc3\xa4\xe2\x82\xac???z");
    EXPECT_U64(strlen(gpt.partitions[1].name), 108);
}

TAP_TEST(blocks_of_4096_bytes_are_read_as_such)
{
    /* In blocks of 8 sectors: list in 2 to 5, usable 6 to 9, then list and head in 15. */
    memset(disk, 0, sizeof(disk));
    block(0)[450] = 0xee;
    put(block(0) + 510, 0xaa55, 2);
    entry_put(0, 6, 9, "x");
    memmove(block(16), block(2), LIST_BYTES);
    memset(block(2), 0, 14 * (size_t)GPT_SECTOR_BYTES);
    uint8_t *head = block(8);
    memcpy(head, "EFI PART", 8);
    put(head + 8, 0x10000, 4);
    put(head + 12, 4096, 4); /* as long as a block may be */
    put(head + 24, 1, 8);
    put(head + 32, 15, 8);
    put(head + 40, 6, 8);
    put(head + 48, 9, 8);
    put(head + 72, 2, 8);
    put(head + 80, ENTRIES, 4);
    put(head + 84, ENTRY_BYTES, 4);
    put(head + 88, gpt_sum(block(16), LIST_BYTES), 4);
    put(head + 16, gpt_sum(head, 4096), 4);
    EXPECT_U64(read_all(128, 8, UINT64_MAX), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_SOUND);
    EXPECT_U64(gpt.count, 1);
    EXPECT_U64(gpt.partitions[0].first, 48);
    EXPECT_U64(gpt.partitions[0].sectors, 32);
}

#define SGDISK "PATH=$PATH:/usr/sbin:/sbin; "

/* Run sgdisk on a new image of 1 MiB and read that. Returns: whether it could. */
static bool sgdisk(const char *arguments)
{
    char name[] = "gpt-test-XXXXXX";
    char command[512];
    const int file = mkstemp(name);
    bool is_made = file >= 0 && ftruncate(file, sizeof(disk)) == 0;
    snprintf(command, sizeof(command), SGDISK "sgdisk %s %s > /dev/null 2>&1", arguments, name);
    is_made = is_made && system(command) == 0;
    is_made = is_made && pread(file, disk, sizeof(disk), 0) == (ssize_t)sizeof(disk);
    if (file >= 0) {
        close(file);
    }
    unlink(name);
    return is_made;
}

TAP_TEST(a_table_of_sgdisk_is_read_with_names_and_types)
{
    static const uint8_t swap[GPT_GUID_BYTES] = {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
                                                 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f};
    if (system(SGDISK "command -v sgdisk > /dev/null") != 0) {
        SKIP("sgdisk is missing: cross/setup installs gdisk");
    }
    REQUIRE(sgdisk("--clear -a 1 --new=1:100:199 --change-name=1:data --typecode=1:8300 "
                   "--new=5:1000:1015 --typecode=5:8200 --change-name=5:'swap space'"));
    EXPECT_U64(read_all(DISK_SECTORS_MAX, 1, UINT64_MAX), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_SOUND);
    EXPECT_U64(gpt.refused, 0);
    EXPECT_U64(gpt.count, 2);
    EXPECT_U64(gpt.partitions[0].first, 100);
    EXPECT_U64(gpt.partitions[0].sectors, 100);
    EXPECT_STR(gpt.partitions[0].name, "data");
    EXPECT_U64(gpt.partitions[1].number, 5);
    EXPECT_STR(gpt.partitions[1].name, "swap space");
    EXPECT_BYTES(gpt.partitions[1].type, swap, sizeof(swap));
    /* And its backup alone. */
    memset(block(1), 0, 33 * (size_t)GPT_SECTOR_BYTES);
    EXPECT_U64(read_all(DISK_SECTORS_MAX, 1, UINT64_MAX), GPT_FOUND);
    EXPECT_U64(gpt.primary, GPT_ABSENT);
    EXPECT_U64(gpt.count, 2);
}

/* Numbers that are the same in every run. */
static uint32_t draw(uint32_t below)
{
    static uint64_t state = 20261129;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

TAP_TEST(any_change_that_is_sealed_is_read_or_refused)
{
    unsigned found = 0;
    unsigned refused = 0;
    for (int round = 0; round < 4000; round++) {
        static const unsigned fields[] = {24, 32, 40, 48, 72, 80, 84, 12};
        make();
        for (uint32_t changes = draw(4); changes > 0; changes--) {
            const bool is_small = draw(2) == 0;
            const uint64_t value =
                is_small ? draw(SMALL + 30) : (uint64_t)draw(UINT32_MAX) << draw(34);
            if (draw(2) == 0) {
                put(block(1) + fields[draw(8)], value, draw(2) == 0 ? 4 : 8);
            } else {
                put(block(2) + (size_t)draw(5) * ENTRY_BYTES + 32 + 8 * (size_t)draw(2), value, 8);
            }
        }
        put(block(1) + 88, gpt_sum(block(2), LIST_BYTES), 4);
        head_seal(1);
        if (draw(2) == 0) {
            memset(block(SMALL - 1), 0, GPT_SECTOR_BYTES);
        }
        found += read_small() == GPT_FOUND ? 1 : 0; /* audited after every step */
        refused += gpt.refused > 0 ? 1 : 0;
    }
    tap_note("%u of 4000 found, %u with entries left out", found, refused);
    EXPECT(found > 400 && found < 4000);
    EXPECT(refused > 50);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_sum_is_crc_32),
        TAP(a_sound_table_is_read_whole),
        TAP(a_disk_without_a_protective_mbr_has_no_table),
        TAP(the_backup_serves_when_any_byte_of_the_first_head_is_damaged),
        TAP(the_backup_serves_when_any_byte_of_the_first_list_is_damaged),
        TAP(the_backup_serves_when_the_first_table_cannot_be_read),
        TAP(two_damaged_tables_are_none_and_both_faults_are_told),
        TAP(a_backup_is_looked_for_where_the_first_head_says_if_that_is_sound),
        TAP(a_head_that_contradicts_itself_or_the_disk_is_not_used),
        TAP(entries_that_leave_the_usable_part_are_left_out),
        TAP(entries_that_overlap_are_left_out_all_of_them),
        TAP(all_128_entries_can_be_partitions),
        TAP(names_become_plain_utf_8),
        TAP(blocks_of_4096_bytes_are_read_as_such),
        TAP(a_table_of_sgdisk_is_read_with_names_and_types),
        TAP(any_change_that_is_sealed_is_read_or_refused),
    };
    return TAP_RUN(argc, argv, tests);
}
