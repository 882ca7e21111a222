/* SPDX-License-Identifier: MIT */
/*
 * Compiler attributes under names of our own.
 *
 * The only place, with assert.h and kernel/riscv, where compiler extensions may be spelled out.
 */
#pragma once

#define MUST_USE                 __attribute__((warn_unused_result))
#define NORETURN                 __attribute__((noreturn))
#define ALWAYS_INLINE            static inline __attribute__((always_inline))
#define NOINLINE                 __attribute__((noinline))
#define COLD                     __attribute__((cold)) /* seldom called: small, not fast */
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define LIKELY(x)                __builtin_expect(!!(x), 1)
#define UNLIKELY(x)              __builtin_expect(!!(x), 0)

/* Lock annotations; clang checks them with -Wthread-safety, other compilers skip them. */
#if defined(__clang__)
#define CAPABILITY(name) __attribute__((capability(name)))
#define GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define REQUIRES(...)    __attribute__((requires_capability(__VA_ARGS__)))
#define ACQUIRE(...)     __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASE(...)     __attribute__((release_capability(__VA_ARGS__)))
#define NO_LOCK_CHECK    __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(name)
#define GUARDED_BY(lock)
#define REQUIRES(...)
#define ACQUIRE(...)
#define RELEASE(...)
#define NO_LOCK_CHECK
#endif
