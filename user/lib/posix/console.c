/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <errno.h>
#include <string.h>

#include <hf/console.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/kernel.h>

#define CONTROL_D 0x04

static ssize_t fail(enum err error)
{
    errno = hf_errno(error);
    return -1;
}

/* Without a console: to the log. */
static ssize_t log_write(const void *buffer, size_t count, enum log_level level)
{
    const char *bytes = buffer;
    size_t done = 0;
    while (done < count) {
        size_t length = count - done;
        if (length > MESSAGE_LOG_BYTES_MAX) {
            length = MESSAGE_LOG_BYTES_MAX;
        }
        memcpy(hf_message_page(), bytes + done, length);
        uint64_t written = 0;
        enum err error = hf_log_write_level(HANDLE_LOG, length, level, &written);
        if (error != ERR_OK) {
            return done > 0 ? (ssize_t)done : fail(error);
        }
        done += written;
    }
    return (ssize_t)done;
}

static ssize_t log_read(void *buffer, size_t count)
{
    char *bytes = buffer;
    size_t done = 0;
    while (done < count) {
        uint64_t byte = 0;
        enum err error = hf_log_read(HANDLE_LOG, &byte);
        if (error == ERR_WOULD_BLOCK && done == 0) {
            (void)hf_yield();
            continue;
        }
        if (error == ERR_WOULD_BLOCK || (error == ERR_OK && byte == CONTROL_D)) {
            break;
        }
        if (error != ERR_OK) {
            return fail(error);
        }
        bytes[done] = byte == '\r' ? '\n' : (char)byte;
        done++;
        if (bytes[done - 1] == '\n') {
            break;
        }
    }
    return (ssize_t)done;
}

ssize_t console_write(const void *buffer, size_t count, bool is_error)
{
    const uint64_t console = hf_env()->console;
    if (console == HANDLE_NONE) {
        return log_write(buffer, count, is_error ? LOG_WARNING : LOG_INFO);
    }
    enum err error = hf_console_write(console, buffer, count);
    return error == ERR_OK ? (ssize_t)count : fail(error);
}

ssize_t console_read(void *buffer, size_t count)
{
    const uint64_t console = hf_env()->console;
    size_t length = 0;
    if (console == HANDLE_NONE) {
        return log_read(buffer, count);
    }
    enum err error = count == 0 ? ERR_OK : hf_console_read(console, buffer, count, &length);
    return error == ERR_OK ? (ssize_t)length : fail(error);
}
