/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "model.h"

static struct model_frame *model_frame(struct port *port, pfn_t pfn)
{
    return &port->frames[model_index(pfn)];
}

/* Each port call begins here, and ends with model_leave(). */
static void model_enter(struct port *port)
{
    if (port->threads_opt != NULL) {
        port->threads_opt->enter();
    }
    port->calls++;
    if (port->calls == port->kill_at && !port->kills_after) {
        longjmp(port->killed, 1);
    }
}

static void model_leave(struct port *port)
{
    if (port->calls == port->kill_at && port->kills_after) {
        longjmp(port->killed, 1);
    }
    if (port->threads_opt != NULL) {
        port->threads_opt->leave();
    }
}

static bool model_is_unused(const struct model_frame *frame)
{
    return frame->kind == MODEL_FREE || (frame->kind == MODEL_USER && frame->mappings == 0);
}

static void model_donate(struct port *port, pfn_t pfn, enum model_kind kind)
{
    struct model_frame *frame = model_frame(port, pfn);

    ASSERT(model_is_unused(frame));
    model_set_kind(frame, kind);
}

static struct model_space *model_space_opt(struct port *port, pfn_t object)
{
    uint32_t index = model_index(object);

    for (uint32_t i = 0; i < MODEL_SPACES; i++) {
        if (port->spaces[i].is_used && port->spaces[i].object == index) {
            return &port->spaces[i];
        }
    }
    return NULL;
}

static struct model_space *model_space(struct port *port, pfn_t object)
{
    struct model_space *space = model_space_opt(port, object);

    ASSERT(space != NULL);
    return space;
}

static void model_drop(struct port *port, struct model_entry *entry)
{
    const uint32_t pages = entry->pages != 0 ? entry->pages : 1;

    for (uint32_t i = 0; i < pages; i++) {
        ASSERT(port->frames[entry->frame + i].mappings > 0);
        port->frames[entry->frame + i].mappings--;
    }
    *entry = (struct model_entry){0};
}

/* Space calls. */

void port_space_make(struct port *port, pfn_t object, pfn_t root, pfn_t slots, uint64_t badge,
                     uint32_t priority)
{
    (void)priority;
    model_enter(port);
    ASSERT(badge != 0);
    for (uint32_t i = 0; i < MODEL_SPACES; i++) {
        if (!port->spaces[i].is_used) {
            model_donate(port, object, MODEL_OBJECT);
            model_donate(port, root, MODEL_TABLE);
            model_donate(port, slots, MODEL_OBJECT);
            port->spaces[i] = (struct model_space){.is_used = true,
                                                   .object = model_index(object),
                                                   .root = model_index(root),
                                                   .slots = model_index(slots)};
            model_leave(port);
            return;
        }
    }
    UNREACHABLE();
}

void port_space_end(struct port *port, pfn_t object)
{
    model_enter(port);
    struct model_space *space = model_space_opt(port, object);

    if (space != NULL) {
        space->is_ended = true;
    }
    model_leave(port);
}

/* Where a table of a window is noted. */
static uint32_t *model_window(struct model_space *space, uint32_t level, uint32_t window_page)
{
    const uint32_t block = window_page / MODEL_ENTRIES;

    ASSERT(level <= 1 && block < MODEL_WINDOWS && (level == 0 || block == 0));
    return block == 0 ? &space->window[level] : &space->window_more[block];
}

void port_thread_make(struct port *port, pfn_t space, pfn_t object, pfn_t message, uint32_t number,
                      uint32_t window_page, uint32_t priority)
{
    (void)priority;
    model_enter(port);
    struct model_space *made = model_space(port, space);

    ASSERT(number > 0 && number / MODEL_ENTRIES < MODEL_WINDOWS);
    ASSERT(number < MODEL_ENTRIES || port->numbers[number / MODEL_ENTRIES] != 0);
    ASSERT(!made->is_ended && made->window[1] != 0);
    ASSERT(*model_window(made, 0, window_page) != 0);
    model_donate(port, object, MODEL_OBJECT);
    model_donate(port, message, MODEL_MESSAGE);
    model_frame(port, object)->word = model_index(message);
    made->threads++;
    model_leave(port);
}

enum err port_slab_donate(struct port *port, pfn_t space, pfn_t frame, enum port_slab what)
{
    (void)what;
    model_enter(port);
    ASSERT(!model_space(port, space)->is_ended);
    if (model_frame(port, frame)->kind != MODEL_OBJECT) {
        model_donate(port, frame, MODEL_OBJECT);
    }
    model_leave(port);
    return ERR_OK;
}

void port_frame_release(struct port *port, pfn_t frame)
{
    model_enter(port);
    struct model_space *space = model_space_opt(port, frame);
    struct model_frame *released = model_frame(port, frame);

    if (space != NULL) {
        ASSERT(space->is_ended && space->window[0] == 0 && space->window[1] == 0);
        for (uint32_t i = 0; i < MODEL_ENTRIES; i++) {
            ASSERT(!port->frames[space->root].entries[i].is_valid);
        }
        model_set_kind(&port->frames[space->root], MODEL_FREE);
        space->is_used = false;
    } else if (released->kind == MODEL_OBJECT && released->word != 0) {
        model_set_kind(&port->frames[released->word], MODEL_FREE);
    }
    if (released->kind == MODEL_OBJECT) {
        model_set_kind(released, MODEL_FREE);
    }
    model_leave(port);
}

/* Tables. */

void port_table_add(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    model_enter(port);
    struct model_space *owner = model_space(port, space);
    struct model_entry *entry = model_entry(port, owner->root, level + 1, vpn.v);

    ASSERT(!owner->is_ended && level <= 1);
    ASSERT(entry != NULL);
    ASSERT(!entry->is_valid);
    model_donate(port, table, MODEL_TABLE);
    *entry = (struct model_entry){.frame = model_index(table), .is_valid = 1, .is_table = 1};
    model_leave(port);
}

void port_table_remove(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    model_enter(port);
    struct model_entry *entry = model_entry(port, model_space(port, space)->root, level + 1, vpn.v);

    if (entry != NULL && entry->is_table) {
        ASSERT(entry->frame == model_index(table));
        struct model_entry *entries = port->frames[entry->frame].entries;

        for (uint32_t i = 0; i < MODEL_ENTRIES; i++) {
            ASSERT(!entries[i].is_table);
            if (entries[i].is_valid) {
                ASSERT(level == 0); /* the kernel refuses it: such leaves go before */
                model_drop(port, &entries[i]);
            }
        }
        *entry = (struct model_entry){0};
        model_set_kind(model_frame(port, table), MODEL_FREE);
    }
    model_leave(port);
}

void port_window_table_add(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                           pfn_t table)
{
    model_enter(port);
    struct model_space *owner = model_space(port, space);
    uint32_t *field = model_window(owner, level, window_page);

    ASSERT(*field == 0);
    ASSERT(level == 1 || owner->window[1] != 0);
    model_donate(port, table, MODEL_TABLE);
    *field = model_index(table);
    model_leave(port);
}

void port_window_table_remove(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                              pfn_t table)
{
    model_enter(port);
    struct model_space *owner = model_space(port, space);
    uint32_t *field = model_window(owner, level, window_page);

    if (*field != 0) {
        ASSERT(*field == model_index(table));
        ASSERT(level == 0 || owner->window[0] == 0);
        *field = 0;
        model_set_kind(model_frame(port, table), MODEL_FREE);
    }
    model_leave(port);
}

void port_server_table_add(struct port *port, uint32_t number, pfn_t table)
{
    model_enter(port);
    ASSERT(number % MODEL_ENTRIES == 0 && number > 0 && number / MODEL_ENTRIES < MODEL_WINDOWS);
    ASSERT(port->numbers[number / MODEL_ENTRIES] == 0);
    model_donate(port, table, MODEL_TABLE);
    port->numbers[number / MODEL_ENTRIES] = model_index(table);
    model_leave(port);
}

void port_server_table_remove(struct port *port, uint32_t number, pfn_t table)
{
    model_enter(port);
    uint32_t *field = &port->numbers[number / MODEL_ENTRIES];

    if (*field != 0) {
        ASSERT(*field == model_index(table));
        *field = 0;
        model_set_kind(model_frame(port, table), MODEL_FREE);
    }
    model_leave(port);
}

/* Leaves. */

void port_install(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, pfn_t frame,
                  uint32_t prot, enum port_how how, pfn_t source)
{
    model_enter(port);
    struct model_space *owner = model_space(port, space);

    ASSERT(!owner->is_ended && prot != 0 && (prot & ~MEM_PROT_ALL) == 0);
    ASSERT((prot & MEM_PROT_WRITE) == 0 || (prot & MEM_PROT_READ) != 0);
    for (uint64_t i = 0; i < pages.v; i++) {
        struct model_entry *entry = model_entry(port, owner->root, 0, vpn.v + i);
        struct model_frame *target = model_frame(port, pfn_add(frame, (npages_t){i}));

        ASSERT(entry != NULL && entry->pages == 0);
        if (how == PORT_DEVICE) {
            ASSERT(target->kind == MODEL_DEVICE);
        } else if (how == PORT_AS_IS) {
            ASSERT(target->kind == MODEL_USER || target->kind == MODEL_WIRED);
            ASSERT(target->kind == MODEL_USER || (prot & MEM_PROT_WRITE) == 0);
            if (port->drops_as_is) {
                port->installs_dropped++;
                continue;
            }
        } else {
            ASSERT(model_is_unused(target));
            model_set_kind(target, MODEL_USER);
        }
        if (how == PORT_COPY) {
            const struct model_frame *from = model_frame(port, source);

            ASSERT(pages.v == 1);
            ASSERT(from->kind == MODEL_USER || from->kind == MODEL_WIRED);
            target->word = model_read(port, model_index(source));
            if (from->bytes != NULL) {
                memcpy(model_bytes(port, model_index(frame)), from->bytes, PAGE_SIZE);
            }
        }
        if (entry->is_valid) {
            model_drop(port, entry);
        }
        *entry = (struct model_entry){
            .frame = model_index(frame) + (uint32_t)i, .is_valid = 1, .prot = (uint8_t)prot};
        target->mappings++;
    }
    model_leave(port);
}

void port_install_large(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t frame,
                        uint32_t prot, enum port_how how)
{
    const uint16_t pages = MODEL_ENTRIES;

    model_enter(port);
    const struct model_space *owner = model_space(port, space);
    struct model_entry *entry = model_entry(port, owner->root, 1, vpn.v);

    ASSERT(level == 1 && (vpn.v | frame.v) % pages == 0);
    ASSERT(!owner->is_ended && prot != 0 && (prot & ~MEM_PROT_ALL) == 0);
    ASSERT((prot & MEM_PROT_WRITE) == 0 || (prot & MEM_PROT_READ) != 0);
    ASSERT(entry != NULL && !entry->is_table);
    ASSERT(how == PORT_ZERO || how == PORT_AS_IS);
    if (how == PORT_AS_IS && port->drops_as_is) {
        port->installs_dropped++;
        model_leave(port);
        return;
    }
    for (uint32_t i = 0; i < pages; i++) {
        struct model_frame *target = model_frame(port, pfn_add(frame, (npages_t){i}));

        ASSERT(how == PORT_ZERO ? model_is_unused(target) : target->kind == MODEL_USER);
        if (how == PORT_ZERO) {
            model_set_kind(target, MODEL_USER);
        }
        target->mappings++;
    }
    if (entry->is_valid) {
        model_drop(port, entry);
    }
    *entry = (struct model_entry){
        .frame = model_index(frame), .is_valid = 1, .prot = (uint8_t)prot, .pages = pages};
    model_leave(port);
}

/*
 * Take rights from every leaf of the range; leaves without rights go, and large ones that are only
 * partly meant.
 */
void model_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot)
{
    const struct model_space *owner = model_space(port, space);
    uint64_t end = vpn.v + pages.v;

    ASSERT(pages.v > 0 && end <= UINT64_C(1) << 26);
    for (uint64_t page = vpn.v; page < end; page++) {
        struct model_entry *entry = model_entry(port, owner->root, 1, page);

        if (entry == NULL || !entry->is_valid) {
            page = entry == NULL ? page | 0x3ffff : page | 0x1ff;
            continue;
        }
        const bool is_part =
            entry->pages != 0 && (page % entry->pages != 0 || end - page < entry->pages);

        entry = model_entry(port, owner->root, 0, page);
        page += entry->pages != 0 ? entry->pages - 1 - page % entry->pages : 0;
        if (entry->is_valid) {
            entry->prot &= is_part ? 0 : (uint8_t)prot;
            if (entry->prot == 0) {
                model_drop(port, entry);
            }
        }
    }
}

void port_remove(struct port *port, pfn_t space, vpn_t vpn, npages_t pages)
{
    if (port->threads_opt != NULL && port->threads_opt->gather(space, vpn, pages)) {
        return;
    }
    model_enter(port);
    model_restrict(port, space, vpn, pages, 0);
    model_leave(port);
}

void port_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot)
{
    model_enter(port);
    model_restrict(port, space, vpn, pages, prot);
    model_leave(port);
}

void port_copy(struct port *port, pfn_t to, uint32_t to_offset, pfn_t from, uint32_t from_offset,
               uint32_t length)
{
    model_enter(port);
    if (length == PAGE_SIZE && model_frame(port, to)->kind == MODEL_FREE) {
        model_donate(port, to, MODEL_USER);
    }
    ASSERT(model_frame(port, to)->kind == MODEL_USER);
    ASSERT(model_frame(port, from)->kind == MODEL_USER ||
           model_frame(port, from)->kind == MODEL_WIRED);
    ASSERT(to_offset + length <= PAGE_SIZE && from_offset + length <= PAGE_SIZE);
    model_move(port, model_index(to), to_offset, model_index(from), from_offset, length);
    model_leave(port);
}

void port_zero(struct port *port, pfn_t frame)
{
    model_enter(port);
    model_donate(port, frame, MODEL_USER);
    model_leave(port);
}

/* The arena. */

void port_arena_table_add(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    model_enter(port);
    uint32_t slot = level == 1 ? 512 : arena_page / 512;

    ASSERT(level == 1 || (port->has_arena_table[512] && arena_page % 512 == 0));
    if (!port->has_arena_table[slot]) {
        model_donate(port, table, MODEL_TABLE);
        port->has_arena_table[slot] = true;
    }
    model_leave(port);
}

void port_arena_table_remove(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    model_enter(port);
    ASSERT(level == 0 && arena_page % 512 == 0);
    if (port->has_arena_table[arena_page / 512]) {
        model_set_kind(model_frame(port, table), MODEL_FREE);
        port->has_arena_table[arena_page / 512] = false;
    }
    model_leave(port);
}

void port_arena_back(struct port *port, uint32_t arena_page, pfn_t frame)
{
    model_enter(port);
    ASSERT(port->has_arena_table[arena_page / 512]);
    if (model_frame(port, frame)->kind != MODEL_SERVER) {
        model_donate(port, frame, MODEL_SERVER);
        memset(port->arena + (uint64_t)arena_page * PAGE_SIZE, 0, PAGE_SIZE);
    }
    model_leave(port);
}

void port_arena_unback(struct port *port, uint32_t arena_page, pfn_t frame)
{
    model_enter(port);
    if (model_frame(port, frame)->kind == MODEL_SERVER) {
        model_set_kind(model_frame(port, frame), MODEL_FREE);
        /* Whoever reads it after this finds no zeros. */
        memset(port->arena + (uint64_t)arena_page * PAGE_SIZE, 0xa5, PAGE_SIZE);
    }
    model_leave(port);
}

/* Between server threads. One alone never waits; of two one may have died with the lock. */

void port_hand_over(struct port *port)
{
    if (port->threads_opt != NULL) {
        port->threads_opt->enter();
        port->threads_opt->leave();
    }
}

void port_settle(struct port *port, pfn_t space, const struct space_answer *answer)
{
    ASSERT(port->threads_opt != NULL); /* one alone gives its answers itself */
    port->threads_opt->settle(port, space, answer);
}

void port_wait(struct port *port, uint32_t number, uint32_t urgent)
{
    ASSERT((urgent >> number & 1) != 0);
    if (port->threads_opt != NULL) {
        port->threads_opt->wait(number);
        return;
    }
    ASSERT(port->dies_waiting);
    longjmp(port->killed, 1);
}

void port_wake(struct port *port, uint32_t number)
{
    ASSERT(port->threads_opt != NULL);
    port->threads_opt->wake(number);
}
