/* SPDX-License-Identifier: MIT */
#include "server/core/paged.h"

#include <base/assert.h>
#include <base/bits.h>

#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/saving.h"
#include "server/core/swap.h"
#include "server/core/upkeep.h"

#define TO(state) (1u << (state))

static const uint8_t transitions[PAGED_STATES] = {
    [PAGED_ABSENT] = TO(PAGED_ASKED) | TO(PAGED_DIRTY),
    [PAGED_ASKED] = TO(PAGED_ABSENT) | TO(PAGED_AWAY) | TO(PAGED_CLEAN),
    [PAGED_AWAY] = TO(PAGED_ABSENT) | TO(PAGED_ASKED),
    [PAGED_CLEAN] = TO(PAGED_ABSENT) | TO(PAGED_AWAY) | TO(PAGED_DIRTY),
    [PAGED_DIRTY] = TO(PAGED_ABSENT) | TO(PAGED_SAVING),
    [PAGED_SAVING] =
        TO(PAGED_ABSENT) | TO(PAGED_AWAY) | TO(PAGED_CLEAN) | TO(PAGED_DIRTY) | TO(PAGED_AGAIN),
    [PAGED_AGAIN] = TO(PAGED_ABSENT) | TO(PAGED_DIRTY),
};

static bool state_has_frame(enum paged_state state)
{
    return state > PAGED_AWAY;
}

static bool state_is_unsaved(enum paged_state state)
{
    return state > PAGED_CLEAN;
}

uint32_t paged_word(const struct core *core, const struct object *object, uint64_t page)
{
    ASSERT(object->kind == OBJECT_PAGED);
    return object_has_page(object, page) ? radix_get(core, &object->frames, page) : 0;
}

static bool is_swap(const struct object *object)
{
    return (object->flags & OBJECT_SWAP) != 0;
}

/* The only place where a page changes its state. */
void paged_set_state(struct core *core, struct object *object, uint64_t page, enum paged_state to,
                     uint32_t value)
{
    const enum paged_state from = paged_word_state(paged_word(core, object, page));

    ASSERT((transitions[from] & TO(to)) != 0 && value <= PAGED_VALUE);
    object->resident += (state_has_frame(to) ? 1 : 0) - (state_has_frame(from) ? 1 : 0);
    object->unsaved += (state_is_unsaved(to) ? 1 : 0) - (state_is_unsaved(from) ? 1 : 0);
    if (!is_swap(object)) {
        core->head->pagers.unsaved +=
            (state_is_unsaved(to) ? 1 : 0) - (state_is_unsaved(from) ? 1 : 0);
    }
    core->head->pool.kept += (to == PAGED_ASKED ? 1 : 0) - (from == PAGED_ASKED ? 1 : 0);
    if (from == PAGED_ABSENT) {
        radix_set(core, &object->frames, page, (uint32_t)to << PAGED_SHIFT | value);
    } else if (to == PAGED_ABSENT) {
        (void)radix_remove(core, &object->frames, page);
    } else {
        radix_replace(core, &object->frames, page, (uint32_t)to << PAGED_SHIFT | value);
    }
}

bool paged_is_askable(const struct object *object, uint32_t word)
{
    return is_swap(object) ? paged_word_state(word) == PAGED_AWAY && paged_word_count(word) != 0
                           : word == 0;
}

enum err paged_ask(struct core *core, struct space *space_opt, struct object *object, uint64_t page,
                   uint32_t slot)
{
    const uint32_t word = paged_word(core, object, page);
    const uint32_t needs = word == 0 ? radix_needs(core, &object->frames, page) : 0;

    ASSERT(object_has_page(object, page) && paged_is_askable(object, word));
    if (!upkeep_take(core, space_opt, object, needs + 1)) {
        return ERR_NOMEM;
    }
    if (!arena_page_reserve(core, needs) || !pool_can_promise(core)) {
        upkeep_give(core, object, needs + 1);
        return ERR_AGAIN;
    }
    paged_set_state(core, object, page, PAGED_ASKED, slot | (word & PAGED_VALUE));
    return ERR_OK;
}

/* What an object's words and the pages that hold them cost. */
static uint64_t paged_cost(const struct object *object)
{
    return object->frames.count + object->frames.pages;
}

void paged_unask(struct core *core, struct object *object, uint64_t page)
{
    const uint64_t before = paged_cost(object);
    const uint32_t word = paged_word(core, object, page);

    ASSERT(paged_word_state(word) == PAGED_ASKED);
    if (paged_word_count(word) != 0) {
        paged_set_state(core, object, page, PAGED_AWAY,
                        paged_word_count(word) << PAGED_COUNT_SHIFT);
        return;
    }
    paged_set_state(core, object, page, PAGED_ABSENT, 0);
    upkeep_give(core, object, before - paged_cost(object));
}

/* What the frame is in a swap area. Returns: false: nothing needs it, and the slot is free. */
static bool paged_fill_slot(struct core *core, struct object *object, uint64_t page, uint32_t frame)
{
    const uint32_t count = paged_word_count(paged_word(core, object, page));

    if (count == 0) {
        paged_set_state(core, object, page, PAGED_ABSENT, 0);
        pool_give(core, frame);
        return false;
    }
    *pool_record(core, frame) = (struct frame){
        .kind = FRAME_SWAP,
        .references = count,
        .page = swap_name(core, object) | (uint32_t)page,
    };
    return true;
}

void paged_fill(struct core *core, struct object *object, uint64_t page, uint32_t frame,
                const struct pull *pull)
{
    struct frame *record = pool_record(core, frame);

    ASSERT(record->kind == FRAME_USER && record->pins == 0);
    if (is_swap(object)) {
        if (!paged_fill_slot(core, object, page, frame)) {
            return;
        }
    } else {
        record->references = 1;
        record->owner = 0;
        record->page = arena_link(core, object);
    }
    record->idle = page - pull->first < pull->needed ? FRAME_USED : FRAME_AHEAD;
    paged_set_state(core, object, page, PAGED_CLEAN, frame);
    core->head->object_table.frames++;
}

void paged_touch(struct core *core, struct object *object, uint64_t page)
{
    const uint32_t word = paged_word(core, object, page);

    switch (paged_word_state(word)) {
    case PAGED_CLEAN:
        paged_set_state(core, object, page, PAGED_DIRTY, paged_word_frame(word));
        return;
    case PAGED_SAVING:
        paged_set_state(core, object, page, PAGED_AGAIN, paged_word_frame(word));
        return;
    case PAGED_DIRTY:
    case PAGED_AGAIN:
        return;
    case PAGED_ABSENT:
    case PAGED_ASKED:
    case PAGED_AWAY:
        break;
    }
    UNREACHABLE();
}

bool paged_is_writable(const struct core *core, const struct object *object, uint64_t page)
{
    const enum paged_state state = paged_word_state(paged_word(core, object, page));

    return state == PAGED_DIRTY || state == PAGED_AGAIN;
}

void paged_save(struct core *core, struct object *object, uint64_t page)
{
    const uint32_t word = paged_word(core, object, page);

    if (paged_word_state(word) != PAGED_DIRTY) {
        return;
    }
    paged_set_state(core, object, page, PAGED_SAVING, paged_word_frame(word));
    /* Until its pins go, a device may write to it unseen: before the pager looks, or after. */
    if (pool_record(core, paged_word_frame(word))->pins != 0) {
        paged_set_state(core, object, page, PAGED_AGAIN, paged_word_frame(word));
    }
}

void paged_saved(struct core *core, struct object *object, uint64_t page, bool is_saved)
{
    const uint32_t word = paged_word(core, object, page);
    const enum paged_state state = paged_word_state(word);

    if (state == PAGED_SAVING || state == PAGED_AGAIN) {
        const bool is_clean = is_saved && state == PAGED_SAVING;

        paged_set_state(core, object, page, is_clean ? PAGED_CLEAN : PAGED_DIRTY,
                        paged_word_frame(word));
    } else if (state == PAGED_AWAY && paged_word_count(word) == 0) {
        /* A slot that was given up while it was being saved. */
        paged_set_state(core, object, page, PAGED_ABSENT, 0);
    }
}

void paged_evict(struct core *core, struct object *object, uint64_t page)
{
    const uint64_t before = paged_cost(object);
    const uint32_t frame = paged_word_frame(paged_word(core, object, page));
    const uint32_t count = pool_record(core, frame)->references;

    ASSERT(paged_word_state(paged_word(core, object, page)) == PAGED_CLEAN);
    if (is_swap(object)) {
        ASSERT(count <= PAGED_COUNT_MAX);
        paged_set_state(core, object, page, PAGED_AWAY, count << PAGED_COUNT_SHIFT);
    } else {
        paged_set_state(core, object, page, PAGED_ABSENT, 0);
        upkeep_give(core, object, before - paged_cost(object));
    }
    core->head->object_table.frames--;
    pool_give(core, frame);
}

void paged_drop(struct core *core, struct object *object, uint64_t first)
{
    const uint64_t before = paged_cost(object);
    uint64_t detained = 0;
    uint64_t page = RADIX_INDEX_END;

    for (;;) {
        const uint32_t word = radix_below(core, &object->frames, page, &page);

        if (word == 0 || page < first) {
            break;
        }
        const uint32_t frame = paged_word_frame(word);

        if (frame != 0) {
            if (UNLIKELY(pool_record(core, frame)->pins != 0)) {
                upkeep_detain(core, object, frame);
                detained++;
            } else {
                pool_give(core, frame);
            }
            core->head->object_table.frames--;
        } else {
            ASSERT(paged_word_state(word) == PAGED_ASKED);
            pager_lose(core, object, paged_word_slot(word));
        }
        paged_set_state(core, object, page, PAGED_ABSENT, 0);
    }
    upkeep_give(core, object, before - paged_cost(object) - detained);
}

void paged_recover(struct core *core, struct object *object)
{
    const uint64_t before = paged_cost(object);
    uint64_t page = RADIX_INDEX_END;

    for (;;) {
        const uint32_t word = radix_below(core, &object->frames, page, &page);

        if (word == 0) {
            break;
        }
        paged_saved(core, object, page, false);
        if (paged_word_state(word) == PAGED_ASKED && paged_word_count(word) != 0) {
            paged_unask(core, object, page);
        } else if (paged_word_state(word) == PAGED_ASKED) {
            paged_set_state(core, object, page, PAGED_ABSENT, 0);
        }
    }
    upkeep_give(core, object, before - paged_cost(object));
}

void paged_audit(const struct core *core, const struct object *object)
{
    uint64_t page = RADIX_INDEX_END;
    uint64_t resident = 0;
    uint64_t unsaved = 0;

    radix_audit(core, &object->frames);
    for (;;) {
        const uint32_t word = radix_below(core, &object->frames, page, &page);

        if (word == 0) {
            break;
        }
        ASSERT(object_has_page(object, page));
        if (paged_word_state(word) == PAGED_AWAY) {
            ASSERT(is_swap(object)); /* counts: swap_audit() */
            continue;
        }
        if (paged_word_frame(word) == 0) {
            pager_audit_asked(core, object, page, paged_word_slot(word));
            continue;
        }
        const struct frame *frame = pool_record(core, paged_word_frame(word));

        if (!is_swap(object)) {
            ASSERT(frame->kind == FRAME_USER && (frame->references == 1 || frame->pins != 0));
            ASSERT(frame->owner == 0 && frame->page == arena_link(core, object));
        }
        if (paged_word_state(word) > PAGED_DIRTY) {
            saving_audit_page(core, object, page);
        }
        resident++;
        unsaved += state_is_unsaved(paged_word_state(word)) ? 1 : 0;
    }
    ASSERT(resident == object->resident && unsaved == object->unsaved);
}
