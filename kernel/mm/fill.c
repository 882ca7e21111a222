/* SPDX-License-Identifier: MIT */
#include "mm/fill.h"

#include <stdatomic.h>

#include "mm/page.h"
#include "riscv/tlb.h"

/* The frame whose word it is. */
static pfn_t fill_frame(const uint64_t *word)
{
    return pfn_from_number(frame_table.start + (uint64_t)(word - frame_table.words));
}

/* Make the word BUSY with the count that it has. */
static void fill_mark(uint64_t *word) REQUIRES(memory_lock)
{
    *word = (*word & ~(FRAME_ONE - 1)) | FRAME_BUSY;
}

void fill_begin(uint64_t *word, uint64_t count)
{
    for (uint64_t i = 0; i < count && i < FILL_MAX && word[i] < FRAME_CLEAN; i++) {
        fill_mark(&word[i]);
        fill_add(&word[i], NULL, FRAME_CLEAN);
    }
    ASSERT(fill_is_open());
}

/* Whether a few neighbours are in use by nobody. */
static bool fill_can_zero(const uint64_t *word)
{
    for (const uint64_t *const end = word + FILL_MAX; word != end; word++) {
        if (!frame_word_is_unused(*word)) {
            return false;
        }
    }
    return true;
}

enum err fill_zero(pfn_t pfn, uint64_t pages, uint64_t *done)
{
    const uint64_t *const words = frame_word(pfn);
    uint8_t *const page = frame_address(pfn);

    for (uint64_t at = *done; at < pages;) {
        if (!fill_can_zero(&words[at])) {
            return ERR_FRAME_KIND;
        }
        page_zero_to(page + at * PAGE_SIZE, page + (at + FILL_MAX) * PAGE_SIZE);
        at += FILL_MAX;
        *done = at;
        if (at < pages && tlb_has_interrupt()) {
            return ERR_INTR;
        }
    }
    return ERR_OK;
}

uint64_t *fill_count(uint64_t *word, const uint64_t *end, uint64_t least)
{
    const uint64_t span = FRAME_CLEAN - least;

    while (word != end && *word - least <= span) {
        *word++ = FRAME_USER + FRAME_ONE;
    }
    return word;
}

void fill_begin_bytes(uint64_t *word)
{
    fill_mark(word);
    fill_add(word, NULL, FRAME_USER);
}

void fill_read(uint64_t *from)
{
    if (frame_word_kind(*from) != FRAME_WIRED) {
        fill_mark(from);
    }
    hart_self()->fill.source = from;
}

void fill_run(void)
{
    const struct fill *fill = &hart_self()->fill;
    const struct fill_page *page = fill->pages;

    for (uint64_t left = fill->count; left > 0; left--) {
        void *to = frame_address(fill_frame(page->word));
        if (fill->source != NULL) {
            page_copy(to, frame_address(fill_frame(fill->source)));
        } else {
            page_zero(to);
        }
        page++;
    }
}

/* The leaf that waits in the slot becomes valid if it still is that of the frame. */
static void fill_validate(pte_t *slot, const uint64_t *word) REQUIRES(memory_lock)
{
    const pte_t leaf = *slot;

    if (!pte_is_valid(leaf) && pfn_is_equal(pte_to_pfn(leaf), fill_frame(word))) {
        *slot = leaf | PTE_VALID;
    }
}

void fill_commit(struct fill *fill)
{
    const uint64_t change = (uint64_t)fill->kind - FRAME_BUSY;
    const struct fill_page *page = fill->pages;

    atomic_thread_fence(memory_order_release); /* what is in the pages is seen before they are */
    for (uint64_t left = fill->count; left > 0; left--) {
        *page->word += change;
        if (page->slot != NULL) {
            fill_validate(page->slot, page->word);
        }
        page++;
    }
    if (fill->source != NULL && frame_word_kind(*fill->source) == FRAME_BUSY) {
        *fill->source = *fill->source - FRAME_BUSY + FRAME_USER;
    }
    fill->source = NULL;
    fill->count = 0;
}

void fill_finish(void)
{
    fill_run();
    fill_commit(&hart_self()->fill);
}
