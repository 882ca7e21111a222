/* SPDX-License-Identifier: MIT */
#include "mm/page.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PAGE 4096u

/* A page between two that nobody may touch. */
struct guarded {
    _Alignas(PAGE) unsigned char before[PAGE];
    unsigned char page[PAGE];
    unsigned char after[PAGE];
};

static struct guarded a;
static struct guarded b;

static void paint(struct guarded *guarded, unsigned char seed)
{
    memset(guarded, 0xee, sizeof(*guarded));
    for (unsigned i = 0; i < PAGE; i++) {
        guarded->page[i] = (unsigned char)(i * 7 + i / 256 + seed);
    }
}

static bool guards_stand(const struct guarded *guarded)
{
    for (unsigned i = 0; i < PAGE; i++) {
        if (guarded->before[i] != 0xee || guarded->after[i] != 0xee) {
            return false;
        }
    }
    return true;
}

TAP_TEST(a_zeroed_page_is_zero_and_its_neighbours_are_not)
{
    static const unsigned char zeros[PAGE];
    paint(&a, 1);
    page_zero(a.page);
    EXPECT_BYTES(a.page, zeros, PAGE);
    EXPECT(guards_stand(&a));
}

TAP_TEST(a_copied_page_is_the_same)
{
    paint(&a, 1);
    paint(&b, 2);
    page_copy(b.page, a.page);
    EXPECT_BYTES(b.page, a.page, PAGE);
    EXPECT(guards_stand(&b));
}

TAP_TEST(moves_of_every_alignment_are_as_memmove)
{
    static unsigned char expected[PAGE];
    for (unsigned to = 0; to < 20; to++) {
        for (unsigned from = 0; from < 20; from++) {
            for (unsigned bytes = 0; bytes < 40; bytes++) {
                paint(&a, (unsigned char)bytes);
                memcpy(expected, a.page, PAGE);
                memmove(expected + to, expected + from, bytes);
                page_move(a.page + to, a.page + from, bytes);
                REQUIRE(EXPECT_BYTES(a.page, expected, 128));
            }
        }
    }
}

TAP_TEST(clearing_clears_nothing_else)
{
    static unsigned char expected[PAGE];
    for (unsigned at = 0; at < 20; at++) {
        for (unsigned bytes = 0; bytes < 200; bytes++) {
            paint(&a, 3);
            memcpy(expected, a.page, PAGE);
            memset(expected + at, 0, bytes);
            page_clear(a.page + at, bytes);
            REQUIRE(EXPECT_BYTES(a.page, expected, 256));
        }
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_zeroed_page_is_zero_and_its_neighbours_are_not),
        TAP(a_copied_page_is_the_same),
        TAP(moves_of_every_alignment_are_as_memmove),
        TAP(clearing_clears_nothing_else),
    };
    return TAP_RUN(argc, argv, tests);
}
