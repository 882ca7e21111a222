/* SPDX-License-Identifier: MIT */
/*
 * A virtio device behind memory-mapped registers (virtio 1.2, 4.2): being found, set up, notified
 * and reset. Version 2 and, as QEMU makes them without being asked, version 1 ("legacy", 4.2.4).
 *
 *   RESET -> OFFERED   [virtio_begin]  what it can do is known
 *   OFFERED -> LIVE    [virtio_go]     it works at the queue
 *   any -> RESET       [virtio_reset]  it has let go of all memory
 *
 * Registers are reached through functions, so that a model can stand in for the device.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/* How the registers are reached; offsets in bytes, multiples of 4. */
struct virtio_bus {
    void *context;
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
};

/* Feature bits of every device (6). */
#define VIRTIO_F_TABLES    (UINT64_C(1) << 28) /* VIRTIO_F_INDIRECT_DESC */
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

#define VIRTIO_DEVICE_NONE  0u
#define VIRTIO_DEVICE_BLOCK 2u

/* Where the registers of all slots end and those of the kind of device begin. */
#define VIRTIO_CONFIG 0x100u

/* What an interrupt was for. */
#define VIRTIO_INTERRUPT_QUEUE  0x1u
#define VIRTIO_INTERRUPT_CONFIG 0x2u

struct virtio {
    struct virtio_bus bus;
    bool is_legacy;
    uint64_t features; /* both sides know; valid from virtio_begin() on */
};

/* Offsets of what init has to read to know what is in a slot, and what must stand there. */
#define VIRTIO_MAGIC    0x000u
#define VIRTIO_ID       0x008u
#define VIRTIO_MAGIC_IS UINT32_C(0x74726976)

/*
 * Reset the device, see what it is and agree on features: those of `wanted` that it offers.
 *
 * Returns:   ERR_OK; ERR_NOENT: no device of this kind is in the slot; ERR_OPNOTSUPP: its version
 *            is unknown, or it will not have the features; ERR_IO: it does not let itself be reset.
 * On error:  `*why` says what happened, as the end of a sentence.
 */
MUST_USE enum err virtio_begin(struct virtio *virtio, uint32_t kind, uint64_t wanted,
                               const char **why);

/* How large queue 0 may be; 0: there is none. */
uint32_t virtio_queue_size_max(const struct virtio *virtio);

/*
 * Give it queue 0, whose page begins at a physical address, and let it work.
 *
 * Returns:   ERR_OK; ERR_BUSY: the queue is in use; ERR_RANGE: an older device cannot reach it.
 */
MUST_USE enum err virtio_go(struct virtio *virtio, uint64_t page, uint16_t size,
                            uint32_t available_offset, uint32_t used_offset);

/* Tell it that there is something new in the queue. */
void virtio_notify(const struct virtio *virtio);

/* Why it has interrupted (VIRTIO_INTERRUPT_...); it need not say so again. */
uint32_t virtio_take_interrupt(const struct virtio *virtio);

/* Whether it asks for a reset, having lost its way (2.1). */
bool virtio_is_lost(const struct virtio *virtio);

/* Have it stop and forget. Returns: ERR_OK; ERR_IO: it does not say that it has. */
MUST_USE enum err virtio_reset(struct virtio *virtio);

/* Read its configuration, at an offset there. */
uint32_t virtio_config_32(const struct virtio *virtio, uint32_t offset);
uint64_t virtio_config_64(const struct virtio *virtio, uint32_t offset);
