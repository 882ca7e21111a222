/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <errno.h>
#include <string.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/kernel.h>

#define CONTROL_D 0x04

ssize_t console_write(const void *buffer, size_t count)
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
        enum err error = hf_log_write(HANDLE_LOG, length, &written);
        if (error != ERR_OK) {
            errno = hf_errno(error);
            return done > 0 ? (ssize_t)done : -1;
        }
        done += written;
    }
    return (ssize_t)done;
}

ssize_t console_read(void *buffer, size_t count)
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
            errno = hf_errno(error);
            return -1;
        }
        bytes[done] = byte == '\r' ? '\n' : (char)byte;
        done++;
        if (bytes[done - 1] == '\n') {
            break;
        }
    }
    return (ssize_t)done;
}
