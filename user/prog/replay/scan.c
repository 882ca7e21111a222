/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_FIRST_BYTES 65536u

/* Read `file` to its end into a buffer that doubles. */
static enum outcome scan_read(FILE *file, struct scan *scan)
{
    size_t capacity = SCAN_FIRST_BYTES;

    scan->text = malloc(capacity);
    if (scan->text == NULL) {
        return complain_memory(scan->place.path);
    }
    for (;;) {
        size_t room = capacity - scan->text_length;
        size_t got = fread(scan->text + scan->text_length, 1, room, file);

        scan->text_length += got;
        if (got < room) {
            break;
        }
        char *larger = capacity > SIZE_MAX / 2 ? NULL : realloc(scan->text, capacity * 2);
        if (larger == NULL) {
            scan_fini(scan);
            return complain_memory(scan->place.path);
        }
        scan->text = larger;
        capacity *= 2;
    }
    if (ferror(file)) {
        scan_fini(scan);
        return complain_file(scan->place.path, strerror(errno));
    }
    return OUTCOME_OK;
}

enum outcome scan_load(const char *path, struct scan *scan)
{
    *scan = (struct scan){.place = {.path = path, .line = 0}};
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return complain_file(path, strerror(errno));
    }
    enum outcome outcome = scan_read(file, scan);
    (void)fclose(file);
    return outcome;
}

void scan_fini(struct scan *scan)
{
    free(scan->text);
    scan->text = NULL;
}

bool scan_is_at_end(const struct scan *scan)
{
    return scan->next == scan->text_length;
}

enum outcome scan_line(struct scan *scan)
{
    char *line = scan->text + scan->next;
    size_t left = scan->text_length - scan->next;
    char *newline = memchr(line, '\n', left);

    scan->place.line++;
    if (newline == NULL) {
        return complain_trace(scan->place, "the line has no end: the trace is cut off here");
    }
    *newline = '\0';
    if (strlen(line) != (size_t)(newline - line)) {
        return complain_trace(scan->place, "the line holds a NUL byte");
    }
    if (newline == line) {
        return complain_trace(scan->place, "the line is empty");
    }
    scan->current = line;
    scan->next += (size_t)(newline - line) + 1;
    return OUTCOME_OK;
}

enum outcome scan_fields(struct scan *scan)
{
    char *field = scan->current;

    for (const char *at = field; *at != '\0'; at++) {
        /* Complaints quote fields: what would act on a terminal is not let through. */
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            return complain_trace(scan->place, "the line holds a control character");
        }
    }
    scan->fields_count = 0;
    while (field != NULL) {
        bool is_last = scan->fields_count == SCAN_FIELDS_MAX - 1;
        char *space = is_last ? NULL : strchr(field, ' ');

        if (space != NULL) {
            *space = '\0';
        }
        scan->fields[scan->fields_count++] = field;
        if (field[0] == '\0') {
            return complain_trace(scan->place, "field %u is empty", scan->fields_count);
        }
        field = space == NULL ? NULL : space + 1;
    }
    return OUTCOME_OK;
}

static int scan_digit(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return -1;
}

bool scan_hex(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    size_t digits = 0;

    for (; text[digits] != '\0'; digits++) {
        int digit = scan_digit(text[digits]);

        if (digit < 0 || digits == 16) {
            return false;
        }
        sum = sum * 16 + (uint64_t)digit;
    }
    if (digits == 0) {
        return false;
    }
    *value = sum;
    return true;
}

bool scan_decimal(const char *text, uint32_t *value)
{
    uint64_t sum = 0;
    size_t digits = 0;

    for (; text[digits] != '\0'; digits++) {
        int digit = scan_digit(text[digits]);

        if (digit < 0 || digit > 9 || digits == 10) {
            return false;
        }
        sum = sum * 10 + (uint64_t)digit;
    }
    if (digits == 0 || sum > INT32_MAX) {
        return false;
    }
    *value = (uint32_t)sum;
    return true;
}
