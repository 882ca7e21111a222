/* SPDX-License-Identifier: MIT */
#include "server/shell/port_kernel.h"

#include <stddef.h>

#include "server/core/space.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"

#include <abi/fault.h>
#include <abi/layout.h>
#include <base/assert.h>

/* An ordinary call of the frame authority that cannot be refused unless we are wrong. */
static void must(struct result result)
{
    ASSERT(result.error == ERR_OK);
}

void port_init(struct port *port, void *message, pfn_t server_space, const struct port_peer *peers)
{
    *port = (struct port){
        .entries = message,
        .server_space = pfn_to_number(server_space),
        .peers = peers,
    };
}

/* How many entries a refused one takes along: a copy's source goes with it. */
static uint64_t refused_entries(const struct map_entry *entry)
{
    enum map_op op = (enum map_op)(entry->what >> MAP_OP_SHIFT);

    ASSERT(op == MAP_INSTALL_ZERO || op == MAP_INSTALL_COPY || op == MAP_INSTALL ||
           op == MAP_INSTALL_DEVICE);
    return op == MAP_INSTALL_COPY ? 2 : 1;
}

void port_flush_entries(struct port *port)
{
    while (port->count != 0) {
        const struct result result =
            ecall_three(SYS_MAP, HANDLE_AUTHORITY, port->space, port->count, 0);
        if (LIKELY(result.error == ERR_OK)) {
            port->count = 0;
            return;
        }
        /* A page that is not installed is a fault later; anything else cannot be refused. */
        uint64_t done = result.words[0];
        ASSERT(done < port->count);
        done += refused_entries(&port->entries[done]);
        ASSERT(done <= port->count);
        port->dropped++;
        port->count -= done;
        memmove(port->entries, &port->entries[done], port->count * sizeof(*port->entries));
    }
}

/* Room for `count` more entries for `space`. Returns: the first. */
static struct map_entry *room(struct port *port, uint64_t space, uint64_t count)
{
    if (port->count != 0 && (port->space != space || port->count + count > MAP_ENTRIES_MAX)) {
        port_flush_entries(port);
    }
    port->space = space;
    struct map_entry *entry = &port->entries[port->count];
    port->count += count;
    return entry;
}

static void add(struct port *port, uint64_t space, uint64_t where, uint64_t what)
{
    *room(port, space, 1) = (struct map_entry){where, what};
}

void port_space_make(struct port *port, pfn_t object, pfn_t root, pfn_t slots, uint64_t badge,
                     uint32_t priority)
{
    port_flush(port);
    must(ecall_six(SYS_SPACE_MAKE, HANDLE_AUTHORITY, pfn_to_number(object), pfn_to_number(root),
                   pfn_to_number(slots), badge, HANDLE_MEM, priority));
}

void port_space_end(struct port *port, pfn_t object)
{
    port_flush(port);
    must(ecall_three(SYS_SPACE_END, HANDLE_AUTHORITY, pfn_to_number(object), CAUSE_KILLED, 0));
}

void port_thread_make(struct port *port, pfn_t space, pfn_t object, pfn_t message, uint32_t number,
                      uint32_t window_page, uint32_t priority)
{
    port_flush(port);
    must(ecall_six(SYS_THREAD_MAKE, HANDLE_AUTHORITY, pfn_to_number(space), pfn_to_number(object),
                   pfn_to_number(message), number, window_page, priority));
}

enum err port_slab_donate(struct port *port, pfn_t space, pfn_t frame, enum port_slab what)
{
    const enum object_kind kind = what == PORT_SLAB_HANDLES ? OBJECT_HANDLES : OBJECT_ENDPOINT;

    port_flush(port);
    enum err error = ecall_three(SYS_SLAB_DONATE, HANDLE_AUTHORITY, pfn_to_number(space),
                                 pfn_to_number(frame), kind)
                         .error;
    ASSERT(error == ERR_OK || error == ERR_NO_SLOT);
    return error;
}

void port_frame_release(struct port *port, pfn_t frame)
{
    port_flush(port);
    must(ecall_three(SYS_FRAME_RELEASE, HANDLE_AUTHORITY, pfn_to_number(frame), 0, 0));
}

void port_table_add(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    add(port, pfn_to_number(space), map_where(vpn_to_number(vpn), 1),
        map_what(MAP_TABLE, pfn_to_number(table), level, 0));
}

void port_table_remove(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    add(port, pfn_to_number(space), map_where(vpn_to_number(vpn), 1),
        map_what(MAP_UNTABLE, pfn_to_number(table), level, 0));
}

void port_window_table_add(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                           pfn_t table)
{
    add(port, pfn_to_number(space), map_where(window_page, 1),
        map_what(MAP_TABLE, pfn_to_number(table), level, MAP_IN_WINDOW));
}

void port_window_table_remove(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                              pfn_t table)
{
    add(port, pfn_to_number(space), map_where(window_page, 1),
        map_what(MAP_UNTABLE, pfn_to_number(table), level, MAP_IN_WINDOW));
}

void port_server_table_add(struct port *port, uint32_t number, pfn_t table)
{
    add(port, port->server_space, map_where(number, 1),
        map_what(MAP_TABLE, pfn_to_number(table), 0, MAP_IN_WINDOW));
}

void port_server_table_remove(struct port *port, uint32_t number, pfn_t table)
{
    add(port, port->server_space, map_where(number, 1),
        map_what(MAP_UNTABLE, pfn_to_number(table), 0, MAP_IN_WINDOW));
}

void port_install(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, pfn_t frame,
                  uint32_t prot, enum port_how how, pfn_t source)
{
    const uint64_t where = map_where(vpn_to_number(vpn), npages_to_number(pages));
    struct map_entry *entry = room(port, pfn_to_number(space), how == PORT_COPY ? 2 : 1);

    entry[0] =
        (struct map_entry){where, map_what(port_install_op(how), pfn_to_number(frame), prot, 0)};
    if (how == PORT_COPY) {
        entry[1] = (struct map_entry){0, map_what(MAP_COPY_SOURCE, pfn_to_number(source), 0, 0)};
    }
}

void port_install_large(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t frame,
                        uint32_t prot, enum port_how how)
{
    const uint64_t pages = level == 1 ? PAGES_PER_MEGA : PAGES_PER_GIGA;

    add(port, pfn_to_number(space), map_where(vpn_to_number(vpn), pages),
        map_what(port_install_op(how), pfn_to_number(frame), prot,
                 level == 1 ? MAP_LARGE : MAP_GIANT));
}

void port_carry_out(struct port *port, pfn_t space, const struct space_answer *answer)
{
    const bool is_copy = answer->what >> MAP_OP_SHIFT == MAP_INSTALL_COPY;
    struct map_entry *entry = room(port, pfn_to_number(space), is_copy ? 2 : 1);

    entry[0] = (struct map_entry){answer->where, answer->what};
    if (is_copy) {
        entry[1] = (struct map_entry){0, answer->source};
    }
    port_flush(port);
}

void port_remove(struct port *port, pfn_t space, vpn_t vpn, npages_t pages)
{
    add(port, pfn_to_number(space), map_where(vpn_to_number(vpn), npages_to_number(pages)),
        map_what(MAP_REMOVE, 0, 0, 0));
}

void port_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot)
{
    add(port, pfn_to_number(space), map_where(vpn_to_number(vpn), npages_to_number(pages)),
        map_what(MAP_RESTRICT, 0, prot, 0));
}

void port_copy(struct port *port, pfn_t to, uint32_t to_offset, pfn_t from, uint32_t from_offset,
               uint32_t length)
{
    port_flush(port);
    must(ecall_six(SYS_FRAME_COPY, HANDLE_AUTHORITY, pfn_to_number(to), to_offset,
                   pfn_to_number(from), from_offset, length, 0));
}

void port_zero(struct port *port, pfn_t frame)
{
    port_flush(port);
    must(ecall_six(SYS_FRAME_COPY, HANDLE_AUTHORITY, pfn_to_number(frame), 0, 0, 0, PAGE_SIZE, 1));
}

void port_hand_over(struct port *port)
{
    port_flush(port);
}

void port_settle(struct port *port, pfn_t space, const struct space_answer *answer)
{
    const bool is_copy = answer->what >> MAP_OP_SHIFT == MAP_INSTALL_COPY;
    const struct answer given = {
        .serial = answer->serial,
        .thread = answer->thread,
        .action = FAULT_RESUME,
        .words = {answer->where, answer->what, 0, is_copy ? answer->source : 0},
    };
    const enum err error = ecall_reply(&given);

    ASSERT(error == ERR_OK || error == ERR_STALE);
    if (error == ERR_STALE) {
        /* The thread has ended, or has been answered: then its entry is there, and stays so. */
        port_carry_out(port, space, answer);
    }
}

void port_wait(struct port *port, uint32_t number, uint32_t urgent)
{
    for (uint32_t i = 0; urgent >> i != 0; i++) {
        if ((urgent >> i & 1) != 0) {
            must(ecall_three(SYS_THREAD_PRIORITY, port->peers[i].thread, PRIORITY_SERVER, 0, 0));
        }
    }
    must(ecall_three(SYS_WAIT, port->peers[number].turn, 0, 0, 0));
}

void port_wake(struct port *port, uint32_t number)
{
    must(ecall_three(SYS_NOTIFY, port->peers[number].turn, PORT_TURN, 0, 0));
}

void port_server_page(struct port *port, uint64_t vpn, pfn_t frame)
{
    add(port, port->server_space, map_where(vpn, 1),
        map_what(MAP_INSTALL_SERVER, pfn_to_number(frame), MAP_READ | MAP_WRITE, 0));
}

/* Page number of an arena page in the server's space. */
static uint64_t arena_vpn(uint32_t arena_page)
{
    return (PORT_ARENA_START >> PAGE_SHIFT) + arena_page;
}

/* The calls on the arena act before they return: core touches the page next. */
static void add_now(struct port *port, uint32_t arena_page, uint64_t what)
{
    add(port, port->server_space, map_where(arena_vpn(arena_page), 1), what);
    port_flush_entries(port);
}

void port_arena_table_add(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    add_now(port, arena_page, map_what(MAP_TABLE, pfn_to_number(table), level, 0));
}

void port_arena_table_remove(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    add_now(port, arena_page, map_what(MAP_UNTABLE, pfn_to_number(table), level, 0));
}

void port_arena_back(struct port *port, uint32_t arena_page, pfn_t frame)
{
    add_now(port, arena_page,
            map_what(MAP_INSTALL_SERVER, pfn_to_number(frame), MAP_READ | MAP_WRITE, 0));
}

void port_arena_unback(struct port *port, uint32_t arena_page, pfn_t frame)
{
    (void)frame;
    add_now(port, arena_page, map_what(MAP_REMOVE_SERVER, 0, 0, 0));
}
