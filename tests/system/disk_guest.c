/* SPDX-License-Identifier: MIT */
/*
 * The program of disk_test.py: [in=PARTITION] WHAT [NUMBER...]. Uses the disk as WHAT says, and
 * ends with 0 if all was as it should be. Bytes of sector s of the disk are expected to be, and are
 * written as, those of pattern(): the host makes and checks the same ones. With in= a partition is
 * what is else the whole disk.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/clone.h>
#include <hf/disk.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/shared.h>
#include <hf/thread.h>

#include "guest.h"
#include "whole.h"

#define SECTOR  DISK_SECTOR_BYTES
#define PAGE    4096u
#define THREADS 16u
#define CHUNK   (64u * 1024)
#define FOREVER 0u
/* What a child reads that is ended meanwhile. */
#define LAST_BYTES (512u * 1024)

static struct hf_disk disk;
static uint32_t whole;

/* Byte `at` of the disk, in the version `round` of it. */
static uint8_t pattern(uint64_t at, unsigned round)
{
    return (uint8_t)(at * 7 + at / SECTOR * 13 + at / 65536 * 5 + round * 101);
}

static bool is_pattern(const uint8_t *bytes, uint64_t at, uint64_t count, unsigned round)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != pattern(at + i, round)) {
            printf("byte %" PRIu64 ": 0x%x, not 0x%x\n", at + i, bytes[i], pattern(at + i, round));
            return false;
        }
    }
    return true;
}

static void fill(uint8_t *bytes, uint64_t at, uint64_t count, unsigned round)
{
    for (uint64_t i = 0; i < count; i++) {
        bytes[i] = pattern(at + i, round);
    }
}

static uint8_t *memory(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guest_expect("memory", at != MAP_FAILED);
    return at;
}

static struct disk_counts_rep counts(void)
{
    struct disk_counts_rep rep;
    guest_check("counts", hf_disk_counts(&disk, &rep));
    return rep;
}

static uint64_t whole_bytes(void)
{
    uint64_t first;
    uint64_t sectors;
    whole_find(&disk, whole, &first, &sectors);
    return sectors * SECTOR;
}

/* Print everything that the disk says of itself. */
static void show(void)
{
    struct disk_info_rep info;
    struct disk_partition_rep partition;
    char name[DISK_NAME_BYTES];
    guest_check("info", hf_disk_info(&disk, &info));
    printf("sectors %" PRIu64 " block %" PRIu32 " flags %" PRIx32 " partitions %" PRIu32
           " left out %" PRIu32 "\n",
           info.sectors, info.block_bytes, info.flags, info.partitions, info.left_out);
    for (uint32_t i = 0; hf_disk_partition(&disk, i, &partition) == ERR_OK; i++) {
        guest_check("name", hf_disk_name(&disk, i, name));
        printf("partition %" PRIu32 " first %" PRIu64 " sectors %" PRIu64 " kind %" PRIu32
               " name %s\n",
               partition.partition, partition.first, partition.sectors, partition.kind, name);
    }
}

/* All of the disk is the pattern: read in odd pieces, at odd places in their pages. */
static void read_all(void)
{
    const uint64_t bytes = whole_bytes();
    uint8_t *buffer = memory(3 * DISK_TRANSFER_BYTES);
    uint64_t size = SECTOR;
    for (uint64_t at = 0; at < bytes; at += size) {
        size = size * 3 % (2 * DISK_TRANSFER_BYTES) / SECTOR * SECTOR + SECTOR;
        size = size < bytes - at ? size : bytes - at;
        uint8_t *to = buffer + at / SECTOR % 8 * SECTOR;
        guest_check("read", hf_disk_read(&disk, whole, at, to, size));
        guest_expect("what was read", is_pattern(to, at, size, 0));
    }
}

struct worker {
    struct hf_thread thread;
    unsigned index;
    unsigned round;
    uint64_t bytes;
    uint8_t *buffer;
};

/* Each writes every THREADS-th chunk, then reads it back into memory that held something else. */
static void work(void *argument)
{
    const struct worker *worker = argument;
    for (uint64_t at = worker->index * (uint64_t)CHUNK; at < worker->bytes;
         at += (uint64_t)THREADS * CHUNK) {
        fill(worker->buffer, at, CHUNK, worker->round);
        guest_check("write", hf_disk_write(&disk, whole, at, worker->buffer, CHUNK));
        memset(worker->buffer, 0xee, CHUNK);
        guest_check("read", hf_disk_read(&disk, whole, at, worker->buffer, CHUNK));
        guest_expect("what was written", is_pattern(worker->buffer, at, CHUNK, worker->round));
    }
}

/* Many requests, and all of them right; a device that is slow has some of them at once. */
static void write_all(unsigned round, bool is_slow)
{
    static struct worker workers[THREADS];
    const uint64_t bytes = whole_bytes();
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] =
            (struct worker){.index = i, .round = round, .bytes = bytes, .buffer = memory(CHUNK)};
        guest_check("thread", hf_thread_run(&workers[i].thread, 8, work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        hf_thread_join(&workers[i].thread);
    }
    guest_check("flush", hf_disk_flush(&disk));
    const struct disk_counts_rep done = counts();
    printf("depth %" PRIu64 " writes %" PRIu64 " flushes %" PRIu64 " errors %" PRIu64 "\n",
           done.depth_max, done.writes, done.flushes, done.errors);
    guest_expect("more than one request at once", !is_slow || done.depth_max > 1);
}

/* What is refused, and how. */
static void refuse(void)
{
    uint8_t *buffer = memory(8 * PAGE);
    const uint64_t end = whole_bytes();
    const uint32_t second = whole == DISK_WHOLE ? 2 : whole + 1; /* a partition */
    guest_expect("behind the end", hf_disk_read(&disk, whole, end, buffer, SECTOR) == ERR_INVAL);
    guest_expect("over the end",
                 hf_disk_read(&disk, whole, end - SECTOR, buffer, 2 * SECTOR) == ERR_INVAL);
    guest_expect("far away",
                 hf_disk_read(&disk, whole, UINT64_MAX - 511, buffer, SECTOR) == ERR_INVAL);
    guest_expect("an odd size", hf_disk_read(&disk, whole, 0, buffer, 100) == ERR_INVAL);
    guest_expect("an odd place", hf_disk_read(&disk, whole, 100, buffer, SECTOR) == ERR_INVAL);
    guest_expect("odd memory", hf_disk_read(&disk, whole, 0, buffer + 8, SECTOR) == ERR_INVAL);
    guest_expect("no partition", hf_disk_read(&disk, 77, 0, buffer, SECTOR) == ERR_NOENT);
    guest_check("unmap", munmap(buffer + PAGE, PAGE) == 0 ? ERR_OK : ERR_FAULT);
    guest_expect("a hole", hf_disk_read(&disk, whole, 0, buffer, 2 * PAGE) == ERR_FAULT);
    guest_expect("nothing", hf_disk_read(&disk, whole, 0, (void *)PAGE, SECTOR) == ERR_FAULT);
    guest_check("protect", mprotect(buffer, PAGE, PROT_READ) == 0 ? ERR_OK : ERR_FAULT);
    guest_expect("constant memory", hf_disk_read(&disk, whole, 0, buffer, SECTOR) == ERR_FAULT);
    guest_check("constant memory is good enough", hf_disk_write(&disk, second, 0, buffer, SECTOR));
    /* Raw messages: no handle, a wrong one, words that are reserved, numbers that do not exist. */
    struct hf_message message = {.words = {DISK_READ, 0, SECTOR, (uint64_t)buffer}};
    guest_check("call", hf_call(disk.endpoint, &message));
    guest_expect("no handle", message.words[0] == ERR_INVAL);
    message = (struct hf_message){
        .tag = HF_HANDLE_AT(7),
        .words = {DISK_READ, 0, SECTOR, (uint64_t)buffer, 0, 0, 0, disk.endpoint}};
    guest_check("call", hf_call(disk.endpoint, &message));
    guest_expect("not a handle to a space", message.words[0] != ERR_OK);
    message =
        (struct hf_message){.tag = HF_HANDLE_AT(7),
                            .words = {DISK_READ, 0, SECTOR, (uint64_t)buffer, 0, 0, 0, HANDLE_LOG}};
    guest_check("call", hf_call(disk.endpoint, &message));
    guest_expect("not the memory server's", message.words[0] != ERR_OK);
    for (uint64_t number = 0; number < 20; number++) {
        message = (struct hf_message){.words = {number, 0, 0, 0, 0, 0, 1}};
        guest_check("call", hf_call(disk.endpoint, &message));
        guest_expect("a reserved word", message.words[0] != ERR_OK);
    }
    message = (struct hf_message){.words = {UINT64_MAX}};
    guest_check("call", hf_call(disk.endpoint, &message));
    guest_expect("no such request", message.words[0] == ERR_NOSYS);
    const struct disk_counts_rep done = counts();
    guest_expect("none of these was the device's error", done.errors == 0 && done.lies == 0);
}

/* A disk that may only be read. */
static void read_only(void)
{
    struct disk_info_rep info;
    uint8_t *buffer = memory(PAGE);
    guest_check("info", hf_disk_info(&disk, &info));
    guest_expect("it says so", (info.flags & DISK_READ_ONLY) != 0);
    guest_expect("no write", hf_disk_write(&disk, whole, 0, buffer, PAGE) == ERR_ROFS);
    guest_check("read", hf_disk_read(&disk, whole, 0, buffer, PAGE));
    guest_check("flush", hf_disk_flush(&disk));
    read_all();
}

/* Answers that are held for a time: all come, and all are right. */
static void delay(uint64_t seed)
{
    guest_check("delay", hf_disk_delay(&disk, seed, hf_env()->timebase_hz / 200));
    write_all(3, false);
    guest_check("delay", hf_disk_delay(&disk, 0, 0));
}

static struct mem_pins_rep pins(void)
{
    struct mem_pins_rep rep;
    guest_check("pins", hf_pins(HF_OWN_SPACE, MEM_PINS_BY, 0, 0, NULL, &rep));
    return rep;
}

/* That memory holds nothing but 0xc3: its first byte does, and each is as the one before. */
static void expect_own(const uint8_t *all, uint64_t bytes)
{
    guest_expect("nobody else wrote here", all[0] == 0xc3 && memcmp(all, all + 1, bytes - 1) == 0);
}

/* A child has the disk write into its pages, and is ended meanwhile; its frames must not become
 * anybody's before the device is done with them. Whoever gets memory meanwhile, more than once
 * around, fills it and looks at it again when the disk has long finished. */
static void client_dies(void)
{
    struct hf_process child;
    struct mem_next_rep end;
    bool is_child = false;
    /* The host lets the first bytes pass at once, and has the next wait for some seconds. */
    guest_check("read", hf_disk_read(&disk, whole, 0, memory(LAST_BYTES), LAST_BYTES));
    guest_check("clone", hf_clone(&child, &is_child));
    if (is_child) {
        struct hf_disk own;
        uint8_t *buffer = memory(LAST_BYTES);
        guest_check("open", hf_disk_open(FOREVER, &own));
        guest_check("read", hf_disk_read(&own, whole, 0, buffer, LAST_BYTES));
        exit(0);
    }
    struct disk_info_rep info = {.flying = 0};
    bool has_ended = false;
    while (info.flying == 0 && !has_ended) {
        guest_check("info", hf_disk_info(&disk, &info));
        has_ended = hf_next(1, &end) == ERR_OK;
    }
    (void)hf_space_end(child.space, 0); /* STALE: it has ended */
    if (has_ended || hf_process_wait(&child, &end) == ERR_SRCH) {
        client_dies(); /* a card may be quicker: it had ended, and is forgotten; once more */
        return;
    }
    struct mem_stats_rep stats;
    guest_check("stats", hf_stats(&stats));
    guest_check("info", hf_disk_info(&disk, &info));
    const uint64_t detained = pins().detained;
    printf("detained %" PRIu64 ", in flight %" PRIu32 "\n", detained, info.flying);
    const bool is_card = (info.flags & DISK_CARD) != 0; /* nothing slows one: it may be done */
    guest_expect("the device is not done with them", is_card || info.flying > 0);
    guest_expect("its pages are kept", is_card || detained >= LAST_BYTES / PAGE);
    const uint64_t bytes = (stats.free - 200) * PAGE / 2;
    uint8_t *all = memory(bytes);
    memset(all, 0xc3, bytes);
    while (pins().detained > 0) {
        guest_check("yield", hf_yield());
    }
    expect_own(all, bytes);
}

static atomic_bool driver_has_ended;

/* Read until the driver ends: what comes then is either that, or the data by another one. */
static void read_on(void *argument)
{
    enum err error;
    do {
        error = hf_disk_read(&disk, whole, 0, argument, LAST_BYTES);
    } while (error == ERR_OK && !atomic_load(&driver_has_ended));
    printf("the transfer ends with: %s\n", hf_strerror(error));
}

/* End the process of this name, which this one may. */
static void end_process(const char *name)
{
    struct mem_look_rep process;
    uint64_t after = 0;
    while (hf_look(after, &process) == ERR_OK) {
        if (strncmp(process.name, name, sizeof(process.name)) == 0) {
            guest_check("end", hf_space_end(process.space, 0));
            guest_check("close", hf_handle_close(process.space));
            return;
        }
        guest_check("close", hf_handle_close(process.space));
        after = process.space_id;
    }
    guest_expect("a process of that name", false);
}

/* End the driver while the device writes into the buffer. */
static void end_driver_amid(uint8_t *buffer)
{
    static struct hf_thread reader;
    struct disk_info_rep info = {.flying = 0};
    guest_check("read", hf_disk_read(&disk, whole, 0, memory(LAST_BYTES), LAST_BYTES));
    guest_check("thread", hf_thread_run(&reader, 8, read_on, buffer));
    while (info.flying == 0) {
        guest_check("info", hf_disk_info(&disk, &info));
    }
    end_process("bin/disk");
    atomic_store(&driver_has_ended, true);
    hf_thread_join(&reader);
}

/*
 * The driver is ended while the device writes into pages of this process, which then gives them
 * back and fills all memory that it gets: the device must not be seen to write there.
 */
static void driver_dies(void)
{
    struct mem_stats_rep stats;
    uint8_t *buffer = memory(LAST_BYTES);
    end_driver_amid(buffer);
    guest_check("unmap", munmap(buffer, LAST_BYTES) == 0 ? ERR_OK : ERR_FAULT);
    const uint64_t kept = pins().quarantined;
    printf("in quarantine: %" PRIu64 "\n", kept);
    guest_expect("the pages of the transfer and the queue", kept >= LAST_BYTES / PAGE + 18);
    guest_check("stats", hf_stats(&stats));
    const uint64_t bytes = (stats.free - 200) * PAGE;
    uint8_t *all = memory(bytes);
    memset(all, 0xc3, bytes);
    for (unsigned turn = 0; turn < 7; turn++) {
        sleep(1); /* the host writes what it was asked for */
        expect_own(all, bytes);
    }
    guest_expect("still in quarantine", pins().quarantined == kept);
}

/* The driver is ended, and another one takes its place, which frees what was in quarantine. */
static void driver_returns(void)
{
    end_driver_amid(memory(LAST_BYTES));
    read_all();
    guest_expect("nothing is in quarantine", pins().quarantined == 0);
    write_all(6, false);
}

/* A partition as memory. Returns: where; `bytes`: how many. */
static uint8_t *map_partition(unsigned partition, uint64_t prot, uint64_t flags, uint64_t *bytes)
{
    uint64_t address = 0;
    struct hf_map map = {.prot = prot, .flags = flags};
    guest_check("object", hf_disk_object(&disk, partition, &map.object, bytes));
    map.length = *bytes;
    guest_check("map", hf_map(map, &address));
    guest_check("close", hf_shared_close(map.object)); /* the region keeps it */
    return (uint8_t *)address;
}

/* The partition, which begins at byte `start` of the disk, is the pattern; then that of `round`. */
static void map_and_write(unsigned partition, unsigned round, uint64_t start)
{
    const uint64_t prot = MEM_PROT_READ | MEM_PROT_WRITE;
    uint64_t bytes = 0;
    uint64_t more = 0;
    uint8_t *at = map_partition(partition, prot, MEM_MAP_SHARED, &bytes);
    uint8_t *own = map_partition(partition, prot, MEM_MAP_PRIVATE, &more);
    guest_expect("one size", bytes == more);
    guest_expect("what is mapped", is_pattern(at, start, bytes, 0));
    fill(own, start, bytes, round + 1); /* which nobody else sees */
    fill(at, start, bytes, round);
    guest_expect("what is behind the end is zero", bytes % PAGE == 0 || at[bytes] == 0);
    guest_expect("msync", msync(at, bytes, MS_SYNC) == 0);
    guest_expect("it is still there", is_pattern(at, start, bytes, round));
    guest_expect("what is private", is_pattern(own, start, bytes, round + 1));
    const unsigned char *kept = memory(bytes);
    guest_check("read", hf_disk_read(&disk, partition, 0, (void *)kept, bytes));
    guest_expect("what was saved", is_pattern(kept, start, bytes, round));
    /* A second time, so that what was clean is noticed to be written to. */
    at[0] ^= 0xff;
    guest_expect("msync again", msync(at, bytes, MS_SYNC) == 0);
    at[0] ^= 0xff;
    guest_expect("msync once more", msync(at, bytes, MS_SYNC) == 0);
}

/* Whether a child that reads there ends with a bus error. */
static bool is_bus_error(const volatile uint8_t *at)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        (void)*at;
        _exit(0);
    }
    guest_expect("the child", waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* A page of the disk in which one sector cannot be read; the others can. */
static void map_bad(uint64_t page)
{
    uint64_t bytes = 0;
    const uint8_t *at = map_partition(whole, MEM_PROT_READ, MEM_MAP_SHARED, &bytes);
    guest_expect("a bus error", is_bus_error(at + page * PAGE));
    guest_expect("what can be read",
                 is_pattern(at + (page + 1) * PAGE, (page + 1) * PAGE, PAGE, 0));
}

/* What is written is not SYNCed: it must be on the disk some seconds later all the same. */
static void map_and_leave(unsigned round, unsigned seconds)
{
    uint64_t bytes = 0;
    uint8_t *at = map_partition(whole, MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED, &bytes);
    const uint64_t writes = counts().writes;
    const uint64_t before = hf_time_now();
    fill(at, 0, bytes, round);
    const bool is_old = hf_time_now() - before > 4 * hf_env()->timebase_hz; /* a card is slow */
    guest_expect("it is not written at once", is_old || counts().writes == writes);
    guest_check("unmap", munmap(at, bytes / 2) == 0 ? ERR_OK : ERR_FAULT);
    sleep(seconds);
    printf("writes %" PRIu64 "\n", counts().writes - writes);
}

static void map_read_only(void)
{
    uint64_t bytes = 0;
    uint64_t address = 0;
    const uint8_t *at = map_partition(whole, MEM_PROT_READ, MEM_MAP_SHARED, &bytes);
    struct hf_map map = {
        .prot = MEM_PROT_READ | MEM_PROT_WRITE, .flags = MEM_MAP_SHARED, .length = bytes};
    guest_expect("what is mapped", is_pattern(at, 0, bytes, 0));
    guest_check("object", hf_disk_object(&disk, whole, &map.object, &bytes));
    guest_expect("no writing", hf_map(map, &address) == ERR_ACCES);
    guest_expect("no such partition", hf_disk_object(&disk, 5, &map.object, &bytes) == ERR_NOENT);
}

int main(int argc, char **argv)
{
    whole = whole_take(&argc, &argv);
    const char *what = argc > 1 ? argv[1] : "";
    const unsigned number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
    const enum err error = hf_disk_open(1, &disk);
    if (strcmp(what, "absent") == 0) {
        guest_expect("there is none", error == ERR_NOENT);
        return 0;
    }
    guest_check("open", error);
    if (strcmp(what, "show") == 0) {
        show();
    } else if (strcmp(what, "read") == 0) {
        read_all();
    } else if (strcmp(what, "write") == 0) {
        write_all(number, argc > 3);
    } else if (strcmp(what, "refuse") == 0) {
        refuse();
    } else if (strcmp(what, "read-only") == 0) {
        read_only();
    } else if (strcmp(what, "map") == 0) {
        map_and_write((unsigned)strtoul(argv[3], NULL, 0), number, strtoul(argv[4], NULL, 0));
    } else if (strcmp(what, "map-leave") == 0) {
        map_and_leave(number, (unsigned)strtoul(argv[3], NULL, 0));
    } else if (strcmp(what, "map-bad") == 0) {
        map_bad(number);
    } else if (strcmp(what, "map-read-only") == 0) {
        map_read_only();
    } else if (strcmp(what, "delay") == 0) {
        delay(number);
    } else if (strcmp(what, "driver-dies") == 0) {
        driver_dies();
    } else if (strcmp(what, "driver-returns") == 0) {
        driver_returns();
    } else if (strcmp(what, "client-dies") == 0) {
        client_dies();
    } else {
        return 2;
    }
    hf_disk_close(&disk);
    printf("done\n");
    return 0;
}
