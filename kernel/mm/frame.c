/* SPDX-License-Identifier: MIT */
#include "mm/frame.h"

#include "mm/fill.h"
#include "mm/page.h"

struct frame_table frame_table;
struct lock memory_lock;

/* Of the last OBJECT frame; 48 bits are never used up. */
static uint64_t object_serial GUARDED_BY(memory_lock);

void frame_init(uint64_t *words, pfn_t start, npages_t count)
{
    frame_table.words = words;
    frame_table.start = pfn_to_number(start);
    frame_table.count = npages_to_number(count);
}

void frame_fill(pfn_t first, npages_t count, enum frame_kind kind)
{
    const uint64_t word = frame_word_make(kind, 0);
    uint64_t *at = frame_word(first);
    uint64_t left = npages_to_number(count);
    ASSERT(left == 0 || (frame_is_ram(first) && left <= frame_table.count));
    /* Nearly all of RAM passes here at boot. */
    for (; left >= 8; left -= 8) {
        at[0] = word;
        at[1] = word;
        at[2] = word;
        at[3] = word;
        at[4] = word;
        at[5] = word;
        at[6] = word;
        at[7] = word;
        at += 8;
    }
    for (; left > 0; left--) {
        *at++ = word;
    }
}

uint64_t *frame_settle(pfn_t pfn)
{
    uint64_t *word = frame_word(pfn);

    if (UNLIKELY(frame_word_kind(*word) == FRAME_BUSY)) {
        fill_settle();
    }
    return word;
}

enum frame_kind frame_kind_of(pfn_t pfn)
{
    return frame_is_ram(pfn) ? frame_word_kind(*frame_settle(pfn)) : FRAME_KERNEL;
}

bool frame_is_unused(pfn_t pfn)
{
    return frame_is_ram(pfn) && frame_word_is_unused(*frame_settle(pfn));
}

bool frame_is_object(pfn_t pfn, unsigned object_kind)
{
    const uint64_t low_half = (UINT64_C(1) << FRAME_SERIAL_SHIFT) - 1;
    return frame_is_ram(pfn) &&
           (*frame_word(pfn) & low_half) == frame_word_make(FRAME_OBJECT, object_kind);
}

void frame_take(pfn_t pfn, enum frame_kind kind, unsigned detail)
{
    ASSERT(frame_is_unused(pfn));
    ASSERT(kind == FRAME_TABLE || kind == FRAME_OBJECT || kind == FRAME_MESSAGE);
    uint64_t *word = frame_word(pfn);
    if (*word != FRAME_CLEAN) {
        page_zero(frame_address(pfn));
    }
    *word = frame_word_make(kind, detail);
    if (kind == FRAME_OBJECT) {
        object_serial++;
        *word |= object_serial << FRAME_SERIAL_SHIFT;
    }
}

void frame_release(pfn_t pfn)
{
    ASSERT(frame_is_ram(pfn));
    uint64_t *word = frame_word(pfn);
    const enum frame_kind kind = frame_word_kind(*word);
    ASSERT(kind == FRAME_OBJECT || *word < FRAME_ONE);
    ASSERT(kind >= FRAME_SERVER && kind <= FRAME_OBJECT);
    *word = frame_word_make(FRAME_FREE, 0);
}
