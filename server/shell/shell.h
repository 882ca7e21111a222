/* SPDX-License-Identifier: MIT */
/*
 * What a thread of the memory server has in hand, and what all of them have in common and must
 * outlive the server.
 *
 * The shell's own state, like core's, lies in the arena: one page found by the arena's head, and
 * the records of clients (client.h). The rest is made anew by every instance.
 *
 * I1  Nothing in struct shell_head is a pointer.
 * I2  A server thread does nothing in core without having `processes` or a bucket (core/shared.h).
 * Owner: struct shell: its thread. struct shell_head: who has `processes`; what does not change
 * after boot, everybody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/boot.h>
#include <base/assert.h>
#include <base/attr.h>

#include "server/core/core.h"
#include "server/shell/port_kernel.h"

/* How often a request or fault is tried again that other server threads have the frames for. */
#define GATHER_MAX 8u

#define SHELL_MAGIC UINT64_C(0x6c6c656873666468)

/* A device, and the number of its object. */
struct shell_device {
    uint64_t object;
    struct boot_device boot;
};

/* In an arena page of its own. Constant after boot, but for `serial`, `random` and `timer`. */
struct shell_head {
    uint64_t magic;
    uint64_t serial;      /* of the client made last */
    uint64_t random;      /* state of shell_random() */
    uint32_t init;        /* number of init's space */
    uint32_t workers;     /* server threads */
    uint32_t dying_first; /* clients (client.h), in the order of their ends; under `processes` */
    uint32_t reserved;
    uint64_t archive; /* number of the object of the boot archive */
    uint64_t archive_bytes;
    uint64_t frames_total;  /* frames of RAM */
    uint64_t timebase_hz;   /* of ecall_time() */
    _Atomic uint64_t timer; /* when the kernel is to tell of the time; UINT64_MAX: never */
    uint64_t device_count;
    struct shell_device devices[BOOT_DEVICES_MAX];
};

struct shell {
    struct core core;
    struct port port;
    struct shell_head *head;
    uint64_t stack;   /* where it starts; valid for all but the first server thread */
    uint64_t decided; /* badge of the space whose fault it decided last (space->answer) */
    bool restarts;    /* what it serves is a request that waited (waits.h) */
    uint64_t
        carried[2]; /* in what is to be sent next: by LOCK with MEM_LOCK_DRY, PIN_NEXT (turns.h) */
};

/* A number that clients cannot foresee, or foresee by the seed alone: places mappings at random. */
uint64_t shell_random(struct shell *shell);

/*
 * Have the frames that other server threads keep for themselves where this one finds them. The
 * caller has neither `processes` nor a bucket.
 */
void shell_gather(struct shell *shell);

/* What a new space may do. */
struct space_settings shell_settings(struct shell *shell, uint32_t priority, uint32_t privileges);

/* Number of the space with this badge, as faults, calls and notices of deaths have it. */
static inline uint64_t shell_space_number(const struct shell *shell, uint64_t badge)
{
    return UNLIKELY(badge == BOOT_INIT_BADGE) ? shell->head->init
                                              : badge & ((UINT64_C(1) << SPACE_NUMBER_BITS) - 1);
}

/* The bucket of the space with this badge. */
static inline struct bucket *shell_bucket(const struct shell *shell, uint64_t badge)
{
    return space_bucket(&shell->core, (uint32_t)shell_space_number(shell, badge));
}

/*
 * Take the space that a fault or call comes from, as the kernel attests, in its bucket.
 *
 * Returns: NULL: it has ended since.
 */
static inline struct space *shell_take_space(struct shell *shell, struct bucket *bucket,
                                             uint64_t badge)
{
    return space_take_in(&shell->core, bucket, (uint32_t)shell_space_number(shell, badge), badge);
}

/* Give it back: everything that was decided for it is handed to the kernel. */
static inline void shell_give_space(struct shell *shell, struct bucket *bucket)
{
    port_flush(&shell->port);
    mutex_give(&shell->core, &bucket->mutex);
}
