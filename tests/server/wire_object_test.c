/* SPDX-License-Identifier: MIT */
/*
 * Reading requests about objects: what each word means.
 */
#include "shapes.h"

#include <mem/proto_object.h>
#include <tap.h>

static struct message with_object(uint64_t number, uint64_t first)
{
    struct message message = message_of(number);

    message.words[1] = first;
    return message;
}

TAP_TEST(a_plain_number_or_nothing_for_an_object_is_badf)
{
    union out out;

    for (unsigned i = 0; i < SHAPES; i++) {
        if (has_object(shapes[i].number)) {
            struct message message = message_of(shapes[i].number);
            message.tag = 0;
            EXPECT_ERR(read_message(&message, &out), ERR_BADF);
            message.words[WORD_OBJECT] = 0;
            EXPECT_ERR(read_message(&message, &out), ERR_BADF);
        }
    }
}

TAP_TEST(numbers_arrive_whole_or_are_refused)
{
    const uint64_t too_large = UINT64_C(0x100000000);
    union out out;

    struct message message = with_object(MEM_OBJECT_RESIZE, UINT64_MAX);
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_number.number, UINT64_MAX);
    EXPECT_U64(out.object_number.object, OBJECT_BADGE);
    message = with_object(MEM_OBJECT_SEAL, too_large - 1);
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_number.number, too_large - 1);
    message = with_object(MEM_OBJECT_SEAL, too_large);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = with_object(MEM_OBJECT_DERIVE, too_large);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = (struct message){.words = {MEM_OBJECT_MAKE, UINT64_MAX, 2, 3}};
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_make.bytes, UINT64_MAX);
    EXPECT_U64(out.object_make.flags, 2);
    EXPECT_U64(out.object_make.seals, 3);
    message.words[2] = too_large;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = 0;
    message.words[3] = too_large;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(each_word_of_a_copy_arrives_in_its_place)
{
    struct message message = message_of(MEM_OBJECT_COPY);
    union out out;

    message.words[1] = 1;
    message.words[2] = 2;
    message.words[3] = MEM_COPY_BYTES_MAX;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_copy.address.v, 1);
    EXPECT_U64(out.object_copy.offset, 2);
    EXPECT_U64(out.object_copy.length, MEM_COPY_BYTES_MAX);
    EXPECT(out.object_copy.is_to_object);
    EXPECT_U64(out.object_copy.object, OBJECT_BADGE);
    message.words[4] = MEM_COPY_FROM;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT(!out.object_copy.is_to_object);
    message.words[4] = 2;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[4] = 0;
    message.words[3]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(names_have_a_length_that_fits_and_known_rights)
{
    static const uint64_t numbers[] = {MEM_OBJECT_NAME, MEM_OBJECT_OPEN, MEM_OBJECT_UNNAME};
    union out out;

    for (unsigned i = 0; i < 3; i++) {
        struct message message = with_object(numbers[i], 0);
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
        message.words[1] = MEM_NAME_BYTES_MAX + 1;
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
        message.words[1] = UINT64_C(0x100000001);
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
        message.words[1] = MEM_NAME_BYTES_MAX;
        REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
        EXPECT_U64(out.object_name.length, MEM_NAME_BYTES_MAX);
        message.words[2] = MEM_OBJECT_RIGHTS;
        EXPECT_ERR(read_message(&message, &out),
                   numbers[i] == MEM_OBJECT_UNNAME ? ERR_INVAL : ERR_OK);
        message.words[2] = MEM_OBJECT_RIGHTS + 1;
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    }
}

TAP_TEST(a_number_for_a_handle_again_arrives_with_known_rights)
{
    struct message message = message_of(MEM_OBJECT_AGAIN);
    union out out;

    message.words[1] = UINT64_MAX;
    message.words[2] = MEM_OBJECT_RIGHTS;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_again.number, UINT64_MAX);
    EXPECT_U64(out.object_again.rights, MEM_OBJECT_RIGHTS);
    message.words[2] = MEM_OBJECT_RIGHTS + 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = UINT64_C(0x100000001);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(each_word_of_a_slice_arrives_in_its_place)
{
    struct message message = message_of(MEM_OBJECT_SLICE);
    union out out;

    message.words[1] = UINT64_MAX;
    message.words[2] = UINT64_MAX - 1;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.object_slice.offset, UINT64_MAX);
    EXPECT_U64(out.object_slice.bytes, UINT64_MAX - 1);
    EXPECT_U64(out.object_slice.object, OBJECT_BADGE);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_plain_number_or_nothing_for_an_object_is_badf),
        TAP(numbers_arrive_whole_or_are_refused),
        TAP(each_word_of_a_copy_arrives_in_its_place),
        TAP(a_number_for_a_handle_again_arrives_with_known_rights),
        TAP(each_word_of_a_slice_arrives_in_its_place),
        TAP(names_have_a_length_that_fits_and_known_rights),
    };
    return TAP_RUN(argc, argv, tests);
}
