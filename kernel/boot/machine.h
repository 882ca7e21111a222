/* SPDX-License-Identifier: MIT */
/*
 * What the device tree says about the machine, copied out of it, so that its memory can be reused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/devices.h"
#include "boot/dtb.h"
#include "boot/ranges.h"
#include <base/attr.h>
#include <sbi/board.h>

#define MACHINE_MODEL_BYTES    64u
#define MACHINE_BOOTARGS_BYTES 256u
#define MACHINE_HARTS_MAX      64u

struct machine {
    char model[MACHINE_MODEL_BYTES];
    char bootargs[MACHINE_BOOTARGS_BYTES];
    char stdout_path[MACHINE_MODEL_BYTES];
    const struct board *board_opt; /* NULL: it needs nothing of the kernel */
    struct ranges memory;          /* RAM, as the memory nodes have it */
    struct ranges
        reserved; /* of /reserved-memory, with and without no-map, and of the reservation block */
    uint64_t archive_start; /* the initrd; both 0: none */
    uint64_t archive_end;
    uint64_t timebase_hz; /* 0: not said */
    uint64_t seed;        /* made of rng-seed */
    bool has_seed;
    bool has_sstc;       /* every usable hart has stimecmp */
    uint64_t hart_count; /* the one that reads, and the usable ones: not disabled, with an MMU */
    uint64_t hart_ids[MACHINE_HARTS_MAX]; /* that one first, then as in the tree */
    uint64_t other_count; /* without an MMU, so that firmware disables them (OpenSBI does) */
    uint64_t other_ids[MACHINE_HARTS_MAX];
    uint32_t device_count;
    struct boot_device devices[BOOT_DEVICES_MAX];
    struct interrupts interrupts;
};

/*
 * Read the whole tree at `base`, of which `readable` bytes may be read, on hart `hart_id`.
 *
 * Returns:   DTB_OK or what is wrong with it; harts, devices and memory ranges beyond the room here
 *            are left out, reserved ranges beyond it are an error.
 * On error:  *machine holds what was read so far; nothing if the header is bad.
 */
MUST_USE enum dtb_error machine_read(const void *base, uint64_t readable, uint64_t hart_id,
                                     struct machine *machine);
