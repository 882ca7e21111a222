/* SPDX-License-Identifier: MIT */
/*
 * BOOT_DEVICE of proto.def: the devices that drivers are for. proto.h says what all requests have
 * in common.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/*
 * BOOT_DEVICE: for init alone (others: PERM). The device of the device tree with this number, from
 * 0; NOENT: there are no more. A handle to its registers, whole pages of them, comes back in word
 * 1: it can be mapped MAP_SHARED, readable and writable, and is never executable; COPY does not
 * reach such pages. It has MEM_OBJECT_RESET too.
 */
#define MEM_COMPATIBLE_BYTES 24u
#define MEM_DEVICE_CONSOLE   0x1u /* the device tree's standard output */
#define MEM_DEVICE_CARD      0x2u /* a SPI controller of SiFive with a slot for SD cards */
struct mem_boot_device_req {
    uint64_t head;
    uint64_t index;
    uint64_t reserved[6];
};
struct mem_boot_device_rep {
    uint64_t error;
    uint64_t object;
    uint64_t start; /* physical address; its offset in the first page counts */
    uint64_t bytes;
    uint32_t interrupt;                    /* number of its line; 0: none */
    uint32_t flags;                        /* MEM_DEVICE_... */
    char compatible[MEM_COMPATIBLE_BYTES]; /* cut, then NUL padded */
};
STATIC_ASSERT(sizeof(struct mem_boot_device_rep) == 64, "eight words");
