/* SPDX-License-Identifier: MIT */
/*
 * The command that shows the disk: what it is, what is on it, and what its driver has counted.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <hf/disk.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>

#include "command.h"

#define FIND_AT_ONCE    1u /* a time that has passed */
#define START_SECONDS   5u /* in which a driver is found, or ends for want of a disk */
#define LOOKS_IN_SECOND 10u

/* A size in the largest unit of which it is a whole number. */
static void print_size(uint64_t sectors)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    uint64_t size = sectors * DISK_SECTOR_BYTES;
    unsigned unit = 0;
    while (size >= 1024 && size % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    printf("%8" PRIu64 " %-5s", size, units[unit]);
}

/* A GUID as people write it: the first three fields are little-endian on the disk. */
static void print_type(const uint8_t type[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++) {
        printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", type[order[i]]);
    }
}

static enum err print_disk(const struct hf_disk *disk)
{
    struct disk_info_rep info;
    struct disk_counts_rep counts;
    enum err error = hf_disk_info(disk, &info);
    if (error == ERR_OK) {
        error = hf_disk_counts(disk, &counts);
    }
    if (error != ERR_OK) {
        return error;
    }
    print_size(info.sectors);
    printf("in blocks of %" PRIu32 ", %s%s%s%s%s\n", info.block_bytes,
           (info.flags & DISK_READ_ONLY) != 0 ? "to be read only" : "to be written",
           (info.flags & DISK_CARD) != 0 ? ", an SD card" : "",
           (info.flags & DISK_FLUSHES) != 0 ? ", flushed" : "",
           (info.flags & DISK_LEGACY) != 0 ? ", of virtio before 1" : "",
           (info.flags & DISK_GONE) != 0 ? ", GONE" : "");
    printf("requests: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " flushes; at once %" PRIu32
           ", at most %" PRIu64 " of %" PRIu32 "\n",
           counts.reads, counts.writes, counts.flushes, info.flying, counts.depth_max, info.slots);
    printf("errors: %" PRIu64 ", false answers: %" PRIu64 ", resets: %" PRIu64 "\n", counts.errors,
           counts.lies, counts.resets);
    if ((info.flags & DISK_BACKUP) != 0) {
        printf("The partition table is damaged; this is its backup.\n");
    }
    if (info.left_out > 0) {
        printf("Partitions that overlap or leave the disk, and are left out: %" PRIu32 "\n",
               info.left_out);
    }
    return ERR_OK;
}

static enum err print_partitions(const struct hf_disk *disk)
{
    static const char *const kinds[] = {
        [DISK_KIND_OTHER] = "", [DISK_KIND_SWAP] = " (swap)", [DISK_KIND_ARCHIVE] = " (files)"};
    struct disk_partition_rep partition;
    enum err error;
    for (uint32_t i = 0; (error = hf_disk_partition(disk, i, &partition)) == ERR_OK; i++) {
        char name[DISK_NAME_BYTES] = "";
        if (hf_disk_name(disk, i, name) != ERR_OK) {
            continue; /* the driver has begun anew, and found less */
        }
        if (i == 0) {
            printf(
                "\n no.      first           size  type                                  name\n");
        }
        printf("%4" PRIu32 " %10" PRIu64 " ", partition.partition, partition.first);
        print_size(partition.sectors);
        printf(" ");
        print_type(partition.type);
        printf("  %s%s\n", name, kinds[partition.kind]);
    }
    return error == ERR_NOENT ? ERR_OK : error;
}

/* Whether there is a driver, which may not be found yet. */
static bool has_driver(void)
{
    struct mem_look_rep process = {.space_id = 0};
    bool is_there = false;
    while (!is_there && hf_look(process.space_id, &process) == ERR_OK) {
        char name[TARGET_NAME_BYTES];
        command_name(&process, name);
        is_there = strcmp(name, DISK_SERVICE) == 0;
        (void)hf_handle_close(process.space);
    }
    return is_there;
}

/*
 * The disk. A driver looks for one before it can be found, and ends if there is none.
 * Returns: ERR_OK; ERR_NOENT: there is none; ERR_TIMEDOUT: a driver is still looking; errors of
 * hf_disk_open().
 */
static enum err find_disk(struct hf_disk *disk)
{
    const uint64_t hz = hf_env()->timebase_hz;
    enum err error = hf_disk_open(FIND_AT_ONCE, disk);
    for (unsigned i = 0; i < START_SECONDS * LOOKS_IN_SECOND; i++) {
        if (error != ERR_NOENT && error != ERR_TIMEDOUT) {
            break;
        }
        if (!has_driver()) {
            return ERR_NOENT;
        }
        error = hf_disk_open(hf_time_now() + hz / LOOKS_IN_SECOND, disk);
    }
    return error;
}

uint64_t command_disks(const struct words *words)
{
    struct hf_disk disk;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    enum err error = find_disk(&disk);
    if (error == ERR_NOENT) {
        printf("shell: there is no disk: it is a card in the slot, or sbi/boot --disk FILE\n");
        return COMMAND_FAILED;
    }
    if (error == ERR_TIMEDOUT) {
        printf("shell: the driver of the disk is not ready yet\n");
        return COMMAND_FAILED;
    }
    if (error == ERR_OK) {
        error = print_disk(&disk);
        if (error == ERR_OK) {
            error = print_partitions(&disk);
        }
        hf_disk_close(&disk);
    }
    if (error != ERR_OK) {
        printf("shell: %s\n", hf_strerror(error));
    }
    return error == ERR_OK ? COMMAND_DONE : COMMAND_FAILED;
}
