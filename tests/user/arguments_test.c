/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#include <tap.h>

static struct arguments arguments;
static const char *why;

TAP_TEST(strings_become_arguments_in_order)
{
    static const char data[] = "replay\0-q\0\0x y";
    REQUIRE(EXPECT(arguments_parse(data, sizeof(data), &arguments, &why)));
    REQUIRE(EXPECT_U64(arguments.count, 4));
    EXPECT_STR(arguments.strings[0], "replay");
    EXPECT_STR(arguments.strings[1], "-q");
    EXPECT_STR(arguments.strings[2], "");
    EXPECT_STR(arguments.strings[3], "x y");
    EXPECT(arguments.strings[4] == NULL);
    EXPECT(!arguments.is_quiet);
}

TAP_TEST(an_option_before_the_program_is_for_init)
{
    static const char data[] = "-q\0true";
    REQUIRE(EXPECT(arguments_parse(data, sizeof(data), &arguments, &why)));
    EXPECT(arguments.is_quiet);
    EXPECT_U64(arguments.count, 1);
    EXPECT_STR(arguments.strings[0], "true");
}

TAP_TEST(an_unknown_option_is_refused)
{
    static const char data[] = "-x\0true";
    EXPECT(!arguments_parse(data, sizeof(data), &arguments, &why));
    EXPECT_STR(why, "it has an option that init does not know");
}

TAP_TEST(an_empty_file_names_no_program)
{
    REQUIRE(EXPECT(arguments_parse("", 0, &arguments, &why)));
    EXPECT_U64(arguments.count, 0);
}

TAP_TEST(a_string_without_an_end_is_refused)
{
    /* Of exactly this size, so that the sanitizer sees a read beyond it. */
    char *data = malloc(5);
    memcpy(data, "a\0bcd", 5);
    EXPECT(!arguments_parse(data, 5, &arguments, &why));
    EXPECT_STR(why, "it is cut off");
    free(data);
}

TAP_TEST(the_largest_number_of_arguments_fits_and_one_more_does_not)
{
    static char data[2 * (ARGUMENTS_MAX + 1)];
    for (size_t i = 0; i < sizeof(data); i += 2) {
        data[i] = 'a';
    }
    REQUIRE(EXPECT(arguments_parse(data, sizeof(data) - 2, &arguments, &why)));
    EXPECT_U64(arguments.count, ARGUMENTS_MAX);
    EXPECT(arguments.strings[ARGUMENTS_MAX] == NULL);
    EXPECT(!arguments_parse(data, sizeof(data), &arguments, &why));
    EXPECT_STR(why, "it has too many arguments");
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(strings_become_arguments_in_order),
        TAP(an_option_before_the_program_is_for_init),
        TAP(an_unknown_option_is_refused),
        TAP(an_empty_file_names_no_program),
        TAP(a_string_without_an_end_is_refused),
        TAP(the_largest_number_of_arguments_fits_and_one_more_does_not),
    };
    return TAP_RUN(argc, argv, tests);
}
