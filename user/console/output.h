/* SPDX-License-Identifier: MIT */
/*
 * What is written, on its way to the device: texts that come whole go into a ring, those that come
 * in parts are put together first, so that nothing comes between their parts.
 *
 *   WHOLE ---------------------------------------------> ring -> device
 *   FIRST -> an unfinished text of the writer's -------> ring, all at once
 *   MIDDLE, LAST ----^                             |
 *                                                  its last part has come, or it is full, or its
 *                                                  writer begins another, or its place is needed
 *
 * I1  An unfinished text has at most CONSOLE_TEXT_MAX bytes, and its writer has no other.
 * I2  What was broken off is shown when its writer begins again or when its place is needed.
 * Pure C: tested on the host. Owner: the driver.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>
#include <console/proto.h>

#include "ring.h"

#define OUTPUT_UNFINISHED_MAX 16u

struct output_unfinished {
    uint64_t writer;
    size_t length;
    char bytes[CONSOLE_TEXT_MAX];
};

struct output {
    struct ring ring;
    unsigned count;
    struct output_unfinished unfinished[OUTPUT_UNFINISHED_MAX]; /* the oldest first */
};

/* Put an echo into the ring, as far as there is room for it. */
void output_echo(struct output *output, const char *bytes, size_t length);

/*
 * Take a piece of at most CONSOLE_BYTES_MAX bytes from a writer; newlines become "\r\n".
 *
 * Returns:   whether there was room in the ring for what is to be shown by it, beside that which
 *            is kept for echoes.
 * On false:  nothing changed.
 */
MUST_USE bool output_take(struct output *output, uint64_t writer, enum console_part part,
                          const char *bytes, size_t length);
