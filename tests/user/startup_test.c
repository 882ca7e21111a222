/* SPDX-License-Identifier: MIT */
/*
 * The start structure of a process, read back as a program reads it.
 */
#include "startup.h"

#include <stdlib.h>
#include <string.h>

#include <hf/auxv.h>
#include <tap.h>

#define TOP UINT64_C(0x3fffff0000)

static const char *const argv_two[] = {"prog", "one", NULL};
static const char *const envp_one[] = {"A=b", NULL};
static const struct startup_aux aux_two[] = {{HF_AT_PAGESZ, 4096}, {HF_AT_TIMEBASE, 10000000}};

static const struct startup startup_small = {
    .name = "bin/prog",
    .argv = argv_two,
    .envp = envp_one,
    .aux = aux_two,
    .aux_count = 2,
    .random = {0x1122334455667788, 0x99aabbccddeeff00},
};

/* The built bytes and where they are to stand. */
static uint64_t words[128];
static uint64_t sp;

/* What stands at an address of the new stack. */
static const void *at(uint64_t address)
{
    return (const char *)words + (address - sp);
}

TAP_TEST(a_program_finds_arguments_environment_and_vector)
{
    REQUIRE(EXPECT(startup_build(&startup_small, TOP, words, sizeof(words), &sp)));
    EXPECT_U64(sp % 16, 0);
    EXPECT_U64(words[0], 2);
    EXPECT_STR(at(words[1]), "prog");
    EXPECT_STR(at(words[2]), "one");
    EXPECT_U64(words[3], 0);
    EXPECT_STR(at(words[4]), "A=b");
    EXPECT_U64(words[5], 0);
    EXPECT_U64(words[6], HF_AT_PAGESZ);
    EXPECT_U64(words[7], 4096);
    EXPECT_U64(words[8], HF_AT_TIMEBASE);
    EXPECT_U64(words[9], 10000000);
    EXPECT_U64(words[10], HF_AT_EXECFN);
    EXPECT_STR(at(words[11]), "bin/prog");
    EXPECT_U64(words[12], HF_AT_RANDOM);
    EXPECT_BYTES(at(words[13]), startup_small.random, 16);
    EXPECT_U64(words[13], TOP - 16);
    EXPECT_U64(words[14], HF_AT_NULL);
    EXPECT_U64(words[15], 0);
}

TAP_TEST(a_structure_of_exactly_the_buffers_size_fits_and_a_larger_one_does_not)
{
    REQUIRE(EXPECT(startup_build(&startup_small, TOP, words, sizeof(words), &sp)));
    uint64_t bytes = TOP - sp;
    /* Of exactly this size, so that the sanitizer sees a write beyond it. */
    void *buffer = malloc(bytes);
    EXPECT(startup_build(&startup_small, TOP, buffer, bytes, &sp));
    sp = 1;
    EXPECT(!startup_build(&startup_small, TOP, buffer, bytes - 1, &sp));
    EXPECT_U64(sp, 1);
    free(buffer);
}

TAP_TEST(every_length_of_argument_leaves_the_stack_aligned)
{
    char argument[40] = "";
    const char *const argv[] = {argument, NULL};
    struct startup startup = startup_small;
    startup.argv = argv;
    for (size_t i = 0; i < sizeof(argument) - 1; i++) {
        REQUIRE(EXPECT(startup_build(&startup, TOP, words, sizeof(words), &sp)));
        EXPECT_U64(sp % 16, 0);
        EXPECT_STR(at(words[1]), argument);
        argument[i] = 'x';
        argument[i + 1] = '\0';
    }
}

TAP_TEST(a_program_without_arguments_gets_empty_vectors)
{
    static const char *const none[] = {NULL};
    struct startup startup = startup_small;
    startup.argv = none;
    startup.envp = none;
    startup.aux_count = 0;
    REQUIRE(EXPECT(startup_build(&startup, TOP, words, sizeof(words), &sp)));
    EXPECT_U64(words[0], 0);
    EXPECT_U64(words[1], 0);
    EXPECT_U64(words[2], 0);
    EXPECT_U64(words[3], HF_AT_EXECFN);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_program_finds_arguments_environment_and_vector),
        TAP(a_structure_of_exactly_the_buffers_size_fits_and_a_larger_one_does_not),
        TAP(every_length_of_argument_leaves_the_stack_aligned),
        TAP(a_program_without_arguments_gets_empty_vectors),
    };
    return TAP_RUN(argc, argv, tests);
}
