/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <stdio.h>
#include <string.h>

#include <hf/archive.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/kernel.h>

#include "blk.h"
#include "paging.h"

#define PAGE_SECTORS (HF_PAGE_BYTES / BLK_SECTOR_BYTES)
#define MODE_RIGHTS  07777u

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + HF_PAGE_BYTES - 1) / HF_PAGE_BYTES * HF_PAGE_BYTES;
}

/* Make the file that begins at `start` of the partition an object, and show it. */
static enum err add(const struct mount_disk *disk, const struct gpt_partition *partition,
                    const struct hf_archive_entry *entry, uint64_t start, uint64_t *instance)
{
    const struct paging_place place = {
        .partition = partition->number,
        .is_read_only = true,
        .is_file = true,
        .first = partition->first + start / BLK_SECTOR_BYTES,
        .bytes = entry->bytes,
    };
    struct hf_mount mount = {
        .path = strncmp(entry->name, "./", 2) == 0 ? entry->name + 2 : entry->name,
        .bytes = entry->bytes,
        .mode = entry->mode & MODE_RIGHTS,
    };
    enum err error = paging_file(&place, &mount.object);
    if (error == ERR_OK) {
        const uint64_t latest = hf_time_now() + disk->seconds * hf_env()->timebase_hz;
        error = hf_files_mount(hf_env()->files, latest, &mount, instance);
        (void)hf_handle_close(mount.object);
    }
    return error;
}

/* Whether the file system does not answer: what it knows from the driver before it knows still. */
static bool is_silent(enum err error)
{
    return error == ERR_TIMEDOUT || error == ERR_PEER_GONE || error == ERR_STALE;
}

static void complain(const struct gpt_partition *partition, const char *what, const char *why)
{
    fprintf(stderr, "disk: partition %u: %s: %s\n", (unsigned)partition->number, what, why);
}

/* One file, with a line if it cannot be. Returns: whether the file system is still the same. */
static bool show(const struct mount_disk *disk, const struct gpt_partition *partition,
                 const struct hf_archive_entry *entry, uint64_t start, uint64_t *instance)
{
    uint64_t shown = *instance;
    const enum err error = add(disk, partition, entry, start, &shown);
    if (error != ERR_OK) {
        complain(partition, entry->name, hf_strerror(error));
    }
    *instance = *instance == 0 ? shown : *instance;
    return !is_silent(error) && shown == *instance;
}

/* The files of one partition. Returns: as show(). */
static bool mount_partition(const struct mount_disk *disk, const struct gpt_partition *partition,
                            uint64_t *instance)
{
    const uint64_t bytes = partition->sectors * BLK_SECTOR_BYTES;
    uint64_t at = 0;
    /* Each turn takes a page at least. */
    for (;;) {
        struct hf_archive_entry entry;
        const void *page =
            bytes - at < HF_PAGE_BYTES
                ? NULL
                : disk->read(disk->context, partition->first + at / BLK_SECTOR_BYTES, PAGE_SECTORS);
        const enum hf_archive_result result =
            page == NULL ? HF_ARCHIVE_BROKEN : hf_archive_read(page, HF_PAGE_BYTES, &entry);
        if (result == HF_ARCHIVE_END) {
            return true;
        }
        if (result != HF_ARCHIVE_FOUND || entry.start % HF_PAGE_BYTES != 0 ||
            entry.start > bytes - at || round_up(entry.bytes) > bytes - at - entry.start) {
            complain(partition, "its archive of files", "ends before its end");
            return true;
        }
        if (!show(disk, partition, &entry, at + entry.start, instance)) {
            return false;
        }
        at += entry.start + round_up(entry.bytes);
    }
}

bool mount_has_files(const struct gpt *gpt)
{
    for (uint32_t i = 0; gpt->state == GPT_FOUND && i < gpt->count; i++) {
        if (gpt_is_archive(&gpt->partitions[i])) {
            return true;
        }
    }
    return false;
}

void mount_files(const struct mount_disk *disk, uint64_t *instance)
{
    const struct gpt *gpt = disk->gpt;
    bool goes_on = true;
    for (uint32_t i = 0; gpt->state == GPT_FOUND && i < gpt->count && goes_on; i++) {
        const struct gpt_partition *partition = &gpt->partitions[i];
        if (!gpt_is_archive(partition)) {
            continue;
        }
        if (hf_env()->files == HANDLE_NONE) {
            complain(partition, "its files", "there is no file system");
            return;
        }
        goes_on = mount_partition(disk, partition, instance);
    }
}
