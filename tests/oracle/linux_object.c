/* SPDX-License-Identifier: MIT */
/*
 * Objects as files.
 */
#include "linux_object.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <linux/fs.h>

#include <base/types.h>

#include "linux_fail.h"

#define FOLDER     "/dev/shm"
#define UNMAPPABLE "/dev/null"

static const int accesses[] = {
    [STEP_RIGHTS_ALL] = O_RDWR,
    [STEP_RIGHTS_READ] = O_RDONLY,
    [STEP_RIGHTS_WRITE] = O_WRONLY,
};
#define ACCESSES (sizeof(accesses) / sizeof(accesses[0]))

/* What is in a slot: one descriptor an access; those that the handle does not give are -1. */
struct file {
    bool is_used;
    bool is_named;   /* it can have names */
    uint64_t rights; /* enum step_rights it was opened with */
    int descriptor[ACCESSES];
};

static struct {
    struct file file[STEP_OBJECTS];
    int unmappable;
} state;

static struct file *file_of(const struct step *step)
{
    bool is_slot = step->object != 0 && step->object <= STEP_OBJECTS;

    return is_slot ? &state.file[step->object - 1] : NULL;
}

/* The file of a step; NULL if its slot is empty, which is its error. */
static struct file *file_in_use(const struct step *step, struct look_head *head)
{
    struct file *file = file_of(step);

    if (file == NULL || !file->is_used) {
        head->error = EBADF;
        return NULL;
    }
    return file;
}

static int descriptor_of(const struct file *file, uint64_t rights)
{
    rights = file->rights != STEP_RIGHTS_ALL ? file->rights : rights;
    return file->descriptor[rights < ACCESSES ? rights : STEP_RIGHTS_ALL];
}

int object_descriptor(const struct step *step)
{
    const struct file *file = file_of(step);

    if (file == NULL) {
        return -1;
    }
    if (step->rights == STEP_RIGHTS_UNMAPPABLE) {
        return state.unmappable;
    }
    return file->is_used ? descriptor_of(file, step->rights) : -1;
}

static void result_set(struct look_head *head, long result)
{
    head->error = result < 0 ? errno : 0;
}

static void file_empty(struct file *file)
{
    for (size_t i = 0; file->is_used && i < ACCESSES; i++) {
        if (file->descriptor[i] >= 0) {
            close(file->descriptor[i]);
        }
    }
    *file = (struct file){0};
}

/* Put what `path` leads to into a slot, with all accesses that the rights give. */
static void file_open(struct file *file, const char *path, uint64_t rights, bool is_named)
{
    *file = (struct file){.is_used = true, .is_named = is_named, .rights = rights};
    for (size_t i = 0; i < ACCESSES; i++) {
        bool is_given = rights == STEP_RIGHTS_ALL || rights == i;
        file->descriptor[i] = is_given ? open(path, accesses[i] | O_CLOEXEC) : -1;
        if (is_given && file->descriptor[i] < 0) {
            fail_end("an object cannot be opened again");
        }
    }
}

static void path_of(int descriptor, char path[64])
{
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
}

static void name_of(uint64_t number, char path[64])
{
    snprintf(path, 64, FOLDER "/oracle-%c", (char)('a' + number % STEP_NAMES));
}

static bool can_append(void)
{
    int flags = FS_APPEND_FL;
    int made = memfd_create("append", MFD_CLOEXEC);

    bool is_done = made >= 0 && ioctl(made, FS_IOC_SETFLAGS, &flags) == 0;
    close(made);
    return is_done;
}

static bool is_noexec(const char *path)
{
    struct statvfs status;

    return statvfs(path, &status) == 0 && (status.f_flag & ST_NOEXEC) != 0;
}

/* Have nobody else see what is mounted from now on. In a chroot there may be no mount of "/". */
static bool keep_mounts_private(void)
{
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
           (mount(FOLDER, FOLDER, NULL, MS_BIND, NULL) == 0 &&
            mount("none", FOLDER, NULL, MS_PRIVATE, NULL) == 0);
}

void object_prepare(void)
{
    if (unshare(CLONE_NEWNS) != 0 || !keep_mounts_private() ||
        mount("oracle", FOLDER, "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, "mode=1777") != 0) {
        fail_end("no file system of its own for names");
    }
    state.unmappable = open(UNMAPPABLE, O_RDWR | O_CLOEXEC);
    if (state.unmappable < 0) {
        fail_end(UNMAPPABLE);
    }
}

uint32_t object_rights(void)
{
    return (can_append() ? STAGE_MAY_APPEND : 0) | (is_noexec(FOLDER) ? STAGE_NAMED_NOEXEC : 0) |
           (is_noexec(UNMAPPABLE) ? STAGE_NULL_NOEXEC : 0);
}

void object_forget(void)
{
    char path[64];

    for (unsigned i = 0; i < STEP_OBJECTS; i++) {
        file_empty(&state.file[i]);
    }
    for (unsigned i = 0; i < STEP_NAMES; i++) {
        name_of(i, path);
        unlink(path);
    }
}

void linux_object(const struct slot *slot, const struct step *step, struct look_head *head)
{
    int flags = FS_APPEND_FL;
    struct file *file = file_of(step);
    bool is_named = (step->flags & STEP_OBJECT_NAMED) != 0;
    char path[64];

    (void)slot;
    if (file == NULL) {
        head->error = EBADF;
        return;
    }
    file_empty(file);
    int made = is_named ? open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                        : memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) {
        fail_end("an object cannot be made");
    }
    result_set(head, ftruncate(made, (off_t)step->size));
    if (head->error == 0) {
        path_of(made, path);
        file_open(file, path, STEP_RIGHTS_ALL, is_named);
        if (!is_named && fcntl(made, F_ADD_SEALS, (int)step->value) != 0) {
            fail_end("an object cannot be sealed");
        }
        if ((step->flags & STEP_OBJECT_APPEND) != 0 && ioctl(made, FS_IOC_SETFLAGS, &flags) != 0) {
            fail_end("an object cannot be made append-only");
        }
    }
    close(made);
}

void linux_close(const struct slot *slot, const struct step *step, struct look_head *head)
{
    struct file *file = file_in_use(step, head);

    (void)slot;
    if (file != NULL) {
        file_empty(file);
    }
}

void linux_resize(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const struct file *file = file_in_use(step, head);

    (void)slot;
    if (file != NULL) {
        result_set(head, ftruncate(descriptor_of(file, step->rights), (off_t)step->size));
    }
}

void linux_seal(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const struct file *file = file_in_use(step, head);

    (void)slot;
    if (file != NULL) {
        result_set(head, fcntl(descriptor_of(file, step->rights), F_ADD_SEALS, (int)step->value));
    }
}

/* Bytes that exist of what a step wants to copy. */
static uint64_t existing(const struct file *file, const struct step *step)
{
    struct stat status;

    if (fstat(descriptor_of(file, step->rights), &status) != 0) {
        fail_end("fstat");
    }
    uint64_t size = (uint64_t)status.st_size;
    uint64_t left = step->offset < size ? size - step->offset : 0;
    return step->length < left ? step->length : left;
}

/* Whether the page of an object that holds byte `offset` is there. */
static bool has_page(int descriptor, uint64_t offset)
{
    off_t start = (off_t)(offset & ~(uint64_t)PAGE_MASK);

    return lseek(descriptor, start, SEEK_DATA) == start;
}

/*
 * Write; Linux 6.16 makes the page to be written before it looks at what is to be written to it, so
 * that one stays where nothing could be copied: as 6.12, take it away again.
 */
static ssize_t put(int descriptor, const void *addr, size_t bytes, uint64_t offset)
{
    uint64_t done = 0;
    ssize_t result = 0;

    while (done < bytes) {
        uint64_t at = offset + done;
        size_t part = PAGE_SIZE - (at & PAGE_MASK);
        part = part < bytes - done ? part : bytes - done;
        bool was_there = has_page(descriptor, at);
        result = pwrite(descriptor, (const char *)addr + done, part, (off_t)at);
        if (result <= 0) {
            int error = errno;
            if (!was_there && has_page(descriptor, at) &&
                fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          (off_t)(at & ~(uint64_t)PAGE_MASK), PAGE_SIZE) != 0) {
                fail_end("a page that was not there stays");
            }
            errno = error;
            break;
        }
        done += (uint64_t)result;
        if ((size_t)result < part) {
            break;
        }
    }
    return done != 0 ? (ssize_t)done : result;
}

static void copy(const struct slot *slot, const struct step *step, bool is_to_object,
                 struct look_head *head)
{
    const struct file *file = file_in_use(step, head);

    if (file == NULL || existing(file, step) == 0) {
        return;
    }
    void *addr = (void *)stage_to_linux(&slot->stage, step->addr);
    int descriptor = descriptor_of(file, step->rights);
    size_t bytes = existing(file, step);
    ssize_t done = is_to_object ? put(descriptor, addr, bytes, step->offset)
                                : pread(descriptor, addr, bytes, (off_t)step->offset);
    result_set(head, done);
    head->answer = done < 0 ? 0 : (uint64_t)done;
}

void linux_get(const struct slot *slot, const struct step *step, struct look_head *head)
{
    copy(slot, step, false, head);
}

void linux_put(const struct slot *slot, const struct step *step, struct look_head *head)
{
    copy(slot, step, true, head);
}

void linux_name(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const struct file *file = file_in_use(step, head);
    char from[64];
    char to[64];

    (void)slot;
    if (file == NULL) {
        return;
    }
    if (!file->is_named || file->rights != STEP_RIGHTS_ALL) {
        head->error = EXDEV; /* not asked: see ours_name() */
        return;
    }
    path_of(descriptor_of(file, STEP_RIGHTS_ALL), from);
    name_of(step->value, to);
    result_set(head, linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
}

void linux_open(const struct slot *slot, const struct step *step, struct look_head *head)
{
    struct file *file = file_of(step);
    char path[64];

    (void)slot;
    if (file == NULL) {
        head->error = EBADF;
        return;
    }
    name_of(step->value, path);
    result_set(head, access(path, F_OK));
    if (head->error == 0) {
        file_empty(file);
        file_open(file, path, step->rights % ACCESSES, true);
    }
}

void linux_unname(const struct slot *slot, const struct step *step, struct look_head *head)
{
    char path[64];

    (void)slot;
    name_of(step->value, path);
    result_set(head, unlink(path));
}
