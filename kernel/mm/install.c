/* SPDX-License-Identifier: MIT */
#include "mm/install.h"

#include "mm/device.h"
#include "mm/entry.h"
#include "mm/fill.h"
#include "mm/page.h"
#include "mm/pt.h"
#include "mm/remove.h"

/* First page of the window of message pages, as pt_find() counts. */
#define WINDOW_PAGE ENTRY_HALF_END

/* Put a leaf into a slot; what was there is gone from the TLB before its frame can serve again. */
NOINLINE static void put_leaf(const struct aspace *aspace, pte_t *slot, pte_t leaf)
    REQUIRES(memory_lock)
{
    const pte_t old = *slot;
    *slot = leaf;
    if (old != 0) { /* valid, or about to be (mm/fill.h) */
        remove_count(old, 0);
        tlb_flush();
        tlb_flush_others(aspace->satp);
    }
}

/* The frame may be mapped once more as it is, by entries with these rights. */
NOINLINE static enum err check_as_is(uint64_t word, uint64_t flags)
{
    const enum frame_kind kind = frame_word_kind(word);
    const bool is_ready = kind == FRAME_USER || kind == FRAME_CLEAN ||
                          (kind == FRAME_WIRED && (flags & PTE_WRITE) == 0);
    if (!is_ready) {
        return ERR_FRAME_KIND;
    }
    return word + FRAME_ONE < word ? ERR_OVERFLOW : ERR_OK;
}

/* One mapping more; CLEAN memory that is mapped is USER. */
static uint64_t word_plus_one(uint64_t word)
{
    return (word == FRAME_CLEAN ? FRAME_USER : word) + FRAME_ONE;
}

/*
 * Have a frame CLEAN, and those behind it that are not, as far as `pages` go.
 *
 * Returns: ERR_OK: it is CLEAN; ERR_INTR: it will be; ERR_FRAME_KIND: it is in use.
 */
static enum err clean(pfn_t pfn, uint64_t pages) REQUIRES(memory_lock)
{
    uint64_t *word = frame_settle(pfn);
    if (*word == FRAME_CLEAN) {
        return ERR_OK;
    }
    if (!frame_word_is_unused(*word)) {
        return ERR_FRAME_KIND;
    }
    if (hart_self()->is_alone) {
        page_zero(frame_address(pfn));
        *word = FRAME_CLEAN;
        return ERR_OK;
    }
    const uint64_t behind = frame_table.count - (uint64_t)(word - frame_table.words);
    fill_begin(word, pages < behind ? pages : behind);
    return ERR_INTR;
}

/*
 * Make a frame ready for one 4 KiB leaf of the operation, of which so many `pages` are left.
 *
 * Returns: the word that the frame has with the leaf; ERR_INTR as clean().
 */
static enum err prepare_page(uint64_t op, uint64_t flags, pfn_t pfn, uint64_t pages,
                             uint64_t *with_leaf) REQUIRES(memory_lock)
{
    enum err error;

    if (!frame_is_ram(pfn)) {
        return ERR_FRAME_KIND;
    }
    if (op == MAP_INSTALL) {
        const uint64_t word = *frame_settle(pfn);
        error = check_as_is(word, flags);
        if (error == ERR_OK) {
            *with_leaf = word_plus_one(word);
        }
        return error;
    }
    if (hart_self()->is_alone && *frame_word(pfn) < FRAME_CLEAN) {
        page_zero(frame_address(pfn)); /* as clean(), but quicker */
        error = ERR_OK;
    } else {
        error = clean(pfn, pages);
    }
    if (error == ERR_OK) {
        *with_leaf = (op == MAP_INSTALL_SERVER ? FRAME_SERVER : FRAME_USER) + FRAME_ONE;
    }
    return error;
}

/* Take back what an entry installed before it was refused. */
NOINLINE static void undo(struct aspace *aspace, uint64_t page, uint64_t pages)
    REQUIRES(memory_lock)
{
    uint64_t done = 0;
    while (!remove_range(aspace, page, pages, 0, &done)) {
        /* Cut by an interrupt that must wait: a refused entry leaves nothing behind. */
    }
}

/*
 * Install up to `count` neighbours as they are, as long as each is USER and no other leaf is in its
 * way: the loop that installing ready pages spends its time in. The leaf itself may be there.
 *
 * Returns: how many there were.
 */
static uint64_t put_ready(pte_t *slot, pfn_t pfn, uint64_t flags, uint64_t count)
    REQUIRES(memory_lock)
{
    if (!frame_is_ram(pfn) || !frame_is_ram(pfn_add(pfn, (npages_t){count - 1}))) {
        return 0;
    }
    uint64_t *word = frame_word(pfn);
    uint64_t *const end = word + count;
    pte_t leaf = pte_make(pfn, flags);
    for (; word != end; word++) {
        const uint64_t old = *word;
        if (*slot == 0) {
            if (frame_word_kind(old) != FRAME_USER || old + FRAME_ONE < old) {
                break;
            }
            *word = old + FRAME_ONE;
            *slot = leaf;
        } else if (*slot != leaf) {
            break;
        }
        slot++;
        leaf += UINT64_C(1) << PTE_PFN_SHIFT;
    }
    return count - (uint64_t)(end - word);
}

/* One page of a range, of which so many `pages` are left. */
static enum err put_page(const struct aspace *aspace, pte_t *slot, uint64_t op, pfn_t pfn,
                         uint64_t flags, uint64_t pages) REQUIRES(memory_lock)
{
    uint64_t word;
    if (op == MAP_INSTALL_DEVICE) {
        if (!device_has(pfn)) {
            return ERR_FRAME_KIND;
        }
        put_leaf(aspace, slot, pte_make(pfn, flags));
        return ERR_OK;
    }
    const enum err error = prepare_page(op, flags, pfn, pages, &word);
    if (error == ERR_OK) {
        *frame_word(pfn) = word;
        put_leaf(aspace, slot, pte_make(pfn, flags));
    }
    return error;
}

enum err install_pages(struct aspace *aspace, struct map_entry entry, uint64_t *done)
{
    const uint64_t op = entry_op(entry);
    const uint64_t page = entry_page(entry);
    const uint64_t pages = entry_pages(entry);
    const uint64_t flags = entry_leaf_flags[entry_prot(entry)];
    pte_t *slot = NULL; /* of the next page, or of another table */

    if (op == MAP_INSTALL_DEVICE) {
        aspace->has_devices = true;
        aspace->near = ASPACE_NOT_NEAR;
    }
    for (uint64_t i = *done; i < pages;) {
        const pfn_t pfn = pfn_from_number(entry_frame(entry) + i);
        const uint64_t index = table_index(page + i, 0);
        if (slot == NULL || index == 0) {
            const struct pt_place place = pt_find(aspace->root, page + i, 0);
            if (place.level != 0) {
                undo(aspace, page, i);
                return ERR_NO_TABLE;
            }
            slot = place.slot;
        }
        uint64_t put = 0;
        if (op == MAP_INSTALL) {
            const uint64_t in_table = TABLE_ENTRIES - index;
            put = put_ready(slot, pfn, flags, pages - i < in_table ? pages - i : in_table);
        }
        if (put == 0) {
            const enum err error = put_page(aspace, slot, op, pfn, flags, pages - i);
            if (error == ERR_INTR) {
                *done = i;
                return ERR_INTR;
            }
            if (error != ERR_OK) {
                undo(aspace, page, i);
                return error;
            }
            put = 1;
        }
        i += put;
        slot += put;
        if (i < pages && tlb_has_interrupt()) {
            *done = i;
            return ERR_INTR;
        }
    }
    return ERR_OK;
}

/*
 * Make the frames of one large leaf CLEAN, from `*ready` on; or, while there are no other harts,
 * all zero: nothing else happens to frames before the entry has been carried out. Cut whenever some
 * are to be zeroed.
 *
 * Returns: as clean(). *ready is how many are done.
 */
static enum err clean_large(pfn_t pfn, uint64_t pages, uint64_t *ready) REQUIRES(memory_lock)
{
    if (hart_self()->is_alone) {
        return fill_zero(pfn, pages, ready);
    }
    while (*ready < pages) {
        const enum err error = clean(pfn_add(pfn, (npages_t){*ready}), pages - *ready);

        if (error != ERR_OK) {
            return error;
        }
        ++*ready;
        if (*ready < pages && tlb_has_interrupt()) {
            return ERR_INTR;
        }
    }
    return ERR_OK;
}

/* Count a large leaf in the words of 512 of its frames, or in none of them. */
static enum err count_step(uint64_t op, uint64_t flags, pfn_t pfn) REQUIRES(memory_lock)
{
    const uint64_t least = hart_self()->is_alone ? FRAME_FREE : FRAME_CLEAN;
    uint64_t *const words = frame_word(pfn);
    const uint64_t *const end = words + TABLE_ENTRIES;
    uint64_t *word = words;
    enum err error = ERR_FRAME_KIND;

    if (op != MAP_INSTALL) {
        word = fill_count(words, end, least);
    }
    for (; word != end && op == MAP_INSTALL; word++) {
        error =
            check_as_is(*frame_settle(pfn_add(pfn, (npages_t){(uint64_t)(word - words)})), flags);
        if (error != ERR_OK) {
            break;
        }
        *word = word_plus_one(*word);
    }
    if (word == end) {
        return ERR_OK;
    }
    while (word != words) {
        *--word -= FRAME_ONE;
    }
    return error;
}

/*
 * One large leaf; *ready: as clean_large(). It is counted from its last frames on (I5), so that
 * what is counted can be taken back in steps too.
 */
static enum err install_leaf(struct aspace *aspace, uint64_t op, uint64_t flags, uint64_t page,
                             pfn_t pfn, unsigned level, uint64_t *ready) REQUIRES(memory_lock)
{
    const struct pt_place place = pt_find(aspace->root, page, level);
    const uint64_t pages = table_pages(level);
    const pte_t leaf = pte_make(pfn, flags);
    pte_t *const slot = place.slot;

    if (place.level != level) {
        return ERR_NO_TABLE;
    }
    if (pte_is_table(*slot)) {
        return ERR_EXIST;
    }
    if (!frame_is_ram(pfn) || !frame_is_ram(pfn_add(pfn, (npages_t){pages - 1}))) {
        return ERR_FRAME_KIND;
    }
    uint64_t left = pages; /* frames that are not counted yet */
    if (*slot != 0) {
        left = pfn_to_number(pte_to_pfn(*slot)) - pfn_to_number(pfn);
        if (*ready == 0 || left - 1 >= pages - 1) {
            remove_step(slot, level); /* what was there goes first */
            tlb_flush_others(aspace->satp);
            return ERR_INTR;
        }
    } else if (op != MAP_INSTALL) {
        const enum err error = clean_large(pfn, pages, ready);
        if (error != ERR_OK) {
            return error;
        }
    }
    *ready = 1; /* from now on the slot says how far */
    do {
        left -= TABLE_ENTRIES;
        const enum err error = count_step(op, flags, pfn_add(pfn, (npages_t){left}));
        if (error != ERR_OK) {
            return error;
        }
        *slot = leaf + (left << PTE_PFN_SHIFT) - (left != 0 ? PTE_VALID : 0);
        if (left == 0) {
            return ERR_OK;
        }
    } while (!tlb_has_interrupt());
    return ERR_INTR;
}

enum err install_large(struct aspace *aspace, struct map_entry entry, uint64_t *done)
{
    const unsigned level = entry_flags(entry) == MAP_LARGE ? 1 : 2;
    const uint64_t flags = entry_leaf_flags[entry_prot(entry)];
    const uint64_t unit = table_pages(level);
    const uint64_t pages = entry_pages(entry);
    uint64_t ready = *done & (unit - 1);

    for (uint64_t i = *done - ready; i < pages; i += unit) {
        const enum err error = install_leaf(aspace, entry_op(entry), flags, entry_page(entry) + i,
                                            pfn_from_number(entry_frame(entry) + i), level, &ready);
        if (error == ERR_INTR) {
            *done = i + ready;
            return ERR_INTR;
        }
        if (error != ERR_OK) {
            /* With it what was counted of this one. */
            undo(aspace, entry_page(entry), i + (ready == 0 ? 0 : unit));
            return error;
        }
        ready = 0;
    }
    return ERR_OK;
}

enum err install_copy(struct aspace *aspace, struct map_entry entry, uint64_t source)
{
    const pfn_t pfn = pfn_from_number(entry_frame(entry));
    const pfn_t from = pfn_from_number(source);
    const struct pt_place place = pt_find(aspace->root, entry_page(entry), 0);
    if (place.level != 0) {
        return ERR_NO_TABLE;
    }
    if (!frame_is_unused(pfn) || !frame_is_ram(from) || pfn_is_equal(pfn, from)) {
        return ERR_FRAME_KIND;
    }
    const enum frame_kind kind = frame_kind_of(from);
    if (kind != FRAME_USER && kind != FRAME_CLEAN && kind != FRAME_WIRED) {
        return ERR_FRAME_KIND;
    }
    /* Point of no return: nothing below may fail. */
    const pte_t leaf = pte_make(pfn, entry_leaf_flags[entry_prot(entry)]);
    put_leaf(aspace, place.slot, 0);
    if ((leaf & PTE_EXEC) != 0 || hart_self()->is_alone) {
        page_copy(frame_address(pfn), frame_address(from));
        *frame_word(pfn) = FRAME_USER + FRAME_ONE;
        *place.slot = leaf;
        return ERR_OK;
    }
    fill_begin_leaf(frame_word(pfn), place.slot, leaf);
    fill_read(frame_word(from));
    return ERR_OK;
}

/* First page that a table entry is about, as pt_find() counts. */
static uint64_t table_page(struct map_entry entry)
{
    return (entry_flags(entry) & MAP_IN_WINDOW) != 0 ? WINDOW_PAGE + entry_page(entry)
                                                     : entry_page(entry);
}

enum err install_table(struct aspace *aspace, struct map_entry entry)
{
    const unsigned level = (unsigned)entry_prot(entry);
    const pfn_t pfn = pfn_from_number(entry_frame(entry));
    const struct pt_place place = pt_find(aspace->root, table_page(entry), level + 1);
    if (*place.slot != 0) {
        return ERR_EXIST;
    }
    if (place.level != level + 1) {
        return ERR_NO_TABLE;
    }
    if (!frame_is_ram(pfn)) {
        return ERR_FRAME_KIND;
    }
    const enum err error = clean(pfn, 1);
    if (error != ERR_OK) {
        return error;
    }
    /* Point of no return: nothing below may fail. */
    frame_take(pfn, FRAME_TABLE, level);
    *place.slot = pte_make(pfn, PTE_VALID);
    return ERR_OK;
}

enum err install_untable(struct aspace *aspace, struct map_entry entry)
{
    const unsigned level = (unsigned)entry_prot(entry);
    const pfn_t pfn = pfn_from_number(entry_frame(entry));
    fill_settle(); /* nobody may make a leaf valid there any more */
    const struct pt_place place = pt_find(aspace->root, table_page(entry), level + 1);
    if (place.level != level + 1 || !pte_is_table(*place.slot)) {
        return ERR_NO_TABLE;
    }
    if (!pfn_is_equal(pte_to_pfn(*place.slot), pfn)) {
        return ERR_FRAME_KIND;
    }
    /* Small leaves go with their table; of anything else there must be none. */
    const bool has_small = level == 0 && (entry_flags(entry) & MAP_IN_WINDOW) == 0;
    const pte_t *table = direct_table(*place.slot);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if (table[i] != 0) {
            if (!has_small) {
                return ERR_BUSY;
            }
            remove_count(table[i], 0);
        }
    }
    *place.slot = 0;
    aspace->near = ASPACE_NOT_NEAR;
    tlb_flush();
    tlb_flush_others(aspace->satp);
    frame_release(pfn);
    return ERR_OK;
}
