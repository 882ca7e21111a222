/* SPDX-License-Identifier: MIT */
#include "server/core/paged.h"

#include <base/assert.h>
#include <base/bits.h>

#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/upkeep.h"

#define TO(state) (1u << (state))

static const uint8_t transitions[PAGED_STATES] = {
    [PAGED_ABSENT] = TO(PAGED_ASKED),
    [PAGED_ASKED] = TO(PAGED_ABSENT) | TO(PAGED_CLEAN),
    [PAGED_CLEAN] = TO(PAGED_ABSENT) | TO(PAGED_DIRTY),
    [PAGED_DIRTY] = TO(PAGED_ABSENT) | TO(PAGED_SAVING),
    [PAGED_SAVING] = TO(PAGED_ABSENT) | TO(PAGED_CLEAN) | TO(PAGED_DIRTY) | TO(PAGED_AGAIN),
    [PAGED_AGAIN] = TO(PAGED_ABSENT) | TO(PAGED_DIRTY),
};

static bool state_has_frame(enum paged_state state)
{
    return state > PAGED_ASKED;
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

/* The only place where a page changes its state, but for words that come and go. */
static void paged_set_state(struct core *core, struct object *object, uint64_t page,
                            enum paged_state to, uint32_t value)
{
    const enum paged_state from = paged_word_state(paged_word(core, object, page));

    ASSERT((transitions[from] & TO(to)) != 0 && value <= PAGED_VALUE);
    object->resident += (state_has_frame(to) ? 1 : 0) - (state_has_frame(from) ? 1 : 0);
    object->unsaved += (state_is_unsaved(to) ? 1 : 0) - (state_is_unsaved(from) ? 1 : 0);
    if (from == PAGED_ABSENT) {
        radix_set(core, &object->frames, page, (uint32_t)to << PAGED_SHIFT | value);
    } else if (to == PAGED_ABSENT) {
        (void)radix_remove(core, &object->frames, page);
    } else {
        radix_replace(core, &object->frames, page, (uint32_t)to << PAGED_SHIFT | value);
    }
}

bool paged_ask(struct core *core, struct space *space_opt, struct object *object, uint64_t page,
               uint32_t slot)
{
    const uint32_t needs = radix_needs(core, &object->frames, page);

    ASSERT(object_has_page(object, page));
    if (!upkeep_take(core, space_opt, object, needs + 1)) {
        return false;
    }
    if (!arena_page_reserve(core, needs)) {
        upkeep_give(core, object, needs + 1);
        return false;
    }
    paged_set_state(core, object, page, PAGED_ASKED, slot);
    return true;
}

/* What an object's words and the pages that hold them cost. */
static uint64_t paged_cost(const struct object *object)
{
    return object->frames.count + object->frames.pages;
}

void paged_unask(struct core *core, struct object *object, uint64_t page)
{
    const uint64_t before = paged_cost(object);

    ASSERT(paged_word_state(paged_word(core, object, page)) == PAGED_ASKED);
    paged_set_state(core, object, page, PAGED_ABSENT, 0);
    upkeep_give(core, object, before - paged_cost(object));
}

void paged_fill(struct core *core, struct object *object, uint64_t page, uint32_t frame)
{
    struct frame *record = pool_record(core, frame);

    ASSERT(record->kind == FRAME_USER && record->pins == 0);
    record->references = 1;
    record->owner = 0;
    record->page = arena_link(core, object);
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

    if (paged_word_state(word) == PAGED_DIRTY) {
        paged_set_state(core, object, page, PAGED_SAVING, paged_word_frame(word));
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
    }
}

void paged_drop(struct core *core, struct object *object, uint64_t first)
{
    const uint64_t before = paged_cost(object);
    uint64_t page = RADIX_INDEX_END;

    for (;;) {
        const uint32_t word = radix_below(core, &object->frames, page, &page);

        if (word == 0 || page < first) {
            break;
        }
        if (paged_word_frame(word) != 0) {
            pool_give(core, paged_word_frame(word));
            core->head->object_table.frames--;
        } else {
            pager_lose(core, object, paged_word_slot(word));
        }
        paged_set_state(core, object, page, PAGED_ABSENT, 0);
    }
    upkeep_give(core, object, before - paged_cost(object));
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
        if (paged_word_state(word) == PAGED_ASKED) {
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
        if (paged_word_frame(word) == 0) {
            pager_audit_asked(core, object, page, paged_word_slot(word));
            continue;
        }
        const struct frame *frame = pool_record(core, paged_word_frame(word));

        ASSERT(frame->kind == FRAME_USER && frame->references == 1);
        ASSERT(frame->owner == 0 && frame->page == arena_link(core, object));
        resident++;
        unsaved += state_is_unsaved(paged_word_state(word)) ? 1 : 0;
    }
    ASSERT(resident == object->resident && unsaved == object->unsaved);
}
