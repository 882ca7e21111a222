/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "page.h"

#define FILE_PATH_BYTES 256
#define FILE_MODE       0644
#define FILE_MODE_DIR   0755

/* A mapped file's bits, one for each page. */
static size_t file_map_bytes(const struct file *file)
{
    return (size_t)(page_round_up(file->bytes) / PAGE_BYTES / 8 + 1);
}

static uint64_t file_seed(const char *name)
{
    uint64_t seed = UINT64_C(0xcbf29ce484222325); /* FNV-1a, 64 bits */

    for (; *name != '\0'; name++) {
        seed = (seed ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    return seed;
}

static struct file *file_find(const struct file_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (strcmp(table->files[i].name, name) == 0) {
            return &table->files[i];
        }
    }
    return NULL;
}

static void file_name_descriptor(uint32_t number, char name[FILE_NAME_BYTES])
{
    (void)snprintf(name, FILE_NAME_BYTES, "fd%lu", (unsigned long)number);
}

/* The name of a region as that of a file, which has no slash. */
static void file_name_region(const struct trace_region *region, char name[FILE_NAME_BYTES])
{
    (void)snprintf(name, FILE_NAME_BYTES, "%s", region->name);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
}

/* The file of this name, which is there from now on; NULL: there is no memory. */
static struct file *file_add(struct file_table *table, const char *name)
{
    struct file *file = file_find(table, name);

    if (file != NULL) {
        return file;
    }
    struct file *files = realloc(table->files, (table->count + 1) * sizeof *files);
    if (files == NULL) {
        return NULL;
    }
    table->files = files;
    file = &files[table->count++];
    *file = (struct file){.seed = file_seed(name), .descriptor = -1};
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

static bool file_survey_region(struct file_table *table, const struct trace_region *region)
{
    char name[FILE_NAME_BYTES];

    if (region->kind != REGION_FILE) {
        return true;
    }
    file_name_region(region, name);
    struct file *file = file_add(table, name);
    if (file == NULL) {
        return false;
    }
    if (file->bytes_needed == 0) {
        file->first = region->start;
    }
    file->bytes_needed = region->end - file->first;
    return true;
}

static bool file_survey_event(struct file_table *table, const struct event *event)
{
    char name[FILE_NAME_BYTES];

    if (event->kind != EVENT_MAP || event->error != 0 || (event->flags & TRACE_MAP_ANON) != 0) {
        return true;
    }
    file_name_descriptor(event->number, name);
    struct file *file = file_add(table, name);
    if (file == NULL) {
        return false;
    }
    if (file->bytes_needed < event->offset + event->length) {
        file->bytes_needed = event->offset + event->length;
    }
    uint64_t key = file_key((uint32_t)(file - table->files) + 1, event->offset);
    return (event->flags & TRACE_MAP_PRIVATE) != 0 ||
           pattern_prepare(&table->shared, key, key + event->length);
}

static void file_path(const struct file_table *table, const struct file *file,
                      char path[FILE_PATH_BYTES])
{
    (void)snprintf(path, FILE_PATH_BYTES, "%s/%s", table->folder_opt, file->name);
}

static enum outcome file_complain(const struct file_table *table, const struct file *file,
                                  const char *reason)
{
    char path[FILE_PATH_BYTES];

    file_path(table, file, path);
    (void)complain_file(path, reason);
    return OUTCOME_ANSWER;
}

/* Make the file, of the size that is needed, with nothing in it. */
static enum outcome file_make(const struct file_table *table, struct file *file, const char *path)
{
    file->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
    if (file->descriptor < 0) {
        return file_complain(table, file, strerror(errno));
    }
    file->is_made = true;
    file->bytes = file->bytes_needed;
    file->written = calloc(1, file_map_bytes(file));
    if (file->written == NULL) {
        return complain_memory(path);
    }
    return ftruncate(file->descriptor, (off_t)file->bytes) == 0
               ? OUTCOME_OK
               : file_complain(table, file, strerror(errno));
}

static enum outcome file_open(const struct file_table *table, struct file *file)
{
    char path[FILE_PATH_BYTES];
    struct stat status;

    file_path(table, file, path);
    file->descriptor = open(path, O_RDWR);
    if (file->descriptor < 0 && errno != ENOENT) {
        file->descriptor = open(path, O_RDONLY);
    }
    if (file->descriptor < 0) {
        return errno == ENOENT ? file_make(table, file, path)
                               : file_complain(table, file, strerror(errno));
    }
    if (fstat(file->descriptor, &status) != 0) {
        return file_complain(table, file, strerror(errno));
    }
    file->bytes = (uint64_t)status.st_size;
    return file->bytes >= file->bytes_needed
               ? OUTCOME_OK
               : file_complain(table, file, "it is shorter than what the trace maps of it");
}

enum outcome file_table_init(struct file_table *table, const struct trace *trace,
                             const char *folder_opt)
{
    bool has_memory = true;
    enum outcome outcome = OUTCOME_OK;

    *table = (struct file_table){.folder_opt = folder_opt};
    pattern_init(&table->shared, trace);
    if (folder_opt == NULL) {
        return OUTCOME_OK;
    }
    if (strlen(folder_opt) + 1 + FILE_NAME_BYTES > FILE_PATH_BYTES) {
        (void)complain_file(folder_opt, strerror(ENAMETOOLONG));
        return OUTCOME_ANSWER;
    }
    table->has_made_folder = mkdir(folder_opt, FILE_MODE_DIR) == 0;
    for (size_t i = 0; i < trace->regions_count && has_memory; i++) {
        has_memory = file_survey_region(table, &trace->regions[i]);
    }
    for (size_t i = 0; i < trace->events_count && has_memory; i++) {
        has_memory = file_survey_event(table, &trace->events[i]);
    }
    for (uint32_t i = 0; i < table->count && has_memory && outcome == OUTCOME_OK; i++) {
        outcome = file_open(table, &table->files[i]);
    }
    return has_memory ? outcome : complain_memory(trace->path);
}

void file_table_fini(struct file_table *table)
{
    char path[FILE_PATH_BYTES];

    for (uint32_t i = 0; i < table->count; i++) {
        struct file *file = &table->files[i];

        if (file->descriptor >= 0) {
            (void)close(file->descriptor);
        }
        if (file->is_made) {
            file_path(table, file, path);
            (void)unlink(path);
        }
        free(file->written);
    }
    if (table->has_made_folder) {
        (void)rmdir(table->folder_opt);
    }
    free(table->files);
    pattern_fini(&table->shared);
}

enum outcome file_table_keep(struct file_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct file *file = &table->files[i];

        if (!file_fill(table, i + 1, 0, file->bytes)) {
            return file_complain(table, file, strerror(errno));
        }
        file->is_made = false;
    }
    table->has_made_folder = false;
    return OUTCOME_OK;
}

uint32_t file_of_region(const struct file_table *table, const struct trace_region *region)
{
    char name[FILE_NAME_BYTES];

    file_name_region(region, name);
    const struct file *file = region->kind == REGION_FILE ? file_find(table, name) : NULL;
    return file == NULL ? 0 : (uint32_t)(file - table->files) + 1;
}

uint32_t file_of_descriptor(const struct file_table *table, uint32_t number)
{
    char name[FILE_NAME_BYTES];

    file_name_descriptor(number, name);
    const struct file *file = file_find(table, name);
    return file == NULL ? 0 : (uint32_t)(file - table->files) + 1;
}

static bool file_fill_page(struct file *file, uint64_t page)
{
    uint64_t words[PAGE_WORDS] = {0};
    uint64_t offset = page * PAGE_BYTES;
    uint64_t left = file->bytes - offset;
    size_t length = left < PAGE_BYTES ? (size_t)left : (size_t)PAGE_BYTES;

    pattern_ground_write(file->seed, page, words);
    /* What a whole word has no room for is zero: nobody expects a part of one. */
    memset((char *)words + length / sizeof words[0] * sizeof words[0], 0,
           sizeof words - length / sizeof words[0] * sizeof words[0]);
    ssize_t written = pwrite(file->descriptor, words, length, (off_t)offset);
    if (written >= 0 && (size_t)written != length) {
        errno = ENOSPC;
    }
    return written == (ssize_t)length;
}

bool file_fill(struct file_table *table, uint32_t number, uint64_t offset, uint64_t length)
{
    struct file *file = &table->files[number - 1];
    uint64_t end = page_round_up(offset + length) / PAGE_BYTES;

    if (!file->is_made) {
        return true;
    }
    for (uint64_t page = offset / PAGE_BYTES; page < end && page * PAGE_BYTES < file->bytes;
         page++) {
        unsigned char bit = (unsigned char)(1u << page % 8);

        if ((file->written[page / 8] & bit) == 0) {
            if (!file_fill_page(file, page)) {
                return false;
            }
            file->written[page / 8] |= bit;
        }
    }
    return true;
}

struct pattern_ground file_ground(struct file_table *table, uint32_t number, uint64_t offset)
{
    const struct file *file = file_get(table, number);

    return (struct pattern_ground){
        .has_file = true,
        .seed = file->seed,
        .page = offset / PAGE_BYTES,
        .bytes = offset < file->bytes ? file->bytes - offset : 0,
        .value = pattern_value(&table->shared, file_key(number, offset)),
    };
}
