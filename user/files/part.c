/* SPDX-License-Identifier: MIT */
#include "part.h"

#include <stddef.h>
#include <string.h>

struct part *part_find(struct part_table *table, uint64_t badge, uint64_t thread)
{
    for (uint32_t i = 0; i < PARTS_MAX; i++) {
        if (table->parts[i].badge == badge && table->parts[i].thread == thread) {
            return &table->parts[i];
        }
    }
    return NULL;
}

void part_drop(struct part *part)
{
    part->badge = 0;
    part->thread = 0;
    part->used = 0;
    part->length = 0;
}

/* A free entry, or the one that was not used for longest. */
static struct part *part_make(struct part_table *table)
{
    struct part *oldest = &table->parts[0];
    for (uint32_t i = 1; i < PARTS_MAX; i++) {
        if (table->parts[i].used < oldest->used) {
            oldest = &table->parts[i];
        }
    }
    part_drop(oldest);
    return oldest;
}

bool part_put(struct part_table *table, uint64_t badge, uint64_t thread, uint64_t offset,
              const char *bytes, uint32_t length)
{
    struct part *part = part_find(table, badge, thread);
    if (part != NULL && (offset != part->length || offset == 0)) {
        part_drop(part);
        part = NULL;
    }
    if (part == NULL) {
        if (offset != 0) {
            return false;
        }
        part = part_make(table);
        part->badge = badge;
        part->thread = thread;
    }
    if (length > FILES_PARTS_MAX - part->length) {
        part_drop(part);
        return false;
    }
    memcpy(part->bytes + part->length, bytes, length);
    part->length += length;
    part->used = ++table->clock;
    return true;
}
