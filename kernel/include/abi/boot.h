/* SPDX-License-Identifier: MIT */
/*
 * What the kernel finds at boot and hands to the memory server and init.
 */
#pragma once

#include <stdint.h>

/*
 * Head of a flat image: boot/server and boot/init of the archive. Segments are page aligned in the
 * file and in memory, in ascending order, and do not overlap; bytes past file_bytes are zero. The
 * entry gets a0 = address of its message page, which holds struct boot_info (server) or struct
 * init_info (init), tp = gp = sp = 0: it sets up its own stack, in its bss.
 */
#define IMAGE_MAGIC        UINT64_C(0x54534146444c4f48) /* "HOLDFAST" */
#define IMAGE_VERSION      1u
#define IMAGE_SEGMENTS_MAX 8u

struct image_segment {
    uint64_t va;
    uint64_t file_offset;
    uint64_t file_bytes;
    uint64_t memory_bytes;
    uint32_t prot; /* MAP_READ... */
    uint32_t reserved;
};

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t segment_count;
    uint64_t entry;
    struct image_segment segments[IMAGE_SEGMENTS_MAX];
};

#define BOOT_INFO_VERSION 2u
#define BOOT_RANGES_MAX   64u
#define BOOT_SEGMENTS_MAX 8u
#define BOOT_DEVICES_MAX  28u

/* Thread numbers and fault badges at boot. */
#define BOOT_SERVER_THREAD 0u
#define BOOT_INIT_THREAD   1u
#define BOOT_INIT_BADGE    UINT64_C(1)

/* Half-open range of frames: first, count. */
struct boot_range {
    uint64_t pfn;
    uint64_t pages;
};

/* A stretch of init's space that stands at boot: pages from vpn are the frames from pfn. */
struct boot_segment {
    uint64_t vpn;
    uint64_t pages;
    uint64_t pfn;
    uint32_t prot;
    uint32_t reserved;
};

#define BOOT_COMPATIBLE_BYTES 24u
#define BOOT_DEVICE_CONSOLE   0x1u /* the device tree's standard output */
#define BOOT_DEVICE_CARD      0x2u /* a SPI controller of SiFive with a slot for SD cards */

/* A device of the device tree with registers, not shared with RAM or the kernel. */
struct boot_device {
    char compatible[BOOT_COMPATIBLE_BYTES]; /* the first it names; cut, then NUL padded */
    uint64_t start;                         /* physical address of its first registers */
    uint64_t bytes;
    uint32_t interrupt; /* its first line at the interrupt controller; 0: none */
    uint32_t flags;
};

/* In the memory server's message page when it starts. */
struct boot_info {
    uint32_t version;
    uint32_t bytes;          /* of this structure */
    uint64_t frames_end;     /* one past the highest frame number of RAM */
    uint64_t frames_start;   /* lowest frame number of RAM */
    uint64_t thread_numbers; /* thread numbers are below this */
    uint64_t timebase_hz;
    uint64_t harts;
    uint64_t seed;             /* 64 random bits, or the --seed of the command line */
    uint64_t server_space_pfn; /* frames of the kernel objects that stand */
    uint64_t server_thread_pfn;
    uint64_t init_space_pfn;
    uint64_t init_thread_pfn;
    uint64_t server_heap_va;   /* first free page-aligned address behind the server's image */
    struct boot_range archive; /* frames of the boot archive */
    uint64_t archive_bytes;
    /*
     * Page tables of init's space, all of them, contiguous: the root, level 1 and level 0 of the
     * window, then those of the segments by ascending address, each of level 1 before the first of
     * level 0 under it.
     */
    struct boot_range init_tables;
    struct boot_range server_tables;
    uint32_t free_count; /* ranges of free frames, ascending */
    uint32_t init_segment_count;
    uint64_t device_count;
    struct boot_range free[BOOT_RANGES_MAX];
    struct boot_segment init_segments[BOOT_SEGMENTS_MAX];
    struct boot_device devices[BOOT_DEVICES_MAX];
};

/* In init's message page when it starts. */
struct init_info {
    uint32_t version;
    uint32_t bytes;
    uint64_t timebase_hz;
    uint64_t seed;
};
