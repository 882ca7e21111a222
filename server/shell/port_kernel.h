/* SPDX-License-Identifier: MIT */
/*
 * Core's port, made of kernel calls.
 *
 * Changes of page tables are gathered as map entries in the server's own message page, for one
 * space at a time, and go to the kernel with SYS_MAP when the page is full, when another space is
 * meant, before any other kernel call, and with port_flush() before an answer. The answer to a
 * fault carries its entries itself (main.c) and leaves this vector alone.
 *
 * I1  The entries 0 .. count - 1 of `entries` are what was not handed over yet, all for `space`.
 * I2  count == 0, or `space` is a space that stands.
 * Owner: the server thread whose message page it is.
 *
 * Not here: which frame goes where (core).
 */
#pragma once

#include <stdint.h>

#include <abi/authority.h>
#include <abi/map.h>
#include <base/assert.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/port.h"

/* Where core's arena lies in the server's space: 1 GiB, with no table under the root at boot. */
#define PORT_ARENA_START UINT64_C(0x2000000000)

/* What others need to know of a server thread: handles. */
struct port_peer {
    uint64_t thread;
    uint64_t turn; /* notification that it waits for when a lock is taken */
};

/* The bit of that notification. */
#define PORT_TURN 0x1u

struct port {
    struct map_entry *entries; /* constant: the message page */
    uint64_t count;
    uint64_t space;        /* frame of the space that the entries are for */
    uint64_t server_space; /* constant: frame of the server's own space */
    uint64_t dropped; /* installs that the kernel refused: each costs its client one more fault */
    const struct port_peer *peers; /* constant: by number of the server thread */
};

/* Start without entries. `message` is the server thread's message page. */
void port_init(struct port *port, void *message, pfn_t server_space, const struct port_peer *peers);

/* Hand over what was gathered. */
void port_flush_entries(struct port *port);

/* The same, for paths on which there is mostly nothing. */
static inline void port_flush(struct port *port)
{
    if (UNLIKELY(port->count != 0)) {
        port_flush_entries(port);
    }
}

/* Map a frame of the server's own at page `vpn` of its space. */
void port_server_page(struct port *port, uint64_t vpn, pfn_t frame);

/* Map what was decided for a fault whose thread is gone: core counts the page as filled. */
void port_carry_out(struct port *port, pfn_t space, const struct space_answer *answer);

STATIC_ASSERT((int)PORT_ZERO == (int)MAP_INSTALL_ZERO && (int)PORT_COPY == (int)MAP_INSTALL_COPY &&
                  (int)PORT_AS_IS == (int)MAP_INSTALL &&
                  (int)PORT_DEVICE == (int)MAP_INSTALL_DEVICE,
              "how to install is the operation of an entry");

/* Operation of an install. */
static inline enum map_op port_install_op(enum port_how how)
{
    return (enum map_op)how;
}
