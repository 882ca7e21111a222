/* SPDX-License-Identifier: MIT */
#include "archive_map.h"

#include <string.h>

#include <base/bits.h>
#include <hf/env.h>

/* A page in place of a mapped one: what the file has of it, then zeros. */
static enum err tail_copy(const struct file *file, const struct hf_map *map, uint64_t addr)
{
    const uint64_t start = bits_align_down(file->bytes, HF_PAGE_BYTES);
    const struct hf_map tail = {
        .addr = addr,
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uint64_t at = 0;
    enum err error = hf_map(tail, &at);
    if (error == ERR_OK) {
        memcpy((void *)at, file->data + start, file->bytes - start);
        error = hf_protect(HF_OWN_SPACE, at, HF_PAGE_BYTES, map->prot);
    }
    return error;
}

enum err archive_map(const struct file *file, struct hf_map map, uint64_t *addr)
{
    const struct hf_env *env = hf_env();
    const uint64_t offset = map.offset;
    const uint64_t place = (uint64_t)(file->data - (const char *)env->archive_opt);
    const uint64_t whole = bits_align_down(file->bytes, HF_PAGE_BYTES);
    uint64_t at = 0;
    uint64_t ignored = 0;
    if (env->archive_object == 0 || place % HF_PAGE_BYTES != 0) {
        return ERR_NODEV; /* the archive was not packed by us */
    }
    map.object = env->archive_object;
    map.offset += place;
    enum err error = hf_map_form(MEM_HEAD_LINUX, map, &at);
    if (error != ERR_OK) {
        return error;
    }
    /* Pages from here on are not the file's whole ones. */
    const uint64_t length = bits_align_down(map.length + HF_PAGE_BYTES - 1, HF_PAGE_BYTES);
    uint64_t done = whole > offset ? whole - offset : 0;
    if (done < length && whole < file->bytes && offset <= whole) {
        error = tail_copy(file, &map, at + done);
        done += HF_PAGE_BYTES;
    }
    if (error == ERR_OK && done < length) {
        /* The same offset behind the end of the archive: nothing is there. */
        map.addr = at + done;
        map.length = length - done;
        map.offset =
            bits_align_down(env->archive_bytes + HF_PAGE_BYTES - 1, HF_PAGE_BYTES) + offset + done;
        map.flags = (map.flags & ~MEM_MAP_FIXED_NOREPLACE) | MEM_MAP_FIXED;
        error = hf_map(map, &ignored);
    }
    if (error != ERR_OK) {
        (void)hf_unmap(HF_OWN_SPACE, at, length);
        return error;
    }
    *addr = at;
    return ERR_OK;
}
