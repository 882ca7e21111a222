/* SPDX-License-Identifier: MIT */
/*
 * flock(2): advisory locks of whole files, which the file system keeps.
 *
 * The lock belongs to the open file, so to all its descriptors, and to those of children: it lasts
 * until it is given back, or all who have the file open have closed it or ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "files.h"
#include "paths.h"
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/shared.h>

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = error == ERR_NOSPC ? ENOLCK : hf_errno(error);
        return -1;
    }
    return 0;
}

/* Give a lock back. One that has gone already is as good. */
static int unlock(struct file *file)
{
    if (file->token != 0) {
        (void)!hf_files_unlock(hf_env()->files, file->lock);
        (void)hf_shared_close(file->token);
    }
    file->lock = 0;
    file->token = 0;
    return 0;
}

int flock(int fd, int operation)
{
    struct file *file = files_get(fd);
    const int kind = operation & ~LOCK_NB;
    uint32_t flags = 0;
    if (file == NULL) {
        return -1;
    }
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN) {
        return result_of(ERR_INVAL);
    }
    if (!paths_has_files() ||
        (file->kind != FILE_STORED && file->kind != FILE_FOLDER && file->kind != FILE_ARCHIVE)) {
        return result_of(ERR_INVAL);
    }
    if (kind == LOCK_UN) {
        return unlock(file);
    }
    flags |= kind == LOCK_EX ? FILES_LOCK_EXCLUSIVE : 0;
    flags |= (operation & LOCK_NB) != 0 ? FILES_LOCK_NOWAIT : 0;
    enum err error = ERR_BUSY;
    while (error == ERR_BUSY) {
        error = hf_files_lock(hf_env()->files, file->inode, flags, &file->lock, &file->token);
        if (error == ERR_BUSY) {
            (void)hf_yield(); /* too many wait: others first */
        }
    }
    return result_of(error);
}
