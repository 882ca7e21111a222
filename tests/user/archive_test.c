/* SPDX-License-Identifier: MIT */
/*
 * The boot archive's reader against archives that are whole, padded, cut off and broken.
 */
#include <hf/archive.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tap.h>

#define ARCHIVE_BYTES_MAX 16384

/* An archive under construction. */
static char bytes[ARCHIVE_BYTES_MAX];
static uint64_t length;

/* Append an entry whose name has `padding` NULs more than it needs. */
static void add(const char *name, const char *data, uint32_t data_bytes, uint32_t padding)
{
    uint32_t name_bytes = (uint32_t)strlen(name) + 1 + padding;
    char header[111];
    snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             7u, 0100644u, 0u, 0u, 1u, 0u, data_bytes, 0u, 0u, 0u, 0u, name_bytes, 0u);
    memcpy(bytes + length, header, 110);
    memcpy(bytes + length + 110, name, strlen(name) + 1);
    length = (length + 110 + name_bytes + 3) & ~UINT64_C(3);
    memcpy(bytes + length, data, data_bytes);
    length = (length + data_bytes + 3) & ~UINT64_C(3);
}

/* A copy of exactly the archive's size, so that the sanitizer sees a read beyond it. */
static struct hf_archive archive_make(uint64_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    return (struct hf_archive){copy, size};
}

static void archive_drop(struct hf_archive archive)
{
    free((void *)(uintptr_t)archive.data);
}

static void build_three(void)
{
    memset(bytes, 0, sizeof(bytes));
    length = 0;
    add("boot/args", "hello\0", 6, 0);
    add("bin/hello", "ELF!", 4, 3000);
    add("empty", "", 0, 1);
    add("TRAILER!!!", "", 0, 0);
}

TAP_TEST(files_come_in_order_with_their_bytes)
{
    build_three();
    struct hf_archive archive = archive_make(length);
    struct hf_archive_file file;
    uint64_t offset = 0;
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_FOUND);
    EXPECT_STR(file.name, "boot/args");
    EXPECT_U64(file.bytes, 6);
    EXPECT_BYTES(file.data, "hello\0", 6);
    EXPECT_U64(file.mode, 0100644);
    EXPECT_U64(file.inode, 7);
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_FOUND);
    EXPECT_STR(file.name, "bin/hello");
    EXPECT_BYTES(file.data, "ELF!", 4);
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_FOUND);
    EXPECT_STR(file.name, "empty");
    EXPECT_U64(file.bytes, 0);
    uint64_t before = offset;
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_END);
    EXPECT_U64(offset, before);
    EXPECT_STR(file.name, "empty");
    archive_drop(archive);
}

TAP_TEST(a_name_is_found_with_slashes_and_dots_in_front)
{
    static const char *const names[] = {"bin/hello", "/bin/hello", "./bin/hello", ".//bin/hello"};
    build_three();
    struct hf_archive archive = archive_make(length);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct hf_archive_file file = {0};
        EXPECT_U64(hf_archive_find(&archive, names[i], &file), HF_ARCHIVE_FOUND);
        EXPECT_U64(file.bytes, 4);
    }
    archive_drop(archive);
}

TAP_TEST(a_part_of_a_name_is_not_found)
{
    static const char *const names[] = {"bin/hell", "bin/hello2", "hello", "bin/hello/", "boo", ""};
    build_three();
    struct hf_archive archive = archive_make(length);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct hf_archive_file file;
        EXPECT_U64(hf_archive_find(&archive, names[i], &file), HF_ARCHIVE_END);
    }
    archive_drop(archive);
}

TAP_TEST(a_folder_is_told_from_nothing)
{
    static const char *const names[] = {"bin", "bin/", "/boot", "/", "."};
    build_three();
    struct hf_archive archive = archive_make(length);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct hf_archive_file file;
        EXPECT_U64(hf_archive_find(&archive, names[i], &file), HF_ARCHIVE_FOLDER);
    }
    archive_drop(archive);
}

TAP_TEST(an_archive_cut_anywhere_is_broken_and_nothing_beyond_is_read)
{
    build_three();
    /* The trailer is complete with its name; what follows is padding. */
    uint64_t needed = length - 1;
    for (uint64_t size = 0; size < needed; size++) {
        struct hf_archive archive = archive_make(size);
        struct hf_archive_file file;
        uint64_t offset = 0;
        enum hf_archive_result result = HF_ARCHIVE_FOUND;
        while (result == HF_ARCHIVE_FOUND) {
            result = hf_archive_next(&archive, &offset, &file);
        }
        EXPECT_U64(result, HF_ARCHIVE_BROKEN);
        archive_drop(archive);
    }
}

TAP_TEST(every_wrong_digit_of_a_length_is_refused)
{
    for (unsigned position = 0; position < 110; position++) {
        build_three();
        bytes[position] = 'g';
        struct hf_archive archive = archive_make(length);
        struct hf_archive_file file;
        uint64_t offset = 0;
        /* Magic, inode, mode, size and name size are read; other fields mean nothing here. */
        bool is_read = position < 22 || (position >= 54 && position < 62) ||
                       (position >= 94 && position < 102);
        EXPECT_U64(hf_archive_next(&archive, &offset, &file),
                   is_read ? HF_ARCHIVE_BROKEN : HF_ARCHIVE_FOUND);
        archive_drop(archive);
    }
}

TAP_TEST(lengths_that_leave_the_archive_are_refused)
{
    static const unsigned starts[] = {54, 94};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        build_three();
        memcpy(bytes + starts[i], "FFFFFFFF", 8);
        struct hf_archive archive = archive_make(length);
        struct hf_archive_file file;
        uint64_t offset = 0;
        EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_BROKEN);
        EXPECT_U64(offset, 0);
        archive_drop(archive);
    }
}

TAP_TEST(a_name_without_an_end_is_refused)
{
    build_three();
    memcpy(bytes + 94, "00000009", 8);
    struct hf_archive archive = archive_make(length);
    struct hf_archive_file file;
    uint64_t offset = 0;
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_BROKEN);
    archive_drop(archive);
}

TAP_TEST(an_offset_beyond_the_archive_is_refused)
{
    build_three();
    struct hf_archive archive = archive_make(length);
    struct hf_archive_file file;
    uint64_t offset = UINT64_MAX - 4;
    EXPECT_U64(hf_archive_next(&archive, &offset, &file), HF_ARCHIVE_BROKEN);
    archive_drop(archive);
}

TAP_TEST(an_entry_may_begin_on_the_next_page)
{
    memset(bytes, 0, sizeof(bytes));
    length = 0;
    add("one", "1", 1, 0);
    length = 4096;
    add("two", "2", 1, 3982);
    length = 12288;
    add("TRAILER!!!", "", 0, 0);
    struct hf_archive archive = archive_make(length);
    struct hf_archive_file file;
    EXPECT_U64(hf_archive_find(&archive, "two", &file), HF_ARCHIVE_FOUND);
    EXPECT_BYTES(file.data, "2", 1);
    EXPECT_U64(hf_archive_find(&archive, "three", &file), HF_ARCHIVE_END);
    archive_drop(archive);
    /* Not two pages on. */
    memset(bytes + 4096, 0, 4096);
    archive = archive_make(length);
    EXPECT_U64(hf_archive_find(&archive, "three", &file), HF_ARCHIVE_BROKEN);
    archive_drop(archive);
}

TAP_TEST(the_head_of_an_entry_is_read_without_what_is_behind_its_name)
{
    struct hf_archive_entry entry = {.bytes = 1};
    memset(bytes, 0, sizeof(bytes));
    length = 0;
    add("a/name", "data", 4, 3000);
    struct hf_archive archive = archive_make(110 + sizeof("a/name"));
    EXPECT_U64(hf_archive_read(archive.data, archive.bytes, &entry), HF_ARCHIVE_FOUND);
    EXPECT_STR(entry.name, "a/name");
    EXPECT_U64(entry.bytes, 4);
    EXPECT_U64(entry.start, 110 + sizeof("a/name") + 3000);
    EXPECT_U64(entry.mode, 0100644);
    entry.bytes = 1;
    for (uint64_t cut = 0; cut < archive.bytes; cut++) {
        struct hf_archive part = archive_make(cut);
        EXPECT_U64(hf_archive_read(part.data, part.bytes, &entry), HF_ARCHIVE_BROKEN);
        archive_drop(part);
    }
    EXPECT_U64(entry.bytes, 1);
    archive_drop(archive);
    length = 0;
    add("TRAILER!!!", "", 0, 0);
    archive = archive_make(110 + sizeof("TRAILER!!!"));
    EXPECT_U64(hf_archive_read(archive.data, archive.bytes, &entry), HF_ARCHIVE_END);
    archive_drop(archive);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(files_come_in_order_with_their_bytes),
        TAP(a_name_is_found_with_slashes_and_dots_in_front),
        TAP(a_part_of_a_name_is_not_found),
        TAP(a_folder_is_told_from_nothing),
        TAP(an_archive_cut_anywhere_is_broken_and_nothing_beyond_is_read),
        TAP(every_wrong_digit_of_a_length_is_refused),
        TAP(lengths_that_leave_the_archive_are_refused),
        TAP(a_name_without_an_end_is_refused),
        TAP(an_offset_beyond_the_archive_is_refused),
        TAP(an_entry_may_begin_on_the_next_page),
        TAP(the_head_of_an_entry_is_read_without_what_is_behind_its_name),
    };
    return TAP_RUN(argc, argv, tests);
}
