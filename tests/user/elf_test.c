/* SPDX-License-Identifier: MIT */
/*
 * The reader of program files against a good one, changed in one place at a time.
 */
#include "elf.h"

#include <stdlib.h>
#include <string.h>

#include <abi/layout.h>
#include <mem/prot.h>
#include <tap.h>

#define FILE_BYTES     0x3000u
#define HEADER_BYTES   64u
#define PROGRAM_BYTES  56u
#define PROGRAM(n)     (HEADER_BYTES + (n)*PROGRAM_BYTES)
#define PROGRAM_FLAGS  4u
#define PROGRAM_OFFSET 8u
#define PROGRAM_VA     16u
#define PROGRAM_FILE   32u
#define PROGRAM_MEMORY 40u
#define HEADER_ENTRY   24u
#define HEADER_TABLE   32u
#define HEADER_FLAGS   48u
#define HEADER_SIZE    54u
#define HEADER_COUNT   56u

static unsigned char file[FILE_BYTES];

static void put(uint64_t offset, uint64_t value, size_t bytes)
{
    memcpy(file + offset, &value, bytes); /* the host is little-endian, as the file */
}

static void put_program(unsigned index, uint32_t type, uint32_t flags, uint64_t offset, uint64_t va,
                        uint64_t file_bytes, uint64_t memory_bytes)
{
    put(PROGRAM(index), type, 4);
    put(PROGRAM(index) + PROGRAM_FLAGS, flags, 4);
    put(PROGRAM(index) + PROGRAM_OFFSET, offset, 8);
    put(PROGRAM(index) + PROGRAM_VA, va, 8);
    put(PROGRAM(index) + PROGRAM_FILE, file_bytes, 8);
    put(PROGRAM(index) + PROGRAM_MEMORY, memory_bytes, 8);
}

/* Read-only at 0x10000 with the headers, code at 0x11000, data at 0x13100, and two others. */
static void build(void)
{
    memset(file, 0, sizeof(file));
    memcpy(file, "\177ELF\2\1\1", 7);
    put(16, 2, 2);   /* executable */
    put(18, 243, 2); /* RISC-V */
    put(20, 1, 4);
    put(HEADER_ENTRY, 0x11004, 8);
    put(HEADER_TABLE, HEADER_BYTES, 8);
    put(HEADER_FLAGS, 5, 4); /* compressed, double */
    put(HEADER_SIZE, PROGRAM_BYTES, 2);
    put(HEADER_COUNT, 5, 2);
    put_program(0, 0x70000003, 4, 0x2f00, 0, 0x53, 0);
    put_program(1, 1, 4, 0, 0x10000, 0x700, 0x700);
    put_program(2, 1, 5, 0x1000, 0x11000, 0x1001, 0x1001);
    put_program(3, 1, 6, 0x2100, 0x13100, 0x200, 0x5000);
    put_program(4, 7, 4, 0x2100, 0x13100, 0, 0x100);
}

/* Parse a copy of the first `head` bytes, so that the sanitizer sees a read beyond them. */
static bool parse_head(uint64_t head, uint64_t bytes, struct elf_image *image, const char **why)
{
    void *copy = malloc(head == 0 ? 1 : head);
    memcpy(copy, file, head);
    bool is_good = elf_parse(copy, head, bytes, image, why);
    free(copy);
    return is_good;
}

static bool parse(uint64_t bytes, struct elf_image *image, const char **why)
{
    return parse_head(bytes, bytes, image, why);
}

static void expect_refused(const char *reason)
{
    struct elf_image image;
    const char *why = "none";
    EXPECT(!parse(FILE_BYTES, &image, &why));
    EXPECT_STR(why, reason);
}

TAP_TEST(a_program_is_read_whole)
{
    build();
    struct elf_image image;
    const char *why = "none";
    REQUIRE(EXPECT(parse(FILE_BYTES, &image, &why)));
    EXPECT_STR(why, "none");
    EXPECT_U64(image.entry, 0x11004);
    EXPECT_U64(image.headers_va, 0x10040);
    EXPECT_U64(image.headers_count, 5);
    REQUIRE(EXPECT_U64(image.segments_count, 3));
    EXPECT_U64(image.segments[0].prot, MEM_PROT_READ);
    EXPECT_U64(image.segments[1].prot, MEM_PROT_READ | MEM_PROT_EXEC);
    EXPECT_U64(image.segments[2].prot, MEM_PROT_READ | MEM_PROT_WRITE);
    EXPECT_U64(image.segments[2].va, 0x13100);
    EXPECT_U64(image.segments[2].file_offset, 0x2100);
    EXPECT_U64(image.segments[2].file_bytes, 0x200);
    EXPECT_U64(image.segments[2].memory_bytes, 0x5000);
}

TAP_TEST(a_program_cut_anywhere_before_its_last_byte_is_refused)
{
    build();
    for (uint64_t bytes = 0; bytes < 0x2300; bytes++) {
        struct elf_image image;
        const char *why = "none";
        EXPECT(!parse(bytes, &image, &why));
    }
    struct elf_image image;
    const char *why = "none";
    EXPECT(parse(0x2300, &image, &why));
}

TAP_TEST(what_is_no_elf_file_for_this_machine_is_refused)
{
    build();
    file[0] = '#';
    expect_refused("it is no ELF file");
    build();
    file[4] = 1; /* 32 bits */
    expect_refused("it is not for 64-bit RISC-V");
    build();
    file[5] = 2; /* big-endian */
    expect_refused("it is not for 64-bit RISC-V");
    build();
    put(18, 62, 2); /* x86-64 */
    expect_refused("it is not for 64-bit RISC-V");
    build();
    file[6] = 2;
    expect_refused("its ELF version is unknown");
    build();
    put(HEADER_FLAGS, 8, 4); /* RVE */
    expect_refused("it wants registers that the machine does not have");
    build();
    put(HEADER_FLAGS, 6, 4); /* quad */
    expect_refused("it wants registers that the machine does not have");
    build();
    put(16, 3, 2); /* shared object */
    expect_refused("it is not statically linked to fixed addresses");
    build();
    put(PROGRAM(0), 3, 4); /* interpreter */
    expect_refused("it is dynamically linked");
}

TAP_TEST(the_headers_alone_are_read)
{
    struct elf_image whole;
    struct elf_image image;
    const char *why = "none";
    build();
    REQUIRE(EXPECT(parse(FILE_BYTES, &whole, &why)));
    const uint64_t head = PROGRAM(4) + 56;
    REQUIRE(EXPECT(parse_head(head, FILE_BYTES, &image, &why)));
    EXPECT_BYTES((const char *)&image, (const char *)&whole, sizeof(image));
    EXPECT(!parse_head(head - 1, FILE_BYTES, &image, &why));
    EXPECT_STR(why, "its program headers do not stand at its beginning");
}

TAP_TEST(a_table_of_program_headers_that_leaves_the_file_is_refused)
{
    static const uint64_t offsets[] = {FILE_BYTES - 1, FILE_BYTES, UINT64_MAX, UINT64_MAX - 100};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        build();
        put(HEADER_TABLE, offsets[i], 8);
        expect_refused("its program headers are cut off");
    }
    build();
    put(HEADER_SIZE, 32, 2);
    expect_refused("its program headers have a strange size");
}

TAP_TEST(segments_with_wrong_numbers_are_refused)
{
    build();
    put(PROGRAM(1) + PROGRAM_FILE, 0x701, 8);
    expect_refused("a segment has more bytes in the file than in memory");
    build();
    put(PROGRAM(3) + PROGRAM_OFFSET, UINT64_MAX - 8, 8);
    expect_refused("a segment is cut off");
    build();
    put(PROGRAM(3) + PROGRAM_MEMORY, USER_END - 0x13100 + 1, 8);
    expect_refused("a segment leaves user space");
    build();
    put(PROGRAM(3) + PROGRAM_MEMORY, UINT64_MAX, 8);
    expect_refused("a segment leaves user space");
    build();
    put(PROGRAM(3) + PROGRAM_VA, UINT64_MAX - 0x100, 8);
    expect_refused("a segment leaves user space");
    build();
    put(PROGRAM(3) + PROGRAM_VA, 0x12ff8, 8);
    expect_refused("segments do not ascend, share a page, or lie too low");
    build();
    put(PROGRAM(1) + PROGRAM_VA, 0xf000, 8);
    expect_refused("segments do not ascend, share a page, or lie too low");
    build();
    put(PROGRAM(1) + PROGRAM_FLAGS, 0x14, 4);
    expect_refused("a segment has an unknown flag");
    build();
    put(PROGRAM(1) + PROGRAM_FLAGS, 0x7, 4);
    expect_refused("a segment is both writable and executable");
}

TAP_TEST(a_segment_may_end_with_user_space)
{
    build();
    put(PROGRAM(3) + PROGRAM_MEMORY, USER_END - 0x13100, 8);
    struct elf_image image;
    const char *why = "none";
    EXPECT(parse(FILE_BYTES, &image, &why));
}

TAP_TEST(an_entry_outside_executable_memory_is_refused)
{
    static const uint64_t entries[] = {0, 0x10004, 0x10fff, 0x12001, 0x13104, UINT64_MAX};
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        build();
        put(HEADER_ENTRY, entries[i], 8);
        expect_refused("its entry is not in executable memory");
    }
}

TAP_TEST(more_segments_than_there_is_room_for_are_refused)
{
    build();
    put(HEADER_COUNT, ELF_SEGMENTS_MAX + 1, 2);
    for (unsigned i = 0; i <= ELF_SEGMENTS_MAX; i++) {
        put_program(i, 1, 5, 0, 0x10000 + i * 0x1000, 0x800, 0x800);
    }
    expect_refused("it has too many segments");
    put(HEADER_COUNT, ELF_SEGMENTS_MAX, 2);
    struct elf_image image;
    const char *why = "none";
    REQUIRE(EXPECT(parse(FILE_BYTES, &image, &why)));
    EXPECT_U64(image.segments_count, ELF_SEGMENTS_MAX);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_program_is_read_whole),
        TAP(a_program_cut_anywhere_before_its_last_byte_is_refused),
        TAP(what_is_no_elf_file_for_this_machine_is_refused),
        TAP(the_headers_alone_are_read),
        TAP(a_table_of_program_headers_that_leaves_the_file_is_refused),
        TAP(segments_with_wrong_numbers_are_refused),
        TAP(a_segment_may_end_with_user_space),
        TAP(an_entry_outside_executable_memory_is_refused),
        TAP(more_segments_than_there_is_room_for_are_refused),
    };
    return TAP_RUN(argc, argv, tests);
}
