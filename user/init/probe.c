/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <hf/env.h>
#include <hf/mem.h>

/* Indices of registers of four bytes. */
#define REGISTER_MAGIC 0u
#define REGISTER_KIND  2u
#define REGISTER_BYTES 12u /* up to their end */
#define MAGIC          UINT32_C(0x74726976)

enum err probe_virtio(uint64_t object, uint64_t offset, uint32_t *kind)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_SHARED,
        .object = object,
    };
    if (offset % sizeof(uint32_t) != 0 || offset > HF_PAGE_BYTES - REGISTER_BYTES) {
        return ERR_NODEV;
    }
    enum err error = hf_map(map, &address);
    if (error != ERR_OK) {
        return error;
    }
    const volatile uint32_t *registers = (const volatile uint32_t *)(address + offset);
    const uint32_t magic = registers[REGISTER_MAGIC];
    const uint32_t found = registers[REGISTER_KIND];
    error = hf_unmap(HF_OWN_SPACE, address, HF_PAGE_BYTES);
    if (error == ERR_OK && magic != MAGIC) {
        error = ERR_NODEV;
    }
    if (error == ERR_OK) {
        *kind = found;
    }
    return error;
}
