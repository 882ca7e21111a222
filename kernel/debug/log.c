/* SPDX-License-Identifier: MIT */
#include "debug/log.h"

#include <abi/ipc.h>
#include <abi/log.h>

#include "riscv/timer.h"

STATIC_ASSERT(sizeof(struct log_record) + MESSAGE_LOG_BYTES_MAX < LOG_BYTES / 2, "records fit");

static char log_ring[LOG_BYTES];
static uint64_t log_start; /* of the oldest record */
static uint64_t log_end;

static void copy_in(const void *from, uint64_t length)
{
    const char *bytes = from;
    for (uint64_t i = 0; i < length; i++) {
        log_ring[log_end++ % LOG_BYTES] = bytes[i];
    }
}

static void copy_out(uint64_t position, char *to, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        to[i] = log_ring[(position + i) % LOG_BYTES];
    }
}

void log_append(uint64_t source, uint32_t level, const char *bytes, uint64_t length)
{
    struct log_record record = {timer_now(), source, level, (uint32_t)length};
    struct log_record oldest;

    while (log_end + sizeof(record) + length - log_start > LOG_BYTES) {
        copy_out(log_start, (char *)&oldest, sizeof(oldest));
        log_start += sizeof(oldest) + oldest.length;
    }
    copy_in(&record, sizeof(record));
    copy_in(bytes, length);
}

uint64_t log_first(void)
{
    return log_start;
}

uint64_t log_copy(uint64_t position, char *to, uint64_t room)
{
    if (position < log_start || position > log_end) {
        return UINT64_MAX;
    }
    const uint64_t length = log_end - position < room ? log_end - position : room;
    copy_out(position, to, length);
    return length;
}
