/* SPDX-License-Identifier: MIT */
#include "sd_blk.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

#define TRIES 4u

/* Until the next step, in 1/16 ms: who waits for an answer is heard, and the card gets on. */
#define PAUSE      1u
#define PAUSE_BUSY 4u

enum step {
    STEP_ON,   /* there is more to do */
    STEP_BUSY, /* the card is waited for */
    STEP_DONE,
    STEP_FAILED,
    STEP_LOST,
};

STATIC_ASSERT(offsetof(struct sd_blk, blk) == 0, "the one is found by the other");
STATIC_ASSERT(SD_BLOCK_BYTES == BLK_SECTOR_BYTES, "the card's blocks are sectors");
STATIC_ASSERT(SD_BLK_CHUNK_BYTES % SD_BLOCK_BYTES == 0, "whole blocks");

/* The back end around the disk. */
static struct sd_blk *device_of(struct blk *blk)
{
    return (struct sd_blk *)(void *)blk;
}

static void set_state(struct sd_blk *device, enum sd_blk_state to)
{
    static const bool may[3][3] = {
        [SD_BLK_IDLE] = {[SD_BLK_MOVING] = true, [SD_BLK_IDLE] = true},
        [SD_BLK_MOVING] = {[SD_BLK_ENDING] = true, [SD_BLK_IDLE] = true},
        [SD_BLK_ENDING] = {[SD_BLK_IDLE] = true},
    };
    ASSERT(may[device->state][to]);
    device->state = to;
}

static void pause(struct sd_blk *device, uint32_t sixteenths)
{
    const struct sd_port *port = &device->sd.port;
    device->due = port->now(port->context) + port->ms * sixteenths / 16;
}

static enum err start(struct blk *blk, const char **why)
{
    struct sd_blk *device = device_of(blk);
    const enum err error = sd_start(&device->sd, why);
    if (error != ERR_OK) {
        return error;
    }
    blk->sectors = device->sd.sectors;
    blk->block_sectors = 1;
    blk->pieces_max = 1;
    blk->piece_bytes_max = SD_BLK_BYTES_MAX;
    blk->slots_max = SD_BLK_SLOTS;
    blk->is_read_only = device->sd.is_read_only;
    blk->has_flush = false; /* what it has taken is lasting once it is not busy any more */
    return ERR_OK;
}

static enum err submit(struct blk *blk, uint32_t slot, const struct blk_request *request)
{
    struct sd_blk *device = device_of(blk);
    if (request->kind == BLK_FLUSH) {
        return ERR_OPNOTSUPP;
    }
    ASSERT(device->count < SD_BLK_SLOTS && request->count == 1);
    if (device->count == 0) {
        pause(device, 0);
    }
    device->requests[slot] = (struct sd_blk_request){
        .kind = request->kind,
        .sector = request->sector,
        .space = request->space,
        .address = request->pieces[0].address,
        .bytes = request->pieces[0].bytes,
    };
    device->line[device->count++] = slot;
    return ERR_OK;
}

static void kick(struct blk *blk)
{
    (void)blk; /* it is seen at the next step */
}

/* The chunk's bytes between it and the memory of the request. */
static enum err move_memory(struct sd_blk *device, const struct sd_blk_request *request)
{
    const struct sd_blk_copier *copier = &device->copier;
    const uint64_t address = request->address + request->done;
    if (request->kind == BLK_WRITE) {
        return copier->fetch(copier->context, request->space, address, device->chunk,
                             device->chunk_bytes);
    }
    return copier->deliver(copier->context, request->space, device->chunk, address,
                           device->chunk_bytes);
}

/* Move blocks of the first request until its chunk is at an end. */
static enum sd_result move_chunk(struct sd_blk *device, struct sd_blk_request *request)
{
    if (device->chunk_bytes == 0) {
        const uint32_t left = request->bytes - request->done;
        device->chunk_bytes = left < SD_BLK_CHUNK_BYTES ? left : SD_BLK_CHUNK_BYTES;
        device->chunk_at = 0;
        device->error = request->kind == BLK_WRITE ? move_memory(device, request) : ERR_OK;
        if (device->error != ERR_OK) {
            return SD_REFUSED;
        }
    }
    while (device->chunk_at < device->chunk_bytes) {
        const enum sd_result result = sd_move(&device->sd, device->chunk + device->chunk_at);
        if (result != SD_DONE) {
            return result;
        }
        device->chunk_at += SD_BLOCK_BYTES;
    }
    device->error = request->kind == BLK_READ ? move_memory(device, request) : ERR_OK;
    if (device->error != ERR_OK) {
        return SD_REFUSED;
    }
    request->done += device->chunk_bytes;
    device->chunk_bytes = 0;
    return SD_DONE;
}

/* It has not worked. Returns: whether the first request is begun again, where it is. */
static enum step try_again(struct sd_blk *device, enum sd_result trouble)
{
    device->tries++;
    return trouble == SD_FAILED && device->tries < TRIES ? STEP_ON : STEP_FAILED;
}

static enum step begin(struct sd_blk *device, const struct sd_blk_request *request)
{
    device->chunk_bytes = 0;
    device->error = ERR_OK;
    const enum sd_result result = sd_begin(&device->sd, request->kind == BLK_WRITE,
                                           request->sector + request->done / SD_BLOCK_BYTES,
                                           (request->bytes - request->done) / SD_BLOCK_BYTES);
    if (result == SD_LOST) {
        return STEP_LOST;
    }
    if (result != SD_DONE) {
        return try_again(device, result);
    }
    set_state(device, SD_BLK_MOVING);
    return STEP_ON;
}

static enum step move(struct sd_blk *device, struct sd_blk_request *request)
{
    const enum sd_result result = move_chunk(device, request);
    if (result == SD_LOST || result == SD_WAIT) {
        return result == SD_LOST ? STEP_LOST : STEP_BUSY;
    }
    if (result != SD_DONE || request->done == request->bytes) {
        device->trouble = result;
        set_state(device, SD_BLK_ENDING);
    }
    return STEP_ON;
}

static enum step end(struct sd_blk *device, struct sd_blk_request *request)
{
    const enum sd_result result = sd_end(&device->sd);
    if (result == SD_LOST || result == SD_WAIT) {
        return result == SD_LOST ? STEP_LOST : STEP_BUSY;
    }
    set_state(device, SD_BLK_IDLE);
    if (device->trouble == SD_DONE && result == SD_DONE) {
        return STEP_DONE;
    }
    /* Of what was written it is not known which block has failed: all of them once more. */
    request->done = request->kind == BLK_WRITE ? 0 : request->done;
    return try_again(device, device->trouble == SD_DONE ? result : device->trouble);
}

static enum step step(struct sd_blk *device, struct sd_blk_request *request)
{
    switch (device->state) {
    case SD_BLK_IDLE:
        return begin(device, request);
    case SD_BLK_MOVING:
        return move(device, request);
    case SD_BLK_ENDING:
        return end(device, request);
    }
    UNREACHABLE();
}

/* The first request leaves the line. Returns: its slot. */
static uint32_t leave(struct sd_blk *device)
{
    const uint32_t slot = device->line[0];
    device->count--;
    for (uint32_t i = 0; i < device->count; i++) {
        device->line[i] = device->line[i + 1];
    }
    device->tries = 0;
    return slot;
}

static enum blk_result take(struct blk *blk, uint32_t *slot, enum err *error)
{
    struct sd_blk *device = device_of(blk);
    AUDIT(sd_blk_audit(device));
    if (device->count == 0) {
        return BLK_NOTHING;
    }
    const enum step result = step(device, &device->requests[device->line[0]]);
    pause(device, result == STEP_BUSY ? PAUSE_BUSY : PAUSE);
    if (result == STEP_ON || result == STEP_BUSY) {
        return BLK_NOTHING;
    }
    if (result == STEP_LOST) {
        blk->counts.errors++;
        return BLK_LOST;
    }
    *error = result == STEP_DONE ? ERR_OK : device->error != ERR_OK ? device->error : ERR_IO;
    blk->counts.errors += *error == ERR_IO ? 1 : 0;
    *slot = leave(device);
    return BLK_DONE;
}

static bool attend(struct blk *blk)
{
    (void)blk; /* its controller is told not to interrupt */
    return false;
}

static uint64_t due(const struct blk *blk)
{
    const struct sd_blk *device = (const struct sd_blk *)(const void *)blk;
    return device->count > 0 ? device->due : UINT64_MAX;
}

static enum err stop(struct blk *blk)
{
    struct sd_blk *device = device_of(blk);
    sd_stop(&device->sd);
    device->state = SD_BLK_IDLE;
    device->count = 0;
    device->tries = 0;
    return ERR_OK; /* it has never had memory */
}

void sd_blk_init(struct sd_blk *device)
{
    static const struct blk_ops ops = {start, submit, kick, take, attend, due, stop};
    device->blk.ops = &ops;
    device->blk.has_reach = false;
}

void sd_blk_audit(const struct sd_blk *device)
{
    ASSERT(device->count <= SD_BLK_SLOTS && device->count == device->blk.flying);
    for (uint32_t i = 0; i < device->count; i++) {
        const struct sd_blk_request *request = &device->requests[device->line[i]];
        ASSERT(device->blk.slots[device->line[i]].is_flying);
        ASSERT(request->done <= request->bytes && request->done % SD_BLOCK_BYTES == 0);
        ASSERT(i == 0 || request->done == 0);
    }
}
