/* SPDX-License-Identifier: MIT */
#include "virtio_blk.h"

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
#define TABLE_ITEMS    (VIRTIO_BLK_PIECES_MAX + 2)
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
STATIC_ASSERT(PAGE_TABLES + BLK_SLOTS / TABLES_OF_PAGE == VIRTIO_BLK_PAGES, "one for each slot");
STATIC_ASSERT(BLK_SLOTS <= VIRTQUEUE_SIZE_MAX, "every slot finds a descriptor");

STATIC_ASSERT(offsetof(struct virtio_blk, blk) == 0, "the one is found by the other");

/* The back end around the disk. */
static struct virtio_blk *device_of(struct blk *blk)
{
    return (struct virtio_blk *)(void *)blk;
}

static struct head *head_of(const struct virtio_blk *device, uint32_t slot)
{
    return (struct head *)device->pages[PAGE_HEADS].bytes + slot;
}

static volatile uint8_t *status_of(const struct virtio_blk *device, uint32_t slot)
{
    return (volatile uint8_t *)device->pages[PAGE_HEADS].bytes + STATUSES + slot;
}

static uint32_t table_offset(uint32_t slot)
{
    return slot % TABLES_OF_PAGE * (BLK_PAGE_BYTES / TABLES_OF_PAGE);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool has(const struct virtio_blk *device, uint64_t feature)
{
    return (device->virtio.features & feature) != 0;
}

/* Read what it is: after its features are agreed on. */
static enum err read_config(struct virtio_blk *device, const char **why)
{
    struct blk *blk = &device->blk;
    const struct virtio *virtio = &device->virtio;
    uint32_t block_bytes = BLK_SECTOR_BYTES;
    if (has(device, FEATURE_BLOCK_BYTES)) {
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
    blk->has_tables = has(device, VIRTIO_F_TABLES);
    blk->is_legacy = virtio->is_legacy;
    blk->is_read_only = has(device, FEATURE_READ_ONLY);
    blk->has_flush = has(device, FEATURE_FLUSH);
    blk->pieces_max = VIRTIO_BLK_PIECES_MAX;
    if (has(device, FEATURE_PIECES_MAX)) {
        const uint32_t pieces_max = virtio_config_32(virtio, CONFIG_PIECES_MAX);
        blk->pieces_max = pieces_max == 0 ? 1 : smaller(blk->pieces_max, pieces_max);
    }
    blk->piece_bytes_max = UINT32_MAX;
    if (has(device, FEATURE_SIZE_MAX)) {
        blk->piece_bytes_max = virtio_config_32(virtio, CONFIG_SIZE_MAX);
        if (blk->piece_bytes_max < BLK_PAGE_BYTES) {
            *why = "it takes less than a page at a time";
            return ERR_OPNOTSUPP;
        }
    }
    return ERR_OK;
}

/* Choose the size of the queue, and give it to the device. */
static enum err start_queue(struct virtio_blk *device, const char **why)
{
    struct blk *blk = &device->blk;
    const uint32_t size_max = virtio_queue_size_max(&device->virtio);
    uint32_t size = VIRTQUEUE_SIZE_MAX;
    while (size > size_max) {
        size /= 2;
    }
    if (size < 4) {
        *why = "its queue has no room for a request";
        return ERR_OPNOTSUPP;
    }
    if (!blk->has_tables) {
        blk->pieces_max = smaller(blk->pieces_max, size - 2);
    }
    blk->slots_max = smaller(BLK_SLOTS, size);
    virtqueue_init(&device->queue, device->pages[PAGE_QUEUE].bytes, (uint16_t)size);
    *why = "its queue cannot be set up";
    return virtio_go(&device->virtio, device->pages[PAGE_QUEUE].address, (uint16_t)size,
                     virtqueue_available_offset((uint16_t)size),
                     virtqueue_used_offset((uint16_t)size));
}

static enum err start(struct blk *blk, const char **why)
{
    struct virtio_blk *device = device_of(blk);
    const uint64_t wanted = FEATURE_SIZE_MAX | FEATURE_PIECES_MAX | FEATURE_READ_ONLY |
                            FEATURE_BLOCK_BYTES | FEATURE_FLUSH | VIRTIO_F_TABLES;
    enum err error = virtio_begin(&device->virtio, VIRTIO_DEVICE_BLOCK, wanted, why);
    if (error != ERR_OK) {
        return error;
    }
    error = read_config(device, why);
    if (error == ERR_OK) {
        error = start_queue(device, why);
    }
    if (error != ERR_OK) {
        (void)!virtio_reset(&device->virtio); /* it has been given nothing yet */
        return error;
    }
    device->is_unseen = false;
    return ERR_OK;
}

static enum err submit(struct blk *blk, uint32_t slot, const struct blk_request *request)
{
    struct virtio_blk *device = device_of(blk);
    struct virtqueue_piece pieces[TABLE_ITEMS];
    const uint64_t heads = device->pages[PAGE_HEADS].address;
    const uint32_t count = request->count + 2;
    const uint32_t readable = request->kind == BLK_WRITE ? count - 1 : 1;
    bool is_added;
    *head_of(device, slot) = (struct head){.kind = request->kind, .sector = request->sector};
    *status_of(device, slot) = STATUS_UNWRITTEN;
    pieces[0] = (struct virtqueue_piece){heads + slot * sizeof(struct head), sizeof(struct head)};
    for (uint32_t i = 0; i < request->count; i++) {
        pieces[i + 1] =
            (struct virtqueue_piece){request->pieces[i].address, request->pieces[i].bytes};
    }
    pieces[count - 1] = (struct virtqueue_piece){heads + STATUSES + slot, 1};
    if (!blk->has_tables) {
        is_added = virtqueue_add(&device->queue, pieces, count, readable, slot);
    } else {
        const struct blk_page *page = &device->pages[PAGE_TABLES + slot / TABLES_OF_PAGE];
        void *table = (uint8_t *)page->bytes + table_offset(slot);
        virtqueue_describe(table, pieces, count, readable);
        is_added =
            virtqueue_add_table(&device->queue, page->address + table_offset(slot), count, slot);
    }
    device->is_unseen = device->is_unseen || is_added;
    return is_added ? ERR_OK : ERR_AGAIN;
}

static void kick(struct blk *blk)
{
    struct virtio_blk *device = device_of(blk);
    if (device->is_unseen) {
        device->is_unseen = false;
        if (virtqueue_publish(&device->queue)) {
            virtio_notify(&device->virtio);
        }
    }
}

/* What the answer to a slot means; `written` is what the device says that it has written. */
static enum err judge(struct virtio_blk *device, uint32_t slot, uint32_t written)
{
    struct blk_counts *counts = &device->blk.counts;
    const struct blk_slot *of = &device->blk.slots[slot];
    const uint8_t status = *status_of(device, slot);
    if (status == STATUS_UNSUPPORTED) {
        counts->errors++;
        return ERR_OPNOTSUPP;
    }
    if (status == STATUS_UNWRITTEN) {
        counts->lies++;
        return ERR_IO;
    }
    if (status != STATUS_OK) {
        counts->errors++;
        return ERR_IO;
    }
    /* Of writes some devices count the status and some do not; older ones count as they like. */
    if (!device->virtio.is_legacy &&
        (of->kind == BLK_READ ? written != of->bytes + 1 : written > 1)) {
        counts->lies++;
        return ERR_IO;
    }
    return ERR_OK;
}

static enum blk_result take(struct blk *blk, uint32_t *slot, enum err *error)
{
    struct virtio_blk *device = device_of(blk);
    uint32_t written;
    AUDIT(virtio_blk_audit(device));
    switch (virtqueue_take(&device->queue, slot, &written)) {
    case VIRTQUEUE_EMPTY:
        return BLK_NOTHING;
    case VIRTQUEUE_BROKEN:
        blk->counts.lies++;
        return BLK_LOST;
    case VIRTQUEUE_TAKEN:
        *error = judge(device, *slot, written);
        return BLK_DONE;
    }
    UNREACHABLE();
}

static bool attend(struct blk *blk)
{
    const struct virtio *virtio = &device_of(blk)->virtio;
    (void)virtio_take_interrupt(virtio);
    return blk->is_live && virtio_is_lost(virtio);
}

static uint64_t due(const struct blk *blk)
{
    (void)blk;
    return UINT64_MAX; /* it interrupts */
}

static enum err stop(struct blk *blk)
{
    struct virtio_blk *device = device_of(blk);
    uint32_t slot;
    while (virtqueue_drop(&device->queue, &slot)) {
    }
    return virtio_reset(&device->virtio);
}

void virtio_blk_init(struct virtio_blk *device)
{
    static const struct blk_ops ops = {start, submit, kick, take, attend, due, stop};
    device->blk.ops = &ops;
    device->blk.has_reach = true;
}

void virtio_blk_audit(const struct virtio_blk *device)
{
    ASSERT(device->queue.in_flight == device->blk.flying);
}
