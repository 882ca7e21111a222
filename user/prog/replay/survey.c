/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include <stddef.h>

#include "page.h"

/* Linux lets a stack grow to 8 MiB unless told otherwise (getrlimit(2), RLIMIT_STACK). */
#define SURVEY_STACK_BYTES_MAX (UINT64_C(8) << 20)
/* A call splits at both ends of its range and adds one block. */
#define SURVEY_BLOCKS_PER_CALL 3u

static const struct trace_region *survey_stack(const struct trace *trace)
{
    for (size_t i = 0; i < trace->regions_count; i++) {
        if (trace->regions[i].kind == REGION_STACK) {
            return &trace->regions[i];
        }
    }
    return NULL;
}

static void survey_brk(struct survey *survey, const struct event *event)
{
    uint64_t end = page_round_up(event->answer);

    if (survey->heap_end == 0) {
        survey->heap_start = end;
    }
    if (end > survey->heap_end) {
        survey->heap_end = end;
    }
}

/*
 * No heap grows past the start region above it; an event that says so is found wrong when its turn
 * comes.
 */
static void survey_limit_heap(const struct trace *trace, struct survey *survey)
{
    for (size_t i = 0; i < trace->regions_count; i++) {
        const struct trace_region *region = &trace->regions[i];

        if (region->end > survey->heap_start && region->start < survey->heap_end) {
            survey->heap_end =
                region->start > survey->heap_start ? region->start : survey->heap_start;
            return;
        }
    }
}

enum outcome survey_take(const struct trace *trace, struct pattern_table *patterns,
                         struct survey *survey)
{
    const struct trace_region *stack = survey_stack(trace);
    uint64_t stack_floor = 0;
    bool has_room = true;

    *survey = (struct survey){.blocks_max = trace->regions_count + SURVEY_BLOCKS_PER_CALL};
    if (stack != NULL) {
        survey->stack_low = stack->start;
        stack_floor =
            stack->end > SURVEY_STACK_BYTES_MAX ? stack->end - SURVEY_STACK_BYTES_MAX : PAGE_BYTES;
    }
    for (size_t i = 0; i < trace->events_count && has_room; i++) {
        const struct event *event = &trace->events[i];

        if (event->kind != EVENT_TOUCH) {
            survey->blocks_max += SURVEY_BLOCKS_PER_CALL;
        }
        if (event->kind == EVENT_BRK) {
            survey_brk(survey, event);
        } else if (event->kind == EVENT_REMAP && event->error == 0) {
            has_room = pattern_prepare_move(patterns, event->address,
                                            event->address + page_round_up(event->length),
                                            event->answer - event->address);
        } else if (event->kind == EVENT_TOUCH) {
            has_room = pattern_prepare(patterns, event->address, event->address + PAGE_BYTES);
            if (event->address >= stack_floor && event->address < survey->stack_low) {
                survey->stack_low = event->address;
            }
        }
    }
    survey_limit_heap(trace, survey);
    return has_room ? OUTCOME_OK : complain_memory(trace->path);
}
