/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <stddef.h>
#include <string.h>

bool arguments_parse(const char *data, uint64_t bytes, struct arguments *arguments,
                     const char **why)
{
    *arguments = (struct arguments){.is_quiet = false};
    if (bytes > 0 && data[bytes - 1] != '\0') {
        *why = "it is cut off";
        return false;
    }
    for (uint64_t i = 0; i < bytes; i += strlen(data + i) + 1) {
        const char *string = data + i;
        if (arguments->count == 0 && string[0] == '-') {
            if (strcmp(string, "-q") != 0) {
                *why = "it has an option that init does not know";
                return false;
            }
            arguments->is_quiet = true;
            continue;
        }
        if (arguments->count == ARGUMENTS_MAX) {
            *why = "it has too many arguments";
            return false;
        }
        arguments->strings[arguments->count] = string;
        arguments->count++;
    }
    return true;
}
