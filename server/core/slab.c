/* SPDX-License-Identifier: MIT */
#include "server/core/slab.h"

#include <base/assert.h>
#include <base/types.h>

#include "server/core/arena.h"
#include "server/core/shared.h"

/* At the start of each page of a slab. */
struct slab_page {
    uint32_t next; /* pages with a free record; valid while `used` < capacity */
    uint32_t prev;
    uint32_t used;
    uint32_t fresh; /* records from this one on were never used */
    uint32_t free;  /* link of the first free record; 0: none */
    uint32_t reserved[11];
};
STATIC_ASSERT(sizeof(struct slab_page) == SLAB_HEAD_BYTES, "records follow the head");

static struct slab_page *slab_page(const struct core *core, uint32_t page)
{
    return arena_page(core, page);
}

static void slab_enlist(struct core *core, struct slab *slab, uint32_t page)
{
    struct slab_page *head = slab_page(core, page);

    head->prev = 0;
    head->next = slab->partial;
    if (slab->partial != 0) {
        slab_page(core, slab->partial)->prev = page;
    }
    slab->partial = page;
}

static void slab_delist(struct core *core, struct slab *slab, uint32_t page)
{
    struct slab_page *head = slab_page(core, page);

    if (head->prev != 0) {
        slab_page(core, head->prev)->next = head->next;
    } else {
        slab->partial = head->next;
    }
    if (head->next != 0) {
        slab_page(core, head->next)->prev = head->prev;
    }
}

void slab_init(struct slab *slab, uint32_t size)
{
    ASSERT(size % 8 == 0 && size >= 8);
    slab->size = size;
    slab->capacity = (PAGE_SIZE - SLAB_HEAD_BYTES) / size;
}

/* Zero a page of which no record is used: by I2, its head and the first word of each. */
static void slab_clear(struct slab *slab, struct slab_page *head)
{
    unsigned char *records = (unsigned char *)head + SLAB_HEAD_BYTES;

    for (uint32_t i = 0; i < head->fresh; i++) {
        arena_zero(records + (uint64_t)i * slab->size, sizeof(uint64_t));
    }
    arena_zero(head, SLAB_HEAD_BYTES);
}

static uint32_t slab_take_shared(struct core *core, struct slab *slab)
{
    uint32_t page = slab->partial;

    if (page == 0) {
        page = arena_page_take(core);
        if (page == 0) {
            return 0;
        }
        slab->pages++;
        slab_enlist(core, slab, page);
    }
    struct slab_page *head = slab_page(core, page);
    uint32_t link = head->free;

    if (link != 0) {
        uint32_t *next = arena_at(core, link);

        head->free = *next;
        *next = 0;
    } else {
        unsigned char *records = (unsigned char *)head + SLAB_HEAD_BYTES;

        link = arena_link(core, records + (uint64_t)head->fresh * slab->size);
        head->fresh++;
    }
    head->used++;
    slab->records++;
    if (head->used == slab->capacity) {
        slab_delist(core, slab, page);
    }
    return link;
}

uint32_t slab_take(struct core *core, struct slab *slab)
{
    shared_enter(core);
    const uint32_t link = slab_take_shared(core, slab);

    shared_leave(core);
    return link;
}

void slab_give(struct core *core, struct slab *slab, uint32_t link)
{
    uint32_t page = (uint32_t)(((uint64_t)link << 3) >> PAGE_SHIFT);
    struct slab_page *head = slab_page(core, page);
    uint32_t *record = arena_at(core, link);

    shared_enter(core);

    ASSERT(head->used > 0);
    arena_zero(record, slab->size);
    *record = head->free;
    head->free = link;
    if (head->used == slab->capacity) {
        slab_enlist(core, slab, page);
    }
    head->used--;
    slab->records--;
    if (head->used == 0) {
        slab_delist(core, slab, page);
        slab->pages--;
        slab_clear(slab, head);
        arena_page_give(core, page);
    }
    shared_leave(core);
}

void slab_audit(const struct core *core, const struct slab *slab)
{
    uint64_t used_in_list = 0;
    uint32_t listed = 0;

    for (uint32_t page = slab->partial; page != 0; page = slab_page(core, page)->next) {
        const struct slab_page *head = slab_page(core, page);
        uint32_t free = slab->capacity - head->fresh;

        ASSERT(head->used > 0 && head->used < slab->capacity);
        for (uint32_t link = head->free; link != 0; free++) {
            const uint32_t *words = arena_at(core, link);

            for (uint32_t i = 1; i < slab->size / 4; i++) {
                ASSERT(words[i] == 0);
            }
            link = words[0];
            ASSERT(free < slab->capacity);
        }
        ASSERT(free == slab->capacity - head->used);
        ASSERT(head->next == 0 || slab_page(core, head->next)->prev == page);
        used_in_list += head->used;
        listed++;
        ASSERT(listed <= slab->pages);
    }
    ASSERT(slab->records == used_in_list + (uint64_t)(slab->pages - listed) * slab->capacity);
}
