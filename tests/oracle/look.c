/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading the log of what was seen.
 */
#include "look.h"

#include <string.h>

/* Space for the next `bytes`, or NULL in a full log. */
static void *log_extend(struct look_log *log, size_t bytes)
{
    if (log->is_full || bytes > log->capacity - log->used) {
        log->is_full = true;
        return NULL;
    }
    void *place = log->bytes + log->used;
    memset(place, 0, bytes);
    log->used += bytes;
    return place;
}

static struct look_head *log_head(struct look_log *log)
{
    return (struct look_head *)(void *)(log->bytes + log->record);
}

void look_log_init(struct look_log *log, unsigned char *bytes, size_t capacity)
{
    *log = (struct look_log){.bytes = bytes, .capacity = capacity};
}

struct look_head *look_begin(struct look_log *log, uint32_t level)
{
    log->record = log->used;
    struct look_head *head = log_extend(log, sizeof(*head));
    if (head == NULL) {
        /* The last record is spoilt as well, but the log is useless anyway. */
        log->record = 0;
        head = log_head(log);
        memset(head, 0, sizeof(*head));
    }
    head->level = level;
    return head;
}

void look_add_region(struct look_log *log, const struct look_region *region)
{
    struct look_region *copy = log_extend(log, sizeof(*copy));

    if (copy != NULL) {
        *copy = *region;
        log_head(log)->regions++;
    }
}

void look_add_page(struct look_log *log, uint32_t page, uint32_t state,
                   const struct look_word *word)
{
    struct look_run *run = (struct look_run *)(void *)(log->bytes + log->run);

    if (log->is_full) {
        return;
    }
    if (log_head(log)->runs == 0 || run->state != state || run->first + run->pages != page) {
        log->run = log->used;
        run = log_extend(log, sizeof(*run));
        if (run == NULL) {
            return;
        }
        *run = (struct look_run){.first = page, .state = state};
        log_head(log)->runs++;
    }
    if (look_has_words(state)) {
        struct look_word *copy = log_extend(log, sizeof(*copy));
        if (copy == NULL) {
            return;
        }
        *copy = *word;
    }
    run->pages++;
}

void look_end(struct look_log *log)
{
    if (!log->is_full) {
        log_head(log)->bytes = (uint32_t)(log->used - log->record);
    }
}

uint64_t look_digest(const unsigned char *pages, uint64_t length)
{
    uint64_t digest = 1;

    for (uint64_t i = 0; i * 4096 < length; i++) {
        digest = (digest * 2 + (pages[i] & 1u)) % UINT64_C(0xffffffffffc5);
    }
    return digest;
}

struct look look_next(const struct look_log *log, size_t *at)
{
    struct look look = {.head = (const struct look_head *)(const void *)(log->bytes + *at)};

    look.regions = (const struct look_region *)(const void *)(look.head + 1);
    look.runs = (const unsigned char *)(look.regions + look.head->regions);
    *at += look.head->bytes;
    return look;
}

struct look_walk look_walk_begin(const struct look *look)
{
    return (struct look_walk){.at = look->runs, .runs = look->head->runs};
}

bool look_walk_next(struct look_walk *walk, struct look_page *page)
{
    const struct look_run *run = (const struct look_run *)(const void *)walk->at;

    if (walk->runs == 0) {
        return false;
    }
    const struct look_word *words = (const struct look_word *)(const void *)(run + 1);
    *page = (struct look_page){.page = run->first + walk->index, .state = run->state};
    if (look_has_words(run->state)) {
        page->word = words[walk->index];
    }
    walk->index++;
    if (walk->index == run->pages) {
        walk->at += sizeof(*run) + (look_has_words(run->state) ? run->pages * sizeof(*words) : 0);
        walk->runs--;
        walk->index = 0;
    }
    return true;
}
