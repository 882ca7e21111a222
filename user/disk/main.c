/* SPDX-License-Identifier: MIT */
/*
 * The disk: a driver for a block device of virtio, and a server for all who have a handle to its
 * endpoint, which it registers with the name service.
 *
 * It masters memory, so the boot manifest has to say that it may. What a driver before it has left
 * in flight ends when it resets the device; then the memory server may use those frames again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disk/proto.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/name.h>
#include <hf/pin.h>

#include "memory.h"
#include "serve.h"

#define BIT_DEVICE 0x1u
#define BIT_TIME   0x2u

#define PATIENCE_SECONDS 30u
#define TABLE_PAGES      (GPT_READ_SECTORS_MAX * GPT_SECTOR_BYTES / BLK_PAGE_BYTES)

static struct serve serve;
static struct blk_page table_pages[TABLE_PAGES];

static int complain(const char *step, enum err error)
{
    fprintf(stderr, "disk: %s: %s\n", step, hf_strerror(error));
    return 1;
}

/* A notification for the device's line and the time. */
static enum err bind_interrupt(uint64_t *notification)
{
    enum err error = hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
    if (error == ERR_OK) {
        error = hf_object_make(OBJECT_NOTIFICATION, 0, notification);
    }
    return error == ERR_OK ? hf_interrupt_bind(DISK_SLOT_INTERRUPT, *notification, BIT_DEVICE)
                           : error;
}

/* The device has interrupted. */
static enum err take_interrupt(void)
{
    struct jobs *jobs = &serve.jobs;
    (void)virtio_take_interrupt(&jobs->blk.virtio);
    if (jobs->blk.is_live && virtio_is_lost(&jobs->blk.virtio)) {
        jobs_reset(jobs);
    }
    jobs_collect(jobs, hf_time_now());
    return hf_interrupt_done(DISK_SLOT_INTERRUPT);
}

/* Read sectors into the pages of the table, asleep until they are there. */
static enum err read_sectors(uint64_t notification, uint64_t first, uint32_t sectors)
{
    struct job *job = jobs_find(&serve.jobs);
    const struct job_request request = {
        .kind = BLK_READ, .sector = first, .bytes = sectors * GPT_SECTOR_BYTES};
    for (uint32_t i = 0; i < TABLE_PAGES; i++) {
        job->frames[i] = table_pages[i].address / BLK_PAGE_BYTES;
    }
    enum err error = jobs_add(&serve.jobs, job, &request);
    if (error != ERR_OK) {
        return error;
    }
    jobs_pump(&serve.jobs, hf_time_now());
    while (job->state != JOB_DONE && error == ERR_OK) {
        uint64_t bits = 0;
        error = hf_wait(notification, BIT_DEVICE, jobs_deadline(&serve.jobs), &bits);
        if (error == ERR_OK) {
            error = take_interrupt();
        } else if (error == ERR_TIMEDOUT) {
            error = ERR_OK;
            (void)jobs_expire(&serve.jobs, hf_time_now());
        }
    }
    if (job->state == JOB_DONE) {
        error = job->error;
        jobs_free(&serve.jobs, job);
    }
    return error;
}

/* See what is on the disk; one without a table is a disk all the same. */
static void read_table(uint64_t notification)
{
    struct gpt *gpt = &serve.gpt;
    uint64_t first = 0;
    uint32_t sectors = 0;
    gpt_begin(gpt, serve.jobs.blk.sectors, serve.jobs.blk.block_sectors);
    while (gpt_wants(gpt, &first, &sectors)) {
        const enum err error = read_sectors(notification, first, sectors);
        gpt_take(gpt, error == ERR_OK ? table_pages[0].bytes : NULL);
    }
    if (gpt->primary != GPT_SOUND && gpt->primary != GPT_ABSENT) {
        fprintf(stderr, "disk: its partition table %s\n", gpt_fault_text(gpt->primary));
    }
    if (gpt->state == GPT_FOUND && gpt->primary != GPT_SOUND) {
        fprintf(stderr, "disk: the backup of its partition table is used\n");
    }
    if (gpt->state == GPT_FOUND && gpt->refused > 0) {
        fprintf(stderr, "disk: partitions left out that overlap or leave the disk: %u\n",
                (unsigned)gpt->refused);
    }
}

/* Have the timer wake us when something is due. */
static enum err keep_time(void)
{
    static uint64_t set = UINT64_MAX;
    const uint64_t next = serve_answers(&serve);
    if (next == set) {
        return ERR_OK;
    }
    set = next;
    return next == UINT64_MAX ? hf_timer(0, 0) : hf_timer(next, BIT_TIME);
}

/* Serve for good. Returns: why no more message can be received. */
static enum err run(void)
{
    struct hf_request request = {.badge = 0};
    for (;;) {
        enum err error = keep_time();
        if (error != ERR_OK) {
            return error;
        }
        error = hf_reply_wait(DISK_SLOT_ENDPOINT, &request);
        if (error == ERR_STALE) {
            request = (struct hf_request){.badge = 0}; /* he who was to be answered has gone */
            continue;
        }
        if (error != ERR_OK) {
            return error;
        }
        if ((request.message.tag & IPC_TAG_KIND) == IPC_NOTIFY) {
            const uint64_t bits = request.message.words[0];
            (void)jobs_expire(&serve.jobs, hf_time_now());
            error = (bits & BIT_DEVICE) != 0 ? take_interrupt() : ERR_OK;
            if (error != ERR_OK) {
                return error;
            }
            request = (struct hf_request){.badge = 0};
        } else if (!serve_request(&serve, &request)) {
            request = (struct hf_request){.badge = 0};
        }
    }
}

/* The device, reset, with memory of ours. Returns: whether it works; else a line says why not. */
static bool start_device(uint64_t offset)
{
    struct blk *blk = &serve.jobs.blk;
    const char *why = "its registers cannot be mapped";
    uint64_t pins = 0;
    enum err error = memory_registers(offset, &blk->virtio.bus);
    if (error == ERR_OK) {
        why = "its memory cannot be pinned";
        error = memory_pages(BLK_PAGES, "disk queue", blk->pages);
    }
    if (error == ERR_OK) {
        error = memory_pages(TABLE_PAGES, "disk table", table_pages);
    }
    if (error == ERR_OK) {
        error = blk_start(blk, &why);
    }
    if (error == ERR_OK) {
        why = "what was left by the driver before cannot be freed";
        error = hf_device_reset(DISK_SLOT_REGISTERS, &pins);
    }
    if (error != ERR_OK) {
        (void)complain(why, error);
    }
    return error == ERR_OK;
}

int main(int argc, char **argv)
{
    uint64_t notification = 0;
    if (argc != 3 || strcmp(argv[1], "virtio,mmio") != 0) {
        fprintf(stderr, "disk: usage: disk virtio,mmio OFFSET\n");
        return 2;
    }
    /* Who brings pages back must not have to wait for one, nor take frames when there are none. */
    enum err error = hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT | MEM_LOCK_FUTURE);
    if (error != ERR_OK) {
        return complain("its own memory", error);
    }
    if (!start_device(strtoull(argv[2], NULL, 0) % HF_PAGE_BYTES)) {
        return 1;
    }
    jobs_init(&serve.jobs, PATIENCE_SECONDS * hf_env()->timebase_hz);
    error = bind_interrupt(&notification);
    if (error != ERR_OK) {
        return complain("interrupt", error);
    }
    read_table(notification);
    error = hf_bind(notification);
    if (error != ERR_OK) {
        return complain("interrupt", error);
    }
    /* The endpoint outlives the driver, and so does its name. */
    error = hf_name_register(DISK_SERVICE, DISK_SLOT_SELF);
    if (error != ERR_OK && error != ERR_EXIST) {
        return complain("name", error);
    }
    return complain("endpoint", run());
}
