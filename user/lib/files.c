/* SPDX-License-Identifier: MIT */
#include <hf/files.h>

#include <string.h>

#include <base/assert.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/shared.h>

/* How often bytes are left anew that others have pushed out, and files opened that vanished. */
#define TRIES 100

/* Send eight words and get eight. */
static enum err ask(uint64_t handle, const void *req, struct hf_message *message)
{
    message->tag = 0;
    memcpy(message->words, req, sizeof(message->words));
    enum err error = hf_call(handle, message);
    return error != ERR_OK ? error : (enum err)message->words[0];
}

static enum err ask_for(uint64_t handle, const void *req, void *rep)
{
    struct hf_message message;
    enum err error = ask(handle, req, &message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(message.words));
    }
    return error;
}

/* Leave bytes for the next request. */
static enum err leave(uint64_t handle, const char *bytes, size_t length)
{
    enum err error = ERR_OK;
    for (size_t done = 0; done < length && error == ERR_OK; done += FILES_PART_MAX) {
        struct files_part_req req = {.number = FILES_PART, .offset = done};
        struct hf_message message;
        const size_t left = length - done;
        req.length = left < FILES_PART_MAX ? (uint32_t)left : FILES_PART_MAX;
        memcpy(req.bytes, bytes + done, req.length);
        error = ask(handle, &req, &message);
    }
    return error;
}

/* A request whose bytes may have to be left before. `inline_bytes`: where they are in it. */
static enum err ask_bytes(uint64_t handle, const void *req, char *inline_bytes, const char *bytes,
                          size_t length, struct hf_message *message)
{
    enum err error = ERR_AGAIN;
    if (length <= FILES_INLINE_MAX) {
        memcpy(inline_bytes, bytes, length);
        return ask(handle, req, message);
    }
    for (int i = 0; i < TRIES && error == ERR_AGAIN; i++) {
        error = leave(handle, bytes, length);
        if (error == ERR_OK) {
            error = ask(handle, req, message);
        }
    }
    return error;
}

static enum err ask_path(uint64_t files, struct files_path_req *req, const char *path,
                         struct hf_message *message)
{
    const size_t length = strlen(path);
    if (length > FILES_PATH_MAX) {
        return ERR_NAMETOOLONG;
    }
    req->length = (uint32_t)length;
    return ask_bytes(files, req, req->path, path, length, message);
}

/* Keep what an answer gives; another who holds the object nowhere lets it go. */
static enum err open_keep(const struct hf_message *message, struct hf_file *file)
{
    struct files_open_rep rep;
    memcpy(&rep, message->words, sizeof(rep));
    *file = (struct hf_file){
        .object = rep.object,
        .control = rep.control,
        .number = rep.file,
        .bytes = rep.bytes,
        .offset = rep.offset,
        .mode = rep.mode,
        .flags = rep.flags,
    };
    enum err error = rep.object == 0 ? ERR_OK : hf_shared_hold(rep.object);
    if (error != ERR_OK) {
        (void)hf_handle_close(rep.object);
    }
    if (error != ERR_OK && rep.control != 0) {
        (void)hf_handle_close(rep.control);
    }
    return error;
}

enum err hf_files_open(uint64_t files, uint64_t base, const char *path, uint32_t flags,
                       uint32_t mode, struct hf_file *file)
{
    enum err error = ERR_STALE;
    /* Removed between the answer and the hold: open what has the name now, if anything. */
    for (int i = 0; i < TRIES && error == ERR_STALE; i++) {
        struct files_path_req req = {
            .number = FILES_OPEN, .base = base, .flags = flags, .mode = mode};
        struct hf_message message;
        error = ask_path(files, &req, path, &message);
        if (error != ERR_OK) {
            return error;
        }
        error = open_keep(&message, file);
    }
    return error;
}

void hf_files_close(const struct hf_file *file)
{
    if (file->object != 0) {
        (void)hf_shared_close(file->object);
    }
    if (file->control != 0) {
        (void)hf_handle_close(file->control);
    }
}

/* A request on one path with nothing in the answer. */
static enum err ask_plain(uint64_t files, enum files_request number, uint64_t base,
                          const char *path, uint32_t flags, uint32_t mode)
{
    struct files_path_req req = {.number = number, .base = base, .flags = flags, .mode = mode};
    struct hf_message message;
    return ask_path(files, &req, path, &message);
}

enum err hf_files_stat(uint64_t files, uint64_t base, const char *path, struct files_stat_rep *rep)
{
    struct files_path_req req = {.number = FILES_STAT, .base = base};
    struct hf_message message;
    enum err error = ask_path(files, &req, path, &message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_files_mkdir(uint64_t files, uint64_t base, const char *path, uint32_t mode)
{
    return ask_plain(files, FILES_MKDIR, base, path, 0, mode);
}

enum err hf_files_unlink(uint64_t files, uint64_t base, const char *path)
{
    return ask_plain(files, FILES_UNLINK, base, path, 0, 0);
}

enum err hf_files_rmdir(uint64_t files, uint64_t base, const char *path)
{
    return ask_plain(files, FILES_RMDIR, base, path, 0, 0);
}

enum err hf_files_change(uint64_t files, uint64_t base, const char *path, uint32_t flags,
                         uint32_t mode)
{
    return ask_plain(files, FILES_CHANGE, base, path, flags, mode);
}

enum err hf_files_rename(uint64_t files, uint64_t base, const char *from, const char *to,
                         uint32_t flags)
{
    struct files_path_req req = {.number = FILES_RENAME, .base = base, .flags = flags};
    struct hf_message message;
    char paths[2 * FILES_PATH_MAX + 1];
    const size_t first = strlen(from);
    const size_t second = strlen(to);
    if (first > FILES_PATH_MAX || second > FILES_PATH_MAX) {
        return ERR_NAMETOOLONG;
    }
    memcpy(paths, from, first + 1);
    memcpy(paths + first + 1, to, second);
    req.length = (uint32_t)(first + 1 + second);
    return ask_bytes(files, &req, req.path, paths, req.length, &message);
}

enum err hf_files_next(uint64_t files, uint64_t folder, struct hf_entry *entry)
{
    struct files_readdir_req req = {
        .number = FILES_READDIR, .folder = folder, .after = entry->place};
    struct files_readdir_rep rep;
    do {
        enum err error = ask_for(files, &req, &rep);
        if (error != ERR_OK) {
            return error;
        }
        if (rep.length == 0 || rep.length > FILES_NAME_MAX || req.offset > rep.length) {
            return ERR_IO; /* not a file system that keeps its promises */
        }
        const uint64_t left = rep.length - req.offset;
        memcpy(entry->name + req.offset, rep.name,
               left < FILES_READDIR_BYTES ? left : FILES_READDIR_BYTES);
        req.offset += FILES_READDIR_BYTES;
    } while (req.offset < rep.length);
    entry->name[rep.length] = '\0';
    entry->number = rep.file;
    entry->mode = rep.mode;
    entry->place = rep.place;
    return ERR_OK;
}

enum err hf_files_name(uint64_t files, uint64_t number, char *path, size_t room)
{
    struct files_name_req req = {.number = FILES_NAME, .file = number};
    struct files_name_rep rep;
    do {
        enum err error = ask_for(files, &req, &rep);
        if (error != ERR_OK) {
            return error;
        }
        if (rep.length >= room || req.offset > rep.length) {
            return ERR_RANGE;
        }
        const uint64_t left = rep.length - req.offset;
        memcpy(path + req.offset, rep.bytes, left < FILES_PART_MAX ? left : FILES_PART_MAX);
        req.offset += FILES_PART_MAX;
    } while (req.offset < rep.length);
    path[rep.length] = '\0';
    return ERR_OK;
}

enum err hf_files_resize(uint64_t control, uint64_t bytes, uint32_t flags, uint64_t expected,
                         struct files_resize_rep *rep)
{
    const struct files_resize_req req = {
        .number = FILES_RESIZE, .bytes = bytes, .flags = flags, .expected = expected};
    return ask_for(control, &req, rep);
}

enum err hf_files_append(uint64_t control, const void *bytes, size_t length,
                         struct files_resize_rep *rep)
{
    struct files_append_req req = {.number = FILES_APPEND};
    struct hf_message message;
    if (length > FILES_PARTS_MAX) {
        return ERR_INVAL;
    }
    req.length = (uint32_t)length;
    enum err error = ask_bytes(control, &req, req.bytes, bytes, length, &message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_files_lock(uint64_t files, uint64_t number, uint32_t flags, uint64_t *lock,
                       uint64_t *token)
{
    enum err error = ERR_STALE;
    for (int i = 0; i < TRIES && error == ERR_STALE; i++) {
        const struct files_lock_req req = {
            .number = FILES_LOCK, .file = number, .flags = flags, .lock = *lock};
        struct files_lock_rep rep;
        error = ask_for(files, &req, &rep);
        if (error == ERR_OK && rep.token == 0) {
            return ERR_OK; /* the same lock in another kind */
        }
        if (*token != 0) {
            (void)hf_shared_close(*token);
        }
        *lock = 0;
        *token = 0;
        if (error != ERR_OK) {
            return error;
        }
        error = hf_shared_hold(rep.token);
        if (error != ERR_OK) {
            (void)hf_handle_close(rep.token);
            continue;
        }
        *lock = rep.lock;
        *token = rep.token;
    }
    return error;
}

enum err hf_files_unlock(uint64_t files, uint64_t lock)
{
    const struct files_unlock_req req = {.number = FILES_UNLOCK, .lock = lock};
    struct files_empty_rep rep;
    return ask_for(files, &req, &rep);
}

enum err hf_files_space(uint64_t files, uint64_t index, struct files_space_rep *rep)
{
    const struct files_space_req req = {.number = FILES_SPACE, .index = index};
    return ask_for(files, &req, rep);
}

/* Leave a path for MOUNT, which has room for less. */
static enum err leave_path(uint64_t files, uint64_t latest, const char *path, size_t length)
{
    enum err error = ERR_OK;
    for (size_t done = 0; done < length && error == ERR_OK; done += FILES_PART_MAX) {
        struct files_part_req req = {.number = FILES_PART, .offset = done};
        struct hf_message message = {.tag = 0};
        const size_t left = length - done;
        req.length = left < FILES_PART_MAX ? (uint32_t)left : FILES_PART_MAX;
        memcpy(req.bytes, path + done, req.length);
        memcpy(message.words, &req, sizeof(req));
        error = hf_call_timed(files, latest, &message);
        error = error != ERR_OK ? error : (enum err)message.words[0];
    }
    return error;
}

enum err hf_files_mount(uint64_t files, uint64_t latest, const struct hf_mount *mount,
                        uint64_t *instance)
{
    const size_t length = strlen(mount->path);
    struct files_mount_req req = {
        .number = FILES_MOUNT,
        .length = (uint32_t)length,
        .bytes = mount->bytes,
        .mode = mount->mode,
        .object = mount->object,
    };
    struct hf_message message = {.tag = HF_HANDLE_AT(HF_WORD(files_mount_req, object))};
    enum err error = ERR_OK;
    if (length > FILES_PATH_MAX) {
        return ERR_NAMETOOLONG;
    }
    if (length > sizeof(req.path)) {
        error = leave_path(files, latest, mount->path, length);
    } else {
        memcpy(req.path, mount->path, length);
    }
    if (error != ERR_OK) {
        return error;
    }
    memcpy(message.words, &req, sizeof(req));
    error = hf_call_timed(files, latest, &message);
    error = error != ERR_OK ? error : (enum err)message.words[0];
    if (error == ERR_OK) {
        *instance = message.words[HF_WORD(files_mount_rep, instance)];
    }
    return error;
}

enum err hf_files_watch(uint64_t files, uint64_t *instance)
{
    struct hf_message message = {.words = {FILES_WATCH, *instance}};
    enum err error = hf_call(files, &message);
    error = error != ERR_OK ? error : (enum err)message.words[0];
    if (error == ERR_OK) {
        *instance = message.words[HF_WORD(files_watch_rep, instance)];
    }
    return error;
}
