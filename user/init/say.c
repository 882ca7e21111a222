/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <abi/log.h>
#include <hf/console.h>
#include <hf/env.h>
#include <hf/kernel.h>

#define LINE_BYTES 256u

static void keep(const char *line, size_t length, uint64_t level)
{
    uint64_t written = 0;
    memcpy(hf_message_page(), line, length);
    (void)hf_log_write_level(HANDLE_LOG, length, level, &written);
}

void say(uint64_t console, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list values;
    va_start(values, format);
    const int needed = vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    if (needed <= 0) {
        return;
    }
    size_t length = (size_t)needed;
    if (length >= sizeof(line)) {
        length = sizeof(line) - 1;
        line[length - 1] = '\n';
    }
    const uint64_t latest = hf_time_now() + hf_env()->timebase_hz;
    const bool is_shown =
        console != HANDLE_NONE && hf_console_write_until(console, line, length, latest) == ERR_OK;
    keep(line, length, is_shown ? LOG_INFO | LOG_KEPT : LOG_INFO);
}
