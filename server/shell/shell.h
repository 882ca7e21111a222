/* SPDX-License-Identifier: MIT */
/*
 * What the memory server's thread has in hand, and what of it must outlive the server.
 *
 * The shell's own state, like core's, lies in the arena: one page found by the arena's head, and
 * the records of clients (client.h). The rest is made anew by every instance.
 *
 * I1  Nothing in struct shell_head is a pointer.
 * Owner: the server's first thread.
 */
#pragma once

#include <stdint.h>

#include <abi/boot.h>
#include <base/assert.h>
#include <base/attr.h>

#include "server/core/core.h"
#include "server/shell/port_kernel.h"

#define SHELL_MAGIC UINT64_C(0x6c6c656873666468)

/* A device, and the number of its object. */
struct shell_device {
    uint64_t object;
    struct boot_device boot;
};

/* In an arena page of its own. */
struct shell_head {
    uint64_t magic;
    uint64_t serial; /* of the client made last */
    uint64_t random; /* state of shell_random() */
    uint32_t init;   /* number of init's space; 0: init has ended */
    uint32_t reserved;
    uint64_t archive; /* number of the object of the boot archive */
    uint64_t archive_bytes;
    uint64_t frames_total; /* frames of RAM */
    uint64_t timebase_hz;  /* of ecall_time() */
    uint64_t device_count;
    struct shell_device devices[BOOT_DEVICES_MAX];
};

struct shell {
    struct core core;
    struct port port;
    struct shell_head *head;
    /* Whose fault the answer that is about to be given decides (space->answer); NULL: none. */
    struct space *decided;
};

/* A number that clients cannot foresee, or foresee by the seed alone: places mappings at random. */
uint64_t shell_random(struct shell *shell);

/* What a new space may do. */
struct space_settings shell_settings(struct shell *shell, uint32_t priority, uint32_t privileges);

/* Number of the space with this badge, as faults, calls and notices of deaths have it. */
static inline uint64_t shell_space_number(const struct shell *shell, uint64_t badge)
{
    return UNLIKELY(badge == BOOT_INIT_BADGE) ? shell->head->init
                                              : badge & ((UINT64_C(1) << SPACE_NUMBER_BITS) - 1);
}

/*
 * The space that a fault or call comes from. The kernel attests it, and the space stands while it
 * has threads, so nothing is looked up.
 */
static inline struct space *shell_space(const struct shell *shell, uint64_t badge)
{
    const uint32_t number = (uint32_t)shell_space_number(shell, badge);
    struct space *space = arena_page(&shell->core, number);

    ASSERT(space->state == SPACE_LIVE && space->number == number);
    return space;
}
