/* SPDX-License-Identifier: MIT */
/*
 * Shared memory under its POSIX and Linux names: shm_open() and its kin, over hf/shared.h.
 *
 * A descriptor is a handle to the object and an offset for read() and write(). Names are those of
 * the memory server's table, without leading slashes; there are no users, so the mode means
 * nothing.
 */
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hf/error.h>
#include <hf/shared.h>

#define MEMFD_NAME_MAX 249 /* memfd_create(2) */
#define MEMFD_FLAGS    (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)
#define RIGHTS_READ    (MEM_OBJECT_READ | MEM_OBJECT_EXEC | MEM_OBJECT_MAPPABLE)

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    return 0;
}

static int refuse(int number)
{
    errno = number;
    return -1;
}

/* A descriptor for an object, which is let go if there is none. Returns: it, or -1 with errno. */
static int descriptor_make(uint64_t object, int access)
{
    const struct file file = {
        .kind = FILE_SHARED,
        .access = access,
        .mode = S_IFREG | 0777,
        .object = object,
    };
    const int fd = files_add(&file, 0);
    if (fd < 0) {
        (void)hf_shared_close(object);
    }
    return fd;
}

int memfd_create(const char *name, unsigned flags)
{
    const uint64_t rights = (flags & MFD_NOEXEC_SEAL) != 0
                                ? MEM_OBJECT_RIGHTS & ~(uint64_t)MEM_OBJECT_EXEC
                                : MEM_OBJECT_RIGHTS;
    const bool is_sealed = (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) == 0;
    uint64_t object;
    uint64_t derived;

    if ((flags & ~MEMFD_FLAGS) != 0 || strlen(name) > MEMFD_NAME_MAX ||
        (flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL)) {
        return refuse(EINVAL);
    }
    enum err error =
        hf_shared_make(0, MEM_OBJECT_NORESERVE, is_sealed ? MEM_SEAL_SEAL : 0, &object);
    if (error == ERR_OK && rights != MEM_OBJECT_RIGHTS) {
        error = hf_shared_derive(object, rights, &derived);
        (void)hf_shared_close(object);
        object = derived;
    }
    return error != ERR_OK ? result_of(error) : descriptor_make(object, O_RDWR);
}

/* What of a name the server gets. Returns: 0, or an errno number. */
static int name_check(const char **name, size_t *length)
{
    while (**name == '/') {
        (*name)++;
    }
    *length = strlen(*name);
    if (*length > MEM_NAME_BYTES_MAX) {
        return ENAMETOOLONG;
    }
    return *length == 0 || strchr(*name, '/') != NULL ? EINVAL : 0;
}

/* Make an object and give it the name. Returns: ERR_EXIST if it has been given meanwhile. */
static enum err make_named(const char *name, size_t length, uint64_t *object)
{
    enum err error = hf_shared_make(0, MEM_OBJECT_NORESERVE, MEM_SEAL_SEAL, object);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_shared_name(*object, name, length, MEM_OBJECT_RIGHTS);
    if (error != ERR_OK) {
        (void)hf_shared_close(*object);
    }
    return error;
}

int shm_open(const char *name, int flags, mode_t mode)
{
    const int access = flags & O_ACCMODE;
    const uint64_t rights = access == O_RDWR ? MEM_OBJECT_RIGHTS : RIGHTS_READ;
    uint64_t object = 0;
    size_t length;
    enum err error;

    (void)mode;
    const int wrong = name_check(&name, &length);
    if (wrong != 0 || access == O_WRONLY) {
        return refuse(wrong != 0 ? wrong : EINVAL);
    }
    do {
        error = hf_shared_open(name, length, rights, &object);
        if (error == ERR_OK && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
            (void)hf_shared_close(object);
            return refuse(EEXIST);
        }
        if (error != ERR_NOENT || (flags & O_CREAT) == 0) {
            break;
        }
        error = make_named(name, length, &object);
        /* Somebody else was quicker: open what he made. */
    } while (error == ERR_EXIST);
    if (error != ERR_OK) {
        return result_of(error);
    }
    if ((flags & O_TRUNC) != 0 && access == O_RDWR) {
        error = hf_shared_resize(object, 0);
        if (error != ERR_OK) {
            (void)hf_shared_close(object);
            return result_of(error);
        }
    }
    return descriptor_make(object, access);
}

int shm_unlink(const char *name)
{
    size_t length;
    const int wrong = name_check(&name, &length);
    if (wrong != 0) {
        return refuse(wrong == EINVAL ? ENOENT : wrong);
    }
    return result_of(hf_shared_unname(name, length));
}

int fcntl(int fd, int command, ...)
{
    struct mem_object_info_rep info;
    struct file *file = files_get(fd);
    va_list arguments;

    if (file == NULL) {
        return -1;
    }
    va_start(arguments, command);
    const unsigned argument = va_arg(arguments, unsigned);
    va_end(arguments);
    if (command != F_ADD_SEALS && command != F_GET_SEALS) {
        return files_control(fd, file, command, argument);
    }
    if (file->kind != FILE_SHARED) {
        return refuse(EINVAL);
    }
    if (command == F_ADD_SEALS) {
        return result_of(file->access == O_RDONLY ? ERR_PERM
                                                  : hf_shared_seal(file->object, argument));
    }
    enum err error = hf_shared_info(file->object, &info);
    return error != ERR_OK ? result_of(error) : (int)info.seals;
}

int shared_close(const struct file *file)
{
    return result_of(hf_shared_close(file->object));
}
