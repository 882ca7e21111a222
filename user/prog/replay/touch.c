/* SPDX-License-Identifier: MIT */
#include "touch.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "object.h"
#include "page.h"

/* A page that may be written may be read, here as on the machine that recorded. */
static bool touch_is_readable(const struct block *block)
{
    return (block->traits.prot & (TRACE_PROT_READ | TRACE_PROT_WRITE)) != 0;
}

/*
 * Grow the stack to the page at `address`, which no block knows; NULL in `grown` if the stack is
 * not above it.
 */
static enum outcome touch_grow_stack(struct replay *replay, const struct event *event,
                                     struct block **grown)
{
    struct layout_room *room = &replay->layout.stack;
    uint64_t address = event->address;
    const struct block *above = block_first(&replay->blocks, address);

    *grown = NULL;
    if (address < room->start || address >= room->end || above == NULL ||
        above->traits.kind != REGION_STACK || block_start(above) != room->end) {
        return OUTCOME_OK;
    }
    void *own = replay_own(address, room->distance);
    void *answer = mmap(own, (size_t)(room->end - address), object_prot(above->traits.prot),
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (answer != own) {
        return complain_answer(replay_place(replay, event), "the stack cannot grow: %s",
                               strerror(errno));
    }
    uint64_t merges = replay->blocks.merges;
    block_insert(&replay->blocks, address, room->end, room->distance, above->traits);
    room->end = address;
    block_settle(&replay->blocks, address, block_start(above));
    /* One region that grew, not two that became one. */
    replay->blocks.merges = merges;
    replay->counts.stack_growths++;
    *grown = block_find(&replay->blocks, address);
    return OUTCOME_OK;
}

/* What the page at the recorded `address` of a block holds below what was written to it. */
static struct pattern_ground touch_ground(struct replay *replay, const struct block *block,
                                          uint64_t address)
{
    const struct block_traits *traits = &block->traits;
    struct pattern_ground ground = {.has_file = false};

    if (traits->file != 0) {
        ground = file_ground(&replay->files, traits->file, address + traits->object_base);
        ground.is_shared = (traits->attributes & BLOCK_SHARED) != 0;
    }
    return ground;
}

/* Write to a page; what goes to a file others see. */
static const char *touch_write(struct replay *replay, uint32_t index, const struct block *block,
                               void *own, const struct pattern_ground *ground)
{
    uint64_t address = replay->trace->events[index].address;
    const struct block_traits *traits = &block->traits;

    if (ground->is_shared) {
        pattern_set_value(&replay->files.shared,
                          file_key(traits->file, address + traits->object_base),
                          pattern_value_of(index));
    }
    return pattern_write(&replay->patterns, address, own, index, ground);
}

static const char *touch_page(struct replay *replay, uint32_t index, const struct block *block)
{
    const struct event *event = &replay->trace->events[index];
    void *own = replay_own(event->address, block->distance);
    struct pattern_ground ground = touch_ground(replay, block, event->address);

    if (event->prot == TRACE_PROT_WRITE) {
        replay->counts.touches_write++;
        return touch_write(replay, index, block, own, &ground);
    }
    if (event->prot == TRACE_PROT_READ) {
        replay->counts.touches_read++;
        return pattern_read(&replay->patterns, event->address, own, &ground);
    }
    /* An instruction fetch: nothing to execute is there, so the page is read where it can be. */
    replay->counts.touches_exec++;
    return touch_is_readable(block) ? pattern_read(&replay->patterns, event->address, own, &ground)
                                    : NULL;
}

enum outcome touch_replay(struct replay *replay, uint32_t index)
{
    const struct event *event = &replay->trace->events[index];
    struct place place = replay_place(replay, event);
    struct block *block = block_find(&replay->blocks, event->address);

    if (block == NULL) {
        enum outcome outcome = touch_grow_stack(replay, event, &block);

        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    }
    if (block == NULL) {
        return complain_trace(place, "a touch of %lx, which is not mapped",
                              (unsigned long)event->address);
    }
    bool is_allowed = event->prot == TRACE_PROT_READ ? touch_is_readable(block)
                                                     : (block->traits.prot & event->prot) != 0;
    if (!is_allowed) {
        return complain_trace(place, "the protection of %lx forbids this touch",
                              (unsigned long)event->address);
    }
    if (!touch_fill(replay, event->address, event->address + PAGE_BYTES)) {
        return complain_answer(place, "the file cannot be written: %s", strerror(errno));
    }
    const char *fault = touch_page(replay, index, block);
    if (fault != NULL) {
        return complain_answer(place, "%s: %lx", fault, (unsigned long)event->address);
    }
    if (replay->patterns.resident > replay->counts.resident_max) {
        replay->counts.resident_max = replay->patterns.resident;
    }
    return OUTCOME_OK;
}

bool touch_fill(struct replay *replay, uint64_t start, uint64_t end)
{
    for (const struct block *block = block_first(&replay->blocks, start);
         block != NULL && block_start(block) < end; block = block_next(block)) {
        const struct block_traits *traits = &block->traits;
        uint64_t low = block_start(block) > start ? block_start(block) : start;
        uint64_t high = block->end < end ? block->end : end;

        if (traits->file != 0 &&
            !file_fill(&replay->files, traits->file, low + traits->object_base, high - low)) {
            return false;
        }
    }
    return true;
}

/* Check the touched pages of [start, end), all of it inside `block`. */
static enum outcome touch_check_block(struct replay *replay, const struct event *event,
                                      const struct block *block, uint64_t start, uint64_t end,
                                      bool is_whole)
{
    for (uint64_t page = pattern_next(&replay->patterns, start, end); page < end;
         page = pattern_next(&replay->patterns, page + PAGE_BYTES, end)) {
        struct pattern_ground ground = touch_ground(replay, block, page);
        const char *fault = pattern_check(&replay->patterns, page,
                                          replay_own(page, block->distance), is_whole, &ground);

        if (fault != NULL) {
            return complain_answer(replay_place(replay, event), "%s: %lx", fault,
                                   (unsigned long)page);
        }
    }
    return OUTCOME_OK;
}

enum outcome touch_check(struct replay *replay, const struct event *event, uint64_t start,
                         uint64_t end)
{
    for (const struct block *block = block_first(&replay->blocks, start);
         block != NULL && block_start(block) < end; block = block_next(block)) {
        uint64_t low = block_start(block) > start ? block_start(block) : start;
        uint64_t high = block->end < end ? block->end : end;
        enum outcome outcome = OUTCOME_OK;

        if (touch_is_readable(block)) {
            outcome = touch_check_block(replay, event, block, low, high, false);
        }
        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    }
    return OUTCOME_OK;
}

enum outcome touch_check_all(struct replay *replay)
{
    const struct event *event = &replay->trace->events[replay->trace->events_count - 1];

    for (const struct block *block = block_first(&replay->blocks, 0); block != NULL;
         block = block_next(block)) {
        uint64_t start = block_start(block);
        bool is_touched = pattern_next(&replay->patterns, start, block->end) < block->end;

        if (is_touched && !touch_is_readable(block) &&
            mprotect(replay_own(start, block->distance), (size_t)(block->end - start), PROT_READ) !=
                0) {
            return complain_answer(replay_place(replay, event), "%lx cannot be made readable: %s",
                                   (unsigned long)start, strerror(errno));
        }
        enum outcome outcome = touch_check_block(replay, event, block, start, block->end, true);
        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    }
    return OUTCOME_OK;
}
