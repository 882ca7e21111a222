/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

struct tree tree;

void tree_store(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

static void put(uint64_t value, unsigned bytes)
{
    tree_store(tree.structure + tree.structure_bytes, value, bytes);
    tree.structure_bytes += bytes;
}

static void put_bytes(const void *bytes, uint32_t length)
{
    memcpy(tree.structure + tree.structure_bytes, bytes, length);
    tree.structure_bytes += length;
    while (tree.structure_bytes % 4 != 0) {
        put(0, 1);
    }
}

void tree_start(void)
{
    memset(&tree, 0, sizeof(tree));
}

void tree_node(const char *name)
{
    put(1, 4);
    put_bytes(name, (uint32_t)strlen(name) + 1);
}

void tree_end(void)
{
    put(2, 4);
}

void tree_property(const char *name, const void *value, uint32_t length)
{
    put(3, 4);
    put(length, 4);
    put(tree.strings_bytes, 4);
    strcpy(tree.strings + tree.strings_bytes, name);
    tree.strings_bytes += (uint32_t)strlen(name) + 1;
    put_bytes(value, length);
}

void tree_text(const char *name, const char *value)
{
    tree_property(name, value, (uint32_t)strlen(value) + 1);
}

void tree_cell(const char *name, uint32_t value)
{
    uint8_t bytes[4];
    tree_store(bytes, value, 4);
    tree_property(name, bytes, 4);
}

/* A property of `count` 64-bit numbers, which are two cells each. */
void tree_numbers(const char *name, const uint64_t *values, uint32_t count)
{
    uint8_t bytes[128];
    for (uint32_t i = 0; i < count; i++) {
        tree_store(bytes + 8 * (size_t)i, values[i], 8);
    }
    tree_property(name, bytes, 8 * count);
}

void tree_cells(uint32_t address, uint32_t size)
{
    tree_cell("#address-cells", address);
    tree_cell("#size-cells", size);
}

void tree_memory(const char *name, uint64_t start_address, uint64_t bytes)
{
    const uint64_t reg[2] = {start_address, bytes};
    tree_node(name);
    tree_numbers("reg", reg, 2);
    tree_text("device_type", "memory");
    tree_end();
}

/* Put the parts together: header, reservations, structure, strings. */
void tree_finish(void)
{
    put(9, 4);
    const uint32_t reserved = 40;
    const uint32_t structure = reserved + 16 * (tree.reserved_count + 1);
    const uint32_t strings = structure + tree.structure_bytes;
    const uint32_t header[10] = {
        0xd00dfeed, strings + tree.strings_bytes, structure,           strings, reserved, 17, 16,
        0,          tree.strings_bytes,           tree.structure_bytes};
    for (unsigned i = 0; i < 10; i++) {
        tree_store(tree.blob + 4 * (size_t)i, header[i], 4);
    }
    for (uint32_t i = 0; i < tree.reserved_count; i++) {
        tree_store(tree.blob + reserved + 16 * (size_t)i, tree.reserved[i][0], 8);
        tree_store(tree.blob + reserved + 16 * (size_t)i + 8, tree.reserved[i][1], 8);
    }
    memcpy(tree.blob + structure, tree.structure, tree.structure_bytes);
    memcpy(tree.blob + strings, tree.strings, tree.strings_bytes);
    tree.total = strings + tree.strings_bytes;
}

/* Read the blob from memory of exactly its size. */
enum dtb_error tree_read(struct machine *machine)
{
    uint8_t *exact = aligned_alloc(8, (tree.total + 7) & ~7u);
    memcpy(exact, tree.blob, tree.total);
    const enum dtb_error error = machine_read(exact, tree.total, TREE_BOOT_HART, machine);
    free(exact);
    return error;
}

void tree_cpu(uint32_t id, const char *status_opt, const char *mmu_opt, const char *isa)
{
    tree_node("cpu");
    tree_cell("reg", id);
    tree_text("device_type", "cpu");
    if (status_opt != NULL) {
        tree_text("status", status_opt);
    }
    if (mmu_opt != NULL) {
        tree_text("mmu-type", mmu_opt);
    }
    tree_text("riscv,isa", isa);
    tree_node("interrupt-controller");
    tree_cell("reg", 99);
    tree_cell("phandle", TREE_INTC + id);
    tree_end();
    tree_end();
}
