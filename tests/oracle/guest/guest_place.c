/* SPDX-License-Identifier: MIT */
/*
 * Making, filling and emptying the space.
 */
#include "guest_place.h"

#include <abi/layout.h>
#include <base/types.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#include "guest_object.h"
#include "tests/oracle/slot.h"

#define MEGA_BYTES (PAGES_PER_MEGA * PAGE_SIZE)
/* Where the hand lies: far from every zone. */
#define HAND_PAGE UINT64_C(0x1000000000)
/* A 512th of the spaces fit: one in e^39 runs finds none. */
#define TRIES_MAX 20000u
/* From the base, what is translated with it: more than the largest window. */
#define NEAR_BELOW ((uint64_t)2 * STAGE_BELOW * PAGE_SIZE)
#define NEAR_ABOVE ((uint64_t)2 * STAGE_ABOVE * PAGE_SIZE)

static uint64_t translate(uint64_t address, uint64_t from, uint64_t to)
{
    bool is_near = address >= from - NEAR_BELOW && address < from + NEAR_ABOVE;

    return is_near ? address - from + to : address;
}

uint64_t place_from_core(const struct place *place, uint64_t address)
{
    return translate(address, place->head->base, place->base);
}

uint64_t place_to_core(const struct place *place, uint64_t address)
{
    return translate(address, place->base, place->head->base);
}

/* The mapping base of an empty space: where free choice ends. */
static bool find_base(uint64_t space, uint64_t *base)
{
    const struct hf_map map = {
        .space = space, .length = PAGE_SIZE, .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    uint64_t page = 0;

    if (!EXPECT_ERR(hf_map(map, &page), ERR_OK) ||
        !EXPECT_ERR(hf_unmap(space, page, PAGE_SIZE), ERR_OK)) {
        return false;
    }
    *base = page + PAGE_SIZE;
    return true;
}

/* Make an empty space. Returns: whether it could be made and asked; `fits` whether it will do. */
static bool try_space(struct place *place, bool *fits)
{
    struct mem_space_make_rep rep;

    if (!EXPECT_ERR(hf_space_make("place", 0, PRIORITY_DEFAULT, &rep), ERR_OK)) {
        return false;
    }
    place->side->process = (struct hf_process){
        .space = rep.space, .kernel_space = rep.kernel_space, .space_id = rep.space_id};
    if (!find_base(rep.space, &place->base)) {
        return false;
    }
    *fits =
        (place->base - place->head->base) % MEGA_BYTES == 0 && place->base + NEAR_ABOVE <= USER_END;
    return true;
}

static bool side_start(struct place *place, bool is_empty)
{
    const struct hf_process *process = &place->side->process;

    return hand_start(&place->side->hand, process->space, process->kernel_space, HAND_PAGE,
                      is_empty);
}

static void side_end(struct place_side *side)
{
    struct mem_next_rep end;

    EXPECT_ERR(hf_space_end(side->process.space, 0), ERR_OK);
    EXPECT_ERR(hf_process_wait(&side->process, &end), ERR_OK);
    (void)hf_handle_close(side->hand.thread);
    EXPECT_ERR(hf_object_destroy(side->hand.endpoint), ERR_OK);
    (void)hf_handle_close(side->hand.endpoint);
    hf_process_forget(&side->process);
}

/* End the clones with numbers from `first` on. */
static void clones_end(struct place *place, uint32_t first)
{
    for (uint32_t i = place->last + 1; i > first; i--) {
        side_end(&place->sides[i - 1]);
    }
}

bool place_clone(struct place *place)
{
    const uint64_t from = place->side->process.space;
    const uint32_t number = (uint32_t)(place->side - place->sides) + 1;
    struct mem_space_make_rep rep;

    clones_end(place, number);
    if (!EXPECT_ERR(hf_space_clone(from, "clone", PRIORITY_DEFAULT, &rep), ERR_OK)) {
        return false;
    }
    place->last = number;
    place->side = &place->sides[number];
    place->side->process = (struct hf_process){
        .space = rep.space, .kernel_space = rep.kernel_space, .space_id = rep.space_id};
    return side_start(place, false);
}

bool place_make(struct place *place, const struct script_head *head)
{
    bool fits = false;

    *place = (struct place){.head = head};
    place->side = &place->sides[0];
    while (!fits) {
        if (!EXPECT(place->tries < TRIES_MAX) || !try_space(place, &fits)) {
            return false;
        }
        place->tries++;
        if (!fits) {
            hf_process_forget(&place->side->process);
        }
    }
    return side_start(place, true);
}

void place_end(struct place *place)
{
    clones_end(place, 0);
}

bool place_limit(const struct place *place, enum mem_limit which, uint64_t value)
{
    struct mem_limits_rep now;
    const bool is_count = which == MEM_LIMIT_REGIONS;

    if (!EXPECT_ERR(hf_limit_get_bytes(place->side->process.space,
                                       is_count ? MEM_LIMIT_PAGES : which, &now),
                    ERR_OK)) {
        return false;
    }
    struct hf_message message = {
        .tag = hf_mem_tag(place->side->process.space),
        .words = {MEM_LIMITS, which, MEM_LIMITS_SET, value,
                  is_count ? MEM_MAX_MAP_COUNT_DEFAULT : now.ceiling,
                  is_count ? 0 : MEM_LIMITS_BYTES, 0, place->side->process.space},
    };
    return EXPECT_ERR(hf_mem_call(&message), ERR_OK);
}

bool place_used(const struct place *place, enum mem_limit which, uint64_t *pages)
{
    struct mem_limits_rep now;

    if (!EXPECT_ERR(hf_limit_get(place->side->process.space, which, &now), ERR_OK)) {
        return false;
    }
    *pages = now.used;
    return true;
}

/* Replace what is in the range by what joins nothing in a zone: pages of an object, unseen. */
static bool fill(const struct place *place, uint64_t first, uint64_t end)
{
    const struct hf_map map = {
        .space = place->side->process.space,
        .addr = first,
        .length = end - first,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = hf_env()->archive_object,
    };
    uint64_t at;

    return EXPECT_ERR(hf_map(map, &at), ERR_OK);
}

static bool empty_zone(const struct place *place, const struct zone *zone)
{
    uint64_t first = place_from_core(place, (uint64_t)zone->first << PAGE_SHIFT);
    uint64_t pages = zone->end - zone->first;

    /* What takes a privilege was never filled. */
    return pages == 0 || first < place->head->lowest ||
           EXPECT_ERR(hf_unmap(place->side->process.space, first, pages << PAGE_SHIFT), ERR_OK);
}

bool place_begin(struct place *place, const struct script_sequence *sequence)
{
    struct mem_query_rep totals;
    struct mem_region none;

    clones_end(place, 1);
    place->last = 0;
    place->batch_end = 0;
    place->side = &place->sides[0];
    place->room = &sequence->room;
    if (!guest_object_forget() || !EXPECT_ERR(hf_unlock_all(place->side->process.space), ERR_OK) ||
        !place_limit(place, MEM_LIMIT_REGIONS, MEM_MAX_MAP_COUNT_DEFAULT) ||
        !place_limit(place, MEM_LIMIT_PAGES, MEM_UNLIMITED) ||
        !place_limit(place, MEM_LIMIT_DATA, MEM_UNLIMITED) ||
        !place_limit(place, MEM_LIMIT_LOCKED, MEM_LOCKED_MAX_DEFAULT) ||
        !place_limit(place, MEM_LIMIT_STACK, MEM_STACK_MAX_DEFAULT) ||
        !fill(place, place->head->lowest, HAND_PAGE) ||
        !fill(place, HAND_PAGE + PAGE_SIZE, USER_END)) {
        return false;
    }
    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        if (!empty_zone(place, &sequence->room.zones[i])) {
            return false;
        }
    }
    if (!EXPECT_ERR(hf_query(place->side->process.space, 0, 0, &none, &totals), ERR_OK)) {
        return false;
    }
    place->base_pages = totals.pages_total;
    return sequence->spare == SLOT_NOT_CROWDED ||
           place_limit(place, MEM_LIMIT_REGIONS, totals.regions_total + sequence->spare);
}
