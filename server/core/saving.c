/* SPDX-License-Identifier: MIT */
#include "server/core/saving.h"

#include <base/assert.h>
#include <base/bits.h>

#include "server/core/arena.h"
#include "server/core/op_pager.h"
#include "server/core/paged.h"

STATIC_ASSERT(PAGER_WINDOW_MAX <= 64, "a word has a bit for each page of a pull");

/* The bits of pages that are in a pull. */
static uint64_t bits_of(const struct pull *pull, uint64_t first, uint64_t pages)
{
    const uint64_t all = pages < 64 ? BIT(pages) - 1 : UINT64_MAX;

    ASSERT(pages != 0 && first >= pull->first && first - pull->first + pages <= pull->pages);
    return all << (first - pull->first);
}

static bool pull_saves(const struct pull *pull, uint64_t page)
{
    if (page < pull->first || page - pull->first >= pull->pages) {
        return false;
    }
    /* Before it is given, all that is DIRTY then will be. */
    return ((pull->is_given != 0 ? pull->saving : pull->open) & bits_of(pull, page, 1)) != 0;
}

uint32_t saving_find(const struct core *core, const struct pager *pager,
                     const struct object *object, uint64_t page)
{
    const uint32_t link = arena_link(core, object);
    uint32_t slot = 0;

    while (slot < PAGER_PULLS &&
           (pager->pulls[slot].object != link || pager->pulls[slot].kind != NEED_SAVED ||
            !pull_saves(&pager->pulls[slot], page))) {
        slot++;
    }
    return slot;
}

uint32_t saving_width(const struct core *core, const struct pager *pager,
                      const struct object *object, uint64_t page, uint64_t pages)
{
    const uint64_t most = pages < object->window ? pages : object->window;
    uint32_t width = 1;

    while (width < most &&
           paged_word_state(paged_word(core, object, page + width)) == PAGED_DIRTY &&
           saving_find(core, pager, object, page + width) == PAGER_PULLS) {
        width++;
    }
    return width;
}

uint64_t saving_first(const struct core *core, const struct pager *pager,
                      const struct object *object, uint64_t page)
{
    uint64_t first = page;

    while (first > 0 && page - first + 1 < object->window &&
           paged_word_state(paged_word(core, object, first - 1)) == PAGED_DIRTY &&
           saving_find(core, pager, object, first - 1) == PAGER_PULLS) {
        first--;
    }
    return first;
}

bool saving_is_enough(const struct pager *pager, uint32_t pages)
{
    uint32_t pulls = 0;
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        const struct pull *pull = &pager->pulls[slot];
        const bool saves = pull->object != 0 && pull->kind == NEED_SAVED;

        pulls += saves ? 1 : 0;
        count += saves ? pull->pages : 0;
    }
    return count >= pages || pulls >= PAGER_PULLS / 2;
}

void saving_open(struct pull *pull)
{
    ASSERT(pull->kind == NEED_SAVED);
    pull->open = bits_of(pull, pull->first, pull->pages);
    pull->saving = 0;
}

void saving_begin(struct core *core, struct object *object, struct pull *pull)
{
    ASSERT(pull->saving == 0);
    for (uint64_t page = pull->first; page < pull->first + pull->pages; page++) {
        if (paged_word_state(paged_word(core, object, page)) == PAGED_DIRTY) {
            paged_save(core, object, page);
            pull->saving |= bits_of(pull, page, 1);
        }
    }
}

bool saving_is_open(const struct pull *pull, uint64_t first, uint64_t pages)
{
    const uint64_t bits = bits_of(pull, first, pages);

    return (pull->open & bits) == bits;
}

void saving_settle(struct core *core, struct object *object, struct pull *pull, uint64_t first,
                   uint64_t pages, bool is_saved)
{
    ASSERT(saving_is_open(pull, first, pages));
    for (uint64_t page = first; page < first + pages; page++) {
        if ((pull->saving & bits_of(pull, page, 1)) != 0) {
            paged_saved(core, object, page, is_saved);
        }
    }
    pull->open &= ~bits_of(pull, first, pages);
    pull->saving &= pull->open;
}

void saving_give_up(struct core *core, struct object *object, struct pull *pull)
{
    for (uint64_t page = pull->first; page < pull->first + pull->pages; page++) {
        if ((pull->saving & bits_of(pull, page, 1)) != 0) {
            paged_saved(core, object, page, false);
        }
    }
    pull->saving = 0;
}

void saving_shrink(struct pull *pull, uint64_t end)
{
    if (end < pull->first + pull->pages) {
        pull->saving &= end > pull->first ? BIT(end - pull->first) - 1 : 0;
    }
}

void saving_reopen(struct core *core, struct object *object, struct pull *pull)
{
    saving_give_up(core, object, pull);
    ASSERT(pull->open != 0);
    while ((pull->open & BIT(pull->pages - 1)) == 0) {
        pull->pages--;
    }
    while ((pull->open & 1) == 0) {
        pull->open >>= 1;
        pull->first++;
        pull->pages--;
    }
    saving_open(pull);
}

void saving_audit_pull(const struct core *core, const struct object *object,
                       const struct pull *pull)
{
    ASSERT(pull->open != 0 && (pull->open & ~bits_of(pull, pull->first, pull->pages)) == 0);
    ASSERT((pull->saving & ~pull->open) == 0 && (pull->is_given != 0 || pull->saving == 0));
    for (uint64_t page = pull->first; page < pull->first + pull->pages; page++) {
        const enum paged_state state = paged_word_state(paged_word(core, object, page));

        if ((pull->saving & bits_of(pull, page, 1)) != 0) {
            ASSERT(state == PAGED_SAVING || state == PAGED_AGAIN || state == PAGED_AWAY);
        }
    }
}

void saving_audit_page(const struct core *core, const struct object *object, uint64_t page)
{
    const struct pager *pager = pager_of(core, object);
    const uint32_t link = arena_link(core, object);
    uint32_t pulls = 0;

    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        const struct pull *pull = &pager->pulls[slot];

        pulls += pull->object == link && pull->kind == NEED_SAVED && pull->is_given != 0 &&
                         pull_saves(pull, page)
                     ? 1
                     : 0;
    }
    ASSERT(pulls == 1);
}
