/* SPDX-License-Identifier: MIT */
/*
 * What a program file says about the memory it wants: ELF-64 for RISC-V, statically linked.
 *
 * The file is an allegation: every number is checked before it is used, and what cannot be started
 * exactly as asked is refused with a reason. Pure C: tested on the host. Sources: System V ABI,
 * "ELF Header" and "Program Header"; RISC-V ELF psABI, "File Header".
 *
 * I1  Of an accepted image: segments ascend, share no page, lie in user space; file_bytes <=
 *     memory_bytes; the bytes of each lie in the file; entry is in an executable one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define ELF_SEGMENTS_MAX 16

struct elf_segment {
    uint64_t va;
    uint64_t memory_bytes; /* at least 1 */
    uint64_t file_offset;
    uint64_t file_bytes;
    uint32_t prot; /* MEM_PROT_... */
};

struct elf_image {
    uint64_t entry;
    uint64_t headers_va; /* of the program headers in memory; 0: in no segment */
    uint32_t headers_count;
    uint32_t segments_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/*
 * Read the headers of a program of `bytes` bytes, of which the first `head_bytes` are at `head`.
 * Each is read once: others may change them meanwhile.
 *
 * Returns:   true; false if it is not a program that can be started.
 * On error:  `image` is undefined; `why` is a reason, as the end of a sentence; else `why` is
 *            unchanged.
 */
MUST_USE bool elf_parse(const void *head, uint64_t head_bytes, uint64_t bytes,
                        struct elf_image *image, const char **why);
