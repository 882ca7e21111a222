/* SPDX-License-Identifier: MIT */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

PRINTF_LIKE(2, 0)
static void complain_print(struct place place, const char *format, va_list arguments)
{
    /* What was printed so far comes first, also where both streams end in one console. */
    (void)fflush(stdout);
    (void)fprintf(stderr, "replay: %s:%lu: ", place.path, (unsigned long)place.line);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

enum outcome complain_trace(struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain_print(place, format, arguments);
    va_end(arguments);
    return OUTCOME_TRACE;
}

enum outcome complain_answer(struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain_print(place, format, arguments);
    va_end(arguments);
    return OUTCOME_ANSWER;
}

enum outcome complain_file(const char *path, const char *reason)
{
    (void)fprintf(stderr, "replay: %s: %s\n", path, reason);
    return OUTCOME_TRACE;
}

enum outcome complain_memory(const char *path)
{
    (void)fprintf(stderr, "replay: %s: no memory for the replayer's own tables\n", path);
    return OUTCOME_MEMORY;
}
