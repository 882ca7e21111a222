/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <string.h>

#include <base/assert.h>

#define BUCKETS_FIRST 64u

/* FNV-1a over the parent's number and the name. */
static uint32_t name_hash(const struct node *folder, const char *name, uint32_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ folder->number;
    for (uint32_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static struct node **name_bucket(const struct node_table *table, uint32_t hash)
{
    return &table->names[hash & (table->buckets - 1)];
}

static struct node **number_bucket(const struct node_table *table, uint64_t number)
{
    return &table->numbers[number & (table->buckets - 1)];
}

static struct node **buckets_make(const struct node_memory *memory, uint64_t count)
{
    struct node **buckets = memory->take(count * sizeof(*buckets));
    if (buckets != NULL) {
        memset(buckets, 0, count * sizeof(*buckets));
    }
    return buckets;
}

bool node_table_init(struct node_table *table, const struct node_memory *memory, uint64_t first)
{
    ASSERT(first != 0);
    *table = (struct node_table){
        .memory = memory,
        .names = buckets_make(memory, BUCKETS_FIRST),
        .numbers = buckets_make(memory, BUCKETS_FIRST),
        .buckets = BUCKETS_FIRST,
        .next_number = first,
        .next_place = 1,
    };
    return table->names != NULL && table->numbers != NULL;
}

static void names_enter(const struct node_table *table, struct node *node)
{
    struct node **bucket = name_bucket(table, node->name_hash);
    node->name_next = *bucket;
    *bucket = node;
}

static void numbers_enter(const struct node_table *table, struct node *node)
{
    struct node **bucket = number_bucket(table, node->number);
    node->number_next = *bucket;
    *bucket = node;
}

/* Twice as many buckets, when chains would grow long; without memory they do. */
static void table_grow(struct node_table *table)
{
    const struct node_table old = *table;
    if (table->count < table->buckets) {
        return;
    }
    struct node **names = buckets_make(table->memory, 2 * table->buckets);
    struct node **numbers = names == NULL ? NULL : buckets_make(table->memory, 2 * table->buckets);
    if (numbers == NULL) {
        if (names != NULL) {
            table->memory->give(names);
        }
        return;
    }
    table->names = names;
    table->numbers = numbers;
    table->buckets = 2 * old.buckets;
    for (uint64_t i = 0; i < old.buckets; i++) {
        while (old.names[i] != NULL) {
            struct node *node = old.names[i];
            old.names[i] = node->name_next;
            names_enter(table, node);
        }
        while (old.numbers[i] != NULL) {
            struct node *node = old.numbers[i];
            old.numbers[i] = node->number_next;
            numbers_enter(table, node);
        }
    }
    table->memory->give(old.names);
    table->memory->give(old.numbers);
}

struct node *node_make(struct node_table *table, uint32_t mode)
{
    struct node *node = table->memory->take(sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    table_grow(table);
    *node = (struct node){.number = table->next_number, .mode = mode};
    table->next_number++;
    table->count++;
    table->changes++;
    numbers_enter(table, node);
    return node;
}

char *node_name_make(const struct node_table *table, const char *name, uint32_t length)
{
    ASSERT(length > 0 && length <= FILES_NAME_MAX);
    char *copy = table->memory->take(length);
    if (copy != NULL) {
        memcpy(copy, name, length);
    }
    return copy;
}

/* Put a loose node, which has its name, at the end of a folder. */
static void folder_enter(struct node_table *table, struct node *folder, struct node *node)
{
    ASSERT(node->parent == NULL && node_is_folder(folder));
    node->parent = folder;
    node->name_hash = name_hash(folder, node->name, node->name_length);
    node->place = table->next_place++;
    node->next = NULL;
    node->prev = folder->last;
    if (folder->last != NULL) {
        folder->last->next = node;
    } else {
        folder->first = node;
    }
    folder->last = node;
    folder->folders += node_is_folder(node) ? 1 : 0;
    names_enter(table, node);
    table->changes++;
}

bool node_link(struct node_table *table, struct node *folder, struct node *node, const char *name,
               uint32_t length)
{
    ASSERT(node_entry(table, folder, name, length) == NULL);
    char *copy = node_name_make(table, name, length);
    if (copy == NULL) {
        return false;
    }
    if (node->name != NULL) {
        table->memory->give(node->name);
    }
    node->name = copy;
    node->name_length = length;
    folder_enter(table, folder, node);
    return true;
}

void node_unlink(struct node_table *table, struct node *node)
{
    struct node *folder = node->parent;
    ASSERT(folder != NULL);
    struct node **link = name_bucket(table, node->name_hash);
    while (*link != node) {
        link = &(*link)->name_next;
    }
    *link = node->name_next;
    *(node->prev != NULL ? &node->prev->next : &folder->first) = node->next;
    *(node->next != NULL ? &node->next->prev : &folder->last) = node->prev;
    folder->folders -= node_is_folder(node) ? 1 : 0;
    node->parent = NULL;
    node->next = NULL;
    node->prev = NULL;
    node->name_next = NULL;
    table->changes++;
}

void node_rename(struct node_table *table, struct node *node, struct node *folder, char *name,
                 uint32_t length)
{
    node_unlink(table, node);
    table->memory->give(node->name);
    node->name = name;
    node->name_length = length;
    folder_enter(table, folder, node);
}

void node_free(struct node_table *table, struct node *node)
{
    ASSERT(node->parent == NULL && node->first == NULL);
    struct node **link = number_bucket(table, node->number);
    while (*link != node) {
        link = &(*link)->number_next;
    }
    *link = node->number_next;
    if (node->name != NULL) {
        table->memory->give(node->name);
    }
    table->memory->give(node);
    table->count--;
    table->changes++;
}

struct node *node_find(const struct node_table *table, uint64_t number)
{
    struct node *node = *number_bucket(table, number);
    while (node != NULL && node->number != number) {
        node = node->number_next;
    }
    return node;
}

struct node *node_entry(const struct node_table *table, const struct node *folder, const char *name,
                        uint32_t length)
{
    const uint32_t hash = name_hash(folder, name, length);
    struct node *node = *name_bucket(table, hash);
    while (node != NULL && (node->name_hash != hash || node->parent != folder ||
                            node->name_length != length || memcmp(node->name, name, length) != 0)) {
        node = node->name_next;
    }
    return node;
}

struct node *node_behind(const struct node *folder, uint64_t place)
{
    struct node *node = folder->first;
    while (node != NULL && node->place <= place) {
        node = node->next;
    }
    return node;
}

bool node_is_within(const struct node *node, const struct node *folder)
{
    while (node != NULL && node != folder) {
        node = node->parent;
    }
    return node != NULL;
}

/* The entries of one folder. */
static void folder_audit(const struct node_table *table, const struct node *folder)
{
    const struct node *prev = NULL;
    uint32_t folders = 0;
    ASSERT(folder->first == NULL || node_is_folder(folder));
    for (const struct node *node = folder->first; node != NULL; node = node->next) {
        ASSERT(node->parent == folder && node->prev == prev);
        ASSERT(prev == NULL || prev->place < node->place);
        ASSERT(node_entry(table, folder, node->name, node->name_length) == node);
        folders += node_is_folder(node) ? 1 : 0;
        prev = node;
    }
    ASSERT(folder->last == prev && folder->folders == folders);
}

void node_audit(const struct node_table *table)
{
    uint64_t count = 0;
    uint64_t named = 0;
    for (uint64_t i = 0; i < table->buckets; i++) {
        for (const struct node *node = table->numbers[i]; node != NULL; node = node->number_next) {
            ASSERT(node->number < table->next_number && node_find(table, node->number) == node);
            folder_audit(table, node);
            count++;
            named += node->parent != NULL ? 1 : 0;
        }
        for (const struct node *node = table->names[i]; node != NULL; node = node->name_next) {
            ASSERT(node->parent != NULL);
            named--;
        }
    }
    ASSERT(count == table->count && named == 0);
}
