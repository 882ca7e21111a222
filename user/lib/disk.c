/* SPDX-License-Identifier: MIT */
#include <hf/disk.h>

#include <stdbool.h>
#include <string.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/name.h>
#include <hf/pin.h>
#include <hf/shared.h>

/* How often a transfer is asked for whose pages were there, and are not. */
#define TURNS 100u

enum err hf_disk_open(uint64_t latest, struct hf_disk *disk)
{
    struct hf_disk opened;
    enum err error = hf_name_find(DISK_SERVICE, latest, &opened.endpoint);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_PIN, &opened.space);
    if (error != ERR_OK) {
        (void)hf_handle_close(opened.endpoint);
        return error;
    }
    *disk = opened;
    return ERR_OK;
}

void hf_disk_close(const struct hf_disk *disk)
{
    (void)hf_handle_close(disk->endpoint);
    (void)hf_handle_close(disk->space);
}

/* Send eight words and get eight; a driver that is full is asked again when others have run. */
static enum err disk_ask(const struct hf_disk *disk, uint64_t tag, const void *req, void *rep)
{
    struct hf_message message;
    enum err error = ERR_BUSY;
    while (error == ERR_BUSY) {
        message.tag = tag;
        memcpy(message.words, req, sizeof(message.words));
        error = hf_call(disk->endpoint, &message);
        if (error != ERR_OK) {
            return error;
        }
        error = (enum err)message.words[0];
        if (error == ERR_BUSY) {
            (void)hf_yield();
        }
    }
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(message.words));
    }
    return error;
}

enum err hf_disk_info(const struct hf_disk *disk, struct disk_info_rep *rep)
{
    const struct disk_info_req req = {.number = DISK_INFO};
    return disk_ask(disk, 0, &req, rep);
}

enum err hf_disk_counts(const struct hf_disk *disk, struct disk_counts_rep *rep)
{
    const struct disk_counts_req req = {.number = DISK_COUNTS};
    return disk_ask(disk, 0, &req, rep);
}

enum err hf_disk_partition(const struct hf_disk *disk, uint32_t index,
                           struct disk_partition_rep *rep)
{
    const struct disk_partition_req req = {.number = DISK_PARTITION, .index = index};
    return disk_ask(disk, 0, &req, rep);
}

enum err hf_disk_name(const struct hf_disk *disk, uint32_t index, char name[DISK_NAME_BYTES])
{
    const struct disk_name_req req = {.number = DISK_NAME, .index = index};
    struct disk_name_rep rep;
    enum err error = disk_ask(disk, 0, &req, &rep);
    if (error == ERR_OK) {
        memcpy(name, rep.name, sizeof(rep.name));
        name[DISK_NAME_BYTES - 1] = '\0';
    }
    return error;
}

/* One transfer; pages that would have to be waited for are made present, and it is asked anew. */
static enum err transfer_once(const struct hf_disk *disk, const struct disk_read_req *req)
{
    const bool is_read = req->number == DISK_READ;
    const struct hf_pin touch = {
        .addr = (const void *)req->address,
        .pages = (req->address % HF_PAGE_BYTES + req->bytes + HF_PAGE_BYTES - 1) / HF_PAGE_BYTES,
        .flags = (is_read ? MEM_PIN_WRITE : 0) | MEM_PIN_MAY_DROP,
    };
    struct disk_empty_rep rep;
    struct mem_pin_rep present;
    enum err error = ERR_AGAIN;
    for (unsigned turn = 0; turn < TURNS && error == ERR_AGAIN; turn++) {
        error = disk_ask(disk, HF_HANDLE_AT(7), req, &rep);
        if (error == ERR_AGAIN && (error = hf_pin(&touch, &present, NULL)) == ERR_OK) {
            error = ERR_AGAIN;
        }
    }
    return error;
}

static enum err transfer(const struct hf_disk *disk, struct disk_read_req req, uint64_t bytes)
{
    enum err error = ERR_OK;
    while (bytes > 0 && error == ERR_OK) {
        /* So that each transfer but the first begins with a page. */
        const uint64_t most = DISK_TRANSFER_BYTES - req.address % HF_PAGE_BYTES;
        req.bytes = bytes < most ? bytes : most;
        req.space = disk->space;
        error = transfer_once(disk, &req);
        req.offset += req.bytes;
        req.address += req.bytes;
        bytes -= req.bytes;
    }
    return error;
}

enum err hf_disk_read(const struct hf_disk *disk, uint32_t partition, uint64_t offset, void *to,
                      uint64_t bytes)
{
    const struct disk_read_req req = {
        .number = DISK_READ,
        .partition = partition,
        .offset = offset,
        .address = (uint64_t)to,
    };
    return transfer(disk, req, bytes);
}

enum err hf_disk_write(const struct hf_disk *disk, uint32_t partition, uint64_t offset,
                       const void *from, uint64_t bytes)
{
    const struct disk_read_req req = {
        .number = DISK_WRITE,
        .partition = partition,
        .offset = offset,
        .address = (uint64_t)from,
    };
    return transfer(disk, req, bytes);
}

enum err hf_disk_flush(const struct hf_disk *disk)
{
    const struct disk_flush_req req = {.number = DISK_FLUSH};
    struct disk_empty_rep rep;
    return disk_ask(disk, 0, &req, &rep);
}

enum err hf_disk_delay(const struct hf_disk *disk, uint64_t seed, uint64_t ticks)
{
    const struct disk_delay_req req = {.number = DISK_DELAY, .seed = seed, .ticks = ticks};
    struct disk_empty_rep rep;
    return disk_ask(disk, 0, &req, &rep);
}

enum err hf_disk_object(const struct hf_disk *disk, uint32_t partition, uint64_t *object,
                        uint64_t *bytes)
{
    const struct disk_object_req req = {.number = DISK_OBJECT, .partition = partition};
    struct disk_object_rep rep;
    enum err error = disk_ask(disk, 0, &req, &rep);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_shared_hold(rep.object);
    if (error != ERR_OK) {
        (void)hf_handle_close(rep.object);
        return error;
    }
    *object = rep.object;
    *bytes = rep.bytes;
    return ERR_OK;
}
