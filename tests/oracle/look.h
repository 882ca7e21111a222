/* SPDX-License-Identifier: MIT */
/*
 * What is seen after a step, in a form that both sides write: a log of records, one a step.
 *
 *   look_head   what the step answered, totals
 *   look_region x head.regions     ascending, as the side has them (not joined)
 *   look_run    x head.runs        stretches of present pages of equal state; a run of pages that
 *                                  look_has_words() is followed by a look_word of each page
 *
 * Of shared huge pages only those count that hold something: Linux does not tell of others, but in
 * what is free in the pool.
 *
 * LIGHT has no runs and of a region's flags only LOOK_VISIBLE. Pages and totals are those of the
 * room (stage.h), without what was there at the start.
 * Owner: the side that writes; the log is written front to back and never wraps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum look_level {
    LOOK_NONE = 0, /* the answer alone */
    LOOK_LIGHT = 1,
    LOOK_FULL = 2,
};

/* How a touch ended. */
enum look_signal {
    LOOK_NO_SIGNAL = 0,
    LOOK_MAPERR = 1,
    LOOK_ACCERR = 2,
    LOOK_BUS = 3,
    LOOK_OTHER = 4,
};

struct look_head {
    uint32_t bytes; /* of the record, this included */
    uint32_t level;
    int32_t error; /* errno number, 0: none */
    uint32_t signal;
    uint64_t answer;
    uint32_t regions;
    uint32_t runs;
    uint64_t pages;
    uint64_t data;          /* with stack */
    uint64_t locked;        /* FULL */
    uint64_t stack;         /* FULL */
    uint64_t huge_free;     /* huge pages of the pool; of Linux's: FULL */
    uint64_t huge_promised; /* likewise */
};

#define LOOK_READ       0x1u
#define LOOK_WRITE      0x2u
#define LOOK_EXEC       0x4u
#define LOOK_SHARED     0x8u
#define LOOK_VISIBLE    0xfu
#define LOOK_NORESERVE  0x10u
#define LOOK_ACCOUNT    0x20u
#define LOOK_DONTFORK   0x40u
#define LOOK_WIPEONFORK 0x80u
#define LOOK_SEQUENTIAL 0x100u
#define LOOK_RANDOM     0x200u
#define LOOK_HUGEPAGE   0x400u
#define LOOK_NOHUGEPAGE 0x800u
#define LOOK_LOCKED     0x1000u
#define LOOK_ONFAULT    0x2000u
#define LOOK_GROWSDOWN  0x4000u
#define LOOK_HUGETLB    0x8000u
/* Object of all private regions of huge pages: whose those are is not looked at. */
#define LOOK_HUGE_OBJECT UINT32_MAX

struct look_region {
    uint32_t first; /* pages */
    uint32_t end;
    uint32_t flags;
    uint32_t object; /* 0: anonymous and private */
    uint64_t offset; /* pages; 0 for anonymous private regions */
};

enum look_state {
    LOOK_OWN = 1,
    LOOK_ZERO = 2,
    LOOK_OBJECT = 3, /* the object's, in a private region */
};

/* Whether what such pages hold is looked at. */
static inline bool look_has_words(uint32_t state)
{
    return state != LOOK_ZERO;
}

struct look_run {
    uint32_t first;
    uint32_t pages;
    uint32_t state; /* enum look_state */
    uint32_t reserved;
};

/* First and last word of a page. */
struct look_word {
    uint64_t head;
    uint64_t tail;
};

struct look_log {
    unsigned char *bytes;
    size_t capacity;
    size_t used;
    size_t record; /* where the record that is being written starts */
    size_t run;    /* where its last run starts; valid if it has runs */
    bool is_full;  /* something did not fit: the log is useless */
};

/* Start an empty log in `capacity` bytes. */
void look_log_init(struct look_log *log, unsigned char *bytes, size_t capacity);

/* Start a record and return its head, all zero; valid until the record ends. */
struct look_head *look_begin(struct look_log *log, uint32_t level);

/* Add the next region. */
void look_add_region(struct look_log *log, const struct look_region *region);

/* Add the next present page; `word` is looked at if look_has_words(). */
void look_add_page(struct look_log *log, uint32_t page, uint32_t state,
                   const struct look_word *word);

/* The record is complete. */
void look_end(struct look_log *log);

/* A number for bit 0 of a byte for each page of `length` bytes. */
uint64_t look_digest(const unsigned char *pages, uint64_t length);

/* A record as it is read. */
struct look {
    const struct look_head *head;
    const struct look_region *regions;
    const unsigned char *runs;
};

/* The record at `*at`, which moves to the next one. */
struct look look_next(const struct look_log *log, size_t *at);

/* Go through the pages of a record, in order. */
struct look_page {
    uint32_t page;
    uint32_t state; /* enum look_state */
    struct look_word word;
};
struct look_walk {
    const unsigned char *at;
    uint32_t runs;
    uint32_t index;
};

/* Start at the first page. */
struct look_walk look_walk_begin(const struct look *look);

/* The next page. Returns: false at the end. */
bool look_walk_next(struct look_walk *walk, struct look_page *page);
