/* SPDX-License-Identifier: MIT */
/*
 * <sys/mman.h> over the memory server.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>

#include "files.h"
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/mem.h>

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    return 0;
}

/*
 * The file that a mapping with a descriptor is of, or why there is none, in the order of checks
 * of Linux's mmap(2): offset, descriptor, length, kind of file.
 */
static enum err file_find(size_t length, int flags, int fd, off_t offset, const struct file **found)
{
    if (offset % (off_t)HF_PAGE_BYTES != 0) {
        return ERR_INVAL;
    }
    const struct file *file = files_get(fd);
    if (file == NULL) {
        return ERR_BADF;
    }
    if (length == 0) {
        return ERR_INVAL;
    }
    *found = file;
    if (file->kind == FILE_STORED && (flags & MAP_TYPE) != MAP_PRIVATE &&
        (file->flags & FILES_IS_APPEND_ONLY) != 0 && file->access != O_RDONLY) {
        return ERR_ACCES; /* R14 */
    }
    return file->object != 0 ? ERR_OK : ERR_NODEV;
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    struct hf_map map = {
        .addr = (uint64_t)addr,
        .length = length,
        .prot = (uint32_t)prot,
        .flags = (uint32_t)flags,
        .offset = (uint64_t)offset,
    };
    const struct file *file = NULL;
    enum err error = ERR_OK;
    uint64_t mapped = 0;
    if ((flags & MAP_ANONYMOUS) == 0) {
        error = file_find(length, flags, fd, offset, &file);
    } else if (length == 0) {
        error = ERR_INVAL;
    }
    if (error == ERR_OK) {
        map.object = file != NULL ? file->object : HF_NO_OBJECT;
        error = hf_map_form(MEM_HEAD_LINUX, map, &mapped);
    }
    return result_of(error) == 0 ? (void *)mapped : MAP_FAILED;
}

int munmap(void *addr, size_t length)
{
    return result_of(hf_unmap_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length));
}

int mprotect(void *addr, size_t length, int prot)
{
    return result_of(
        hf_protect_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length, (uint32_t)prot));
}

void *mremap(void *old_addr, size_t old_length, size_t new_length, int flags, ...)
{
    struct hf_remap remap = {
        .old_addr = (uint64_t)old_addr,
        .old_length = old_length,
        .new_length = new_length,
        .flags = (uint32_t)flags,
    };
    if ((flags & MREMAP_FIXED) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        remap.new_addr = (uint64_t)va_arg(arguments, void *);
        va_end(arguments);
    }
    uint64_t mapped = 0;
    enum err error = hf_remap_form(MEM_HEAD_LINUX, remap, &mapped);
    return result_of(error) == 0 ? (void *)mapped : MAP_FAILED;
}

int madvise(void *addr, size_t length, int advice)
{
    return result_of(hf_advise_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length,
                                    (uint64_t)(int64_t)advice));
}
