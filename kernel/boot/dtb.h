/* SPDX-License-Identifier: MIT */
/*
 * Reading a flattened device tree (Devicetree Specification 0.4, ch.5), token by token.
 *
 * Firmware and boot loaders make these, so nothing in one is believed: no offset, length or
 * nesting can make the reader leave the blob, and the depth is bounded.
 *
 * I1  Every pointer in an item points into the blob, and `length` bytes from it are in it too.
 * I2  name is terminated within the blob.
 * Not here: what nodes and properties mean (boot/machine.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define DTB_BYTES_MAX (2u << 20)
#define DTB_DEPTH_MAX 16u

enum dtb_error {
    DTB_OK = 0,
    DTB_BAD_ADDRESS, /* not aligned to 8 bytes, or none */
    DTB_BAD_MAGIC,   /* something else is there */
    DTB_BAD_VERSION, /* not compatible with version 16 */
    DTB_BAD_SIZE,    /* larger than DTB_BYTES_MAX, or blocks leave the blob */
    DTB_BAD_TOKEN, /* an unknown token, an unterminated name, a value or the end beyond the block */
    DTB_BAD_NESTING,  /* too deep, unpaired ends, or a property outside of nodes */
    DTB_BAD_CELLS,    /* #address-cells or #size-cells that cannot be addresses of this machine */
    DTB_NO_MEMORY,    /* no memory node */
    DTB_TOO_RESERVED, /* more reserved ranges than there is room for */
};

struct dtb {
    const uint8_t *base;
    uint32_t total;
    uint32_t structure; /* offsets into the blob */
    uint32_t structure_end;
    uint32_t strings;
    uint32_t strings_end;
    uint32_t reserved;
};

enum dtb_token {
    DTB_NODE, /* a node begins: name */
    DTB_NODE_END,
    DTB_PROPERTY, /* name, value, length */
    DTB_END,      /* of the tree */
};

struct dtb_item {
    enum dtb_token token;
    const char *name;
    const uint8_t *value;
    uint32_t length;
};

/* Place in a tree. */
struct dtb_cursor {
    const struct dtb *dtb;
    uint32_t at;
    uint32_t depth; /* nodes that are open: 1 inside the root */
};

/* Sentence for a panic. */
const char *dtb_error_text(enum dtb_error error);

/*
 * Look at the header of the blob at `base`, of which `readable` bytes may be read.
 *
 * Returns:   DTB_OK; DTB_BAD_ADDRESS, _MAGIC, _VERSION, _SIZE.
 */
MUST_USE enum dtb_error dtb_open(const void *base, uint64_t readable, struct dtb *dtb);

/* A cursor before the root node. `dtb` must outlive it. */
struct dtb_cursor dtb_start(const struct dtb *dtb);

/*
 * Read the next token; after DTB_END nothing may be read.
 *
 * Returns:   DTB_OK; DTB_BAD_TOKEN; DTB_BAD_NESTING.
 */
MUST_USE enum dtb_error dtb_next(struct dtb_cursor *cursor, struct dtb_item *item);

/*
 * Entry `index` of the memory reservation block.
 *
 * Returns:   whether there is one; the block ends with the blob if it has no end mark.
 */
MUST_USE bool dtb_reserved(const struct dtb *dtb, uint32_t index, uint64_t *start, uint64_t *bytes);

/* Big-endian numbers at `value`: 32 bits, and `cells` (0, 1 or 2) times 32 bits. */
uint32_t dtb_u32(const uint8_t *value);
uint64_t dtb_cells(const uint8_t *value, uint32_t cells);
