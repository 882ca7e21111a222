/* SPDX-License-Identifier: MIT */
#include "blk.h"

#include <base/assert.h>

enum err blk_start(struct blk *blk, const char **why)
{
    ASSERT(!blk->is_live && blk->flying == 0);
    const enum err error = blk->ops->start(blk, why);
    if (error != ERR_OK) {
        return error;
    }
    ASSERT(blk->slots_max > 0 && blk->slots_max <= BLK_SLOTS);
    ASSERT(blk->sectors % blk->block_sectors == 0);
    blk->is_live = true;
    return ERR_OK;
}

/* The data of a request in bytes; 0: it cannot be one of this disk. */
static uint32_t measure(const struct blk *blk, const struct blk_request *request)
{
    const uint32_t block_bytes = blk->block_sectors * BLK_SECTOR_BYTES;
    uint64_t bytes = 0;
    if (request->count == 0 || request->count > blk->pieces_max ||
        request->sector >= blk->sectors || request->sector % blk->block_sectors != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < request->count; i++) {
        if (request->pieces[i].bytes == 0 || request->pieces[i].bytes > blk->piece_bytes_max) {
            return 0;
        }
        bytes += request->pieces[i].bytes;
    }
    return bytes % block_bytes == 0 && bytes < UINT32_MAX &&
                   bytes / BLK_SECTOR_BYTES <= blk->sectors - request->sector
               ? (uint32_t)bytes
               : 0;
}

enum err blk_submit(struct blk *blk, const struct blk_request *request)
{
    const uint32_t bytes = request->kind == BLK_FLUSH ? 0 : measure(blk, request);
    uint32_t slot = 0;
    if (!blk->is_live) {
        return ERR_IO;
    }
    if (request->kind == BLK_FLUSH ? request->count != 0 : bytes == 0) {
        return ERR_INVAL;
    }
    if (request->kind == BLK_WRITE && blk->is_read_only) {
        return ERR_ROFS;
    }
    while (slot < blk->slots_max && blk->slots[slot].is_flying) {
        slot++;
    }
    if (slot == blk->slots_max) {
        return ERR_AGAIN;
    }
    const struct blk_slot taken = {true, request->kind, bytes, request->cookie};
    const enum err error = blk->ops->submit(blk, slot, request);
    if (error != ERR_OK) {
        return error;
    }
    blk->slots[slot] = taken;
    blk->flying++;
    if (blk->flying > blk->counts.depth_max) {
        blk->counts.depth_max = blk->flying;
    }
    AUDIT(blk_audit(blk));
    return ERR_OK;
}

void blk_kick(struct blk *blk)
{
    if (blk->is_live) {
        blk->ops->kick(blk);
    }
}

static void count_done(struct blk *blk, enum blk_kind kind)
{
    switch (kind) {
    case BLK_READ:
        blk->counts.reads++;
        break;
    case BLK_WRITE:
        blk->counts.writes++;
        break;
    case BLK_FLUSH:
        blk->counts.flushes++;
        break;
    }
}

/* The slot is free again. Returns: whose it was. */
static uint64_t release(struct blk *blk, uint32_t slot)
{
    ASSERT(slot < BLK_SLOTS && blk->slots[slot].is_flying);
    blk->slots[slot].is_flying = false;
    blk->flying--;
    AUDIT(blk_audit(blk));
    return blk->slots[slot].cookie;
}

enum blk_result blk_take(struct blk *blk, uint64_t *cookie, enum err *error)
{
    uint32_t slot;
    if (!blk->is_live) {
        return BLK_NOTHING;
    }
    const enum blk_result result = blk->ops->take(blk, &slot, error);
    if (result == BLK_DONE) {
        count_done(blk, blk->slots[slot].kind);
        *cookie = release(blk, slot);
    }
    return result;
}

bool blk_attend(struct blk *blk)
{
    return blk->ops->attend(blk) && blk->is_live;
}

uint64_t blk_due(const struct blk *blk)
{
    return blk->is_live ? blk->ops->due(blk) : UINT64_MAX;
}

enum err blk_stop(struct blk *blk)
{
    blk->is_live = false;
    return blk->ops->stop(blk);
}

bool blk_drop(struct blk *blk, uint64_t *cookie)
{
    ASSERT(!blk->is_live);
    for (uint32_t slot = 0; slot < BLK_SLOTS; slot++) {
        if (blk->slots[slot].is_flying) {
            *cookie = release(blk, slot);
            return true;
        }
    }
    return false;
}

void blk_audit(const struct blk *blk)
{
    uint32_t flying = 0;
    for (uint32_t i = 0; i < BLK_SLOTS; i++) {
        flying += blk->slots[i].is_flying ? 1 : 0;
    }
    ASSERT(flying == blk->flying);
}
