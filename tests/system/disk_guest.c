/* SPDX-License-Identifier: MIT */
/*
 * The program of disk_test.py: uses the disk as its first argument says, and ends with 0 if all was
 * as it should be. Bytes of sector s of the disk are expected to be, and are written as, those of
 * pattern(): the host makes and checks the same ones.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hf/clone.h>
#include <hf/disk.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/thread.h>

#define SECTOR  DISK_SECTOR_BYTES
#define PAGE    4096u
#define THREADS 16u
#define CHUNK   (64u * 1024)
#define FOREVER 0u
/* What a child reads that is ended meanwhile. */
#define LAST_BYTES (512u * 1024)

static struct hf_disk disk;

static void fail(const char *what, enum err error)
{
    printf("failed: %s: %s\n", what, hf_strerror(error));
    exit(1);
}

static void check(const char *what, enum err error)
{
    if (error != ERR_OK) {
        fail(what, error);
    }
}

static void expect(const char *what, bool holds)
{
    if (!holds) {
        printf("failed: %s\n", what);
        exit(1);
    }
}

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
    expect("memory", at != MAP_FAILED);
    return at;
}

static struct disk_counts_rep counts(void)
{
    struct disk_counts_rep rep;
    check("counts", hf_disk_counts(&disk, &rep));
    return rep;
}

/* Print everything that the disk says of itself. */
static void show(void)
{
    struct disk_info_rep info;
    struct disk_partition_rep partition;
    char name[DISK_NAME_BYTES];
    check("info", hf_disk_info(&disk, &info));
    printf("sectors %" PRIu64 " block %" PRIu32 " flags %" PRIx32 " partitions %" PRIu32
           " left out %" PRIu32 "\n",
           info.sectors, info.block_bytes, info.flags, info.partitions, info.left_out);
    for (uint32_t i = 0; hf_disk_partition(&disk, i, &partition) == ERR_OK; i++) {
        check("name", hf_disk_name(&disk, i, name));
        printf("partition %" PRIu32 " first %" PRIu64 " sectors %" PRIu64 " kind %" PRIu32
               " name %s\n",
               partition.partition, partition.first, partition.sectors, partition.kind, name);
    }
}

/* All of the disk is the pattern: read in odd pieces, at odd places in their pages. */
static void read_all(void)
{
    struct disk_info_rep info;
    check("info", hf_disk_info(&disk, &info));
    const uint64_t bytes = info.sectors * SECTOR;
    uint8_t *buffer = memory(3 * DISK_TRANSFER_BYTES);
    uint64_t size = SECTOR;
    for (uint64_t at = 0; at < bytes; at += size) {
        size = size * 3 % (2 * DISK_TRANSFER_BYTES) / SECTOR * SECTOR + SECTOR;
        size = size < bytes - at ? size : bytes - at;
        uint8_t *to = buffer + at / SECTOR % 8 * SECTOR;
        check("read", hf_disk_read(&disk, DISK_WHOLE, at, to, size));
        expect("what was read", is_pattern(to, at, size, 0));
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
        check("write", hf_disk_write(&disk, DISK_WHOLE, at, worker->buffer, CHUNK));
        memset(worker->buffer, 0xee, CHUNK);
        check("read", hf_disk_read(&disk, DISK_WHOLE, at, worker->buffer, CHUNK));
        expect("what was written", is_pattern(worker->buffer, at, CHUNK, worker->round));
    }
}

/* Many requests in flight, and all of them right. */
static void write_all(unsigned round)
{
    static struct worker workers[THREADS];
    struct disk_info_rep info;
    check("info", hf_disk_info(&disk, &info));
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .index = i, .round = round, .bytes = info.sectors * SECTOR, .buffer = memory(CHUNK)};
        check("thread", hf_thread_run(&workers[i].thread, 8, work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        hf_thread_join(&workers[i].thread);
    }
    check("flush", hf_disk_flush(&disk));
    const struct disk_counts_rep done = counts();
    printf("depth %" PRIu64 " writes %" PRIu64 " flushes %" PRIu64 " errors %" PRIu64 "\n",
           done.depth_max, done.writes, done.flushes, done.errors);
    expect("more than one request at once", done.depth_max > 1);
}

/* What is refused, and how. */
static void refuse(void)
{
    struct disk_info_rep info;
    uint8_t *buffer = memory(8 * PAGE);
    check("info", hf_disk_info(&disk, &info));
    const uint64_t end = info.sectors * SECTOR;
    expect("behind the end", hf_disk_read(&disk, DISK_WHOLE, end, buffer, SECTOR) == ERR_INVAL);
    expect("over the end",
           hf_disk_read(&disk, DISK_WHOLE, end - SECTOR, buffer, 2 * SECTOR) == ERR_INVAL);
    expect("far away",
           hf_disk_read(&disk, DISK_WHOLE, UINT64_MAX - 511, buffer, SECTOR) == ERR_INVAL);
    expect("an odd size", hf_disk_read(&disk, DISK_WHOLE, 0, buffer, 100) == ERR_INVAL);
    expect("an odd place", hf_disk_read(&disk, DISK_WHOLE, 100, buffer, SECTOR) == ERR_INVAL);
    expect("odd memory", hf_disk_read(&disk, DISK_WHOLE, 0, buffer + 8, SECTOR) == ERR_INVAL);
    expect("no partition", hf_disk_read(&disk, 77, 0, buffer, SECTOR) == ERR_NOENT);
    check("unmap", munmap(buffer + PAGE, PAGE) == 0 ? ERR_OK : ERR_FAULT);
    expect("a hole", hf_disk_read(&disk, DISK_WHOLE, 0, buffer, 2 * PAGE) == ERR_FAULT);
    expect("nothing", hf_disk_read(&disk, DISK_WHOLE, 0, (void *)PAGE, SECTOR) == ERR_FAULT);
    check("protect", mprotect(buffer, PAGE, PROT_READ) == 0 ? ERR_OK : ERR_FAULT);
    expect("constant memory", hf_disk_read(&disk, DISK_WHOLE, 0, buffer, SECTOR) == ERR_FAULT);
    check("constant memory is good enough", hf_disk_write(&disk, 2, 0, buffer, SECTOR));
    /* Raw messages: no handle, a wrong one, words that are reserved, numbers that do not exist. */
    struct hf_message message = {.words = {DISK_READ, 0, SECTOR, (uint64_t)buffer}};
    check("call", hf_call(disk.endpoint, &message));
    expect("no handle", message.words[0] == ERR_INVAL);
    message = (struct hf_message){
        .tag = HF_HANDLE_AT(7),
        .words = {DISK_READ, 0, SECTOR, (uint64_t)buffer, 0, 0, 0, disk.endpoint}};
    check("call", hf_call(disk.endpoint, &message));
    expect("not a handle to a space", message.words[0] != ERR_OK);
    message =
        (struct hf_message){.tag = HF_HANDLE_AT(7),
                            .words = {DISK_READ, 0, SECTOR, (uint64_t)buffer, 0, 0, 0, HANDLE_LOG}};
    check("call", hf_call(disk.endpoint, &message));
    expect("not the memory server's", message.words[0] != ERR_OK);
    for (uint64_t number = 0; number < 20; number++) {
        message = (struct hf_message){.words = {number, 0, 0, 0, 0, 0, 1}};
        check("call", hf_call(disk.endpoint, &message));
        expect("a reserved word", message.words[0] != ERR_OK);
    }
    message = (struct hf_message){.words = {UINT64_MAX}};
    check("call", hf_call(disk.endpoint, &message));
    expect("no such request", message.words[0] == ERR_NOSYS);
    const struct disk_counts_rep done = counts();
    expect("none of these was the device's error", done.errors == 0 && done.lies == 0);
}

/* A disk that may only be read. */
static void read_only(void)
{
    struct disk_info_rep info;
    uint8_t *buffer = memory(PAGE);
    check("info", hf_disk_info(&disk, &info));
    expect("it says so", (info.flags & DISK_READ_ONLY) != 0);
    expect("no write", hf_disk_write(&disk, DISK_WHOLE, 0, buffer, PAGE) == ERR_ROFS);
    check("read", hf_disk_read(&disk, DISK_WHOLE, 0, buffer, PAGE));
    check("flush", hf_disk_flush(&disk));
    read_all();
}

/* Answers that are held for a time: all come, and all are right. */
static void delay(uint64_t seed)
{
    check("delay", hf_disk_delay(&disk, seed, hf_env()->timebase_hz / 200));
    write_all(3);
    check("delay", hf_disk_delay(&disk, 0, 0));
}

static struct mem_pins_rep pins(void)
{
    struct mem_pins_rep rep;
    check("pins", hf_pins(HF_OWN_SPACE, MEM_PINS_BY, 0, 0, NULL, &rep));
    return rep;
}

/*
 * A child has the disk write into its pages, and is ended meanwhile; its frames must not become
 * anybody's before the device is done with them. Whoever gets memory meanwhile fills it and looks
 * at it again when the disk has long finished.
 */
static void client_dies(void)
{
    struct hf_process child;
    struct mem_next_rep end;
    bool is_child = false;
    /* The host lets the first bytes pass at once, and has the next wait for some seconds. */
    check("read", hf_disk_read(&disk, DISK_WHOLE, 0, memory(LAST_BYTES), LAST_BYTES));
    check("clone", hf_clone(&child, &is_child));
    if (is_child) {
        struct hf_disk own;
        uint8_t *buffer = memory(LAST_BYTES);
        check("open", hf_disk_open(FOREVER, &own));
        check("read", hf_disk_read(&own, DISK_WHOLE, 0, buffer, LAST_BYTES));
        exit(0);
    }
    struct disk_info_rep info = {.flying = 0};
    while (info.flying == 0) {
        check("info", hf_disk_info(&disk, &info));
    }
    check("kill", hf_space_end(child.space, 0));
    check("wait", hf_process_wait(&child, &end));
    /* Take all that can be had, more than once around: the child's pages would be among it. */
    struct mem_stats_rep stats;
    check("stats", hf_stats(&stats));
    check("info", hf_disk_info(&disk, &info));
    const uint64_t detained = pins().detained;
    printf("detained %" PRIu64 ", in flight %" PRIu32 "\n", detained, info.flying);
    expect("the device is not done with them", info.flying > 0);
    expect("its pages are kept", detained >= LAST_BYTES / PAGE);
    const uint64_t bytes = (stats.free - 200) * PAGE / 2;
    uint8_t *all = memory(bytes);
    memset(all, 0xc3, bytes);
    while (pins().detained > 0) {
        check("yield", hf_yield());
    }
    for (uint64_t i = 0; i < bytes; i++) {
        expect("nobody else wrote here", all[i] == 0xc3);
    }
}

static void read_on(void *argument)
{
    /* Its driver ends: what comes is either that, or the data by another one. */
    const enum err error = hf_disk_read(&disk, DISK_WHOLE, 0, argument, LAST_BYTES);
    printf("the transfer ends with: %s\n", hf_strerror(error));
}

/* End the process of this name, which this one may. */
static void end_process(const char *name)
{
    struct mem_look_rep process;
    uint64_t after = 0;
    while (hf_look(after, &process) == ERR_OK) {
        if (strncmp(process.name, name, sizeof(process.name)) == 0) {
            check("end", hf_space_end(process.space, 0));
            check("close", hf_handle_close(process.space));
            return;
        }
        check("close", hf_handle_close(process.space));
        after = process.space_id;
    }
    expect("a process of that name", false);
}

/*
 * The driver is ended while the device writes into pages of this process, which then gives them
 * back and fills all memory that it gets: the device must not be seen to write there.
 */
static void driver_dies(void)
{
    static struct hf_thread reader;
    struct disk_info_rep info = {.flying = 0};
    struct mem_stats_rep stats;
    uint8_t *buffer = memory(LAST_BYTES);
    check("read", hf_disk_read(&disk, DISK_WHOLE, 0, memory(LAST_BYTES), LAST_BYTES));
    check("thread", hf_thread_run(&reader, 8, read_on, buffer));
    while (info.flying == 0) {
        check("info", hf_disk_info(&disk, &info));
    }
    end_process("bin/disk");
    hf_thread_join(&reader);
    check("unmap", munmap(buffer, LAST_BYTES) == 0 ? ERR_OK : ERR_FAULT);
    const uint64_t kept = pins().quarantined;
    printf("in quarantine: %" PRIu64 "\n", kept);
    expect("the pages of the transfer and the queue", kept >= LAST_BYTES / PAGE + 18);
    check("stats", hf_stats(&stats));
    const uint64_t bytes = (stats.free - 200) * PAGE;
    uint8_t *all = memory(bytes);
    memset(all, 0xc3, bytes);
    for (unsigned turn = 0; turn < 5; turn++) {
        sleep(3); /* the host writes what it was asked for */
        for (uint64_t i = 0; i < bytes; i++) {
            expect("nobody else wrote here", all[i] == 0xc3);
        }
    }
    expect("still in quarantine", pins().quarantined == kept);
}

/* The driver is ended, and another one takes its place, which frees what was in quarantine. */
static void driver_returns(void)
{
    static struct hf_thread reader;
    struct disk_info_rep info = {.flying = 0};
    check("read", hf_disk_read(&disk, DISK_WHOLE, 0, memory(LAST_BYTES), LAST_BYTES));
    check("thread", hf_thread_run(&reader, 8, read_on, memory(LAST_BYTES)));
    while (info.flying == 0) {
        check("info", hf_disk_info(&disk, &info));
    }
    end_process("bin/disk");
    hf_thread_join(&reader);
    read_all();
    expect("nothing is in quarantine", pins().quarantined == 0);
    write_all(6);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const unsigned number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
    const enum err error = hf_disk_open(1, &disk);
    if (strcmp(what, "absent") == 0) {
        expect("there is none", error == ERR_NOENT);
        return 0;
    }
    check("open", error);
    if (strcmp(what, "show") == 0) {
        show();
    } else if (strcmp(what, "read") == 0) {
        read_all();
    } else if (strcmp(what, "write") == 0) {
        write_all(number);
    } else if (strcmp(what, "refuse") == 0) {
        refuse();
    } else if (strcmp(what, "read-only") == 0) {
        read_only();
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
