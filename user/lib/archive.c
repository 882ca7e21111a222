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
static uint64_t round_up_four(uint64_t value)
{
    return (value + 3) & ~UINT64_C(3);
}

enum hf_archive_result hf_archive_next(const struct hf_archive *archive, uint64_t *offset,
                                       struct hf_archive_file *file)
{
    uint64_t start = *offset;
    if (start > archive->bytes || archive->bytes - start < HEADER_BYTES ||
        archive->bytes > INT64_MAX) {
        return HF_ARCHIVE_BROKEN;
    }
    const char *header = (const char *)archive->data + start;
    uint32_t inode = 0;
    uint32_t mode = 0;
    uint32_t bytes = 0;
    uint32_t name_bytes = 0;
    if (memcmp(header, MAGIC, MAGIC_LENGTH) != 0 || !field_read(header, FIELD_INODE, &inode) ||
        !field_read(header, FIELD_MODE, &mode) || !field_read(header, FIELD_BYTES, &bytes) ||
        !field_read(header, FIELD_NAME_BYTES, &name_bytes)) {
        return HF_ARCHIVE_BROKEN;
    }
    uint64_t data_start = round_up_four(start + HEADER_BYTES + name_bytes);
    if (name_bytes == 0 || data_start > archive->bytes || archive->bytes - data_start < bytes) {
        return HF_ARCHIVE_BROKEN;
    }
    const char *name = header + HEADER_BYTES;
    if (memchr(name, '\0', name_bytes) == NULL) {
        return HF_ARCHIVE_BROKEN;
    }
    if (strcmp(name, TRAILER) == 0) {
        return HF_ARCHIVE_END;
    }
    *file = (struct hf_archive_file){
        .name = name,
        .data = (const char *)archive->data + data_start,
        .bytes = bytes,
        .mode = mode,
        .inode = inode,
    };
    *offset = round_up_four(data_start + bytes);
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
