/* SPDX-License-Identifier: MIT */
/*
 * Command lines taken apart.
 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct words words;

/* Split a copy of exactly the line's bytes. */
static const char *split(const char *line)
{
    const size_t length = strlen(line);
    char *exact = malloc(length + 1);
    memcpy(exact, line, length);
    const char *wrong = words_split(exact, length, &words);
    free(exact);
    return wrong;
}

TAP_TEST(words_are_separated_by_any_number_of_spaces)
{
    REQUIRE(EXPECT(split("  one\t two  three ") == NULL));
    REQUIRE(EXPECT_U64(words.count, 3));
    EXPECT_STR(words.items[0], "one");
    EXPECT_STR(words.items[1], "two");
    EXPECT_STR(words.items[2], "three");
    EXPECT(words.items[3] == NULL);
    EXPECT(!words.is_background);
}

TAP_TEST(a_line_without_words_has_none)
{
    EXPECT(split("") == NULL);
    EXPECT_U64(words.count, 0);
    EXPECT(split(" \t ") == NULL);
    EXPECT_U64(words.count, 0);
}

TAP_TEST(quotes_keep_spaces_and_join_with_what_stands_beside)
{
    REQUIRE(EXPECT(split("a'b c'd \"x \\\" y\" '' p\\ q '\\'") == NULL));
    REQUIRE(EXPECT_U64(words.count, 5));
    EXPECT_STR(words.items[0], "ab cd");
    EXPECT_STR(words.items[1], "x \" y");
    EXPECT_STR(words.items[2], "");
    EXPECT_STR(words.items[3], "p q");
    EXPECT_STR(words.items[4], "\\");
}

TAP_TEST(an_ampersand_of_its_own_at_the_end_asks_for_the_background)
{
    EXPECT(split("run &") == NULL);
    EXPECT(words.is_background);
    EXPECT_U64(words.count, 1);
    EXPECT(split("run '&'") == NULL);
    EXPECT(!words.is_background);
    EXPECT_STR(words.items[1], "&");
    EXPECT(split("run a&b") == NULL);
    EXPECT(!words.is_background);
}

TAP_TEST(an_arrow_of_its_own_says_where_the_output_goes)
{
    EXPECT(split("say a > b c") == NULL);
    EXPECT_U64(words.count, 3);
    EXPECT_STR(words.items[2], "c");
    EXPECT_STR(words.output_opt, "b");
    EXPECT(!words.is_appending);
    EXPECT(split("say a >> 'b c' &") == NULL);
    EXPECT_STR(words.output_opt, "b c");
    EXPECT(words.is_appending && words.is_background);
    EXPECT(split("say '>' a>b") == NULL);
    EXPECT_U64(words.count, 3);
    EXPECT(words.output_opt == NULL);
}

TAP_TEST(lines_without_meaning_are_refused)
{
    static const char *const lines[] = {"'open", "\"open", "\"open\\", "end\\",    "&",
                                        "a & b", "a >",    "> a",      "a > b > c"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        EXPECT(split(lines[i]) != NULL);
    }
    EXPECT(words_split("a\0b", 3, &words) != NULL);
}

TAP_TEST(words_that_mean_something_to_other_shells_are_refused_unless_they_are_quoted)
{
    static const char *const lines[] = {"cat a | b", "a <b< c < d", "a ; b", "a && b", "a || b"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        EXPECT(split(lines[i]) != NULL);
    }
    REQUIRE(EXPECT(split("echo '|' \\; \"<\" a|b '&&' '||'") == NULL));
    EXPECT_U64(words.count, 7);
    EXPECT_STR(words.items[1], "|");
    EXPECT_STR(words.items[4], "a|b");
}

TAP_TEST(too_many_and_too_long_words_are_refused)
{
    char line[WORDS_LINE_MAX + 1];
    for (size_t i = 0; i < WORDS_MAX; i++) {
        memcpy(line + 2 * i, "a ", 2);
    }
    EXPECT(words_split(line, 2 * WORDS_MAX, &words) == NULL);
    EXPECT_U64(words.count, WORDS_MAX);
    line[2 * WORDS_MAX] = 'b';
    EXPECT(words_split(line, 2 * WORDS_MAX + 1, &words) != NULL);
    memset(line, 'x', sizeof(line));
    EXPECT(words_split(line, WORDS_LINE_MAX - 1, &words) == NULL);
    EXPECT_U64(strlen(words.items[0]), WORDS_LINE_MAX - 1);
    EXPECT(words_split(line, WORDS_LINE_MAX, &words) != NULL);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(words_are_separated_by_any_number_of_spaces),
        TAP(a_line_without_words_has_none),
        TAP(quotes_keep_spaces_and_join_with_what_stands_beside),
        TAP(an_ampersand_of_its_own_at_the_end_asks_for_the_background),
        TAP(an_arrow_of_its_own_says_where_the_output_goes),
        TAP(lines_without_meaning_are_refused),
        TAP(words_that_mean_something_to_other_shells_are_refused_unless_they_are_quoted),
        TAP(too_many_and_too_long_words_are_refused),
    };
    return TAP_RUN(argc, argv, tests);
}
