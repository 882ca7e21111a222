/* SPDX-License-Identifier: MIT */
#include "boot/archive.h"

#include <stdlib.h>
#include <string.h>

#include <abi/layout.h>
#include <abi/map.h>

#include "tap.h"

#define ROOM 65536u

static uint8_t archive[ROOM];
static size_t archive_bytes;

static void pad(void)
{
    while (archive_bytes % 4 != 0) {
        archive[archive_bytes++] = 0;
    }
}

static void add(const char *name, const void *data, size_t bytes)
{
    /* inode, mode, owner (2), links, time, size, device (2), special device (2), name, checksum */
    const size_t fields[13] = {1, 0100644, 0, 0, 1, 0, bytes, 0, 0, 0, 0, strlen(name) + 1, 0};
    memcpy(archive + archive_bytes, "070701", 6);
    for (unsigned i = 0; i < 13; i++) {
        for (unsigned digit = 0; digit < 8; digit++) {
            archive[archive_bytes + 6 + 8 * (size_t)i + digit] =
                (uint8_t) "0123456789abcdef"[fields[i] >> 4 * (7 - digit) & 15];
        }
    }
    archive_bytes += 110;
    memcpy(archive + archive_bytes, name, strlen(name) + 1);
    archive_bytes += strlen(name) + 1;
    pad();
    memcpy(archive + archive_bytes, data, bytes);
    archive_bytes += bytes;
    pad();
}

static void start(void)
{
    memset(archive, 0, sizeof(archive));
    archive_bytes = 0;
    add("boot/server", "first", 5);
    add("boot/init", "seconds", 7);
    add("empty", "", 0);
}

/* In memory of exactly its size, so that the sanitizer sees every byte too many. */
static bool find(size_t bytes, const char *name, struct archive_file *file)
{
    uint8_t *exact = malloc(bytes != 0 ? bytes : 1);
    memcpy(exact, archive, bytes);
    const bool is_found = archive_find(exact, bytes, name, file);
    if (is_found) {
        EXPECT(file->bytes >= exact && file->bytes + file->length <= exact + bytes);
        file->bytes = archive + (file->bytes - exact);
    }
    free(exact);
    return is_found;
}

TAP_TEST(files_are_found_by_their_whole_name)
{
    struct archive_file file;
    start();
    add("TRAILER!!!", "", 0);
    REQUIRE(EXPECT(find(archive_bytes, "boot/init", &file)));
    EXPECT_U64(file.length, 7);
    EXPECT_BYTES(file.bytes, "seconds", 7);
    REQUIRE(EXPECT(find(archive_bytes, "empty", &file)));
    EXPECT_U64(file.length, 0);
    EXPECT(!find(archive_bytes, "boot/ini", &file));
    EXPECT(!find(archive_bytes, "boot/init2", &file));
}

TAP_TEST(nothing_behind_the_trailer_is_found)
{
    struct archive_file file;
    start();
    add("TRAILER!!!", "", 0);
    add("late", "x", 1);
    EXPECT(!find(archive_bytes, "late", &file));
}

TAP_TEST(a_cut_archive_is_read_up_to_the_cut)
{
    struct archive_file file;
    start();
    for (size_t bytes = 0; bytes <= archive_bytes; bytes++) {
        (void)find(bytes, "empty", &file);
        (void)find(bytes, "nowhere", &file);
    }
    EXPECT(!find(archive_bytes - 110, "empty", &file));
}

TAP_TEST(damaged_archives_do_not_lead_outside)
{
    struct archive_file file;
    uint64_t state = 1;
    for (unsigned run = 0; run < 20000; run++) {
        start();
        for (unsigned i = 0; i < 4; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const char *digits = "0123456789abcdefF\0xz";
            archive[(state >> 33) % archive_bytes] = (uint8_t)digits[(state >> 20) % 20];
        }
        (void)find(archive_bytes, "empty", &file);
    }
    EXPECT(!find(0, "empty", &file));
}

static struct image_header good_image(void)
{
    struct image_header image = {
        .magic = IMAGE_MAGIC,
        .version = IMAGE_VERSION,
        .segment_count = 2,
        .entry = 0x10010,
        .segments = {{.va = 0x10000,
                      .file_offset = 4096,
                      .file_bytes = 100,
                      .memory_bytes = 4096,
                      .prot = MAP_READ | MAP_EXEC},
                     {.va = 0x20000,
                      .file_offset = 8192,
                      .file_bytes = 10,
                      .memory_bytes = 100000,
                      .prot = MAP_READ | MAP_WRITE}},
    };
    return image;
}

static bool reads(const struct image_header *image)
{
    static uint8_t bytes[8192 + 10];
    struct image_header header;
    memcpy(bytes, image, sizeof(*image));
    const struct archive_file file = {.bytes = bytes, .length = sizeof(bytes)};
    return archive_read_image(&file, &header);
}

TAP_TEST(a_good_image_is_read)
{
    const struct image_header image = good_image();
    EXPECT(reads(&image));
}

TAP_TEST(images_that_lie_are_refused)
{
    /* Field by field; each spoils a good image. */
    const struct image_header good = good_image();
#define SPOIL(change)                      \
    do {                                   \
        struct image_header image = good;  \
        image.change;                      \
        EXPECT(!reads(&image) && #change); \
    } while (0)
    SPOIL(magic = 1);
    SPOIL(version = 2);
    SPOIL(segment_count = 0);
    SPOIL(segment_count = 9);
    SPOIL(entry = 0x20000);
    SPOIL(entry = 0x11000);
    SPOIL(segments[0].va = 0);
    SPOIL(segments[0].va = 0x10001);
    SPOIL(segments[1].va = 0x10000);
    SPOIL(segments[1].va = 0x8000);
    SPOIL(segments[1].va = USER_END);
    SPOIL(segments[1].memory_bytes = UINT64_MAX);
    SPOIL(segments[1].memory_bytes = 0);
    SPOIL(segments[1].memory_bytes = USER_END);
    SPOIL(segments[1].file_bytes = 11);
    SPOIL(segments[0].file_bytes = 5000);
    SPOIL(segments[1].file_offset = UINT64_MAX & ~UINT64_C(4095));
    SPOIL(segments[1].file_offset = 100);
    SPOIL(segments[1].prot = 0);
    SPOIL(segments[1].prot = 8);
    SPOIL(segments[1].reserved = 1);
#undef SPOIL
}

TAP_TEST(a_file_shorter_than_a_head_is_no_image)
{
    const struct image_header image = good_image();
    struct image_header header;
    const struct archive_file file = {.bytes = (const uint8_t *)&image,
                                      .length = sizeof(image) - 1};
    EXPECT(!archive_read_image(&file, &header));
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(files_are_found_by_their_whole_name),
        TAP(nothing_behind_the_trailer_is_found),
        TAP(a_cut_archive_is_read_up_to_the_cut),
        TAP(damaged_archives_do_not_lead_outside),
        TAP(a_good_image_is_read),
        TAP(images_that_lie_are_refused),
        TAP(a_file_shorter_than_a_head_is_no_image),
    };
    return TAP_RUN(argc, argv, tests);
}
