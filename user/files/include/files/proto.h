/* SPDX-License-Identifier: MIT */
/*
 * Requests to the file system and its answers: eight words each, to its endpoint.
 *
 * A path is 1 to FILES_PATH_MAX bytes without a NUL, in `path` as far as FILES_INLINE_MAX bytes go;
 * a longer one is left before, by PART. It starts at the root if its first byte is a slash, else at
 * the folder whose number is `base` (0: the root). No path (length 0): what has the number `base`.
 * Names have at most FILES_NAME_MAX bytes. Numbers of files and folders are never used again.
 *
 * There is one user, who owns everything; of the rights in `mode` the owner's count. Nonzero
 * reserved words, unknown flags, lengths that cannot be, NULs in paths, handles: INVAL. A request
 * that needs a control handle (OPEN), or must not come by one: TYPE. Errors of paths, all as in
 * path_resolution(7): NOENT, NOTDIR, ACCES, NAMETOOLONG. ROFS: of an archive. NOSPC: no
 * room, or none left for this client. AGAIN: bytes left by PART are gone; leave them again.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

enum files_request {
#define REQUEST(name, number, function, summary) FILES_##name = (number),
#include <files/proto.def>
#undef REQUEST
};

#define FILES_PATH_MAX   4095u
#define FILES_NAME_MAX   255u
#define FILES_INLINE_MAX 40u
#define FILES_PART_MAX   48u
#define FILES_PARTS_MAX  8192u /* bytes that PART can leave for one request */

/* Flags of OPEN. */
#define FILES_READ      0x01u
#define FILES_WRITE     0x02u
#define FILES_APPENDING 0x04u /* writes only at the end: needed for an append-only file */
#define FILES_CREATE    0x08u
#define FILES_EXCLUSIVE 0x10u
#define FILES_TRUNCATE  0x20u
#define FILES_FOLDER    0x40u /* only a folder */
#define FILES_OPEN_ALL  0x7fu

/* Modes, as struct stat has them. */
#define FILES_MODE_KIND   0170000u
#define FILES_MODE_FOLDER 0040000u
#define FILES_MODE_FILE   0100000u
#define FILES_MODE_RIGHTS 07777u

/* What is special about a file or folder. */
#define FILES_IS_ARCHIVE     0x1u /* of an archive, read-only; its bytes are in the boot archive */
#define FILES_IS_NOEXEC      0x2u /* may not be mapped to be executed */
#define FILES_IS_APPEND_ONLY 0x4u
#define FILES_IS_DISK        0x8u /* FILES_IS_ARCHIVE too: only its object has the bytes */

/* Flags of RESIZE. */
#define FILES_RESIZE_EXTEND 0x1u /* do nothing if the file is as long already */
#define FILES_RESIZE_ADD    0x2u /* `bytes` more than it has */
#define FILES_RESIZE_IF     0x4u /* do nothing unless it has `expected` bytes */
#define FILES_RESIZE_ALL    0x7u

/* Flags of RENAME, CHANGE, LOCK. */
#define FILES_RENAME_NOREPLACE   0x1u
#define FILES_CHANGE_MODE        0x1u
#define FILES_CHANGE_APPEND_ONLY 0x2u /* for good */
#define FILES_LOCK_EXCLUSIVE     0x1u
#define FILES_LOCK_NOWAIT        0x2u

/*
 * PART: `length` bytes behind the `offset` bytes left before; offset 0 begins anew. They are kept
 * for this thread until its next request that is not PART, unless too many threads leave some.
 */
struct files_part_req {
    uint32_t number;
    uint32_t length; /* 1 to FILES_PART_MAX */
    uint64_t offset;
    char bytes[FILES_PART_MAX];
};

/*
 * OPEN: open(2) decides what is refused. `object` is a handle to the memory object that has the
 * bytes, with rights as asked for; hold it (OBJECT_HOLD) before it is used, and ask again if it is
 * STALE by then: the file has been removed. None (0, and not in the tag) for folders. That of a
 * file of the archive is a slice of it (OBJECT_SLICE), from `offset` of the archive on; there is
 * none where the archive was packed so that the file does not begin on a page. `control`, if
 * FILES_WRITE was asked for, is a handle for RESIZE and APPEND. The object is as long as the file;
 * only RESIZE changes that.
 *
 * STAT: what the path names.
 *
 * MKDIR: as mkdir(2). UNLINK: as unlink(2); the file goes when nobody has it open or mapped any
 * longer. RMDIR: as rmdir(2).
 *
 * RENAME: the path is two, with a NUL between them, each FILES_PATH_MAX at most; as renameat2(2).
 * XDEV: the two parts of the tree differ.
 *
 * CHANGE: flags FILES_CHANGE_...: the rights `mode`; append-only, which no one can take back.
 */
struct files_path_req {
    uint32_t number;
    uint32_t length;
    uint64_t base;
    uint32_t flags; /* of OPEN, RENAME, CHANGE */
    uint32_t mode;  /* of OPEN with FILES_CREATE, MKDIR, CHANGE */
    char path[FILES_INLINE_MAX];
};
struct files_open_rep {
    uint64_t error;
    uint64_t object;
    uint64_t control;
    uint64_t file; /* its number */
    uint64_t bytes;
    uint64_t offset;
    uint32_t mode;
    uint32_t flags; /* FILES_IS_... */
    uint64_t part;  /* of the tree, as for SPACE */
};
struct files_stat_rep {
    uint64_t error;
    uint64_t file;
    uint64_t bytes;
    uint64_t changed; /* time CSR: made, or given another size */
    uint32_t mode;
    uint32_t flags; /* FILES_IS_... */
    uint32_t links;
    uint32_t part; /* of the tree */
    uint64_t reserved[2];
};

/*
 * READDIR: the first entry of `folder` behind `after` (0: the first of all), and its name from byte
 * `offset` on, as far as it fits. NOENT: there are no more; STALE: the folder has gone. Entries
 * that come or go meanwhile are or are not told; the others are told once.
 */
struct files_readdir_req {
    uint64_t number;
    uint64_t folder; /* its number; 0: the root */
    uint64_t after;
    uint64_t offset;
    uint64_t reserved[4];
};
#define FILES_READDIR_BYTES 32u
struct files_readdir_rep {
    uint64_t error;
    uint64_t file;
    uint64_t place; /* the next one's `after` */
    uint32_t mode;
    uint32_t length; /* of the whole name */
    char name[FILES_READDIR_BYTES];
};

/* NAME: its path from the root, from byte `offset` on. STALE: it has gone; NAMETOOLONG. */
struct files_name_req {
    uint64_t number;
    uint64_t file;
    uint64_t offset;
    uint64_t reserved[5];
};
struct files_name_rep {
    uint64_t error;
    uint64_t length; /* of the whole */
    char bytes[FILES_PART_MAX];
};

/*
 * RESIZE: by a control handle; flags FILES_RESIZE_.... PERM: append-only, and it would be shorter;
 * FBIG; STALE: the file is no more.
 */
struct files_resize_req {
    uint64_t number;
    uint64_t bytes;
    uint64_t flags;
    uint64_t expected;
    uint64_t reserved[4];
};
struct files_resize_rep {
    uint64_t error;
    uint64_t before;
    uint64_t bytes;
    uint64_t reserved[5];
};

/*
 * APPEND: by a control handle; `length` bytes, in `bytes` as far as FILES_INLINE_MAX go, else left
 * by PART. All of them, behind each other, or none. The answer is that of RESIZE.
 */
struct files_append_req {
    uint32_t number;
    uint32_t length; /* 1 to FILES_PARTS_MAX */
    uint64_t reserved[2];
    char bytes[FILES_INLINE_MAX];
};

/*
 * LOCK: as flock(2). `lock` is what an earlier answer said, to change that one's kind, or 0.
 * `token`, a handle, is held (OBJECT_HOLD) for as long as the lock is to last: with the last who
 * holds it the lock goes. WOULD_BLOCK: taken, with FILES_LOCK_NOWAIT; BUSY: too many wait; NOSPC:
 * too many locks; STALE: the file is no more.
 *
 * UNLOCK: NOENT: there is no such lock.
 */
struct files_lock_req {
    uint64_t number;
    uint64_t file;
    uint64_t flags;
    uint64_t lock;
    uint64_t reserved[4];
};
struct files_lock_rep {
    uint64_t error;
    uint64_t lock;
    uint64_t token; /* none if an earlier lock was changed */
    uint64_t reserved[5];
};
struct files_unlock_req {
    uint64_t number;
    uint64_t lock;
    uint64_t reserved[6];
};

/* SPACE: part number `index` of the tree; NOENT: there are no more. Sizes are in pages. */
#define FILES_MOUNT_BYTES 16u
struct files_space_req {
    uint64_t number;
    uint64_t index;
    uint64_t reserved[6];
};
struct files_space_rep {
    uint64_t error;
    char mount[FILES_MOUNT_BYTES]; /* where it begins; ends with a NUL */
    uint32_t flags;                /* FILES_IS_... */
    uint32_t files;                /* files and folders in it */
    uint64_t pages;                /* in it */
    uint64_t pages_free;           /* for the client that asks */
    uint64_t pages_max;            /* of all parts that can be written */
    uint64_t changes;              /* of the whole tree so far */
};

/*
 * MOUNT: the file `path`, of an archive on a disk, is to be found in FILES_DISK from now on, in
 * place of one that was there before, and for reading only. Its bytes are those of `object`, a
 * handle (tag mask bit 7) with the rights to read, execute and map, which is held from then on. For
 * a process of the manifest that may (ACCES). A path longer than FILES_MOUNT_INLINE is left by
 * PART. INVAL: the path is none, or the object is not so long; EXIST: it goes through a file, or is
 * a folder.
 */
#define FILES_DISK         "disk"
#define FILES_MOUNT_INLINE 32u
struct files_mount_req {
    uint32_t number;
    uint32_t length;
    uint64_t bytes;
    uint32_t mode;
    uint32_t reserved;
    char path[FILES_MOUNT_INLINE];
    uint64_t object;
};

struct files_mount_rep {
    uint64_t error;
    uint64_t instance; /* of the file system that knows the file: no other has this number */
    uint64_t reserved[6];
};

/*
 * WATCH: wait until the file system is not `instance`, which a MOUNT was answered, or 0: it is held
 * until this one ends (PEER_GONE), and answered at once by another, which knows none of the files.
 * For who may MOUNT (ACCES).
 */
struct files_watch_req {
    uint64_t number;
    uint64_t instance;
    uint64_t reserved[6];
};
struct files_watch_rep {
    uint64_t error;
    uint64_t instance; /* that is there now */
    uint64_t reserved[6];
};

/* Answer of the other requests. */
struct files_empty_rep {
    uint64_t error;
    uint64_t reserved[7];
};

STATIC_ASSERT(sizeof(struct files_part_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_path_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_open_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_stat_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_readdir_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_readdir_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_name_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_name_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_resize_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_resize_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_append_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_lock_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_lock_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_unlock_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_space_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_space_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_mount_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_mount_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_watch_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_watch_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct files_empty_rep) == 64, "eight words");

/* Bit of the badge of who may MOUNT; the rest is that of a client. */
#define FILES_BADGE_MOUNTS (UINT64_C(1) << 62)

/* Where the file system receives. */
#define FILES_SLOT_ENDPOINT 64u
