/* SPDX-License-Identifier: MIT */
#include "remount.h"

#include <stddef.h>
#include <stdio.h>

#include <disk/proto.h>
#include <hf/disk.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <hf/wait.h>

#include "mount.h"

#define PATIENCE_SECONDS 30u
#define PAUSES_SECOND    10u /* so often one that has ended is asked for */

static struct {
    struct hf_thread thread;
    struct hf_disk disk;
    const struct gpt *gpt;
    uint64_t instance; /* that the files were mounted in last; 0: none */
    _Alignas(HF_PAGE_BYTES) unsigned char page[HF_PAGE_BYTES];
} remount;

/* The heads of files are read through the driver, by way of one page. */
static const void *read_head(void *context, uint64_t first, uint32_t sectors)
{
    (void)context;
    const enum err error = hf_disk_read(&remount.disk, DISK_WHOLE, first * DISK_SECTOR_BYTES,
                                        remount.page, (uint64_t)sectors * DISK_SECTOR_BYTES);
    return error == ERR_OK ? remount.page : NULL;
}

static void watch(void *argument)
{
    const struct mount_disk disk = {
        .gpt = remount.gpt, .read = read_head, .seconds = PATIENCE_SECONDS};
    enum err error = ERR_OK;
    (void)argument;
    while (error == ERR_OK) {
        error = hf_files_watch(hf_env()->files, &remount.instance);
        if (error == ERR_OK) {
            uint64_t instance = remount.instance;
            mount_files(&disk, &instance);
        }
        if (error == ERR_PEER_GONE) {
            error = hf_sleep_until(hf_time_now() + hf_env()->timebase_hz / PAUSES_SECOND);
        }
    }
    /* Who may not mount has been told so when he tried. */
    if (error != ERR_ACCES) {
        fprintf(stderr, "disk: files will not be mounted again: %s\n", hf_strerror(error));
    }
}

enum err remount_start(const struct gpt *gpt, uint64_t instance)
{
    remount.gpt = gpt;
    remount.instance = instance;
    remount.disk.endpoint = DISK_SLOT_SELF;
    enum err error = hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_PIN, &remount.disk.space);
    return error == ERR_OK ? hf_thread_run(&remount.thread, PRIORITY_DEFAULT, watch, NULL) : error;
}
