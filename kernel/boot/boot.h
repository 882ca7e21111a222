/* SPDX-License-Identifier: MIT */
/*
 * From the first C instruction to the first user instruction.
 *
 *   entry.S: bss, provisional map -> boot_main: console, device tree, RAM, direct map, frame
 *   table, hart -> handoff.c: memory server and init -> the scheduler
 */
#pragma once

#include <stdint.h>

#include "boot/machine.h"
#include "boot/options.h"
#include "boot/ranges.h"
#include <base/attr.h>
#include <base/types.h>

/* What later steps need to know of earlier ones. */
struct boot {
    struct machine machine;
    struct options options;
    struct ranges
        used; /* of RAM, firmware's too: all, or what option mem= leaves, and the archive */
    struct ranges ram;  /* of it, mapped in the direct map: all but firmware's */
    struct ranges free; /* of it, what nothing stands in */
    struct board_outcome board;
    uint64_t hart_id;
    uint64_t hart_count;    /* harts to be used */
    uint64_t frames_kernel; /* frames used that are neither free nor the archive's, at hand-off */
};

/* handoff.c: frames that hold the boot archive; 0: there is none. */
uint64_t handoff_archive_pages(const struct machine *machine);

/*
 * handoff.c: build the spaces of the memory server and of init, tell both what they need to know
 * (abi/boot.h), give every free frame away, and run the memory server.
 */
NORETURN void handoff(struct boot *boot);

/* Called by entry.S on the boot hart's stack. */
NORETURN void boot_main(uint64_t hart_id, paddr_t tree);

/* Called by entry.S for a trap before the kernel's own handler stands. */
NORETURN void boot_trap(uint64_t cause, uint64_t pc, uint64_t value);
