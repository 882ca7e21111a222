/* SPDX-License-Identifier: MIT */
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hf/end.h>
#include <hf/env.h>

#define NAME_BYTES_MAX 64u
#define LINE_BYTES     (HF_END_BYTES + NAME_BYTES_MAX + 32u)
#define PROGRAMS       "bin/" /* of the archive: without, as everybody says how they ended */

void tell_end(uint64_t space_id, const char *how)
{
    char line[LINE_BYTES];
    const char *name = hf_env()->name;

    if (strncmp(name, PROGRAMS, strlen(PROGRAMS)) == 0) {
        name += strlen(PROGRAMS);
    }
    const int length = snprintf(line, sizeof(line), "[%" PRIu64 "] %.*s: %s\n", space_id,
                                (int)NAME_BYTES_MAX, name, how);

    if (length > 0) {
        (void)!write(STDERR_FILENO, line, (size_t)length);
    }
}
