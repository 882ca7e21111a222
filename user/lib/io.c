/* SPDX-License-Identifier: MIT */
#include <hf/io.h>

#include <hf/env.h>
#include <hf/mem.h>

enum err hf_io_map(uint64_t object, uint64_t offset, volatile void **registers)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED,
        .object = object,
    };
    enum err error = hf_map(map, &address);
    if (error == ERR_OK) {
        *registers = (volatile void *)(address + offset);
    }
    return error;
}
