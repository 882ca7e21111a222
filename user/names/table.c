/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

void table_init(struct table *table)
{
    memset(table, 0xff, sizeof(*table));
    memset(table, 0, sizeof(*table));
}

bool table_is_name(const char name[NAMES_BYTES])
{
    size_t length = 0;
    while (length < NAMES_BYTES && name[length] > ' ' && name[length] < 0x7f &&
           name[length] != '*') {
        length++;
    }
    for (size_t i = length; i < NAMES_BYTES; i++) {
        if (name[i] != '\0') {
            return false;
        }
    }
    return length > 0 && length < NAMES_BYTES;
}

struct table_entry *table_find(struct table *table, const char *name)
{
    for (uint32_t i = 0; i < TABLE_NAMES_MAX; i++) {
        struct table_entry *entry = &table->entries[i];
        if (entry->state != TABLE_FREE && strncmp(entry->name, name, NAMES_BYTES) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct table_entry *find_state(struct table *table, enum table_state state)
{
    for (uint32_t i = 0; i < TABLE_NAMES_MAX; i++) {
        if (table->entries[i].state == state) {
            return &table->entries[i];
        }
    }
    return NULL;
}

/* Whether nobody else would be left room. */
static bool has_enough(const struct table *table, uint64_t owner)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < TABLE_NAMES_MAX; i++) {
        const struct table_entry *entry = &table->entries[i];
        count += entry->state == TABLE_HERE && entry->owner == owner ? 1 : 0;
    }
    return count >= NAMES_EACH_MAX;
}

bool table_add(struct table *table, const char *name, uint64_t handle, uint64_t owner)
{
    struct table_entry *entry = table_find(table, name);
    ASSERT(entry == NULL || entry->state == TABLE_GONE);
    if (has_enough(table, owner)) {
        return false;
    }
    if (entry == NULL) {
        entry = find_state(table, TABLE_FREE);
    }
    if (entry == NULL) {
        entry = find_state(table, TABLE_GONE);
    }
    if (entry == NULL) {
        return false;
    }
    *entry = (struct table_entry){.state = TABLE_HERE, .handle = handle, .owner = owner};
    strncpy(entry->name, name, NAMES_BYTES - 1);
    return true;
}

void table_lose(struct table_entry *entry)
{
    ASSERT(entry->state == TABLE_HERE);
    entry->state = TABLE_GONE;
    entry->handle = 0;
}

void table_remove(struct table_entry *entry)
{
    *entry = (struct table_entry){.state = TABLE_FREE};
}

static void take_at(struct table *table, uint32_t index, struct table_waiter *waiter)
{
    *waiter = table->waiters[index];
    table->waiters_count--;
    memmove(&table->waiters[index], &table->waiters[index + 1],
            (table->waiters_count - index) * sizeof(table->waiters[0]));
}

bool table_wait(struct table *table, const struct table_waiter *waiter,
                struct table_waiter *evicted)
{
    const bool is_full = table->waiters_count == TABLE_WAITERS_MAX;
    if (is_full) {
        take_at(table, 0, evicted);
    }
    table->waiters[table->waiters_count++] = *waiter;
    return is_full;
}

bool table_take_waiter(struct table *table, const char *name, struct table_waiter *waiter)
{
    for (uint32_t i = 0; i < table->waiters_count; i++) {
        if (strncmp(table->waiters[i].name, name, NAMES_BYTES) == 0) {
            take_at(table, i, waiter);
            return true;
        }
    }
    return false;
}

bool table_take_late(struct table *table, uint64_t now, struct table_waiter *waiter)
{
    for (uint32_t i = 0; i < table->waiters_count; i++) {
        if (table->waiters[i].latest <= now) {
            take_at(table, i, waiter);
            return true;
        }
    }
    return false;
}

uint64_t table_next_time(const struct table *table)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < table->waiters_count; i++) {
        next = table->waiters[i].latest < next ? table->waiters[i].latest : next;
    }
    return next == UINT64_MAX ? 0 : next;
}
