/* SPDX-License-Identifier: MIT */
/*
 * Assertions in three strengths.
 *
 * ASSERT: cheap, always on; states something that only our own mistake can make false. AUDIT: may
 * walk whole structures; on in debug builds, tests and fuzzers (HF_AUDIT). STATIC_ASSERT: at
 * compile time. Each component provides assert_fail(). Never assert what input can cause.
 */
#pragma once

#include <base/attr.h>

/*
 * Report a broken invariant, `what` with its place, and stop. Provided by kernel, server, user
 * library and test harness.
 */
NORETURN void assert_fail(const char *what);

/* One string, since passing more than one would cost room wherever something is asserted. */
#define ASSERT_TEXT(text)       #text
#define ASSERT_WHAT(line, text) __FILE__ ":" ASSERT_TEXT(line) ": assertion failed: " text
#define ASSERT(condition)                                   \
    do {                                                    \
        if (UNLIKELY(!(condition))) {                       \
            assert_fail(ASSERT_WHAT(__LINE__, #condition)); \
        }                                                   \
    } while (0)

#if defined(HF_AUDIT)
#define AUDIT(call) (call)
#else
#define AUDIT(call) ((void)0)
#endif

#define STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define UNREACHABLE()                     assert_fail(ASSERT_WHAT(__LINE__, "unreachable"))
