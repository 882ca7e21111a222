/* SPDX-License-Identifier: MIT */
#include "blk.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

/* Feature bits, 5.2.3. */
#define FEATURE_SIZE_MAX    (UINT64_C(1) << 1)
#define FEATURE_PIECES_MAX  (UINT64_C(1) << 2)
#define FEATURE_READ_ONLY   (UINT64_C(1) << 5)
#define FEATURE_BLOCK_BYTES (UINT64_C(1) << 6)
#define FEATURE_FLUSH       (UINT64_C(1) << 9)

/* Offsets in the configuration, 5.2.4. */
#define CONFIG_SECTORS     0u
#define CONFIG_SIZE_MAX    8u
#define CONFIG_PIECES_MAX  12u
#define CONFIG_BLOCK_BYTES 20u

/* Statuses, 5.2.6. */
#define STATUS_OK          0u
#define STATUS_UNSUPPORTED 2u
#define STATUS_UNWRITTEN   0xffu

/* The pages, by what is in them. */
#define PAGE_QUEUE     0u
#define PAGE_HEADS     1u
#define PAGE_TABLES    2u
#define STATUSES       1024u /* offset of them in PAGE_HEADS */
#define TABLE_ITEMS    (BLK_PIECES_MAX + 2)
#define TABLES_OF_PAGE 4u

#define BLOCK_SECTORS_MAX 8u

/* In front of every request, 5.2.6. */
struct head {
    uint32_t kind;
    uint32_t reserved;
    uint64_t sector;
};

STATIC_ASSERT(BLK_SLOTS * sizeof(struct head) <= STATUSES, "heads lie before the statuses");
STATIC_ASSERT(STATUSES + BLK_SLOTS <= BLK_PAGE_BYTES, "and both in one page");
STATIC_ASSERT(TABLE_ITEMS * sizeof(struct virtqueue_descriptor) * TABLES_OF_PAGE == BLK_PAGE_BYTES,
              "tables fill their pages");
STATIC_ASSERT(PAGE_TABLES + BLK_SLOTS / TABLES_OF_PAGE == BLK_PAGES, "one for each slot");
STATIC_ASSERT(BLK_SLOTS <= VIRTQUEUE_SIZE_MAX, "every slot finds a descriptor");

static struct head *head_of(const struct blk *blk, uint32_t slot)
{
    return (struct head *)blk->pages[PAGE_HEADS].bytes + slot;
}

static volatile uint8_t *status_of(const struct blk *blk, uint32_t slot)
{
    return (volatile uint8_t *)blk->pages[PAGE_HEADS].bytes + STATUSES + slot;
}

static uint32_t table_offset(uint32_t slot)
{
    return slot % TABLES_OF_PAGE * (BLK_PAGE_BYTES / TABLES_OF_PAGE);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool has(const struct blk *blk, uint64_t feature)
{
    return (blk->virtio.features & feature) != 0;
}

/* Read what it is: after its features are agreed on. */
static enum err read_config(struct blk *blk, const char **why)
{
    const struct virtio *virtio = &blk->virtio;
    uint32_t block_bytes = BLK_SECTOR_BYTES;
    if (has(blk, FEATURE_BLOCK_BYTES)) {
        block_bytes = virtio_config_32(virtio, CONFIG_BLOCK_BYTES);
    }
    if (block_bytes < BLK_SECTOR_BYTES || (block_bytes & (block_bytes - 1)) != 0 ||
        block_bytes > BLOCK_SECTORS_MAX * BLK_SECTOR_BYTES) {
        *why = "its blocks are not of 512 to 4096 bytes";
        return ERR_OPNOTSUPP;
    }
    blk->block_sectors = block_bytes / BLK_SECTOR_BYTES;
    blk->sectors = virtio_config_64(virtio, CONFIG_SECTORS);
    /* So that no sum of a sector and a size can wrap, in bytes either. */
    if (blk->sectors > UINT64_MAX / BLK_SECTOR_BYTES / 2) {
        *why = "it is larger than a disk can be";
        return ERR_OPNOTSUPP;
    }
    blk->sectors -= blk->sectors % blk->block_sectors;
    blk->is_read_only = has(blk, FEATURE_READ_ONLY);
    blk->has_flush = has(blk, FEATURE_FLUSH);
    blk->pieces_max = BLK_PIECES_MAX;
    if (has(blk, FEATURE_PIECES_MAX)) {
        const uint32_t pieces_max = virtio_config_32(virtio, CONFIG_PIECES_MAX);
        blk->pieces_max = pieces_max == 0 ? 1 : smaller(blk->pieces_max, pieces_max);
    }
    blk->piece_bytes_max = UINT32_MAX;
    if (has(blk, FEATURE_SIZE_MAX)) {
        blk->piece_bytes_max = virtio_config_32(virtio, CONFIG_SIZE_MAX);
        if (blk->piece_bytes_max < BLK_PAGE_BYTES) {
            *why = "it takes less than a page at a time";
            return ERR_OPNOTSUPP;
        }
    }
    return ERR_OK;
}

/* Choose the size of the queue, and give it to the device. */
static enum err start_queue(struct blk *blk, const char **why)
{
    const uint32_t size_max = virtio_queue_size_max(&blk->virtio);
    uint32_t size = VIRTQUEUE_SIZE_MAX;
    while (size > size_max) {
        size /= 2;
    }
    if (size < 4) {
        *why = "its queue has no room for a request";
        return ERR_OPNOTSUPP;
    }
    if (!has(blk, VIRTIO_F_TABLES)) {
        blk->pieces_max = smaller(blk->pieces_max, size - 2);
    }
    blk->slots_max = smaller(BLK_SLOTS, size);
    virtqueue_init(&blk->queue, blk->pages[PAGE_QUEUE].bytes, (uint16_t)size);
    *why = "its queue cannot be set up";
    return virtio_go(&blk->virtio, blk->pages[PAGE_QUEUE].address, (uint16_t)size,
                     virtqueue_available_offset((uint16_t)size),
                     virtqueue_used_offset((uint16_t)size));
}

enum err blk_start(struct blk *blk, const char **why)
{
    const uint64_t wanted = FEATURE_SIZE_MAX | FEATURE_PIECES_MAX | FEATURE_READ_ONLY |
                            FEATURE_BLOCK_BYTES | FEATURE_FLUSH | VIRTIO_F_TABLES;
    ASSERT(!blk->is_live && blk->flying == 0);
    enum err error = virtio_begin(&blk->virtio, VIRTIO_DEVICE_BLOCK, wanted, why);
    if (error != ERR_OK) {
        return error;
    }
    error = read_config(blk, why);
    if (error == ERR_OK) {
        error = start_queue(blk, why);
    }
    if (error != ERR_OK) {
        (void)!virtio_reset(&blk->virtio); /* it has been given nothing yet */
        return error;
    }
    blk->is_live = true;
    blk->is_unseen = false;
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

/* Build the chain of a request in a slot. Returns: whether there were descriptors for it. */
static bool enqueue(struct blk *blk, uint32_t slot, const struct blk_request *request)
{
    struct virtqueue_piece pieces[TABLE_ITEMS];
    const uint64_t heads = blk->pages[PAGE_HEADS].address;
    const uint32_t count = request->count + 2;
    const uint32_t readable = request->kind == BLK_WRITE ? count - 1 : 1;
    pieces[0] = (struct virtqueue_piece){heads + slot * sizeof(struct head), sizeof(struct head)};
    for (uint32_t i = 0; i < request->count; i++) {
        pieces[i + 1] = request->pieces[i];
    }
    pieces[count - 1] = (struct virtqueue_piece){heads + STATUSES + slot, 1};
    if (!has(blk, VIRTIO_F_TABLES)) {
        return virtqueue_add(&blk->queue, pieces, count, readable, slot);
    }
    const struct blk_page *page = &blk->pages[PAGE_TABLES + slot / TABLES_OF_PAGE];
    void *table = (uint8_t *)page->bytes + table_offset(slot);
    virtqueue_describe(table, pieces, count, readable);
    return virtqueue_add_table(&blk->queue, page->address + table_offset(slot), count, slot);
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
    *head_of(blk, slot) = (struct head){.kind = request->kind, .sector = request->sector};
    *status_of(blk, slot) = STATUS_UNWRITTEN;
    if (!enqueue(blk, slot, request)) {
        return ERR_AGAIN;
    }
    blk->slots[slot] = (struct blk_slot){true, request->kind, bytes, request->cookie};
    blk->flying++;
    blk->is_unseen = true;
    if (blk->flying > blk->counts.depth_max) {
        blk->counts.depth_max = blk->flying;
    }
    AUDIT(blk_audit(blk));
    return ERR_OK;
}

void blk_kick(struct blk *blk)
{
    if (blk->is_live && blk->is_unseen) {
        blk->is_unseen = false;
        if (virtqueue_publish(&blk->queue)) {
            virtio_notify(&blk->virtio);
        }
    }
}

/* What the answer to a slot means; `written` is what the device says that it has written. */
static enum err judge(struct blk *blk, uint32_t slot, uint32_t written)
{
    const struct blk_slot *of = &blk->slots[slot];
    const uint8_t status = *status_of(blk, slot);
    if (status == STATUS_UNSUPPORTED) {
        blk->counts.errors++;
        return ERR_OPNOTSUPP;
    }
    if (status == STATUS_UNWRITTEN) {
        blk->counts.lies++;
        return ERR_IO;
    }
    if (status != STATUS_OK) {
        blk->counts.errors++;
        return ERR_IO;
    }
    /* Of writes some devices count the status and some do not; older ones count as they like. */
    if (!blk->virtio.is_legacy && (of->kind == BLK_READ ? written != of->bytes + 1 : written > 1)) {
        blk->counts.lies++;
        return ERR_IO;
    }
    return ERR_OK;
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
    uint32_t written;
    if (!blk->is_live) {
        return BLK_NOTHING;
    }
    switch (virtqueue_take(&blk->queue, &slot, &written)) {
    case VIRTQUEUE_EMPTY:
        return BLK_NOTHING;
    case VIRTQUEUE_BROKEN:
        blk->counts.lies++;
        return BLK_LOST;
    case VIRTQUEUE_TAKEN:
        *error = judge(blk, slot, written);
        count_done(blk, blk->slots[slot].kind);
        *cookie = release(blk, slot);
        return BLK_DONE;
    }
    UNREACHABLE();
}

enum err blk_stop(struct blk *blk)
{
    blk->is_live = false;
    return virtio_reset(&blk->virtio);
}

bool blk_drop(struct blk *blk, uint64_t *cookie)
{
    uint32_t slot;
    ASSERT(!blk->is_live);
    if (!virtqueue_drop(&blk->queue, &slot)) {
        return false;
    }
    *cookie = release(blk, slot);
    return true;
}

void blk_audit(const struct blk *blk)
{
    uint32_t flying = 0;
    for (uint32_t i = 0; i < BLK_SLOTS; i++) {
        flying += blk->slots[i].is_flying ? 1 : 0;
    }
    ASSERT(flying == blk->flying);
    ASSERT(flying == blk->queue.in_flight);
}
