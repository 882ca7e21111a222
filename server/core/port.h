/* SPDX-License-Identifier: MIT */
/*
 * The only way out of core: what it asks of the kernel, or of a model of the kernel on the host.
 *
 * The functions are declared here and defined once per program: in server/shell for the system, in
 * tests/core for the host. Core names frames by number and never touches what is in them.
 *
 * I1  Calls of a server thread take effect in the order in which they are made. An implementation
 *     may gather them in a vector (that outlives the server), one of each server thread, and hand
 *     the vector over when it is full, but at the latest before the answer to the request or fault
 *     goes out, in port_hand_over(), and before a call on the arena returns: core touches an arena
 *     page next.
 * I2  Nothing here can refuse but port_slab_donate(). port_install() may do nothing at all: the
 *     client then faults again. Everything else succeeds, or core or the kernel is broken.
 * I3  All calls may be repeated: what is already so stays so.
 * I4  A frame that core donates or installs with PORT_ZERO or PORT_COPY is unused: free, or user
 *     memory without mappings. The kernel zeroes a frame whose kind changes, and counts the
 *     mappings of each.
 * I5  Server threads call at the same time, each with a port of its own or all with one.
 *
 * A space or thread is named by the frame of its kernel object. Levels of page tables are those of
 * their entries: a table of level 1 has entries that cover 2 MiB each, one of level 0 has 4 KiB
 * leaves. The root comes and goes with the space.
 *
 * Not here: answers to clients and replies to faults; core returns those as values.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

/* Defined by the implementation; core only hands the pointer on. */
struct port;
struct space_answer;

/* What an installed frame must hold. The numbers are those of the kernel's map entries. */
enum port_how {
    PORT_ZERO = 1,    /* the frame is unused: make it user memory, zero it, map it */
    PORT_COPY = 2,    /* the same, filled from the frame `source`; one page only */
    PORT_AS_IS = 4,   /* add a mapping to user memory or to a wired frame, contents untouched */
    PORT_DEVICE = 11, /* the frame is no RAM but registers of a device: not counted */
};

/* What a frame donated to a space is for. */
enum port_slab {
    PORT_SLAB_OBJECTS = 0, /* endpoints and notifications */
    PORT_SLAB_HANDLES = 1, /* handle slots */
};

/* Make a space: `object`, `root` (of the page tables) and `slots` (of handles) are donated. */
void port_space_make(struct port *port, pfn_t object, pfn_t root, pfn_t slots, uint64_t badge,
                     uint32_t priority);

/* End the threads and objects of a space. Its tables and leaves stand until they are taken. */
void port_space_end(struct port *port, pfn_t object);

/*
 * Make a thread of `space`, not started, whose message page is page `window_page` of the space's
 * window.
 */
void port_thread_make(struct port *port, pfn_t space, pfn_t object, pfn_t message, uint32_t number,
                      uint32_t window_page, uint32_t priority);

/*
 * Donate a frame to a space for small objects.
 *
 * Returns:   ERR_OK; ERR_NO_SLOT if the table of handles cannot grow further.
 * On error:  nothing changed.
 */
MUST_USE enum err port_slab_donate(struct port *port, pfn_t space, pfn_t frame,
                                   enum port_slab what);

/*
 * Take back the frame of a thread (with its message page), of a slab or slots of an ended space, or
 * of the ended space itself (with its root; the last to go). They are free afterwards.
 */
void port_frame_release(struct port *port, pfn_t frame);

/* Make `table` the page table of `level` that covers `vpn`. The level above is there. */
void port_table_add(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table);

/* Take back that page table, which holds no lower table; the frame is free afterwards. */
void port_table_remove(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table);

/* The same two for the window of message pages of a space. */
void port_window_table_add(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                           pfn_t table);
void port_window_table_remove(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                              pfn_t table);

/* The same two for level 0 of the server's own window, which covers all thread numbers. */
void port_server_table_add(struct port *port, uint32_t number, pfn_t table);
void port_server_table_remove(struct port *port, uint32_t number, pfn_t table);

/*
 * Map `pages` pages from `vpn` on to consecutive frames from `frame` on, in place of what is mapped
 * there.
 *
 * `prot` is MEM_PROT_ bits, not 0; write implies read. `source` is looked at for PORT_COPY only.
 */
void port_install(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, pfn_t frame,
                  uint32_t prot, enum port_how how, pfn_t source);

/*
 * The same with one large leaf of `level` (1: 2 MiB, 2: 1 GiB), PORT_ZERO or PORT_AS_IS; no table
 * is beneath. Page and frame are multiples of its pages.
 */
void port_install_large(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t frame,
                        uint32_t prot, enum port_how how);

/* Remove whatever is mapped in the range. Needs no tables. */
void port_remove(struct port *port, pfn_t space, vpn_t vpn, npages_t pages);

/* Take from what is mapped in the range every right that is not in `prot`; 0 removes. */
void port_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot);

/*
 * Copy `length` bytes between two frames of user memory (the source may be wired); none of them
 * wraps. A whole page may be copied to an unused frame, which becomes user memory.
 */
void port_copy(struct port *port, pfn_t to, uint32_t to_offset, pfn_t from, uint32_t from_offset,
               uint32_t length);

/* Make an unused frame user memory without mappings, all zero. */
void port_zero(struct port *port, pfn_t frame);

/*
 * Give the server's own space a page table for its arena: level 1 once, level 0 for each 512 arena
 * pages.
 */
void port_arena_table_add(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table);

/* Take such a table back, all of whose pages are gone. */
void port_arena_table_remove(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table);

/* Hand over what was gathered. */
void port_hand_over(struct port *port);

/*
 * Give the answer to a fault in `space` that another server thread was about to give (space.h), or
 * see that it has been given; if it cannot be any longer, carry out its entry all the same.
 */
void port_settle(struct port *port, pfn_t space, const struct space_answer *answer);

/*
 * Give the hart away until server thread `number`, the caller, has been woken; may return before.
 *
 * Bit w of `urgent`: before that, server thread w runs before every client until it receives its
 * next message. A wake-up that comes first is not lost.
 */
void port_wait(struct port *port, uint32_t number, uint32_t urgent);

/* Wake server thread `number`. Blocks nobody, changes no frame: a server does not die here. */
void port_wake(struct port *port, uint32_t number);

/* Put a zeroed frame behind arena page `arena_page`. */
void port_arena_back(struct port *port, uint32_t arena_page, pfn_t frame);

/* Take the frame from behind an arena page; it is free afterwards. */
void port_arena_unback(struct port *port, uint32_t arena_page, pfn_t frame);
