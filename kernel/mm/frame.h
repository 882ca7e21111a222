/* SPDX-License-Identifier: MIT */
/*
 * The frame table: what every frame of RAM is, and how many mappings it has.
 *
 * One 64-bit word a frame: bits 7..0 kind, bits 15..8 detail, bits 63..32 number of leaves that
 * map it (a 2 MiB leaf counts once in each of its 512 frames). An OBJECT has no leaves; its bits
 * 63..16 are a serial number that no other OBJECT frame had or will have, so that the whole word
 * is the frame's *stamp*: whoever keeps a stamp next to an object's address can tell before
 * looking there whether it is still there.
 *
 *     FREE, USER, CLEAN --frame_take--> TABLE, OBJECT, MESSAGE --frame_release--> FREE
 *     FREE, USER, CLEAN --install (aspace.c)--> USER, SERVER;  SERVER --remove--> FREE
 *     FREE, USER, CLEAN --fill_begin--> BUSY --fill_commit--> USER, CLEAN
 *     WIRED, KERNEL: for ever
 *
 * I1  A frame changes its kind only with count 0, and is zeroed before the new kind lets anyone
 *     see it.
 * I2  Count > 0 only in USER, BUSY, WIRED, SERVER and MESSAGE. TABLE and OBJECT are never mapped.
 * I3  The frame numbers of RAM are start .. start + count - 1; holes in between are KERNEL.
 * Lock: memory_lock guards all words, and all page tables (aspace.h).
 * Owner: the table is carved out of RAM at boot and never freed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/attr.h>
#include <base/types.h>
#include <riscv/direct.h>
#include <riscv/lock.h>

/*
 * The order matters: the first three are what can be made into something else
 * (frame_word_is_unused).
 */
enum frame_kind {
    FRAME_FREE = 0,    /* nobody's; contents arbitrary, secrets included */
    FRAME_USER = 1,    /* memory of processes, mapped or not */
    FRAME_CLEAN = 2,   /* as USER, not mapped, and all zero */
    FRAME_WIRED = 3,   /* boot archive: readable by all, writable by none */
    FRAME_SERVER = 4,  /* the memory server's own memory */
    FRAME_MESSAGE = 5, /* message page of a thread */
    FRAME_TABLE = 6,   /* page table; detail: its level */
    FRAME_OBJECT = 7,  /* kernel object; detail: enum object_kind */
    FRAME_KERNEL = 8, /* kernel image, frame table, holes, and whatever else is nobody's business */
    FRAME_BUSY = 9,   /* USER or CLEAN soon: a hart fills it, or copies from it (fill.h) */
};

#define FRAME_DETAIL_SHIFT 8
#define FRAME_KIND_MASK    UINT64_C(0xff)
#define FRAME_ONE          (UINT64_C(1) << 32) /* one mapping */
#define FRAME_COUNT_SHIFT  32
#define FRAME_SERIAL_SHIFT 16

struct frame_table {
    uint64_t *words;
    uint64_t start; /* lowest frame number */
    uint64_t count; /* of frames */
};

/* Constant after boot; the words it points to are guarded by memory_lock. */
extern struct frame_table frame_table;

/* Guards the words of the frame table and all page tables. */
extern struct lock memory_lock;

static inline uint64_t frame_word_make(enum frame_kind kind, unsigned detail)
{
    return (uint64_t)detail << FRAME_DETAIL_SHIFT | (uint64_t)kind;
}

static inline enum frame_kind frame_word_kind(uint64_t word)
{
    return (enum frame_kind)(word & FRAME_KIND_MASK);
}

/*
 * FREE, or user memory that nothing maps: may become anything else. One comparison, by I2 and the
 * order.
 */
static inline bool frame_word_is_unused(uint64_t word)
{
    return word <= FRAME_CLEAN;
}

/* The frame is RAM that the table knows. */
static inline bool frame_is_ram(pfn_t pfn)
{
    return pfn_to_number(pfn) - frame_table.start < frame_table.count;
}

/* Word of a frame that is RAM. */
static inline uint64_t *frame_word(pfn_t pfn)
{
    return &frame_table.words[pfn_to_number(pfn) - frame_table.start];
}

/* The frame's bytes, by the direct map. */
static inline void *frame_address(pfn_t pfn)
{
    return direct_from_pfn(pfn);
}

/*
 * Stamp of the frame in which `object`, an address of the direct map, lies.
 *
 * Reads without memory_lock: a word is stored at once, and only equality is asked for.
 */
static inline uint64_t frame_stamp(const void *object)
{
    return *(volatile const uint64_t *)frame_word(direct_to_pfn(object));
}

/*
 * For assembly: the word of the frame of direct-map address `a` is at frame_bias() + (a >> 12) * 8.
 */
static inline uint64_t frame_bias(void)
{
    const uint64_t base_page = DIRECT_BASE >> PAGE_SHIFT;
    return (uint64_t)(uintptr_t)frame_table.words - ((base_page + frame_table.start) << 3);
}

/*
 * Start the table: `count` words at `words`, for the frames from `start` on.
 *
 * Every word is undefined until frame_fill() has covered it.
 */
void frame_init(uint64_t *words, pfn_t start, npages_t count);

/* At boot: give `count` frames the kind, count 0, contents as they are. */
void frame_fill(pfn_t first, npages_t count, enum frame_kind kind);

/*
 * The word of a frame that is RAM, once no other hart fills it any longer.
 *
 * Requires: this hart fills none.
 */
uint64_t *frame_settle(pfn_t pfn) REQUIRES(memory_lock);

/* Kind of the frame, settled; FRAME_KERNEL if it is not RAM. */
enum frame_kind frame_kind_of(pfn_t pfn) REQUIRES(memory_lock);

/*
 * FREE, or USER with no mapping left, settled: frame_take() may have it. False for what is not RAM.
 */
bool frame_is_unused(pfn_t pfn) REQUIRES(memory_lock);

/* The frame is a kernel object of the kind (enum object_kind). False for what is not RAM. */
bool frame_is_object(pfn_t pfn, unsigned object_kind) REQUIRES(memory_lock);

/*
 * Make an unused frame TABLE (detail: level), OBJECT (detail: enum object_kind) or MESSAGE (detail
 * 0), all zero.
 *
 * Requires:  frame_is_unused(pfn).
 */
void frame_take(pfn_t pfn, enum frame_kind kind, unsigned detail) REQUIRES(memory_lock);

/*
 * Make a frame FREE. Requires: TABLE, OBJECT, MESSAGE or SERVER, mapped nowhere, and no pointer to
 * it left.
 *
 * What it holds stays until it is taken again: nobody can look at a free frame.
 */
void frame_release(pfn_t pfn) REQUIRES(memory_lock);
