/* SPDX-License-Identifier: MIT */
#include "memory.h"

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

enum err memory_registers(uint64_t offset, struct virtio_bus *bus)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED,
        .object = DISK_SLOT_REGISTERS,
    };
    enum err error = hf_map(map, &address);
    if (error == ERR_OK) {
        *bus = (struct virtio_bus){(void *)(address + offset), bus_read, bus_write};
    }
    return error;
}

enum err memory_pages(uint32_t count, const char *purpose, struct blk_page *pages)
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
    if (error == ERR_OK) {
        error = hf_pin_all(&pin, &number, frames);
    }
    for (uint32_t i = 0; i < count && error == ERR_OK; i++) {
        pages[i] =
            (struct blk_page){(void *)(address + i * HF_PAGE_BYTES), frames[i] * HF_PAGE_BYTES};
    }
    return error;
}
