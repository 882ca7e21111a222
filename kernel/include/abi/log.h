/* SPDX-License-Identifier: MIT */
/*
 * Records of the log: what SYS_LOG_COPY copies out, each followed by `length` bytes of text.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/* How urgent it is. */
enum log_level {
    LOG_INFO = 0,
    LOG_WARNING = 1,
    LOG_ERROR = 2,
    LOG_DEBUG = 3,
};
#define LOG_LEVELS 4u
/* With a level: kept in the log, and not shown: whoever writes it shows it himself. */
#define LOG_KEPT UINT64_C(0x100)

struct log_record {
    uint64_t time;   /* time CSR */
    uint64_t source; /* badge of the handle that it was written by; 0: the system */
    uint32_t level;  /* enum log_level */
    uint32_t length;
};

STATIC_ASSERT(sizeof(struct log_record) == 24, "copied out as it is");
