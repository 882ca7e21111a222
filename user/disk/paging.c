/* SPDX-License-Identifier: MIT */
#include "paging.h"

#include <stdio.h>
#include <stdlib.h>

#include <disk/proto.h>
#include <hf/disk.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/kernel.h>
#include <hf/mutex.h>
#include <hf/pager.h>
#include <hf/shared.h>
#include <hf/thread.h>

#include "gpt.h"

#define OBJECTS_MAX (GPT_PARTITIONS_MAX + 1)
/* A key: the sector at which a partition or file begins, the partition's number, what it is for. */
#define KEY_NUMBER_SHIFT 48
#define KEY_NUMBER_BITS  UINT64_C(0x3fff)
#define KEY_FILE         (UINT64_C(1) << 62)
#define KEY_SWAP         (UINT64_C(1) << 63)
#define KEY_FIRST_BITS   ((UINT64_C(1) << KEY_NUMBER_SHIFT) - 1)
/*
 * Whose pages come late is better off than whose pages do not come; and the workers share one
 * device, whose own time limits say when it is dead.
 */
#define DEADLINE_MS 30000u
#define WINDOW      (MEM_PAGER_WINDOW_MAX / 2)
#define WORKERS     4u

struct entry {
    struct paging_place place;
    uint64_t number; /* of the object; 0: there is none */
    uint64_t handle;
    uint64_t key;
    bool is_swap;
    bool is_lost; /* there is no such partition any longer */
};

/* What workers do that have begun. */
enum gate {
    GATE_CLOSED, /* they wait */
    GATE_OPEN,   /* they serve */
    GATE_SHUT,   /* they end */
};

/* A thread of the pager. */
struct worker {
    struct hf_thread thread;
    unsigned char *buffer;
    const struct entry *entry; /* what it works on: these pages; NULL: nothing. Under `lock` */
    uint64_t first;
    uint64_t pages;
};

/* Those that are used stand at the front. */
static struct entry entries[OBJECTS_MAX];
static struct entry *file_entries; /* PAGING_FILES_MAX of them; NULL: there are no files yet */
static struct hf_disk disk;
static struct worker workers[WORKERS];
static uint32_t started; /* of the workers */
static struct hf_mutex lock;
static struct hf_condition settled; /* a worker is done, or the gate another */
static enum gate gate;              /* under `lock` */

static uint64_t key_of(const struct paging_place *place)
{
    return (place->skip != 0 ? KEY_SWAP : 0) | (place->is_file ? KEY_FILE : 0) |
           (uint64_t)place->partition << KEY_NUMBER_SHIFT | (place->first & KEY_FIRST_BITS);
}

static struct paging_place place_of(uint64_t key, uint64_t bytes)
{
    return (struct paging_place){
        .partition = (uint32_t)(key >> KEY_NUMBER_SHIFT & KEY_NUMBER_BITS),
        .is_read_only = (key & KEY_FILE) != 0,
        .is_file = (key & KEY_FILE) != 0,
        .first = key & KEY_FIRST_BITS,
        .bytes = bytes,
        .skip = (key & KEY_SWAP) != 0 ? HF_PAGE_BYTES : 0,
    };
}

/* The entry of a key, or the first that is free; NULL: there is none. */
static struct entry *entry_find(uint64_t key)
{
    const bool is_file = (key & KEY_FILE) != 0;
    if (is_file && file_entries == NULL) {
        file_entries = calloc(PAGING_FILES_MAX, sizeof(*file_entries));
    }
    struct entry *entry = is_file ? file_entries : entries;
    for (uint32_t left = is_file ? PAGING_FILES_MAX : OBJECTS_MAX; entry != NULL && left > 0;
         entry++, left--) {
        if (entry->number == 0 || entry->key == key) {
            return entry;
        }
    }
    return NULL;
}

/* How much of these pages is on the disk. */
static uint64_t bytes_of(const struct entry *entry, uint64_t first, uint64_t pages)
{
    const uint64_t at = first * HF_PAGE_BYTES;
    const uint64_t all = pages * HF_PAGE_BYTES;
    const uint64_t left = at < entry->place.bytes ? entry->place.bytes - at : 0;
    return all < left ? all : left;
}

/* Whether it means that the work was withdrawn: it took too long, or the object lost its pages. */
static bool is_too_late(enum err error)
{
    return error == ERR_STALE || error == ERR_EXIST || error == ERR_RANGE;
}

/* Read pages of a piece of work, from its page `first` on, into the buffer, with zeros behind. */
static enum err read_pages(const struct worker *worker, const struct mem_pager_next_rep *work,
                           uint64_t first, uint64_t pages)
{
    const struct entry *entry = worker->entry;
    const uint64_t bytes = bytes_of(entry, work->first + first, pages);
    if (entry->is_lost) {
        return ERR_NOENT;
    }
    const struct paging_place *place = &entry->place;
    const uint64_t offset = (work->first + first) * HF_PAGE_BYTES;
    /* The last page of a file is whole on the disk, which has blocks. */
    enum err error =
        place->is_file
            ? hf_disk_read(&disk, DISK_WHOLE, place->first * DISK_SECTOR_BYTES + offset,
                           worker->buffer, (bytes + HF_PAGE_BYTES - 1) & ~(HF_PAGE_BYTES - 1))
            : hf_disk_read(&disk, place->partition, place->skip + offset, worker->buffer, bytes);
    for (uint64_t at = bytes; at < pages * HF_PAGE_BYTES; at++) {
        worker->buffer[at] = 0;
    }
    return error;
}

/* What was read is supplied; what was not, fails, and whoever waits is told. */
static enum err answer(const struct worker *worker, const struct mem_pager_next_rep *work,
                       uint64_t first, uint64_t pages, enum err error)
{
    if (error == ERR_OK) {
        error = hf_pager_supply(DISK_SLOT_PAGER, work, first, pages, MEM_SUPPLY_COPY,
                                (uint64_t)worker->buffer);
        if (error == ERR_OK || is_too_late(error)) {
            return error;
        }
    } else if (error != ERR_NOENT) {
        error = ERR_IO;
    }
    return hf_pager_fail(DISK_SLOT_PAGER, work, first, pages, error);
}

/* Fill pages: all at once, or singly where not all can be read. */
static enum err pull(const struct worker *worker, const struct mem_pager_next_rep *work)
{
    enum err error = read_pages(worker, work, 0, work->pages);
    if (error == ERR_OK || work->pages == 1) {
        return answer(worker, work, 0, work->pages, error);
    }
    error = ERR_OK;
    for (uint64_t i = 0; i < work->pages && error == ERR_OK; i++) {
        error = answer(worker, work, i, 1, read_pages(worker, work, i, 1));
    }
    return error;
}

/* Write pages of a piece of work, from its page `first` on, to the disk, so that they last. */
static enum err write_pages(const struct worker *worker, const struct mem_pager_next_rep *work,
                            uint64_t first, uint64_t pages)
{
    const struct entry *entry = worker->entry;
    const uint64_t place = (work->first + first) * HF_PAGE_BYTES;
    const uint64_t bytes = bytes_of(entry, work->first + first, pages);
    uint64_t copied = 0;
    if (entry->is_lost) {
        return ERR_NOENT;
    }
    enum err error = hf_shared_copy(entry->handle, (uint64_t)worker->buffer, place, bytes,
                                    MEM_COPY_FROM, &copied);
    if (error == ERR_OK && copied != bytes) {
        error = ERR_IO;
    }
    if (error == ERR_OK) {
        error = hf_disk_write(&disk, entry->place.partition, entry->place.skip + place,
                              worker->buffer, bytes);
    }
    if (error == ERR_OK && !entry->is_swap) {
        error = hf_disk_flush(&disk);
    }
    return error == ERR_OK ? ERR_OK : ERR_IO;
}

/* Save pages: all at once, or singly where not all can be written. */
static enum err save(const struct worker *worker, const struct mem_pager_next_rep *work)
{
    enum err error = write_pages(worker, work, 0, work->pages);
    if (error != ERR_IO || work->pages == 1) {
        return hf_pager_wrote(DISK_SLOT_PAGER, work, error);
    }
    error = ERR_OK;
    for (uint64_t i = 0; i < work->pages && error == ERR_OK; i++) {
        error = hf_pager_wrote_part(DISK_SLOT_PAGER, work, i, 1, write_pages(worker, work, i, 1));
    }
    return error;
}

/* Whether another worker is at some of these pages. */
static bool is_taken(const struct entry *entry, uint64_t first, uint64_t pages)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        const struct worker *other = &workers[i];
        if (other->entry == entry && first < other->first + other->pages &&
            other->first < first + pages) {
            return true;
        }
    }
    return false;
}

/* Sleep under `lock`, until something is settled or earlier. */
static void wait_settled(void)
{
    if (hf_condition_wait(&settled, &lock, 0) != ERR_OK) {
        hf_mutex_unlock(&lock); /* there is no memory for sleeping */
        (void)hf_yield();
        hf_mutex_lock(&lock);
    }
}

/*
 * Have the pages of a piece of work to oneself. What was withdrawn, since it took too long, may
 * still be on its way to the disk, where it must not come after what is newer.
 */
static void take(struct worker *worker, const struct mem_pager_next_rep *work)
{
    const struct entry *entry = entry_find(work->key);
    hf_mutex_lock(&lock);
    while (is_taken(entry, work->first, work->pages)) {
        wait_settled();
    }
    worker->entry = entry;
    worker->first = work->first;
    worker->pages = work->pages;
    hf_mutex_unlock(&lock);
}

static void let_go(struct worker *worker)
{
    hf_mutex_lock(&lock);
    worker->entry = NULL;
    hf_mutex_unlock(&lock);
    hf_condition_broadcast(&settled);
}

static void gate_set(enum gate to)
{
    hf_mutex_lock(&lock);
    gate = to;
    hf_mutex_unlock(&lock);
    hf_condition_broadcast(&settled);
}

/* Wait until the gate is open, or shut. Returns: whether it is open. */
static bool gate_pass(void)
{
    hf_mutex_lock(&lock);
    while (gate == GATE_CLOSED) {
        wait_settled();
    }
    const bool is_open = gate == GATE_OPEN;
    hf_mutex_unlock(&lock);
    return is_open;
}

static void serve(void *argument)
{
    struct worker *worker = argument;
    enum err error = ERR_OK;
    if (!gate_pass()) {
        return;
    }
    while (error == ERR_OK) {
        struct mem_pager_next_rep work;
        error = hf_pager_next(DISK_SLOT_PAGER, false, &work);
        if (error == ERR_OK && work.kind != MEM_WORK_GONE) {
            take(worker, &work);
            error = work.kind == MEM_WORK_PULL ? pull(worker, &work) : save(worker, &work);
            let_go(worker);
        }
        error = is_too_late(error) ? ERR_OK : error;
    }
    fprintf(stderr, "disk: partitions are objects no longer: %s\n", hf_strerror(error));
}

static enum err start_worker(struct worker *worker)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = WINDOW * HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };
    enum err error = ERR_OK;
    if (worker->buffer == NULL) {
        error = hf_map(map, &address);
        worker->buffer = error == ERR_OK ? (unsigned char *)address : NULL;
    }
    return error == ERR_OK ? hf_thread_run(&worker->thread, PRIORITY_DEFAULT, serve, worker)
                           : error;
}

/* The pager's threads, which have the disk as its clients have it. */
static enum err start(void)
{
    enum err error = ERR_OK;
    if (disk.space == 0) {
        disk.endpoint = DISK_SLOT_SELF;
        error = hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_PIN, &disk.space);
    }
    while (error == ERR_OK && started < WORKERS) {
        error = start_worker(&workers[started]);
        started += error == ERR_OK ? 1 : 0;
    }
    return error;
}

/* There is nothing to serve yet: what the threads have is for others. */
static void stop(void)
{
    gate_set(GATE_SHUT);
    for (; started > 0; started--) {
        struct worker *worker = &workers[started - 1];
        hf_thread_join(&worker->thread);
        (void)hf_unmap(HF_OWN_SPACE, (uint64_t)worker->buffer, WINDOW * HF_PAGE_BYTES);
        worker->buffer = NULL;
    }
    gate_set(GATE_OPEN);
}

static enum err make(struct entry *entry, const struct paging_place *place)
{
    const struct hf_pager_object made = {
        .key = key_of(place),
        .bytes = place->bytes,
        .flags = MEM_PAGED_WAIT,
        .window = WINDOW,
        .deadline_ms = DEADLINE_MS,
    };
    uint64_t number = 0;
    entry->place = *place;
    entry->key = made.key;
    enum err error = hf_pager_object(DISK_SLOT_PAGER, made, &entry->handle, &number);
    if (error == ERR_OK) {
        entry->number = number;
    }
    return error;
}

/* Take over an object of the driver before. */
static enum err adopt(const struct mem_pager_adopt_rep *adopted,
                      bool (*is_there)(const struct paging_place *place))
{
    struct entry *entry = entry_find(adopted->key);
    if (entry == NULL || entry->number != 0) {
        return ERR_NOSPC;
    }
    entry->place = place_of(adopted->key, adopted->bytes);
    entry->key = adopted->key;
    entry->handle = adopted->object;
    entry->number = adopted->number;
    entry->is_swap = (adopted->flags & MEM_PAGED_SWAP) != 0;
    entry->is_lost = !is_there(&entry->place);
    if (entry->is_lost) {
        fprintf(stderr, "disk: partition %u is not where it was: what was mapped of it is lost\n",
                (unsigned)entry->place.partition);
    }
    return entry->is_lost && entry->is_swap ? hf_swap(MEM_SWAP_OFF, entry->handle, NULL) : ERR_OK;
}

/*
 * The threads come first. What the driver before had is kept for this one until it attaches, but
 * from then on only until frames are plenty: others would fill them before the last thread has what
 * it needs, and nobody could make room. Where there is nothing to serve they go again.
 */
enum err paging_begin(bool (*is_there)(const struct paging_place *place))
{
    struct mem_pager_adopt_rep adopted = {.number = UINT64_MAX};
    enum err error = start();
    if (error == ERR_OK) {
        error = hf_pager_attach(DISK_SLOT_PAGER);
    }
    while (error == ERR_OK) {
        error = hf_pager_adopt(DISK_SLOT_PAGER, adopted.number, &adopted);
        error = error == ERR_OK ? adopt(&adopted, is_there) : error;
    }
    if (error != ERR_NOENT) {
        return error;
    }
    if (paging_count() > 0) {
        gate_set(GATE_OPEN);
    } else {
        stop();
    }
    return ERR_OK;
}

/* The entry of a partition, which has an object from now on. */
static enum err find(const struct paging_place *place, struct entry **found)
{
    struct entry *entry = entry_find(key_of(place));
    enum err error = ERR_OK;
    if (entry == NULL) {
        return ERR_NOSPC;
    }
    if (started < WORKERS) {
        error = start();
    }
    if (error == ERR_OK && entry->number == 0) {
        error = make(entry, place);
    }
    *found = entry;
    return error;
}

/* The partition that is for swap; NULL: none is. */
static const struct entry *swap_entry(void)
{
    for (uint64_t i = 0; i < OBJECTS_MAX && entries[i].number != 0; i++) {
        if (entries[i].is_swap && !entries[i].is_lost) {
            return &entries[i];
        }
    }
    return NULL;
}

enum err paging_object(const struct paging_place *place, uint64_t *handle)
{
    const uint64_t rights =
        MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE | (place->is_read_only ? 0 : MEM_OBJECT_WRITE);
    const struct entry *swap_opt = swap_entry();
    struct entry *entry;
    if (swap_opt != NULL && swap_opt->place.partition == place->partition) {
        return ERR_BUSY;
    }
    enum err error = find(place, &entry);
    return error == ERR_OK ? hf_shared_again(entry->number, rights, handle) : error;
}

enum err paging_swap(const struct paging_place *place)
{
    struct paging_place slots = *place;
    struct entry *entry;
    if (swap_entry() != NULL) {
        return ERR_OK;
    }
    if (place->bytes < 2 * HF_PAGE_BYTES) {
        return ERR_INVAL;
    }
    slots.skip = HF_PAGE_BYTES;
    slots.bytes = (place->bytes - slots.skip) / HF_PAGE_BYTES * HF_PAGE_BYTES;
    enum err error = find(&slots, &entry);
    if (error == ERR_OK) {
        entry->is_swap = true; /* before the first page comes */
        error = hf_swap(MEM_SWAP_ON, entry->handle, NULL);
        entry->is_swap = error == ERR_OK;
    }
    return error;
}

enum err paging_file(const struct paging_place *place, uint64_t *handle)
{
    struct entry *entry;
    enum err error = find(place, &entry);
    if (error == ERR_OK && entry->place.bytes != place->bytes) {
        error = ERR_EXIST;
    }
    return error == ERR_OK
               ? hf_shared_again(entry->number,
                                 MEM_OBJECT_READ | MEM_OBJECT_EXEC | MEM_OBJECT_MAPPABLE, handle)
               : error;
}

uint64_t paging_count(void)
{
    uint64_t partitions = 0;
    uint64_t files = 0;
    while (partitions < OBJECTS_MAX && entries[partitions].number != 0) {
        partitions++;
    }
    while (file_entries != NULL && files < PAGING_FILES_MAX && file_entries[files].number != 0) {
        files++;
    }
    return partitions + files;
}
