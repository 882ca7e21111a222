/* SPDX-License-Identifier: MIT */
/*
 * Writing device trees for tests: start, nodes with properties, finish, then read.
 */
#pragma once

#include <stdint.h>

#include "boot/machine.h"

#define TREE_ROOM 32768u
/* The hart that reads the tree; TREE_INTC + hart: phandles of the harts' interrupt controllers. */
#define TREE_BOOT_HART 2u
#define TREE_INTC      10u

/* A tree in the making. */
struct tree {
    uint8_t structure[TREE_ROOM];
    uint32_t structure_bytes;
    char strings[TREE_ROOM];
    uint32_t strings_bytes;
    uint64_t reserved[8][2];
    uint32_t reserved_count;
    uint8_t blob[3 * TREE_ROOM];
    uint32_t total;
};

extern struct tree tree;

/* Write a big-endian number of `bytes` bytes. */
void tree_store(uint8_t *to, uint64_t value, unsigned bytes);

/* Forget everything. */
void tree_start(void);

/* A node begins; the last one ends. */
void tree_node(const char *name);
void tree_end(void);

/* A property of the open node: bytes, a text, a cell, 64-bit numbers, the width of addresses. */
void tree_property(const char *name, const void *value, uint32_t length);
void tree_text(const char *name, const char *value);
void tree_cell(const char *name, uint32_t value);
void tree_numbers(const char *name, const uint64_t *values, uint32_t count);
void tree_cells(uint32_t address, uint32_t size);

/* Whole nodes: memory; a hart. */
void tree_memory(const char *name, uint64_t start_address, uint64_t bytes);
void tree_cpu(uint32_t id, const char *status_opt, const char *mmu_opt, const char *isa);

/* Put the parts together: header, reservations, structure, strings. */
void tree_finish(void);

/* Read the blob from memory of exactly its size. */
enum dtb_error tree_read(struct machine *machine);
