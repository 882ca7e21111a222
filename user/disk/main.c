/* SPDX-License-Identifier: MIT */
/*
 * The disk: a driver for a block device of virtio or an SD card, and a server for all who have a
 * handle to its endpoint, which it registers with the name service.
 *
 * A device of virtio masters memory, so the boot manifest has to say that it may. What a driver
 * before it has left in flight ends when it resets the device; then the memory server may use those
 * frames again, and what the one before had not saved is asked of this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disk/proto.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/io.h>
#include <hf/mem.h>
#include <hf/name.h>
#include <hf/pin.h>
#include <hf/serve.h>
#include <hf/thread.h>

#include "memory.h"
#include "mount.h"
#include "paging.h"
#include "remount.h"
#include "sd_blk.h"
#include "serve.h"
#include "spi.h"
#include "virtio_blk.h"

#define BIT_DEVICE 0x1u
#define BIT_TIME   0x2u

#define PATIENCE_SECONDS     30u
#define MOUNT_SECONDS        30u
#define MOUNT_AGAIN_SECONDS  2u
#define ANNOUNCE_STACK_BYTES UINT64_C(16384)
#define TABLE_PAGES          (GPT_READ_SECTORS_MAX * GPT_SECTOR_BYTES / BLK_PAGE_BYTES)

static struct serve serve;
static struct virtio_blk virtio_blk;
static struct sd_blk sd_blk;
static struct spi spi;
static struct blk_page table_pages[TABLE_PAGES];
static struct hf_thread announcer;

static int complain(const char *step, enum err error)
{
    fprintf(stderr, "disk: %s: %s\n", step, hf_strerror(error));
    return 1;
}

/* A notification for the device's line and the time. */
static enum err bind_interrupt(uint64_t *notification)
{
    const enum err error = hf_notification_make(notification);
    return error == ERR_OK ? hf_interrupt_bind(DISK_SLOT_INTERRUPT, *notification, BIT_DEVICE)
                           : error;
}

/* The device has interrupted. */
static enum err take_interrupt(void)
{
    jobs_attend(&serve.jobs, hf_time_now());
    return hf_interrupt_done(DISK_SLOT_INTERRUPT);
}

/* Read sectors into the pages of the table, asleep until they are there. */
static enum err read_sectors(uint64_t notification, uint64_t first, uint32_t sectors)
{
    struct job *job = jobs_find(&serve.jobs);
    const struct job_request request = {
        .kind = BLK_READ, .sector = first, .bytes = sectors * GPT_SECTOR_BYTES};
    job->space = HF_OWN_SPACE;
    job->address = table_pages[0].address;
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
    gpt_begin(gpt, serve.jobs.blk->sectors, serve.jobs.blk->block_sectors);
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

static bool is_there(const struct paging_place *place)
{
    return serve_has_place(&serve, place);
}

/* The first partition for swap that can be written to takes pages of programs. */
static void start_swap(void)
{
    const struct gpt *gpt = &serve.gpt;
    uint32_t i = 0;
    if (gpt->state != GPT_FOUND || serve.jobs.blk->is_read_only) {
        return;
    }
    while (i < gpt->count && !gpt_is_swap(&gpt->partitions[i])) {
        i++;
    }
    if (i == gpt->count) {
        return;
    }
    const struct paging_place place = {.partition = gpt->partitions[i].number,
                                       .first = gpt->partitions[i].first,
                                       .bytes = gpt->partitions[i].sectors * BLK_SECTOR_BYTES};
    const enum err error = paging_swap(&place);
    if (error != ERR_OK) {
        fprintf(stderr, "disk: partition %u is no swap: %s\n", (unsigned)place.partition,
                hf_strerror(error));
    }
}

static const void *read_for_mount(void *context, uint64_t first, uint32_t sectors)
{
    const uint64_t *notification = context;
    return read_sectors(*notification, first, sectors) == ERR_OK ? table_pages[0].bytes : NULL;
}

/*
 * Files of archives are there before anybody is served.
 *
 * Returns: the file system that knows them; 0: none does.
 */
static uint64_t start_files(uint64_t notification)
{
    const struct mount_disk disk = {
        .gpt = &serve.gpt,
        .read = read_for_mount,
        .context = &notification,
        /* Pages that the file system needs may be in swap, which this driver has to bring first. */
        .seconds = paging_count() > 0 ? MOUNT_AGAIN_SECONDS : MOUNT_SECONDS,
    };
    uint64_t instance = 0;
    mount_files(&disk, &instance);
    return instance;
}

/* The endpoint outlives a driver, and so does its name, which is for us to keep from now on. */
static enum err take_name(void)
{
    enum err error = hf_name_register(DISK_SERVICE, DISK_SLOT_SELF);
    if (error == ERR_EXIST) {
        (void)!hf_name_remove(DISK_SERVICE);
        error = hf_name_register(DISK_SERVICE, DISK_SLOT_SELF);
    }
    return error;
}

/* The same beside us: pages of the name service may be in swap, which this driver has to bring. */
static void announce(void *unused)
{
    enum err error = ERR_TIMEDOUT;
    (void)unused;
    while (error == ERR_TIMEDOUT) {
        error = take_name();
    }
    if (error != ERR_OK) {
        exit(complain("name", error));
    }
}

/* They are there again when the file system was started again. */
static void keep_files(uint64_t instance)
{
    if (!mount_has_files(&serve.gpt) || hf_env()->files == HANDLE_NONE) {
        return;
    }
    const enum err error = remount_start(&serve.gpt, instance);
    if (error != ERR_OK) {
        (void)complain("its files, if the file system ends", error);
    }
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

/* A device of virtio, with memory that it reaches. */
static enum err find_virtio(volatile uint32_t *registers, const char **why)
{
    virtio_blk.virtio.bus = memory_bus(registers);
    virtio_blk_init(&virtio_blk);
    serve.jobs.blk = &virtio_blk.blk;
    *why = "its memory cannot be pinned";
    return memory_pages(VIRTIO_BLK_PAGES, true, "disk queue", virtio_blk.pages);
}

static uint64_t time_now(void *context)
{
    (void)context;
    return hf_time_now();
}

/* A card. */
static void find_card(const char *compatible, volatile uint32_t *registers)
{
    spi_init(&spi, compatible, registers, &sd_blk.sd.port);
    sd_blk.sd.port.now = time_now;
    sd_blk.sd.port.ms = hf_env()->timebase_hz / 1000;
    sd_blk.copier = memory_copier;
    sd_blk_init(&sd_blk);
    serve.jobs.blk = &sd_blk.blk;
}

/*
 * The device, reset, with memory of ours.
 *
 * Returns: ERR_OK; else a line says why not, unless it is ERR_NOENT: there is no card in the slot.
 */
static enum err start_device(const char *compatible, uint64_t offset)
{
    const char *why = "its registers cannot be mapped";
    volatile void *registers = NULL;
    uint64_t pins = 0;
    enum err error = hf_io_map(DISK_SLOT_REGISTERS, offset, &registers);
    if (error == ERR_OK && spi_has_name(compatible)) {
        find_card(compatible, registers);
    } else if (error == ERR_OK) {
        error = find_virtio(registers, &why);
    }
    if (error == ERR_OK) {
        why = "its memory cannot be pinned";
        error = memory_pages(TABLE_PAGES, serve.jobs.blk->has_reach, "disk table", table_pages);
    }
    if (error == ERR_OK) {
        error = blk_start(serve.jobs.blk, &why);
    }
    if (error == ERR_OK && serve.jobs.blk->has_reach) {
        why = "what was left by the driver before cannot be freed";
        error = hf_device_reset(DISK_SLOT_REGISTERS, &pins);
    }
    if (error != ERR_OK && (error != ERR_NOENT || serve.jobs.blk->has_reach)) {
        (void)complain(why, error);
    }
    return error;
}

int main(int argc, char **argv)
{
    uint64_t notification = 0;
    if (argc != 3 || (strcmp(argv[1], "virtio,mmio") != 0 && !spi_has_name(argv[1]))) {
        fprintf(stderr, "disk: usage: disk DEVICE OFFSET (of its registers in their page)\n");
        return 2;
    }
    /* Who brings pages back must not have to wait for one, nor take frames when there are none. */
    enum err error = hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT | MEM_LOCK_FUTURE);
    if (error != ERR_OK) {
        return complain("its own memory", error);
    }
    error = start_device(argv[1], strtoull(argv[2], NULL, 0) % HF_PAGE_BYTES);
    if (error != ERR_OK) {
        return error == ERR_NOENT ? 0 : 1;
    }
    jobs_init(&serve.jobs, serve.jobs.blk, PATIENCE_SECONDS * hf_env()->timebase_hz);
    error = bind_interrupt(&notification);
    if (error != ERR_OK) {
        return complain("interrupt", error);
    }
    read_table(notification);
    error = paging_begin(is_there);
    if (error != ERR_OK) {
        return complain("pager", error);
    }
    const bool is_again = paging_count() > 0; /* others wait for what the one before had */
    const uint64_t instance = start_files(notification);
    error = hf_bind(notification);
    if (error != ERR_OK) {
        return complain("interrupt", error);
    }
    start_swap();
    error = is_again ? hf_thread_run_stack(&announcer, PRIORITY_DEFAULT, ANNOUNCE_STACK_BYTES,
                                           announce, NULL)
                     : take_name();
    if (error != ERR_OK) {
        return complain("name", error);
    }
    keep_files(instance);
    return complain("endpoint", run());
}
