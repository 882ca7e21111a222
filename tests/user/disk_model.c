/* SPDX-License-Identifier: MIT */
#include "disk_model.h"

#include <string.h>

#include "virtqueue.h"
#include <base/assert.h>

#define MEMORY_START UINT64_C(0x80000000)
#define CHAIN_MAX    128u
#define WRITE        2u
#define NEXT         1u
#define TABLE        4u

static uint8_t memory[MODEL_PAGES][BLK_PAGE_BYTES];
static unsigned memory_used;
static unsigned memory_stride; /* pages from one to the next */

void *model_memory(uint64_t *address)
{
    ASSERT(memory_used < MODEL_PAGES);
    *address = MEMORY_START + (uint64_t)memory_stride * memory_used * BLK_PAGE_BYTES;
    return memory[memory_used++];
}

void model_memory_reset(bool are_neighbours)
{
    memory_used = 0;
    memory_stride = are_neighbours ? 1 : 2;
    memset(memory, 0x5a, sizeof(memory));
}

/* Where a stretch of physical memory is; NULL: nowhere. */
static uint8_t *reach(struct model *model, uint64_t address, uint64_t bytes)
{
    const uint64_t offset = (address - MEMORY_START) % BLK_PAGE_BYTES;
    const uint64_t page = (address - MEMORY_START) / BLK_PAGE_BYTES;
    const uint64_t here = page / memory_stride;
    const uint64_t pages = memory_stride == 1 ? memory_used - here : 1;
    if (address < MEMORY_START || page % memory_stride != 0 || here >= memory_used ||
        bytes > pages * BLK_PAGE_BYTES - offset) {
        model->strays++;
        return NULL;
    }
    return &memory[here][offset];
}

static uint64_t load(struct model *model, uint64_t address, unsigned bytes)
{
    uint64_t value = 0;
    const uint8_t *from = reach(model, address, bytes);
    if (from != NULL) {
        memcpy(&value, from, bytes);
    }
    return value;
}

static void store(struct model *model, uint64_t address, uint64_t value, unsigned bytes)
{
    uint8_t *to = reach(model, address, bytes);
    if (to != NULL) {
        memcpy(to, &value, bytes);
    }
}

void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    model->version = 2;
    model->kind = VIRTIO_DEVICE_BLOCK;
    model->offers = VIRTIO_F_VERSION_1 | VIRTIO_F_TABLES | 1u << 2 | 1u << 6 | 1u << 9 | 1u << 20;
    model->sectors = MODEL_SECTORS;
    model->pieces_max = 126;
    model->block_bytes = 512;
    model->size_max = 1024;
    for (unsigned i = 0; i < sizeof(model->disk); i++) {
        model->disk[i] = (uint8_t)(i * 7 + i / 512);
    }
}

static uint32_t config_read(const struct model *model, uint32_t offset)
{
    switch (offset) {
    case 0:
        return (uint32_t)model->sectors;
    case 4:
        return (uint32_t)(model->sectors >> 32);
    case 8:
        return 0;
    case 12:
        return model->pieces_max;
    case 20:
        return model->block_bytes;
    default:
        return 0xdead;
    }
}

static uint32_t bus_read(void *context, uint32_t offset)
{
    struct model *model = context;
    switch (offset) {
    case 0x000:
        return VIRTIO_MAGIC_IS;
    case 0x004:
        return model->version;
    case 0x008:
        return model->kind;
    case 0x010:
        return (uint32_t)(model->offers >> (32 * model->feature_word));
    case 0x034:
        return model->size_max;
    case 0x040:
        return model->page_bytes == 0 ? 0 : (uint32_t)(model->descriptors / model->page_bytes);
    case 0x044:
        return model->is_ready ? 1 : 0;
    case 0x060:
        return model->interrupt;
    case 0x070:
        return model->status;
    case 0x0fc:
        return 3;
    default:
        return offset >= 0x100 ? config_read(model, offset - 0x100) : 0xdead;
    }
}

static void set_status(struct model *model, uint32_t value)
{
    if (value == 0 && !model->is_stubborn) {
        model->is_ready = false;
        model->features = 0;
        model->descriptors = 0;
        model->pending_count = 0;
        model->seen = 0;
        model->done = 0;
        model->interrupt = 0;
        model->status = 0;
    } else if (value != 0) {
        model->status = model->is_unwilling ? value & ~8u : value;
        model->is_ready = model->is_ready || (model->version == 1 && (value & 4) != 0);
    }
}

/* Half of an address; the queue is not yet ready. */
static void set_half(uint64_t *address, uint32_t offset, uint32_t value)
{
    const unsigned shift = offset % 8 == 0 ? 0 : 32;
    *address = (*address & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static void legacy_place(struct model *model, uint32_t page)
{
    model->descriptors = (uint64_t)page * model->page_bytes;
    model->available = model->descriptors + UINT64_C(16) * model->size;
    const uint64_t end = model->available + 6 + UINT64_C(2) * model->size;
    model->used = (end + model->align - 1) / model->align * model->align;
}

static void bus_write(void *context, uint32_t offset, uint32_t value)
{
    struct model *model = context;
    switch (offset) {
    case 0x014:
        model->feature_word = value;
        break;
    case 0x020:
        set_half(&model->features, 4 * model->driver_word, value);
        break;
    case 0x024:
        model->driver_word = value;
        break;
    case 0x028:
        model->page_bytes = value;
        break;
    case 0x038:
        model->size = value;
        break;
    case 0x03c:
        model->align = value;
        break;
    case 0x040:
        legacy_place(model, value);
        break;
    case 0x044:
        model->is_ready = value == 1;
        break;
    case 0x050:
        model->notices++;
        break;
    case 0x064:
        model->interrupt &= ~value;
        break;
    case 0x070:
        set_status(model, value);
        break;
    case 0x080:
    case 0x084:
        set_half(&model->descriptors, offset, value);
        break;
    case 0x090:
    case 0x094:
        set_half(&model->available, offset, value);
        break;
    case 0x0a0:
    case 0x0a4:
        set_half(&model->used, offset, value);
        break;
    default:
        break;
    }
}

struct virtio_bus model_bus(struct model *model)
{
    return (struct virtio_bus){model, bus_read, bus_write};
}

unsigned model_look(struct model *model)
{
    if (!model->is_ready || (model->status & 4) == 0) {
        return 0;
    }
    const uint16_t index = (uint16_t)load(model, model->available + 2, 2);
    while (model->seen != index && model->pending_count < MODEL_PENDING_MAX) {
        const uint64_t place = model->available + 4 + UINT64_C(2) * (model->seen % model->size);
        model->pending[model->pending_count++].head = (uint16_t)load(model, place, 2);
        model->seen++;
    }
    return model->pending_count;
}

/* The pieces of a chain. Returns: how many. */
static unsigned walk(struct model *model, uint16_t head, struct virtqueue_descriptor *chain)
{
    uint64_t table = model->descriptors;
    uint64_t items = model->size;
    uint64_t at = head;
    for (unsigned count = 0; count < CHAIN_MAX;) {
        struct virtqueue_descriptor *item = &chain[count];
        const uint8_t *from = at < items ? reach(model, table + 16 * at, 16) : NULL;
        if (from == NULL) {
            model->strays++;
            return count;
        }
        memcpy(item, from, 16);
        if ((item->flags & TABLE) != 0 && count == 0 && table == model->descriptors) {
            table = item->address;
            items = item->bytes / 16;
            at = 0;
            continue;
        }
        count++;
        if ((item->flags & NEXT) == 0) {
            return count;
        }
        at = item->next;
    }
    model->strays++;
    return CHAIN_MAX;
}

/* Move the data of a request. Returns: how many bytes were written. */
static uint32_t move(struct model *model, const struct virtqueue_descriptor *chain, unsigned count,
                     uint32_t kind, uint64_t sector)
{
    uint64_t at = sector * BLK_SECTOR_BYTES;
    uint32_t written = 0;
    for (unsigned i = 1; i + 1 < count; i++) {
        uint8_t *bytes = reach(model, chain[i].address, chain[i].bytes);
        const bool may_write = (chain[i].flags & WRITE) != 0;
        if (bytes == NULL || at + chain[i].bytes > sizeof(model->disk) ||
            may_write != (kind == BLK_READ)) {
            model->strays++;
            continue;
        }
        if (kind == BLK_READ) {
            memcpy(bytes, &model->disk[at], chain[i].bytes);
            written += chain[i].bytes;
        } else {
            memcpy(&model->disk[at], bytes, chain[i].bytes);
        }
        at += chain[i].bytes;
    }
    return written;
}

static void put_used(struct model *model, uint64_t id, uint64_t written)
{
    const uint64_t place = model->used + 4 + UINT64_C(8) * (model->done % model->size);
    store(model, place, id, 4);
    store(model, place + 4, written, 4);
    model->done++;
    store(model, model->used + 2, model->done, 2);
    model->interrupt |= VIRTIO_INTERRUPT_QUEUE;
}

static uint8_t status_for(enum model_answer how)
{
    return how == MODEL_ERROR ? 1 : how == MODEL_UNSUPPORTED ? 2 : how == MODEL_ODD_STATUS ? 77 : 0;
}

void model_answer(struct model *model, unsigned place, enum model_answer how)
{
    struct virtqueue_descriptor chain[CHAIN_MAX];
    ASSERT(place < model->pending_count);
    const uint16_t head = model->pending[place].head;
    model->pending_count--;
    memmove(&model->pending[place], &model->pending[place + 1],
            (model->pending_count - place) * sizeof(model->pending[0]));
    const unsigned count = walk(model, head, chain);
    if (count < 2 || chain[0].bytes != 16 || chain[count - 1].bytes != 1 ||
        (chain[count - 1].flags & WRITE) == 0) {
        model->strays++;
        return;
    }
    const uint32_t kind = (uint32_t)load(model, chain[0].address, 4);
    const uint64_t sector = load(model, chain[0].address + 8, 8);
    uint32_t written = 1;
    model->flushes += kind == BLK_FLUSH ? 1 : 0;
    if (how != MODEL_ERROR && how != MODEL_UNSUPPORTED) {
        written += move(model, chain, count, kind, sector);
    }
    if (how != MODEL_NO_STATUS) {
        store(model, chain[count - 1].address, status_for(how), 1);
    }
    written += how == MODEL_LONG ? 5 : 0;
    written -= how == MODEL_SHORT ? 1 : 0;
    put_used(model,
             how == MODEL_HUGE_ID    ? UINT32_MAX
             : how == MODEL_WRONG_ID ? (head + 1u) % model->size
                                     : head,
             written);
    if (how == MODEL_TWICE) {
        put_used(model, head, written);
    }
    if (how == MODEL_INDEX_AHEAD) {
        store(model, model->used + 2, model->done + 9u, 2);
    }
}
