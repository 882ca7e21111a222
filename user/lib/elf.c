/* SPDX-License-Identifier: MIT */
#include "elf.h"

#include <stddef.h>
#include <string.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <base/types.h>
#include <mem/limits.h>
#include <mem/prot.h>

struct elf_header {
    unsigned char ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_bytes;
    uint16_t program_entry_bytes;
    uint16_t program_count;
    uint16_t section_entry_bytes;
    uint16_t section_count;
    uint16_t section_names;
};
STATIC_ASSERT(sizeof(struct elf_header) == 64, "as the file has it");

struct elf_program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t va;
    uint64_t pa;
    uint64_t file_bytes;
    uint64_t memory_bytes;
    uint64_t align;
};
STATIC_ASSERT(sizeof(struct elf_program_header) == 56, "as the file has it");

#define IDENT_CLASS    4
#define IDENT_DATA     5
#define IDENT_VERSION  6
#define CLASS_64       2
#define DATA_LITTLE    1
#define VERSION_1      1
#define TYPE_EXEC      2
#define MACHINE_RISCV  243
#define RISCV_QUAD_ABI 0x0006u /* both bits of the floating-point ABI */
#define RISCV_RVE      0x0008u
#define PROGRAM_LOAD   1
#define PROGRAM_INTERP 3
#define SEGMENT_EXEC   0x1u
#define SEGMENT_WRITE  0x2u
#define SEGMENT_READ   0x4u

static bool refuse(const char *reason, const char **why)
{
    *why = reason;
    return false;
}

static uint64_t page_down(uint64_t address)
{
    return address & ~(uint64_t)PAGE_MASK;
}

static bool header_check(const struct elf_header *header, uint64_t head_bytes, uint64_t bytes,
                         const char **why)
{
    if (memcmp(header->ident, "\177ELF", 4) != 0) {
        return refuse("it is no ELF file", why);
    }
    if (header->ident[IDENT_CLASS] != CLASS_64 || header->ident[IDENT_DATA] != DATA_LITTLE ||
        header->machine != MACHINE_RISCV) {
        return refuse("it is not for 64-bit RISC-V", why);
    }
    if (header->ident[IDENT_VERSION] != VERSION_1 || header->version != VERSION_1) {
        return refuse("its ELF version is unknown", why);
    }
    if (header->type != TYPE_EXEC) {
        return refuse("it is not statically linked to fixed addresses", why);
    }
    if ((header->flags & RISCV_RVE) != 0 || (header->flags & RISCV_QUAD_ABI) == RISCV_QUAD_ABI) {
        return refuse("it wants registers that the machine does not have", why);
    }
    if (header->program_entry_bytes != sizeof(struct elf_program_header)) {
        return refuse("its program headers have a strange size", why);
    }
    uint64_t table_bytes = (uint64_t)header->program_count * sizeof(struct elf_program_header);
    if (header->program_offset > bytes || bytes - header->program_offset < table_bytes) {
        return refuse("its program headers are cut off", why);
    }
    if (header->program_offset > head_bytes || head_bytes - header->program_offset < table_bytes) {
        return refuse("its program headers do not stand at its beginning", why);
    }
    return true;
}

/* `end` is the first page boundary behind the segments so far. */
static bool segment_check(const struct elf_program_header *header, uint64_t bytes, uint64_t end,
                          const char **why)
{
    if (header->file_bytes > header->memory_bytes) {
        return refuse("a segment has more bytes in the file than in memory", why);
    }
    if (header->offset > bytes || bytes - header->offset < header->file_bytes) {
        return refuse("a segment is cut off", why);
    }
    if (header->va >= USER_END || header->memory_bytes > USER_END - header->va) {
        return refuse("a segment leaves user space", why);
    }
    if (page_down(header->va) < end) {
        return refuse("segments do not ascend, share a page, or lie too low", why);
    }
    if ((header->flags & (SEGMENT_WRITE | SEGMENT_EXEC)) == (SEGMENT_WRITE | SEGMENT_EXEC)) {
        return refuse("a segment is both writable and executable", why);
    }
    if ((header->flags & ~(SEGMENT_READ | SEGMENT_WRITE | SEGMENT_EXEC)) != 0) {
        return refuse("a segment has an unknown flag", why);
    }
    return true;
}

static struct elf_segment segment_make(const struct elf_program_header *header)
{
    return (struct elf_segment){
        .va = header->va,
        .memory_bytes = header->memory_bytes,
        .file_offset = header->offset,
        .file_bytes = header->file_bytes,
        .prot = ((header->flags & SEGMENT_READ) != 0 ? MEM_PROT_READ : 0) |
                ((header->flags & SEGMENT_WRITE) != 0 ? MEM_PROT_WRITE : 0) |
                ((header->flags & SEGMENT_EXEC) != 0 ? MEM_PROT_EXEC : 0),
    };
}

/* What depends on all segments: the entry, and where the program headers are in memory. */
static bool image_finish(struct elf_image *image, uint64_t program_offset, const char **why)
{
    bool has_entry = false;
    uint64_t table_bytes = image->headers_count * sizeof(struct elf_program_header);
    for (uint32_t i = 0; i < image->segments_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if ((segment->prot & MEM_PROT_EXEC) != 0 && image->entry >= segment->va &&
            image->entry - segment->va < segment->memory_bytes) {
            has_entry = true;
        }
        if (program_offset >= segment->file_offset &&
            program_offset - segment->file_offset <= segment->file_bytes &&
            segment->file_bytes - (program_offset - segment->file_offset) >= table_bytes) {
            image->headers_va = segment->va + (program_offset - segment->file_offset);
        }
    }
    return has_entry || refuse("its entry is not in executable memory", why);
}

bool elf_parse(const void *head, uint64_t head_bytes, uint64_t bytes, struct elf_image *image,
               const char **why)
{
    struct elf_header header;
    if (head_bytes < sizeof(header)) {
        return refuse("it is no ELF file", why);
    }
    memcpy(&header, head, sizeof(header));
    if (!header_check(&header, head_bytes, bytes, why)) {
        return false;
    }
    *image = (struct elf_image){.entry = header.entry, .headers_count = header.program_count};
    uint64_t end = MEM_MAP_MIN_ADDR_DEFAULT;
    const char *table = (const char *)head + header.program_offset;
    for (uint32_t i = 0; i < header.program_count; i++) {
        struct elf_program_header program;
        memcpy(&program, table + i * sizeof(program), sizeof(program));
        if (program.type == PROGRAM_INTERP) {
            return refuse("it is dynamically linked", why);
        }
        if (program.type != PROGRAM_LOAD || program.memory_bytes == 0) {
            continue;
        }
        if (image->segments_count == ELF_SEGMENTS_MAX) {
            return refuse("it has too many segments", why);
        }
        if (!segment_check(&program, bytes, end, why)) {
            return false;
        }
        image->segments[image->segments_count] = segment_make(&program);
        image->segments_count++;
        end = page_down(program.va + program.memory_bytes + PAGE_MASK);
    }
    return image_finish(image, header.program_offset, why);
}
