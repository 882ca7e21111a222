/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include <base/assert.h>

uint32_t model_index(pfn_t pfn)
{
    ASSERT(pfn.v >= MODEL_BASE && pfn.v < MODEL_BASE + MODEL_FRAMES);
    return (uint32_t)(pfn.v - MODEL_BASE);
}

void model_set_kind(struct model_frame *frame, enum model_kind kind)
{
    free(frame->entries);
    free(frame->bytes);
    *frame = (struct model_frame){.kind = kind};
    if (kind == MODEL_TABLE) {
        frame->entries = calloc(MODEL_ENTRIES, sizeof *frame->entries);
        ASSERT(frame->entries != NULL);
    }
}

struct model_entry *model_entry(const struct port *port, uint32_t root, uint32_t level,
                                uint64_t vpn)
{
    uint32_t table = root;

    for (uint32_t at = 2;; at--) {
        struct model_entry *entry =
            &port->frames[table].entries[vpn >> (9 * at) & (MODEL_ENTRIES - 1)];

        if (at == level) {
            return entry;
        }
        if (!entry->is_valid) {
            return NULL;
        }
        if (!entry->is_table) {
            ASSERT(entry->pages != 0);
            return entry;
        }
        table = entry->frame;
    }
}

struct port *model_make(unsigned char *arena)
{
    struct port *port = calloc(1, sizeof *port);

    ASSERT(port != NULL);
    port->arena = arena;
    return port;
}

static void model_clear(struct port *port)
{
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        model_set_kind(&port->frames[i], MODEL_FREE);
    }
}

void model_free(struct port *port)
{
    model_clear(port);
    free(port);
}

void model_copy(struct port *to, const struct port *from)
{
    unsigned char *arena = to->arena;

    model_clear(to);
    *to = *from;
    to->arena = arena;
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        struct model_frame *frame = &to->frames[i];

        if (frame->entries != NULL) {
            frame->entries = malloc(MODEL_ENTRIES * sizeof *frame->entries);
            ASSERT(frame->entries != NULL);
            memcpy(frame->entries, from->frames[i].entries, MODEL_ENTRIES * sizeof *frame->entries);
        }
        if (frame->bytes != NULL) {
            frame->bytes = malloc(PAGE_SIZE);
            ASSERT(frame->bytes != NULL);
            memcpy(frame->bytes, from->frames[i].bytes, PAGE_SIZE);
        }
    }
}

void model_wire(struct port *port, uint32_t index, uint32_t count, uint64_t word)
{
    for (uint32_t i = 0; i < count; i++) {
        model_set_kind(&port->frames[index + i], MODEL_WIRED);
        port->frames[index + i].word = word + i;
    }
}

const struct model_entry *model_leaf(struct port *port, pfn_t space, uint64_t vpn)
{
    uint32_t index = model_index(space);

    for (uint32_t i = 0; i < MODEL_SPACES; i++) {
        if (port->spaces[i].is_used && port->spaces[i].object == index) {
            const struct model_entry *entry = model_entry(port, port->spaces[i].root, 0, vpn);

            if (entry == NULL || !entry->is_valid) {
                return NULL;
            }
            port->found = *entry;
            port->found.frame += entry->pages != 0 ? (uint32_t)(vpn % entry->pages) : 0;
            return &port->found;
        }
    }
    return NULL;
}

uint64_t model_read(const struct port *port, uint32_t index)
{
    const struct model_frame *frame = &port->frames[index];
    uint64_t word = frame->word;

    if (frame->bytes != NULL) {
        memcpy(&word, frame->bytes, sizeof word);
    }
    return word;
}

void model_write(struct port *port, uint32_t index, uint64_t word)
{
    struct model_frame *frame = &port->frames[index];

    ASSERT(frame->kind == MODEL_USER);
    frame->word = word;
    if (frame->bytes != NULL) {
        memcpy(frame->bytes, &word, sizeof word);
    }
}

unsigned char *model_bytes(struct port *port, uint32_t index)
{
    struct model_frame *frame = &port->frames[index];

    if (frame->bytes == NULL) {
        frame->bytes = calloc(1, PAGE_SIZE);
        ASSERT(frame->bytes != NULL);
        memcpy(frame->bytes, &frame->word, sizeof frame->word);
    }
    return frame->bytes;
}

void model_move(struct port *port, uint32_t to, uint32_t to_offset, uint32_t from,
                uint32_t from_offset, uint32_t length)
{
    if (length == PAGE_SIZE && port->frames[from].bytes == NULL) {
        free(port->frames[to].bytes);
        port->frames[to].bytes = NULL;
        port->frames[to].word = port->frames[from].word;
        return;
    }
    memmove(model_bytes(port, to) + to_offset, model_bytes(port, from) + from_offset, length);
}

uint32_t model_count(const struct port *port, enum model_kind kind)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        count += port->frames[i].kind == kind ? 1 : 0;
    }
    return count;
}

void model_audit(const struct port *port)
{
    static uint32_t mappings[MODEL_FRAMES];

    memset(mappings, 0, sizeof mappings);
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        if (port->frames[i].kind != MODEL_TABLE) {
            continue;
        }
        for (uint32_t j = 0; j < MODEL_ENTRIES; j++) {
            const struct model_entry *entry = &port->frames[i].entries[j];

            for (uint32_t k = 0;
                 entry->is_valid && !entry->is_table && k < (entry->pages != 0 ? entry->pages : 1);
                 k++) {
                mappings[entry->frame + k]++;
            }
        }
    }
    for (uint32_t i = 0; i < MODEL_FRAMES; i++) {
        ASSERT(mappings[i] == port->frames[i].mappings);
    }
}
