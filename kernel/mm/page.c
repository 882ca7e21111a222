/* SPDX-License-Identifier: MIT */
#include "mm/page.h"

#include <base/types.h>

#define WORD sizeof(uint64_t)

/* 8, then 64 stores. */
#define ZERO_8(word, at)      \
    do {                      \
        (word)[(at) + 0] = 0; \
        (word)[(at) + 1] = 0; \
        (word)[(at) + 2] = 0; \
        (word)[(at) + 3] = 0; \
        (word)[(at) + 4] = 0; \
        (word)[(at) + 5] = 0; \
        (word)[(at) + 6] = 0; \
        (word)[(at) + 7] = 0; \
    } while (0)

void page_zero(void *page)
{
    page_zero_to(page, (const uint8_t *)page + PAGE_SIZE);
}

void page_zero_to(void *page, const void *end)
{
    uint64_t *word = page;
    do {
        ZERO_8(word, 0);
        ZERO_8(word, 8);
        ZERO_8(word, 16);
        ZERO_8(word, 24);
        ZERO_8(word, 32);
        ZERO_8(word, 40);
        ZERO_8(word, 48);
        ZERO_8(word, 56);
        word += 64;
    } while (word != end);
}

/*
 * 8 loads, then 8 stores: loads need not wait for each other. Not `restrict`: the compiler would
 * mix more of these than there are registers.
 */
static inline void copy_8(uint64_t *to, const uint64_t *from)
{
    const uint64_t a = from[0];
    const uint64_t b = from[1];
    const uint64_t c = from[2];
    const uint64_t d = from[3];
    const uint64_t e = from[4];
    const uint64_t f = from[5];
    const uint64_t g = from[6];
    const uint64_t h = from[7];
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
    to[4] = e;
    to[5] = f;
    to[6] = g;
    to[7] = h;
}

void page_copy(void *to, const void *from)
{
    uint64_t *to_word = to;
    const uint64_t *from_word = from;
    const uint64_t *const end = from_word + PAGE_SIZE / WORD;
    do {
        copy_8(to_word, from_word);
        copy_8(to_word + 8, from_word + 8);
        copy_8(to_word + 16, from_word + 16);
        copy_8(to_word + 24, from_word + 24);
        to_word += 32;
        from_word += 32;
    } while (from_word != end);
}

static void move_up(unsigned char *to, const unsigned char *from, size_t bytes)
{
    if ((((uintptr_t)to ^ (uintptr_t)from) & (WORD - 1)) == 0) {
        while (bytes > 0 && ((uintptr_t)to & (WORD - 1)) != 0) {
            *to++ = *from++;
            bytes--;
        }
        for (; bytes >= WORD; bytes -= WORD) {
            *(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
            to += WORD;
            from += WORD;
        }
    }
    while (bytes > 0) {
        *to++ = *from++;
        bytes--;
    }
}

static void move_down(unsigned char *to, const unsigned char *from, size_t bytes)
{
    to += bytes;
    from += bytes;
    if ((((uintptr_t)to ^ (uintptr_t)from) & (WORD - 1)) == 0) {
        while (bytes > 0 && ((uintptr_t)to & (WORD - 1)) != 0) {
            *--to = *--from;
            bytes--;
        }
        for (; bytes >= WORD; bytes -= WORD) {
            to -= WORD;
            from -= WORD;
            *(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
        }
    }
    while (bytes > 0) {
        *--to = *--from;
        bytes--;
    }
}

void page_move(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to < (uintptr_t)from) {
        move_up(to, from, bytes);
    } else if (to != from) {
        move_down(to, from, bytes);
    }
}

void page_clear(void *to, size_t bytes)
{
    unsigned char *byte = to;
    while (bytes > 0 && ((uintptr_t)byte & (WORD - 1)) != 0) {
        *byte++ = 0;
        bytes--;
    }
    uint64_t *word = (uint64_t *)(void *)byte;
    for (; bytes >= 8 * WORD; bytes -= 8 * WORD) {
        ZERO_8(word, 0);
        word += 8;
    }
    for (; bytes >= WORD; bytes -= WORD) {
        *word++ = 0;
    }
    for (byte = (unsigned char *)word; bytes > 0; bytes--) {
        *byte++ = 0;
    }
}
