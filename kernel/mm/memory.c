/* SPDX-License-Identifier: MIT */
#include "mm/memory.h"

#include "mm/page.h"

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    page_move(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    page_move(to, from, bytes);
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    if ((unsigned char)value == 0) {
        page_clear(to, bytes);
        return to;
    }
    unsigned char *byte = to;
    for (size_t i = 0; i < bytes; i++) {
        byte[i] = (unsigned char)value;
    }
    return to;
}
