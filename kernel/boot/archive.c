/* SPDX-License-Identifier: MIT */
#include "boot/archive.h"

#include <stddef.h>

#include "boot/text.h"
#include "mm/memory.h"
#include <abi/layout.h>
#include <abi/map.h>
#include <base/bits.h>
#include <base/types.h>

/* cpio(5), "new ASCII format": 6 bytes of magic, 13 numbers of 8 hexadecimal digits */
#define MAGIC        "070701"
#define MAGIC_CRC    "070702"
#define HEADER_BYTES 110u
#define FIELD_BYTES  8u
#define FIELD_SIZE   6u
#define FIELD_NAME   11u
#define TRAILER      "TRAILER!!!"

/* Digits may be of either case. */
static bool read_field(const uint8_t *header, unsigned field, uint64_t *value)
{
    const uint8_t *digits = header + 6 + (size_t)FIELD_BYTES * field;
    uint64_t number = 0;
    for (unsigned i = 0; i < FIELD_BYTES; i++) {
        const uint8_t c = digits[i];
        if (c >= '0' && c <= '9') {
            number = number << 4 | (c - (unsigned)'0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            number = number << 4 | ((c | 0x20u) - 'a' + 10);
        } else {
            return false;
        }
    }
    *value = number;
    return true;
}

/* Names and data are padded to 4 bytes; sums of 32-bit sizes and the length cannot wrap. */
static uint64_t pad(uint64_t offset)
{
    return (offset + 3) & ~UINT64_C(3);
}

/* The name field, which may be padded with NULs, is `name`. */
static bool name_is(const uint8_t *field, uint64_t bytes, const char *name)
{
    const size_t length = text_length(name);
    return bytes > length && field[length] == '\0' &&
           text_is_equal((const char *)field, name, length);
}

bool archive_find(const uint8_t *archive, uint64_t length, const char *name,
                  struct archive_file *file)
{
    uint64_t at = 0;
    while (at < length && length - at >= HEADER_BYTES) {
        const uint8_t *header = archive + at;
        uint64_t data_bytes;
        uint64_t name_bytes;
        if ((!text_is_equal((const char *)header, MAGIC, 6) &&
             !text_is_equal((const char *)header, MAGIC_CRC, 6)) ||
            !read_field(header, FIELD_SIZE, &data_bytes) ||
            !read_field(header, FIELD_NAME, &name_bytes)) {
            return false;
        }
        const uint64_t data = pad(at + HEADER_BYTES + name_bytes);
        if (data > length || data_bytes > length - data) {
            return false;
        }
        const uint8_t *entry_name = header + HEADER_BYTES;
        if (name_is(entry_name, name_bytes, name)) {
            *file = (struct archive_file){.bytes = archive + data, .length = data_bytes};
            return true;
        }
        if (name_is(entry_name, name_bytes, TRAILER)) {
            return false;
        }
        at = pad(data + data_bytes);
    }
    return false;
}

static bool segment_is_good(const struct image_segment *segment, uint64_t file_length,
                            uint64_t lowest)
{
    const uint32_t legal = MAP_READ | MAP_WRITE | MAP_EXEC;
    return segment->va >= lowest && segment->va < USER_END &&
           segment->memory_bytes <= USER_END - segment->va && segment->memory_bytes > 0 &&
           segment->file_bytes <= segment->memory_bytes && segment->file_offset <= file_length &&
           segment->file_bytes <= file_length - segment->file_offset &&
           bits_is_aligned(segment->va | segment->file_offset, PAGE_SIZE) && segment->prot != 0 &&
           (segment->prot & ~legal) == 0 && segment->reserved == 0;
}

bool archive_read_image(const struct archive_file *file, struct image_header *header)
{
    if (file->length < sizeof(*header)) {
        return false;
    }
    memcpy(header, file->bytes, sizeof(*header)); /* numbers at any alignment */
    if (header->magic != IMAGE_MAGIC || header->version != IMAGE_VERSION ||
        header->segment_count == 0 || header->segment_count > IMAGE_SEGMENTS_MAX) {
        return false;
    }
    uint64_t lowest = USER_START;
    bool has_entry = false;
    for (uint32_t i = 0; i < header->segment_count; i++) {
        const struct image_segment *segment = &header->segments[i];
        if (!segment_is_good(segment, file->length, lowest)) {
            return false;
        }
        has_entry = has_entry || ((segment->prot & MAP_EXEC) != 0 && header->entry >= segment->va &&
                                  header->entry - segment->va < segment->memory_bytes);
        lowest = (segment->va + segment->memory_bytes + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
    }
    return has_entry;
}
