/* SPDX-License-Identifier: MIT */
#include <hf/archive.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define HEADER_BYTES 110
#define MAGIC        "070701"
#define MAGIC_LENGTH 6
#define FIELD_LENGTH 8
#define TRAILER      "TRAILER!!!"
#define PAGE_BYTES   4096u

/* Fields of eight hex digits behind the magic number, by position. */
enum header_field {
    FIELD_INODE = 0,
    FIELD_MODE = 1,
    FIELD_BYTES = 6,
    FIELD_NAME_BYTES = 11,
};

static bool field_read(const char *header, enum header_field field, uint32_t *value)
{
    const char *digits = header + MAGIC_LENGTH + field * FIELD_LENGTH;
    uint32_t number = 0;
    for (int i = 0; i < FIELD_LENGTH; i++) {
        char digit = digits[i];
        uint32_t nibble = 0;
        if (digit >= '0' && digit <= '9') {
            nibble = (uint32_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            nibble = (uint32_t)(digit - 'a') + 10;
        } else if (digit >= 'A' && digit <= 'F') {
            nibble = (uint32_t)(digit - 'A') + 10;
        } else {
            return false;
        }
        number = number << 4 | nibble;
    }
    *value = number;
    return true;
}

/* Lengths of fields are below 2^32 and offsets below 2^63: nothing wraps. */
static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* Whether there is room for a header, and its first bytes. */
static bool has_header(const struct hf_archive *archive, uint64_t start)
{
    return start <= archive->bytes && archive->bytes - start >= HEADER_BYTES &&
           memcmp((const char *)archive->data + start, MAGIC, MAGIC_LENGTH) == 0;
}

enum hf_archive_result hf_archive_read(const void *start, uint64_t bytes,
                                       struct hf_archive_entry *entry)
{
    const char *header = start;
    const struct hf_archive all = {start, bytes};
    uint32_t inode = 0;
    uint32_t mode = 0;
    uint32_t file_bytes = 0;
    uint32_t name_bytes = 0;
    if (!has_header(&all, 0) || !field_read(header, FIELD_INODE, &inode) ||
        !field_read(header, FIELD_MODE, &mode) || !field_read(header, FIELD_BYTES, &file_bytes) ||
        !field_read(header, FIELD_NAME_BYTES, &name_bytes)) {
        return HF_ARCHIVE_BROKEN;
    }
    const char *name = header + HEADER_BYTES;
    const uint64_t left = bytes - HEADER_BYTES;
    const uint64_t name_most = name_bytes < left ? name_bytes : left;
    if (memchr(name, '\0', name_most) == NULL) {
        return HF_ARCHIVE_BROKEN;
    }
    *entry = (struct hf_archive_entry){
        .name = name,
        .bytes = file_bytes,
        .start = (uint64_t)HEADER_BYTES + name_bytes,
        .mode = mode,
        .inode = inode,
    };
    return strcmp(name, TRAILER) == 0 ? HF_ARCHIVE_END : HF_ARCHIVE_FOUND;
}

enum hf_archive_result hf_archive_next(const struct hf_archive *archive, uint64_t *offset,
                                       struct hf_archive_file *file)
{
    struct hf_archive_entry entry;
    uint64_t start = *offset;
    if (archive->bytes > INT64_MAX || start > archive->bytes) {
        return HF_ARCHIVE_BROKEN;
    }
    if (!has_header(archive, start)) {
        start = round_up(start, PAGE_BYTES);
    }
    if (!has_header(archive, start)) {
        return HF_ARCHIVE_BROKEN;
    }
    const enum hf_archive_result result =
        hf_archive_read((const char *)archive->data + start, archive->bytes - start, &entry);
    if (result == HF_ARCHIVE_BROKEN) {
        return result;
    }
    const uint64_t data_start = round_up(start + entry.start, 4);
    if (data_start > archive->bytes || archive->bytes - data_start < entry.bytes) {
        return HF_ARCHIVE_BROKEN;
    }
    if (result == HF_ARCHIVE_END) {
        return result;
    }
    *file = (struct hf_archive_file){
        .name = entry.name,
        .data = (const char *)archive->data + data_start,
        .bytes = entry.bytes,
        .mode = entry.mode,
        .inode = entry.inode,
    };
    *offset = round_up(data_start + entry.bytes, 4);
    return HF_ARCHIVE_FOUND;
}

static const char *name_trim(const char *name)
{
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/')) {
        name += name[0] == '/' ? 1 : 2;
    }
    return name;
}

/* Whether `name`, without slashes at its end, is a folder on the way to `file_name`. */
static bool name_is_folder_of(const char *name, const char *file_name)
{
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/') {
        length--;
    }
    return length == 0 || strcmp(name, ".") == 0 ||
           (strncmp(file_name, name, length) == 0 && file_name[length] == '/');
}

enum hf_archive_result hf_archive_find(const struct hf_archive *archive, const char *name,
                                       struct hf_archive_file *file)
{
    const char *wanted = name_trim(name);
    bool is_folder = false;
    uint64_t offset = 0;
    struct hf_archive_file candidate;
    enum hf_archive_result result;
    if (name[0] == '\0') {
        return HF_ARCHIVE_END;
    }
    /* Every entry is longer than its header: the loop ends with the archive. */
    while ((result = hf_archive_next(archive, &offset, &candidate)) == HF_ARCHIVE_FOUND) {
        const char *candidate_name = name_trim(candidate.name);
        if (strcmp(candidate_name, wanted) == 0) {
            *file = candidate;
            return HF_ARCHIVE_FOUND;
        }
        is_folder = is_folder || name_is_folder_of(wanted, candidate_name);
    }
    return result == HF_ARCHIVE_END && is_folder ? HF_ARCHIVE_FOLDER : result;
}
