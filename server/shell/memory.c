/* SPDX-License-Identifier: MIT */
/*
 * memcpy(), memset(), memmove() and memcmp(), which compilers call for structures, by C11 7.24
 * (memset: by eight bytes where aligned, since core clears whole records and pages).
 */
#include "server/shell/memory.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
        uint64_t *to_words = to;
        const uint64_t *from_words = from;
        for (size_t i = 0; i < bytes / 8; i++) {
            to_words[i] = from_words[i];
        }
        t += bytes & ~(size_t)7;
        f += bytes & ~(size_t)7;
        bytes &= 7;
    }
    for (size_t i = 0; i < bytes; i++) {
        t[i] = f[i];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = to;
    const uint64_t pattern = UINT64_C(0x0101010101010101) * (unsigned char)value;

    if (((uintptr_t)to & 7) == 0) {
        uint64_t *words = to;
        for (size_t i = 0; i < bytes / 8; i++) {
            words[i] = pattern;
        }
        t += bytes & ~(size_t)7;
        bytes &= 7;
    }
    for (size_t i = 0; i < bytes; i++) {
        t[i] = (unsigned char)value;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if ((uintptr_t)to <= (uintptr_t)from) {
        return memcpy(to, from, bytes);
    }
    for (size_t i = bytes; i > 0; i--) {
        t[i - 1] = f[i - 1];
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}
