/* SPDX-License-Identifier: MIT */
/*
 * The state of the running test, and the printing.
 *
 * Comments of a test are printed before its result line. After COMMENTS_MAX failed expectations a
 * test only counts, so that a wrong loop does not drown the output. Every line is flushed, so that
 * nothing is lost when the program dies.
 */
#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COMMENTS_MAX 10u
#define NAME_MAX_LEN 200

/* The running test. */
static struct {
    uint64_t failures;
    const char *skip_reason_opt;
} current;

/*
 * Count a failed expectation and start its comment.
 *
 * Returns: whether the caller may print its details.
 */
static bool fail_begin(const char *file, int line, const char *text)
{
    current.failures++;
    if (current.failures > COMMENTS_MAX) {
        return false;
    }
    tap_note("%s:%d: failed: %s", file, line, text);
    return true;
}

static const char *err_name(enum err error)
{
    static const struct {
        enum err error;
        const char *name;
    } names[] = {
        {ERR_OK, "ERR_OK"},
#define ERROR(name, number, text) {ERR_##name, "ERR_" #name},
#include <abi/error.def>
#undef ERROR
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].error == error) {
            return names[i].name;
        }
    }
    return "not an error code";
}

/* Print one result line: the name with spaces for underscores. */
static void result_print(size_t number, const char *name)
{
    char sentence[NAME_MAX_LEN];
    size_t length = 0;
    while (name[length] != '\0' && length < sizeof(sentence) - 1) {
        sentence[length] = name[length] == '_' ? ' ' : name[length];
        length++;
    }
    sentence[length] = '\0';

    if (current.failures != 0) {
        printf("not ok %zu - %s\n", number, sentence);
    } else if (current.skip_reason_opt != NULL) {
        printf("ok %zu - %s # SKIP %s\n", number, sentence, current.skip_reason_opt);
    } else {
        printf("ok %zu - %s\n", number, sentence);
    }
    fflush(stdout);
}

int tap_run(int argc, char **argv, const struct tap_test *tests, size_t count)
{
    const char *wanted_opt = argc > 1 ? argv[1] : NULL;
    size_t failed = 0;
    printf("1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        current.failures = 0;
        current.skip_reason_opt = NULL;
        if (wanted_opt != NULL && strstr(tests[i].name, wanted_opt) == NULL) {
            tap_skip("not asked for");
        } else {
            tests[i].run();
        }
        if (current.failures > COMMENTS_MAX) {
            tap_note("%" PRIu64 " expectations failed in all", current.failures);
        }
        failed += current.failures != 0 ? 1 : 0;
        result_print(i + 1, tests[i].name);
    }
    return failed == 0 ? 0 : 1;
}

void tap_note(const char *format, ...)
{
    va_list arguments;
    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

void tap_skip(const char *reason)
{
    current.skip_reason_opt = reason;
}

bool tap_expect(const char *file, int line, const char *text, bool holds)
{
    if (!holds) {
        (void)fail_begin(file, line, text);
    }
    return holds;
}

bool tap_expect_u64(const char *file, int line, const char *text, uint64_t actual,
                    uint64_t expected)
{
    if (actual == expected) {
        return true;
    }
    if (fail_begin(file, line, text)) {
        tap_note("  is        %" PRIu64 " (0x%" PRIx64 ")", actual, actual);
        tap_note("  should be %" PRIu64 " (0x%" PRIx64 ")", expected, expected);
    }
    return false;
}

bool tap_expect_i64(const char *file, int line, const char *text, int64_t actual, int64_t expected)
{
    if (actual == expected) {
        return true;
    }
    if (fail_begin(file, line, text)) {
        tap_note("  is        %" PRId64, actual);
        tap_note("  should be %" PRId64, expected);
    }
    return false;
}

bool tap_expect_err(const char *file, int line, const char *text, enum err actual,
                    enum err expected)
{
    if (actual == expected) {
        return true;
    }
    if (fail_begin(file, line, text)) {
        tap_note("  is        %s (%d)", err_name(actual), (int)actual);
        tap_note("  should be %s (%d)", err_name(expected), (int)expected);
    }
    return false;
}

bool tap_expect_str(const char *file, int line, const char *text, const char *actual,
                    const char *expected)
{
    if (strcmp(actual, expected) == 0) {
        return true;
    }
    if (fail_begin(file, line, text)) {
        tap_note("  is        \"%s\"", actual);
        tap_note("  should be \"%s\"", expected);
    }
    return false;
}

bool tap_expect_bytes(const char *file, int line, const char *text, const void *actual,
                      const void *expected, size_t size)
{
    const unsigned char *actual_bytes = actual;
    const unsigned char *expected_bytes = expected;
    for (size_t i = 0; i < size; i++) {
        if (actual_bytes[i] == expected_bytes[i]) {
            continue;
        }
        if (fail_begin(file, line, text)) {
            tap_note("  byte %zu of %zu is        0x%02x", i, size, actual_bytes[i]);
            tap_note("  byte %zu of %zu should be 0x%02x", i, size, expected_bytes[i]);
        }
        return false;
    }
    return true;
}
