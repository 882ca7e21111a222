/* SPDX-License-Identifier: MIT */
#include "boot/dtb.h"

#include <stddef.h>

/* Devicetree Specification 0.4, 5.2: header, in words */
#define HEADER_MAGIC           0u
#define HEADER_TOTAL           1u
#define HEADER_STRUCTURE       2u
#define HEADER_STRINGS         3u
#define HEADER_RESERVED        4u
#define HEADER_COMPATIBLE      6u
#define HEADER_STRINGS_BYTES   8u
#define HEADER_STRUCTURE_BYTES 9u
#define HEADER_BYTES           40u

#define MAGIC      0xd00dfeedu
#define COMPATIBLE 16u

/* 5.4.1: tokens */
#define TOKEN_NODE     1u
#define TOKEN_NODE_END 2u
#define TOKEN_PROPERTY 3u
#define TOKEN_NOP      4u
#define TOKEN_END      9u

#define RESERVED_ENTRY_BYTES 16u

const char *dtb_error_text(enum dtb_error error)
{
    static const char *const texts[] = {
        [DTB_OK] = "device tree: good",
        [DTB_BAD_ADDRESS] = "device tree: its address is not aligned to 8 bytes, or none was given",
        [DTB_BAD_MAGIC] = "device tree: there is none at the address given",
        [DTB_BAD_VERSION] = "device tree: of a version that is not known",
        [DTB_BAD_SIZE] = "device tree: larger than 2 MiB, or its parts are outside of it",
        [DTB_BAD_TOKEN] = "device tree: damaged (token, name or value)",
        [DTB_BAD_NESTING] = "device tree: damaged (nesting)",
        [DTB_BAD_CELLS] = "device tree: addresses or sizes of an impossible width",
        [DTB_NO_MEMORY] = "device tree: names no memory",
        [DTB_TOO_RESERVED] = "device tree: too many reserved ranges",
    };
    return texts[error];
}

uint32_t dtb_u32(const uint8_t *value)
{
    return (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
}

uint64_t dtb_cells(const uint8_t *value, uint32_t cells)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < cells; i++) {
        number = number << 32 | dtb_u32(value + 4 * (size_t)i);
    }
    return number;
}

static uint32_t header(const uint8_t *base, unsigned word)
{
    return dtb_u32(base + 4 * (size_t)word);
}

/* [start, start + bytes) lies within the blob. */
static bool block_fits(uint32_t start, uint32_t bytes, uint32_t total)
{
    return start >= HEADER_BYTES && start <= total && bytes <= total - start;
}

enum dtb_error dtb_open(const void *base, uint64_t readable, struct dtb *dtb)
{
    const uint8_t *bytes = base;
    if (base == NULL || ((uintptr_t)base & 7) != 0) {
        return DTB_BAD_ADDRESS;
    }
    if (readable < HEADER_BYTES || header(bytes, HEADER_MAGIC) != MAGIC) {
        return DTB_BAD_MAGIC;
    }
    if (header(bytes, HEADER_COMPATIBLE) > COMPATIBLE + 1) {
        return DTB_BAD_VERSION;
    }
    const uint32_t total = header(bytes, HEADER_TOTAL);
    const uint32_t structure = header(bytes, HEADER_STRUCTURE);
    const uint32_t structure_bytes = header(bytes, HEADER_STRUCTURE_BYTES);
    const uint32_t strings = header(bytes, HEADER_STRINGS);
    const uint32_t strings_bytes = header(bytes, HEADER_STRINGS_BYTES);
    const uint32_t reserved = header(bytes, HEADER_RESERVED);
    if (total > DTB_BYTES_MAX || total > readable ||
        !block_fits(structure, structure_bytes, total) || (structure & 3) != 0 ||
        !block_fits(strings, strings_bytes, total) ||
        !block_fits(reserved, RESERVED_ENTRY_BYTES, total)) {
        return DTB_BAD_SIZE;
    }
    *dtb = (struct dtb){
        .base = bytes,
        .total = total,
        .structure = structure,
        .structure_end = structure + structure_bytes,
        .strings = strings,
        .strings_end = strings + strings_bytes,
        .reserved = reserved,
    };
    return DTB_OK;
}

struct dtb_cursor dtb_start(const struct dtb *dtb)
{
    return (struct dtb_cursor){.dtb = dtb, .at = dtb->structure};
}

/* Read one word of the structure block. */
static bool take_u32(struct dtb_cursor *cursor, uint32_t *value)
{
    if (cursor->dtb->structure_end - cursor->at < 4) {
        return false;
    }
    *value = dtb_u32(cursor->dtb->base + cursor->at);
    cursor->at += 4;
    return true;
}

/* Length of the string at offset `at`; false if it does not end before `end`. */
static bool string_length(const struct dtb *dtb, uint32_t at, uint32_t end, uint32_t *length)
{
    for (uint32_t i = at; i < end; i++) {
        if (dtb->base[i] == '\0') {
            *length = i - at;
            return true;
        }
    }
    return false;
}

/* Step over `bytes` bytes and the padding to a word. */
static bool skip(struct dtb_cursor *cursor, uint32_t bytes)
{
    const uint32_t left = cursor->dtb->structure_end - cursor->at;
    if (bytes > left) {
        return false;
    }
    const uint32_t padded = (bytes + 3) & ~3u; /* left is below 2^21: no wrap */
    cursor->at += padded < left ? padded : left;
    return true;
}

static enum dtb_error begin_node(struct dtb_cursor *cursor, struct dtb_item *item)
{
    const struct dtb *dtb = cursor->dtb;
    uint32_t length;
    if (cursor->depth == DTB_DEPTH_MAX) {
        return DTB_BAD_NESTING;
    }
    if (!string_length(dtb, cursor->at, dtb->structure_end, &length)) {
        return DTB_BAD_TOKEN;
    }
    *item = (struct dtb_item){.token = DTB_NODE, .name = (const char *)dtb->base + cursor->at};
    cursor->depth++;
    return skip(cursor, length + 1) ? DTB_OK : DTB_BAD_TOKEN;
}

static enum dtb_error take_property(struct dtb_cursor *cursor, struct dtb_item *item)
{
    const struct dtb *dtb = cursor->dtb;
    uint32_t length;
    uint32_t name;
    uint32_t name_length;
    if (cursor->depth == 0) {
        return DTB_BAD_NESTING;
    }
    if (!take_u32(cursor, &length) || !take_u32(cursor, &name) ||
        name >= dtb->strings_end - dtb->strings ||
        !string_length(dtb, dtb->strings + name, dtb->strings_end, &name_length)) {
        return DTB_BAD_TOKEN;
    }
    *item = (struct dtb_item){
        .token = DTB_PROPERTY,
        .name = (const char *)dtb->base + dtb->strings + name,
        .value = dtb->base + cursor->at,
        .length = length,
    };
    return skip(cursor, length) ? DTB_OK : DTB_BAD_TOKEN;
}

enum dtb_error dtb_next(struct dtb_cursor *cursor, struct dtb_item *item)
{
    uint32_t token = TOKEN_NOP;
    while (token == TOKEN_NOP) {
        if (!take_u32(cursor, &token)) {
            return DTB_BAD_TOKEN;
        }
    }
    switch (token) {
    case TOKEN_NODE:
        return begin_node(cursor, item);
    case TOKEN_PROPERTY:
        return take_property(cursor, item);
    case TOKEN_NODE_END:
        if (cursor->depth == 0) {
            return DTB_BAD_NESTING;
        }
        cursor->depth--;
        *item = (struct dtb_item){.token = DTB_NODE_END};
        return DTB_OK;
    case TOKEN_END:
        *item = (struct dtb_item){.token = DTB_END};
        return cursor->depth == 0 ? DTB_OK : DTB_BAD_NESTING;
    default:
        return DTB_BAD_TOKEN;
    }
}

bool dtb_reserved(const struct dtb *dtb, uint32_t index, uint64_t *start, uint64_t *bytes)
{
    const uint32_t entries = (dtb->total - dtb->reserved) / RESERVED_ENTRY_BYTES;
    if (index >= entries) {
        return false;
    }
    const uint8_t *entry = dtb->base + dtb->reserved + (size_t)index * RESERVED_ENTRY_BYTES;
    const uint64_t entry_start = dtb_cells(entry, 2);
    const uint64_t entry_bytes = dtb_cells(entry + 8, 2);
    if (entry_start == 0 && entry_bytes == 0) {
        return false;
    }
    *start = entry_start;
    *bytes = entry_bytes;
    return true;
}
