/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "page.h"
#include "scan.h"

#define TRACE_FIRST_ENTRIES 64u
/* So that the number of an event fits in 31 bits with room for two values more. */
#define TRACE_EVENTS_MAX 0x40000000u

static const char trace_title[] = "# address-space trace 1";
static const char trace_lost[] = "# events lost: ";

struct place trace_place(const struct trace *trace, const struct event *event)
{
    return (struct place){.path = trace->path, .line = event->line};
}

/*
 * Make room for one more entry of `size` bytes behind the `count` at `entries`; the room doubles
 * whenever `count` is a power of two. NULL if there is no memory; `entries` is then as it was.
 */
static void *trace_grow(void *entries, size_t count, size_t size)
{
    bool is_full = count >= TRACE_FIRST_ENTRIES && (count & (count - 1)) == 0;

    if (entries != NULL && !is_full) {
        return entries;
    }
    size_t room = count == 0 ? TRACE_FIRST_ENTRIES : count * 2;
    return room > SIZE_MAX / size ? NULL : realloc(entries, room * size);
}

/* `# ...`: free text, but for the count of lost events. */
static enum outcome trace_parse_comment(const struct scan *scan)
{
    uint32_t lost;
    size_t length = strlen(trace_lost);

    if (strncmp(scan->current, trace_lost, length) != 0) {
        return OUTCOME_OK;
    }
    if (!scan_decimal(scan->current + length, &lost)) {
        return complain_trace(scan->place, "the count of lost events is not a number");
    }
    if (lost != 0) {
        return complain_trace(scan->place, "the recording lost %lu events", (unsigned long)lost);
    }
    return OUTCOME_OK;
}

static bool trace_parse_kind(const char *text, uint8_t *kind)
{
    static const char *const names[] = {
        [REGION_FILE] = "file", [REGION_ANON] = "anon", [REGION_STACK] = "stack"};

    for (uint8_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *kind = i;
            return true;
        }
    }
    return false;
}

static bool trace_has_stack(const struct trace *trace)
{
    for (size_t i = 0; i < trace->regions_count; i++) {
        if (trace->regions[i].kind == REGION_STACK) {
            return true;
        }
    }
    return false;
}

/* `region START END PROT KIND NAME`; the name may hold spaces. */
static enum outcome trace_parse_region(const struct scan *scan, struct trace *trace)
{
    struct trace_region region = {.line = scan->place.line};
    char *const *fields = scan->fields;

    if (scan->fields_count < 6) {
        return complain_trace(scan->place, "a region has START END PROT KIND NAME");
    }
    if (trace->events_count > 0) {
        return complain_trace(scan->place, "a start region stands behind an event");
    }
    if (!scan_hex(fields[1], &region.start) || !scan_hex(fields[2], &region.end)) {
        return complain_trace(scan->place, "a bound of the region is not an address in hex");
    }
    if (!event_parse_prot(fields[3], &region.prot)) {
        return complain_trace(scan->place, "'%.32s' is not a protection such as r-x", fields[3]);
    }
    if (!trace_parse_kind(fields[4], &region.kind)) {
        return complain_trace(scan->place, "'%.32s' is not file, anon or stack", fields[4]);
    }
    if (!page_is_aligned(region.start) || !page_is_aligned(region.end)) {
        return complain_trace(scan->place, "a bound of the region is not page aligned");
    }
    if (region.start >= region.end || region.end > PAGE_SPACE_END) {
        return complain_trace(scan->place, "the region is empty or leaves the address space");
    }
    if (region.kind == REGION_STACK && trace_has_stack(trace)) {
        return complain_trace(scan->place, "a second stack");
    }
    if (trace->regions_count > 0 && region.start < trace->regions[trace->regions_count - 1].end) {
        return complain_trace(scan->place, "the region overlaps the one before, or precedes it");
    }
    struct trace_region *regions =
        trace_grow(trace->regions, trace->regions_count, sizeof trace->regions[0]);
    if (regions == NULL) {
        return complain_memory(trace->path);
    }
    strncpy(region.name, fields[5], sizeof region.name - 1);
    regions[trace->regions_count++] = region;
    trace->regions = regions;
    return OUTCOME_OK;
}

static enum outcome trace_parse_event(const struct scan *scan, struct trace *trace)
{
    struct event event;
    enum outcome outcome = event_parse(scan, &event);

    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (trace->regions_count == 0) {
        return complain_trace(scan->place, "an event, and no start region before it");
    }
    if (trace->events_count == TRACE_EVENTS_MAX) {
        return complain_trace(scan->place, "more than %u events", TRACE_EVENTS_MAX);
    }
    struct event *events = trace_grow(trace->events, trace->events_count, sizeof trace->events[0]);
    if (events == NULL) {
        return complain_memory(trace->path);
    }
    events[trace->events_count++] = event;
    trace->events = events;
    return OUTCOME_OK;
}

/* Everything behind the first line. */
static enum outcome trace_parse_line(struct scan *scan, struct trace *trace)
{
    enum outcome outcome = scan_line(scan);

    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (scan->current[0] == '#') {
        return trace_parse_comment(scan);
    }
    outcome = scan_fields(scan);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (strcmp(scan->fields[0], "region") == 0) {
        return trace_parse_region(scan, trace);
    }
    return trace_parse_event(scan, trace);
}

static enum outcome trace_parse_title(struct scan *scan)
{
    if (scan_is_at_end(scan)) {
        scan->place.line = 1;
        return complain_trace(scan->place, "the file is empty");
    }
    enum outcome outcome = scan_line(scan);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (strcmp(scan->current, trace_title) != 0) {
        return complain_trace(scan->place, "a trace starts with the line '%s'", trace_title);
    }
    return OUTCOME_OK;
}

static enum outcome trace_parse(struct scan *scan, struct trace *trace)
{
    enum outcome outcome = trace_parse_title(scan);

    while (outcome == OUTCOME_OK && !scan_is_at_end(scan)) {
        outcome = trace_parse_line(scan, trace);
    }
    if (outcome == OUTCOME_OK && trace->events_count == 0) {
        outcome = complain_trace(scan->place, "the trace ends without any event");
    }
    return outcome;
}

enum outcome trace_load(const char *path, struct trace *trace)
{
    struct scan scan;
    enum outcome outcome = scan_load(path, &scan);

    *trace = (struct trace){.path = path};
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    outcome = trace_parse(&scan, trace);
    scan_fini(&scan);
    if (outcome != OUTCOME_OK) {
        trace_fini(trace);
    }
    return outcome;
}

void trace_fini(struct trace *trace)
{
    free(trace->regions);
    free(trace->events);
    *trace = (struct trace){.path = trace->path};
}
