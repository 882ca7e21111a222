/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <string.h>

#include <base/assert.h>

/* Of the ring: echoes find room when writers have filled their part. */
#define ECHO_BYTES 512u

STATIC_ASSERT(ECHO_BYTES + 2 * (CONSOLE_TEXT_MAX + CONSOLE_BYTES_MAX) <= RING_BYTES,
              "a text finds room in an empty ring, with nothing but newlines");

void output_echo(struct output *output, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n') {
            (void)ring_put(&output->ring, '\r');
        }
        (void)ring_put(&output->ring, bytes[i]);
    }
}

static bool has_room(const struct output *output, size_t bytes)
{
    return ring_room(&output->ring) >= ECHO_BYTES + 2 * bytes;
}

static struct output_unfinished *find(struct output *output, uint64_t writer)
{
    for (unsigned i = 0; i < output->count; i++) {
        if (output->unfinished[i].writer == writer) {
            return &output->unfinished[i];
        }
    }
    return NULL;
}

/* Show what there is of a text, and forget it. */
static void show(struct output *output, struct output_unfinished *text)
{
    output_echo(output, text->bytes, text->length);
    output->count--;
    const size_t behind = (size_t)(&output->unfinished[output->count] - text);
    memmove(text, text + 1, behind * sizeof(*text));
}

static void append(struct output_unfinished *text, const char *bytes, size_t length)
{
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

/* A new text. What this writer has broken off, or the oldest, makes place for it. */
static bool begin(struct output *output, uint64_t writer, enum console_part part, const char *bytes,
                  size_t length)
{
    struct output_unfinished *old = find(output, writer);
    if (old == NULL && part == CONSOLE_FIRST && output->count == OUTPUT_UNFINISHED_MAX) {
        old = &output->unfinished[0];
    }
    const size_t shown = (old != NULL ? old->length : 0) + (part == CONSOLE_WHOLE ? length : 0);
    if (shown > 0 && !has_room(output, shown)) {
        return false;
    }
    if (old != NULL) {
        show(output, old);
    }
    if (part == CONSOLE_WHOLE) {
        output_echo(output, bytes, length);
    } else {
        struct output_unfinished *text = &output->unfinished[output->count++];
        text->writer = writer;
        text->length = 0;
        append(text, bytes, length);
    }
    return true;
}

bool output_take(struct output *output, uint64_t writer, enum console_part part, const char *bytes,
                 size_t length)
{
    if (part == CONSOLE_WHOLE || part == CONSOLE_FIRST) {
        return begin(output, writer, part, bytes, length);
    }
    struct output_unfinished *text = find(output, writer);
    if (text != NULL && part == CONSOLE_MIDDLE && text->length + length <= CONSOLE_TEXT_MAX) {
        append(text, bytes, length);
        return true;
    }
    /* The last part; too long a text; or the rest of one that had to make place. */
    if (!has_room(output, (text != NULL ? text->length : 0) + length)) {
        return false;
    }
    if (text != NULL) {
        show(output, text);
    }
    output_echo(output, bytes, length);
    return true;
}
