/* SPDX-License-Identifier: MIT */
/*
 * Requests to the file system (files/proto.h) by whoever has a handle to it, `files`.
 *
 * Paths end with a NUL and start at the root or at the folder `base` (0: the root). Errors of all:
 * what a call refuses (PEER_GONE, STALE: the file system has ended), and what proto.h says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <files/proto.h>

/* What was opened. Owner: who opened it; hf_files_close() gives the handles back. */
struct hf_file {
    uint64_t object;  /* memory object, held; 0: a folder, or a file that cannot be mapped */
    uint64_t control; /* for hf_files_resize() and _append(); 0: not opened for writing */
    uint64_t number;
    uint64_t bytes;
    uint64_t offset; /* in the archive */
    uint32_t mode;
    uint32_t flags; /* FILES_IS_... */
};

/* An entry of a folder. */
struct hf_entry {
    uint64_t number;
    uint64_t place; /* 0 before the first call; where hf_files_next() goes on */
    uint32_t mode;
    char name[FILES_NAME_MAX + 1];
};

/* OPEN, and hold what was opened. */
MUST_USE enum err hf_files_open(uint64_t files, uint64_t base, const char *path, uint32_t flags,
                                uint32_t mode, struct hf_file *file);

/* Let it go. */
void hf_files_close(const struct hf_file *file);

/* `path` "": what has the number `base`. */
MUST_USE enum err hf_files_stat(uint64_t files, uint64_t base, const char *path,
                                struct files_stat_rep *rep);
MUST_USE enum err hf_files_mkdir(uint64_t files, uint64_t base, const char *path, uint32_t mode);
MUST_USE enum err hf_files_unlink(uint64_t files, uint64_t base, const char *path);
MUST_USE enum err hf_files_rmdir(uint64_t files, uint64_t base, const char *path);
MUST_USE enum err hf_files_rename(uint64_t files, uint64_t base, const char *from, const char *to,
                                  uint32_t flags);
MUST_USE enum err hf_files_change(uint64_t files, uint64_t base, const char *path, uint32_t flags,
                                  uint32_t mode);

/* The next entry of a folder. Returns: ERR_NOENT: there are no more. */
MUST_USE enum err hf_files_next(uint64_t files, uint64_t folder, struct hf_entry *entry);

/* The path of a number, with a NUL. ERR_RANGE: it has more than `room` - 1 bytes. */
MUST_USE enum err hf_files_name(uint64_t files, uint64_t number, char *path, size_t room);

/* By the control handle; `rep` tells the sizes before and after. */
MUST_USE enum err hf_files_resize(uint64_t control, uint64_t bytes, uint32_t flags,
                                  uint64_t expected, struct files_resize_rep *rep);
/* At most FILES_PARTS_MAX bytes. */
MUST_USE enum err hf_files_append(uint64_t control, const void *bytes, size_t length,
                                  struct files_resize_rep *rep);

/*
 * Take a lock, or change the one that `*lock` and `*token` (held) say, which are 0 if there is none
 * yet. ERR_WOULD_BLOCK: taken by others; then the earlier one is gone too.
 */
MUST_USE enum err hf_files_lock(uint64_t files, uint64_t number, uint32_t flags, uint64_t *lock,
                                uint64_t *token);
MUST_USE enum err hf_files_unlock(uint64_t files, uint64_t lock);

/* What MOUNT is about. The object stays the caller's too. */
struct hf_mount {
    const char *path;
    uint64_t bytes;
    uint32_t mode;
    uint64_t object;
};

/*
 * MOUNT, for who may. `latest`: as in hf_call_timed(), for each call of it. `instance`: of the file
 * system that has it, on ERR_OK.
 */
MUST_USE enum err hf_files_mount(uint64_t files, uint64_t latest, const struct hf_mount *mount,
                                 uint64_t *instance);

/*
 * WATCH: wait until the file system is not `*instance` (0: none), which becomes the one that it is.
 * ERR_PEER_GONE: it has ended; ask again, to wait for the next one.
 */
MUST_USE enum err hf_files_watch(uint64_t files, uint64_t *instance);

/* SPACE. */
MUST_USE enum err hf_files_space(uint64_t files, uint64_t index, struct files_space_rep *rep);
