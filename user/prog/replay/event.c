/* SPDX-License-Identifier: MIT */
#include "event.h"

#include <string.h>

#include "page.h"

/* What may stand at one place of an event line. */
enum field {
    FIELD_NONE,
    FIELD_ADDRESS,
    FIELD_LENGTH,
    FIELD_LENGTH_NEW,
    FIELD_ADDRESS_NEW,
    FIELD_PROT,
    FIELD_MAP_FLAGS,
    FIELD_REMAP_FLAGS,
    FIELD_FILE,
    FIELD_OFFSET,
    FIELD_NUMBER,
    FIELD_ACCESS,
    FIELD_EQUALS,
    FIELD_ANSWER,
};

#define FIELDS_MAX      9
#define ERROR_MAX       4095u /* the largest errno value that a system call can return */
#define EVENT_FILE_NONE UINT32_MAX

static const struct {
    const char *name;
    enum field fields[FIELDS_MAX];
} event_forms[EVENT_KINDS] = {
    [EVENT_MAP] = {"map",
                   {FIELD_ADDRESS, FIELD_LENGTH, FIELD_PROT, FIELD_MAP_FLAGS, FIELD_FILE,
                    FIELD_OFFSET, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_UNMAP] = {"unmap", {FIELD_ADDRESS, FIELD_LENGTH, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_PROTECT] = {"protect",
                       {FIELD_ADDRESS, FIELD_LENGTH, FIELD_PROT, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_BRK] = {"brk", {FIELD_ADDRESS, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_REMAP] = {"remap",
                     {FIELD_ADDRESS, FIELD_LENGTH, FIELD_LENGTH_NEW, FIELD_REMAP_FLAGS,
                      FIELD_ADDRESS_NEW, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_ADVISE] = {"advise",
                      {FIELD_ADDRESS, FIELD_LENGTH, FIELD_NUMBER, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_LOCK] = {"lock", {FIELD_ADDRESS, FIELD_LENGTH, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_UNLOCK] = {"unlock", {FIELD_ADDRESS, FIELD_LENGTH, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_SYNC] = {"sync",
                    {FIELD_ADDRESS, FIELD_LENGTH, FIELD_NUMBER, FIELD_EQUALS, FIELD_ANSWER}},
    [EVENT_TOUCH] = {"touch", {FIELD_ADDRESS, FIELD_ACCESS}},
};

static const struct {
    const char *name;
    uint32_t flag;
} event_map_flags[] = {
    {"shared", TRACE_MAP_SHARED},
    {"private", TRACE_MAP_PRIVATE},
    {"shared_validate", TRACE_MAP_SHARED_VALIDATE},
    {"fixed", TRACE_MAP_FIXED},
    {"fixed_noreplace", TRACE_MAP_FIXED_NOREPLACE},
    {"anon", TRACE_MAP_ANON},
    {"anonymous", TRACE_MAP_ANON},
    {"growsdown", TRACE_MAP_GROWSDOWN},
    {"noreserve", TRACE_MAP_NORESERVE},
    {"locked", TRACE_MAP_LOCKED},
    {"populate", TRACE_MAP_POPULATE},
    {"nonblock", TRACE_MAP_NONBLOCK},
    {"stack", TRACE_MAP_STACK},
    {"hugetlb", TRACE_MAP_HUGETLB},
    {"denywrite", TRACE_MAP_NO_EFFECT},
    {"executable", TRACE_MAP_NO_EFFECT},
    {"32bit", TRACE_MAP_NO_EFFECT},
};

bool event_parse_prot(const char *text, uint8_t *prot)
{
    static const char letters[] = "rwx";
    uint8_t bits = 0;

    if (strlen(text) != 3) {
        return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (text[i] == letters[i]) {
            bits |= (uint8_t)(1u << i);
        } else if (text[i] != '-') {
            return false;
        }
    }
    *prot = bits;
    return true;
}

static bool event_parse_access(const char *text, uint8_t *prot)
{
    static const char letters[] = "rwx";
    const char *letter = strchr(letters, text[0]);

    if (text[0] == '\0' || text[1] != '\0' || letter == NULL) {
        return false;
    }
    *prot = (uint8_t)(1u << (letter - letters));
    return true;
}

/* Add the flag that is named by the `length` characters at `name`. */
static bool event_parse_map_flag(const char *name, size_t length, uint32_t *flags)
{
    for (size_t i = 0; i < sizeof event_map_flags / sizeof event_map_flags[0]; i++) {
        const char *known = event_map_flags[i].name;

        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *flags |= event_map_flags[i].flag;
            return true;
        }
    }
    return false;
}

static bool event_parse_map_flags(const char *text, uint32_t *flags)
{
    uint32_t sum = 0;

    for (;;) {
        size_t length = strcspn(text, ",");

        if (!event_parse_map_flag(text, length, &sum)) {
            return false;
        }
        if (text[length] == '\0') {
            break;
        }
        text += length + 1;
    }
    *flags = sum;
    return true;
}

static bool event_parse_answer(const char *text, struct event *event)
{
    uint32_t error;

    if (text[0] != '-') {
        return scan_hex(text, &event->answer);
    }
    if (!scan_decimal(text + 1, &error) || error == 0 || error > ERROR_MAX) {
        return false;
    }
    event->error = (uint16_t)error;
    return true;
}

static bool event_parse_file(const char *text, uint32_t *number)
{
    if (strcmp(text, "-") == 0) {
        *number = EVENT_FILE_NONE;
        return true;
    }
    return scan_decimal(text, number);
}

/* Put the value of one field in its place in `event`; false if `text` is no such value. */
static bool event_parse_field(enum field field, const char *text, struct event *event)
{
    switch (field) {
    case FIELD_ADDRESS:
        return scan_hex(text, &event->address);
    case FIELD_LENGTH:
        return scan_hex(text, &event->length);
    case FIELD_LENGTH_NEW:
        return scan_hex(text, &event->length_new);
    case FIELD_ADDRESS_NEW:
        return scan_hex(text, &event->address_new);
    case FIELD_PROT:
        return event_parse_prot(text, &event->prot);
    case FIELD_MAP_FLAGS:
        return event_parse_map_flags(text, &event->flags);
    case FIELD_REMAP_FLAGS:
        return scan_decimal(text, &event->flags);
    case FIELD_FILE:
        return event_parse_file(text, &event->number);
    case FIELD_OFFSET:
        return scan_hex(text, &event->offset);
    case FIELD_NUMBER:
        return scan_decimal(text, &event->number);
    case FIELD_ACCESS:
        return event_parse_access(text, &event->prot);
    case FIELD_EQUALS:
        return strcmp(text, "=") == 0;
    case FIELD_ANSWER:
        return event_parse_answer(text, event);
    case FIELD_NONE:
        break;
    }
    return false;
}

static const char *event_field_name(enum field field)
{
    static const char *const names[] = {
        [FIELD_NONE] = "nothing",
        [FIELD_ADDRESS] = "an address in hex",
        [FIELD_LENGTH] = "a length in hex",
        [FIELD_LENGTH_NEW] = "a length in hex",
        [FIELD_ADDRESS_NEW] = "an address in hex",
        [FIELD_PROT] = "a protection such as r-x",
        [FIELD_MAP_FLAGS] = "map flags by name, comma separated",
        [FIELD_REMAP_FLAGS] = "remap flags in decimal",
        [FIELD_FILE] = "a file number or -",
        [FIELD_OFFSET] = "an offset in hex",
        [FIELD_NUMBER] = "a decimal number",
        [FIELD_ACCESS] = "an access: r, w or x",
        [FIELD_EQUALS] = "=",
        [FIELD_ANSWER] = "an answer in hex or a negative error number",
    };

    return names[field];
}

static enum outcome event_check_map(struct place place, const struct event *event)
{
    uint32_t type = event->flags & TRACE_MAP_TYPE;
    bool is_anon = (event->flags & TRACE_MAP_ANON) != 0;
    bool is_fixed = (event->flags & (TRACE_MAP_FIXED | TRACE_MAP_FIXED_NOREPLACE)) != 0;

    if (type == 0 || (type & (type - 1)) != 0) {
        return complain_trace(place, "a map is one of shared, private and shared_validate");
    }
    if (is_anon != (event->number == EVENT_FILE_NONE)) {
        return complain_trace(place, is_anon ? "an anonymous map names a file"
                                             : "a map that is not anonymous names no file");
    }
    if (event->error != 0) {
        return OUTCOME_OK;
    }
    if (!page_is_aligned(event->offset)) {
        return complain_trace(place, "the offset is not page aligned, yet the map succeeded");
    }
    if (event->length == 0 || !page_is_aligned(event->answer) ||
        !page_range_fits(event->answer, event->length)) {
        return complain_trace(place, "no map can be answered by these pages");
    }
    if (is_fixed && event->answer != event->address) {
        return complain_trace(place, "a fixed map is answered by another address");
    }
    return OUTCOME_OK;
}

static enum outcome event_check_remap(struct place place, const struct event *event)
{
    bool is_fixed = (event->flags & TRACE_REMAP_FIXED) != 0;

    if (event->error != 0) {
        return OUTCOME_OK;
    }
    if ((event->flags & ~TRACE_REMAP_ALL) != 0) {
        return complain_trace(place, "unknown remap flags");
    }
    if (!page_is_aligned(event->address) || !page_is_aligned(event->answer)) {
        return complain_trace(place, "the address is not page aligned, yet the call succeeded");
    }
    if (event->length == 0 || event->length_new == 0 ||
        !page_range_fits(event->address, event->length) ||
        !page_range_fits(event->answer, event->length_new)) {
        return complain_trace(place, "the range is empty or leaves the address space");
    }
    if (is_fixed && event->answer != event->address_new) {
        return complain_trace(place, "a fixed remap is answered by another address");
    }
    bool is_in_place = event->answer == event->address;
    bool is_apart = event->answer + page_round_up(event->length_new) <= event->address ||
                    event->address + page_round_up(event->length) <= event->answer;
    bool must_move = (event->flags & (TRACE_REMAP_FIXED | TRACE_REMAP_DONTUNMAP)) != 0;
    if (is_in_place ? must_move : !is_apart) {
        return complain_trace(place, "the range moves onto itself");
    }
    return OUTCOME_OK;
}

/* unmap, protect, advise, lock, unlock, sync: a range, and 0 if it went well. */
static enum outcome event_check_range(struct place place, const struct event *event)
{
    if (event->error != 0) {
        return OUTCOME_OK;
    }
    if (event->answer != 0) {
        return complain_trace(place, "the answer is neither 0 nor a negative error number");
    }
    /* Linux rounds down what is to be locked, and nothing else (mlock(2), munmap(2)). */
    if (!page_is_aligned(event->address) && event->kind != EVENT_LOCK &&
        event->kind != EVENT_UNLOCK) {
        return complain_trace(place, "the address is not page aligned, yet the call succeeded");
    }
    if (!page_range_fits(event->address, event->length)) {
        return complain_trace(place, "the range leaves the address space");
    }
    if (event->kind == EVENT_UNMAP && event->length == 0) {
        return complain_trace(place, "an unmap of nothing cannot succeed");
    }
    return OUTCOME_OK;
}

static enum outcome event_check_brk(struct place place, const struct event *event)
{
    if (event->error != 0) {
        return complain_trace(place, "brk answers the break, never an error");
    }
    if (!page_range_fits(event->answer, 0)) {
        return complain_trace(place, "the break leaves the address space");
    }
    return OUTCOME_OK;
}

static enum outcome event_check_touch(struct place place, const struct event *event)
{
    if (!page_is_aligned(event->address)) {
        return complain_trace(place, "the touched address is not page aligned");
    }
    if (!page_range_fits(event->address, PAGE_BYTES)) {
        return complain_trace(place, "the touched page leaves the address space");
    }
    return OUTCOME_OK;
}

static enum outcome event_check(struct place place, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_MAP:
        return event_check_map(place, event);
    case EVENT_REMAP:
        return event_check_remap(place, event);
    case EVENT_BRK:
        return event_check_brk(place, event);
    case EVENT_TOUCH:
        return event_check_touch(place, event);
    case EVENT_UNMAP:
    case EVENT_PROTECT:
    case EVENT_ADVISE:
    case EVENT_LOCK:
    case EVENT_UNLOCK:
    case EVENT_SYNC:
        break;
    }
    return event_check_range(place, event);
}

enum outcome event_parse(const struct scan *scan, struct event *event)
{
    struct event parsed = {.line = scan->place.line};
    unsigned kind = 0;

    while (kind < EVENT_KINDS && strcmp(scan->fields[0], event_forms[kind].name) != 0) {
        kind++;
    }
    if (kind == EVENT_KINDS) {
        return complain_trace(scan->place, "unknown event '%.32s'", scan->fields[0]);
    }
    parsed.kind = (uint8_t)kind;
    for (unsigned i = 0; i < FIELDS_MAX; i++) {
        enum field field = event_forms[kind].fields[i];

        if (field == FIELD_NONE) {
            if (i + 1 < scan->fields_count) {
                return complain_trace(scan->place, "'%.32s' does not belong in the line",
                                      scan->fields[i + 1]);
            }
            break;
        }
        if (i + 1 >= scan->fields_count) {
            return complain_trace(scan->place, "the line ends where %s is wanted",
                                  event_field_name(field));
        }
        if (!event_parse_field(field, scan->fields[i + 1], &parsed)) {
            return complain_trace(scan->place, "'%.32s' is not %s", scan->fields[i + 1],
                                  event_field_name(field));
        }
    }
    enum outcome outcome = event_check(scan->place, &parsed);
    if (outcome == OUTCOME_OK) {
        *event = parsed;
    }
    return outcome;
}

const char *event_name(enum event_kind kind)
{
    return event_forms[kind].name;
}
