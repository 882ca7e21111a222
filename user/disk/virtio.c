/* SPDX-License-Identifier: MIT */
#include "virtio.h"

#include "virtqueue.h"
#include <base/assert.h>

/* Registers, 4.2.2; those of older devices, 4.2.4. */
#define VERSION               0x004u
#define DEVICE_FEATURES       0x010u
#define DEVICE_FEATURES_WORD  0x014u
#define DRIVER_FEATURES       0x020u
#define DRIVER_FEATURES_WORD  0x024u
#define LEGACY_PAGE_BYTES     0x028u
#define QUEUE_CHOOSE          0x030u
#define QUEUE_SIZE_MAX        0x034u
#define QUEUE_SIZE            0x038u
#define LEGACY_QUEUE_ALIGN    0x03cu
#define LEGACY_QUEUE_PAGE     0x040u
#define QUEUE_READY           0x044u
#define QUEUE_NOTIFY          0x050u
#define INTERRUPT_STATUS      0x060u
#define INTERRUPT_ACKNOWLEDGE 0x064u
#define STATUS                0x070u
#define QUEUE_DESCRIPTORS     0x080u /* and the upper half behind it, as the next two */
#define QUEUE_AVAILABLE       0x090u
#define QUEUE_USED            0x0a0u
#define CONFIG_GENERATION     0x0fcu

/* Bits of STATUS, 2.1. */
#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER      0x02u
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_LOST        0x40u
#define STATUS_FAILED      0x80u

#define PAGE_BYTES     4096u
#define RESET_TURNS    100000u
#define CONFIG_TURNS   100u
#define VERSION_LEGACY 1u
#define VERSION_1      2u

static uint32_t get(const struct virtio *virtio, uint32_t offset)
{
    return virtio->bus.read(virtio->bus.context, offset);
}

static void set(const struct virtio *virtio, uint32_t offset, uint32_t value)
{
    virtio->bus.write(virtio->bus.context, offset, value);
}

static void set_64(const struct virtio *virtio, uint32_t offset, uint64_t value)
{
    set(virtio, offset, (uint32_t)value);
    set(virtio, offset + 4, (uint32_t)(value >> 32));
}

static void add_status(const struct virtio *virtio, uint32_t bits)
{
    set(virtio, STATUS, get(virtio, STATUS) | bits);
}

enum err virtio_reset(struct virtio *virtio)
{
    set(virtio, STATUS, 0);
    for (uint32_t turn = 0; turn < RESET_TURNS; turn++) {
        if (get(virtio, STATUS) == 0) {
            return ERR_OK;
        }
    }
    return ERR_IO;
}

static uint64_t offered(const struct virtio *virtio)
{
    uint64_t features = 0;
    for (uint32_t word = 0; word < (virtio->is_legacy ? 1u : 2u); word++) {
        set(virtio, DEVICE_FEATURES_WORD, word);
        features |= (uint64_t)get(virtio, DEVICE_FEATURES) << (32 * word);
    }
    return features;
}

/* Tell what is used of what it offers. Returns: whether it agrees. */
static bool agree(struct virtio *virtio, uint64_t wanted)
{
    const uint64_t needed = virtio->is_legacy ? 0 : VIRTIO_F_VERSION_1;
    virtio->features = offered(virtio) & (wanted | needed);
    if ((virtio->features & needed) != needed) {
        return false;
    }
    for (uint32_t word = 0; word < (virtio->is_legacy ? 1u : 2u); word++) {
        set(virtio, DRIVER_FEATURES_WORD, word);
        set(virtio, DRIVER_FEATURES, (uint32_t)(virtio->features >> (32 * word)));
    }
    if (virtio->is_legacy) {
        return true;
    }
    add_status(virtio, STATUS_FEATURES_OK);
    return (get(virtio, STATUS) & STATUS_FEATURES_OK) != 0;
}

enum err virtio_begin(struct virtio *virtio, uint32_t kind, uint64_t wanted, const char **why)
{
    if (get(virtio, VIRTIO_MAGIC) != VIRTIO_MAGIC_IS || get(virtio, VIRTIO_ID) != kind) {
        *why = "no such device is there";
        return ERR_NOENT;
    }
    const uint32_t version = get(virtio, VERSION);
    if (version != VERSION_LEGACY && version != VERSION_1) {
        *why = "its registers are of a version that is not known";
        return ERR_OPNOTSUPP;
    }
    virtio->is_legacy = version == VERSION_LEGACY;
    if (virtio_reset(virtio) != ERR_OK) {
        *why = "it does not let itself be reset";
        return ERR_IO;
    }
    add_status(virtio, STATUS_ACKNOWLEDGE);
    add_status(virtio, STATUS_DRIVER);
    if (!agree(virtio, wanted)) {
        set(virtio, STATUS, STATUS_FAILED);
        *why = "it does not agree on features";
        return ERR_OPNOTSUPP;
    }
    return ERR_OK;
}

uint32_t virtio_queue_size_max(const struct virtio *virtio)
{
    set(virtio, QUEUE_CHOOSE, 0);
    return get(virtio, QUEUE_SIZE_MAX);
}

static enum err go_legacy(const struct virtio *virtio, uint64_t page)
{
    if (get(virtio, LEGACY_QUEUE_PAGE) != 0) {
        return ERR_BUSY;
    }
    if (page / PAGE_BYTES > UINT32_MAX) {
        return ERR_RANGE;
    }
    set(virtio, LEGACY_QUEUE_ALIGN, VIRTQUEUE_ALIGNMENT);
    set(virtio, LEGACY_QUEUE_PAGE, (uint32_t)(page / PAGE_BYTES));
    return ERR_OK;
}

enum err virtio_go(struct virtio *virtio, uint64_t page, uint16_t size, uint32_t available_offset,
                   uint32_t used_offset)
{
    enum err error = ERR_OK;
    ASSERT(page % PAGE_BYTES == 0);
    if (virtio->is_legacy) {
        set(virtio, LEGACY_PAGE_BYTES, PAGE_BYTES);
    }
    set(virtio, QUEUE_CHOOSE, 0);
    if (!virtio->is_legacy && get(virtio, QUEUE_READY) != 0) {
        return ERR_BUSY;
    }
    set(virtio, QUEUE_SIZE, size);
    if (virtio->is_legacy) {
        error = go_legacy(virtio, page);
    } else {
        set_64(virtio, QUEUE_DESCRIPTORS, page);
        set_64(virtio, QUEUE_AVAILABLE, page + available_offset);
        set_64(virtio, QUEUE_USED, page + used_offset);
        set(virtio, QUEUE_READY, 1);
    }
    if (error == ERR_OK) {
        add_status(virtio, STATUS_DRIVER_OK);
    }
    return error;
}

void virtio_notify(const struct virtio *virtio)
{
    set(virtio, QUEUE_NOTIFY, 0);
}

uint32_t virtio_take_interrupt(const struct virtio *virtio)
{
    const uint32_t causes = get(virtio, INTERRUPT_STATUS);
    if (causes != 0) {
        set(virtio, INTERRUPT_ACKNOWLEDGE, causes);
    }
    return causes;
}

bool virtio_is_lost(const struct virtio *virtio)
{
    return (get(virtio, STATUS) & STATUS_LOST) != 0;
}

uint32_t virtio_config_32(const struct virtio *virtio, uint32_t offset)
{
    return get(virtio, VIRTIO_CONFIG + offset);
}

uint64_t virtio_config_64(const struct virtio *virtio, uint32_t offset)
{
    uint64_t value = 0;
    /* Two reads that belong together (2.5.1); older devices have no generation. */
    for (uint32_t turn = 0; turn < CONFIG_TURNS; turn++) {
        const uint32_t before = virtio->is_legacy ? 0 : get(virtio, CONFIG_GENERATION);
        value = virtio_config_32(virtio, offset);
        value |= (uint64_t)virtio_config_32(virtio, offset + 4) << 32;
        if (virtio->is_legacy || get(virtio, CONFIG_GENERATION) == before) {
            break;
        }
    }
    return value;
}
