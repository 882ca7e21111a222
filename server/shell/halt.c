/* SPDX-License-Identifier: MIT */
/*
 * One line on the console, then the end: by a trap, which the kernel reports with registers and
 * backtrace before it powers off, or by powering off.
 *
 * After a broken invariant nothing is repaired and nobody is answered: clients see neither wrong
 * answers nor wrong pages.
 */
#include "server/shell/halt.h"

#include <stddef.h>
#include <stdint.h>

#include <base/assert.h>

#include "server/shell/ecall.h"

#define STATUS_FAILED 70 /* EX_SOFTWARE of sysexits(3) */

/* Text being put together in the message page. */
struct line {
    char *bytes;
    size_t used;
};

static void line_add(struct line *line, const char *text)
{
    for (size_t i = 0; text[i] != '\0' && line->used < MESSAGE_LOG_BYTES_MAX; i++) {
        line->bytes[line->used] = text[i];
        line->used++;
    }
}

static void line_add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    line_add(line, &digits[at]);
}

static struct line line_begin(void)
{
    struct line line = {ecall_message_page(), 0};

    line_add(&line, "memory server: ");
    return line;
}

static void line_write(struct line *line)
{
    line_add(line, "\n");
    (void)ecall_three(SYS_LOG_WRITE, HANDLE_LOG, line->used, 0, 0);
}

NORETURN static void power_off(void)
{
    (void)ecall_three(SYS_POWER, HANDLE_MACHINE, POWER_OFF, STATUS_FAILED, 0);
    ecall_stop();
}

void assert_fail(const char *what)
{
    struct line line = line_begin();

    line_add(&line, what);
    line_write(&line);
    ecall_stop();
}

void halt_init_ended(const struct ending *ending)
{
    struct line line = line_begin();

    line_add(&line, "init ended: cause ");
    line_add_number(&line, ending->cause, 10);
    line_add(&line, ", detail 0x");
    line_add_number(&line, ending->detail, 16);
    line_add(&line, ", pc 0x");
    line_add_number(&line, ending->pc, 16);
    line_write(&line);
    power_off();
}

void halt_boot(const char *step)
{
    struct line line = line_begin();

    line_add(&line, "cannot start: ");
    line_add(&line, step);
    line_write(&line);
    power_off();
}
