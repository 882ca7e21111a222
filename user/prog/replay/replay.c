/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "heap.h"
#include "instructions.h"
#include "mapping.h"
#include "page.h"
#include "range.h"
#include "regions.h"
#include "remap.h"
#include "survey.h"
#include "touch.h"

struct place replay_place(const struct replay *replay, const struct event *event)
{
    return (struct place){.path = replay->trace->path, .line = event->line};
}

void *replay_own(uint64_t address, uint64_t distance)
{
    return (void *)(uintptr_t)(address + distance);
}

enum outcome replay_check_answer(const struct replay *replay, const struct event *event,
                                 uint64_t own, uint64_t length)
{
    struct place place = replay_place(replay, event);

    if (!page_is_aligned(own) || own + length < own) {
        return complain_answer(place, "the answer %lx is no place for pages", (unsigned long)own);
    }
    if (!block_own_is_free(&replay->blocks, own, own + length) ||
        !layout_is_clear(&replay->layout, own, own + length)) {
        return complain_answer(place, "the answer %lx is memory in use", (unsigned long)own);
    }
    return OUTCOME_OK;
}

enum outcome replay_check_refusal(const struct replay *replay, const struct event *event,
                                  intptr_t result)
{
    int error = errno;
    struct place place = replay_place(replay, event);

    if (result != -1) {
        return complain_answer(place, "%s succeeded, and was refused when recorded: %s",
                               event_name(event->kind), strerror(event->error));
    }
    if (error != event->error) {
        return complain_answer(place, "%s was refused with error %d, recorded is %d",
                               event_name(event->kind), error, event->error);
    }
    return OUTCOME_OK;
}

enum outcome replay_init(struct replay *replay, const struct trace *trace, const char *folder_opt)
{
    struct survey survey;

    *replay = (struct replay){.trace = trace};
    pattern_init(&replay->patterns, trace);
    enum outcome outcome = file_table_init(&replay->files, trace, folder_opt);
    if (outcome == OUTCOME_OK) {
        outcome = survey_take(trace, &replay->patterns, &survey);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (!block_map_init(&replay->blocks, survey.blocks_max)) {
        return complain_memory(trace->path);
    }
    replay->heap_start = survey.heap_start;
    outcome = layout_place(trace, &survey, &replay->files, &replay->blocks, &replay->layout);
    /* What the start regions join among themselves no call has joined. */
    replay->blocks.merges = 0;
    return outcome;
}

void replay_fini(struct replay *replay)
{
    block_map_fini(&replay->blocks);
    pattern_fini(&replay->patterns);
    file_table_fini(&replay->files);
}

static enum outcome replay_event(struct replay *replay, uint32_t index)
{
    const struct event *event = &replay->trace->events[index];

    switch ((enum event_kind)event->kind) {
    case EVENT_TOUCH:
        return touch_replay(replay, index);
    case EVENT_MAP:
        return mapping_replay(replay, event);
    case EVENT_REMAP:
        return remap_replay(replay, event);
    case EVENT_BRK:
        return heap_replay(replay, event);
    case EVENT_UNMAP:
    case EVENT_PROTECT:
    case EVENT_ADVISE:
    case EVENT_LOCK:
    case EVENT_UNLOCK:
    case EVENT_SYNC:
        break;
    }
    return range_replay(replay, event);
}

enum outcome replay_run(struct replay *replay)
{
    enum outcome outcome = OUTCOME_OK;
    uint64_t faults_before = 0;
    uint64_t faults_after = 0;
    bool has_before = regions_faults(&faults_before);
    uint64_t before = instructions_now();

    for (size_t i = 0; i < replay->trace->events_count && outcome == OUTCOME_OK; i++) {
        outcome = replay_event(replay, (uint32_t)i);
        replay->counts.events[replay->trace->events[i].kind]++;
    }
    replay->instructions = instructions_now() - before;
    replay->has_faults = has_before && regions_faults(&faults_after);
    replay->faults = faults_after - faults_before;
    return outcome;
}
