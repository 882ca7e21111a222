/* SPDX-License-Identifier: MIT */
/*
 * Tests that report in the Test Anything Protocol, the same on the host and in a Holdfast program.
 *
 * A test is a function whose name is a sentence that can be false. main() lists the tests of its
 * file in a table and runs them in that order:
 *
 *     TAP_TEST(sum_of_two_pages_is_two)
 *     {
 *         EXPECT_U64(npages_add(one, one).v, 2);
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const struct tap_test tests[] = {
 *             TAP(sum_of_two_pages_is_two),
 *         };
 *         return TAP_RUN(argc, argv, tests);
 *     }
 *
 * The plan is printed first, then one line a test, its name with spaces for underscores. A failed
 * expectation prints where it stands and both values as comment lines, and the test goes on; every
 * EXPECT yields whether it held, and REQUIRE ends the test function if not. With an argument, only
 * tests whose name contains it are run and the others are reported as skipped.
 *
 * I1  A run prints exactly as many result lines as its plan says, unless it dies.
 * I2  The status of TAP_RUN is 0 exactly if no test failed.
 * Owner: one thread; the state of the running test is static in tap.c.
 * Not here: assert_fail(), which host tests get from assert_host.c and programs from their library.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/* One row of the table in main(). Constant. */
struct tap_test {
    const char *name;
    void (*run)(void);
};

#define TAP_TEST(name) static void name(void)
#define TAP(name)   \
    {               \
#name, name \
    }
#define TAP_RUN(argc, argv, tests) tap_run(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]))

/* The condition holds. */
#define EXPECT(condition) tap_expect(__FILE__, __LINE__, #condition, (condition))
/* Two unsigned words, two signed words, two errors, two strings are equal. */
#define EXPECT_U64(actual, expected) \
    tap_expect_u64(__FILE__, __LINE__, #actual, (uint64_t)(actual), (uint64_t)(expected))
#define EXPECT_I64(actual, expected) \
    tap_expect_i64(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
#define EXPECT_ERR(actual, expected) \
    tap_expect_err(__FILE__, __LINE__, #actual, (actual), (expected))
#define EXPECT_STR(actual, expected) \
    tap_expect_str(__FILE__, __LINE__, #actual, (actual), (expected))
/* `size` bytes are equal. */
#define EXPECT_BYTES(actual, expected, size) \
    tap_expect_bytes(__FILE__, __LINE__, #actual, (actual), (expected), (size))

/* End the test function unless the condition, or the expectation given as one, holds. */
#define REQUIRE(condition)                                              \
    do {                                                                \
        if (!tap_expect(__FILE__, __LINE__, #condition, (condition))) { \
            return;                                                     \
        }                                                               \
    } while (0)

/* End the test function and report the test as skipped for a reason that the reader can act on. */
#define SKIP(reason)      \
    do {                  \
        tap_skip(reason); \
        return;           \
    } while (0)

/*
 * Run `count` tests and print plan, comments and results on standard output.
 *
 * Returns: the exit status for main(): 0 if no test failed, else 1.
 */
int tap_run(int argc, char **argv, const struct tap_test *tests, size_t count);

/* Print a comment line; the newline is added. */
PRINTF_LIKE(1, 2) void tap_note(const char *format, ...);

/* Report the running test as skipped, unless it fails as well. */
void tap_skip(const char *reason);

/*
 * Fail the running test unless the expectation holds; the macros above fill in place and text.
 *
 * Returns: whether it held.
 */
bool tap_expect(const char *file, int line, const char *text, bool holds);
bool tap_expect_u64(const char *file, int line, const char *text, uint64_t actual,
                    uint64_t expected);
bool tap_expect_i64(const char *file, int line, const char *text, int64_t actual, int64_t expected);
bool tap_expect_err(const char *file, int line, const char *text, enum err actual,
                    enum err expected);
bool tap_expect_str(const char *file, int line, const char *text, const char *actual,
                    const char *expected);
bool tap_expect_bytes(const char *file, int line, const char *text, const void *actual,
                      const void *expected, size_t size);
