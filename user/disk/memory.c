/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <string.h>

#include <disk/proto.h>
#include <hf/env.h>
#include <hf/io.h>
#include <hf/mem.h>
#include <hf/pin.h>

static uint32_t bus_read(void *context, uint32_t offset)
{
    return hf_io_read((const volatile uint32_t *)context + offset / sizeof(uint32_t));
}

static void bus_write(void *context, uint32_t offset, uint32_t value)
{
    hf_io_write((volatile uint32_t *)context + offset / sizeof(uint32_t), value);
}

struct virtio_bus memory_bus(volatile uint32_t *registers)
{
    return (struct virtio_bus){(void *)registers, bus_read, bus_write};
}

enum err memory_pages(uint32_t count, bool is_reached, const char *purpose, struct blk_page *pages)
{
    static uint64_t frames[MEM_PIN_FRAMES_MAX];
    uint64_t address = 0;
    uint64_t number = 0;
    const struct hf_map map = {
        .length = count * HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };
    enum err error = hf_map(map, &address);
    const struct hf_pin pin = {
        .addr = (const void *)address,
        .pages = count,
        .flags = MEM_PIN_WRITE | MEM_PIN_LONGTERM | MEM_PIN_GET | MEM_PIN_FRAMES,
        .purpose = purpose,
        .device = DISK_SLOT_REGISTERS,
    };
    if (error == ERR_OK && is_reached) {
        error = hf_pin_all(&pin, &number, frames);
    }
    for (uint32_t i = 0; i < count && error == ERR_OK; i++) {
        const uint64_t own = address + i * HF_PAGE_BYTES;
        pages[i] = (struct blk_page){(void *)own, is_reached ? frames[i] * HF_PAGE_BYTES : own};
    }
    return error;
}

static enum err copy(uint64_t space, void *own, uint64_t other, uint32_t bytes, uint64_t direction)
{
    uint64_t copied = 0;
    if (space != HF_OWN_SPACE) {
        return hf_copy(space, (uint64_t)own, other, bytes, direction | MEM_COPY_NOWAIT, &copied);
    }
    if (direction == MEM_COPY_FROM) {
        memcpy(own, (const void *)other, bytes);
    } else {
        memcpy((void *)other, own, bytes);
    }
    return ERR_OK;
}

static enum err fetch(void *context, uint64_t space, uint64_t from, void *to, uint32_t bytes)
{
    (void)context;
    return copy(space, to, from, bytes, MEM_COPY_FROM);
}

static enum err deliver(void *context, uint64_t space, const void *from, uint64_t to,
                        uint32_t bytes)
{
    (void)context;
    return copy(space, (void *)(uintptr_t)from, to, bytes, MEM_COPY_TO);
}

const struct sd_blk_copier memory_copier = {NULL, fetch, deliver};
