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

/* Report a broken invariant and stop. Provided by kernel, server, user library and test harness. */
NORETURN void assert_fail(const char *file, int line, const char *expression);

#define ASSERT(condition)                                \
    do {                                                 \
        if (UNLIKELY(!(condition))) {                    \
            assert_fail(__FILE__, __LINE__, #condition); \
        }                                                \
    } while (0)

#if defined(HF_AUDIT)
#define AUDIT(call) (call)
#else
#define AUDIT(call) ((void)0)
#endif

#define STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define UNREACHABLE()                     assert_fail(__FILE__, __LINE__, "unreachable")
