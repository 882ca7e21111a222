/* SPDX-License-Identifier: MIT */
/*
 * A small printf() over the firmware's console.
 *
 * A line is put together in a buffer, so that DBCN is called once for it.
 */
#include "debug/console.h"

#include <abi/ipc.h>
#include <abi/log.h>
#include <stdarg.h>

#include "riscv/direct.h"
#include "riscv/timer.h"
#include <sbi/ecall.h>

#define LINE_BYTES 128u
#define LOG_BYTES  8192u

enum console_kind {
    CONSOLE_NONE = 0,
    CONSOLE_LEGACY = 1,
    CONSOLE_DBCN = 2,
};

static enum console_kind console_kind; /* constant after init */
static char console_byte;              /* where DBCN puts what it reads */

STATIC_ASSERT(sizeof(struct log_record) + MESSAGE_LOG_BYTES_MAX < LOG_BYTES / 2, "records fit");

/* The log: a ring of records, and where in all bytes so far the oldest and the next one are. */
static char log_ring[LOG_BYTES];
static uint64_t log_start; /* of the oldest record */
static uint64_t log_end;

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

void console_init(void)
{
    console_kind = sbi_has_extension(SBI_EXT_DBCN) ? CONSOLE_DBCN : CONSOLE_LEGACY;
}

bool console_is_dbcn(void)
{
    return console_kind == CONSOLE_DBCN;
}

static size_t write_bytes(const char *bytes, size_t length)
{
    if (console_kind == CONSOLE_DBCN) {
        const int64_t written = sbi_console_write(paddr_to_number(direct_to_paddr(bytes)), length);
        /* On an error the bytes are given up: a caller that repeats must come to an end. */
        return written > 0 && (size_t)written <= length ? (size_t)written : length;
    }
    for (size_t i = 0; i < length && console_kind == CONSOLE_LEGACY; i++) {
        sbi_putchar(bytes[i]);
    }
    return length;
}

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

/* Keep a record of `length` bytes, less than half of the ring. */
static void log_append(uint64_t source, uint32_t level, const char *bytes, uint64_t length)
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

size_t console_write(const char *bytes, size_t length, uint64_t source, uint32_t level)
{
    size_t written = 0;
    if (length > 0) {
        written = (level & LOG_KEPT) != 0 ? length : write_bytes(bytes, length);
        log_append(source, level & (LOG_LEVELS - 1), bytes, written);
    }
    return written;
}

uint64_t console_log_first(void)
{
    return log_start;
}

uint64_t console_copy_log(uint64_t position, char *to, uint64_t room)
{
    if (position < log_start || position > log_end) {
        return UINT64_MAX;
    }
    const uint64_t length = log_end - position < room ? log_end - position : room;
    copy_out(position, to, length);
    return length;
}

int console_read(void)
{
    int byte = -1;
    if (console_kind == CONSOLE_DBCN) {
        if (sbi_console_read(paddr_to_number(direct_to_paddr(&console_byte)), 1) == 1) {
            byte = (unsigned char)console_byte;
        }
    } else if (console_kind == CONSOLE_LEGACY) {
        byte = sbi_getchar();
    }
    return byte;
}

static void line_flush(struct line *line)
{
    log_append(0, 0, line->bytes, line->length);
    for (size_t done = 0; done < line->length;) {
        done += write_bytes(line->bytes + done, line->length - done);
    }
    line->length = 0;
}

static void put_char(struct line *line, char c)
{
    if (line->length == LINE_BYTES) {
        line_flush(line);
    }
    line->bytes[line->length++] = c;
}

static void put_string(struct line *line, const char *string)
{
    for (; *string != '\0'; string++) {
        put_char(line, *string);
    }
}

static void put_number(struct line *line, uint64_t value, unsigned base)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put_char(line, digits[--count]);
    }
}

static void put_signed(struct line *line, int64_t value)
{
    if (value < 0) {
        put_char(line, '-');
    }
    put_number(line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

void console_print(const char *format, ...)
{
    struct line line = {.length = 0};
    va_list arguments;
    va_start(arguments, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put_char(&line, *format);
            continue;
        }
        format++;
        bool is_long = false;
        while (*format == 'l') {
            is_long = true;
            format++;
        }
        switch (*format) {
        case 's':
            put_string(&line, va_arg(arguments, const char *));
            break;
        case 'c':
            put_char(&line, (char)va_arg(arguments, int));
            break;
        case 'd':
            put_signed(&line, is_long ? va_arg(arguments, long) : va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            put_number(&line,
                       is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                       *format == 'x' ? 16 : 10);
            break;
        case '\0':
            format--; /* a lone % at the end */
            break;
        default:
            put_char(&line, *format);
            break;
        }
    }
    va_end(arguments);
    line_flush(&line);
}
