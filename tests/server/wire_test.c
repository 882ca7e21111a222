/* SPDX-License-Identifier: MIT */
/*
 * Reading requests: each word where it belongs, and nothing else accepted.
 */
#include "shapes.h"

#include <string.h>

#include <mem/limits.h>
#include <mem/proto_object.h>
#include <tap.h>

TAP_TEST(the_list_and_the_features_are_the_same)
{
    uint64_t expected = 0;

    for (uint64_t number = 0; number < NUMBERS; number++) {
        expected |= may_have_two(number) ? UINT64_C(1) << number : 0;
    }

    for (unsigned i = 0; i < SHAPES; i++) {
        expected |= UINT64_C(1) << shapes[i].number;
    }
    EXPECT_U64(wire_features(), expected);
}

TAP_TEST(a_number_that_is_not_in_the_list_is_nosys)
{
    enum mem_request number;
    bool is_linux;

    for (uint64_t asked = 0; asked <= MEM_HEAD_NUMBER; asked++) {
        const struct message message = message_of(asked);
        const bool is_known = asked < NUMBERS && (wire_features() >> asked & 1) != 0;
        const enum err error = wire_head(&message, &number, &is_linux);
        if (error != (is_known ? ERR_OK : ERR_NOSYS)) {
            EXPECT_U64(asked, UINT64_MAX);
        }
    }
}

TAP_TEST(the_linux_bit_is_read_and_bits_above_it_are_refused)
{
    struct message message = message_of(MEM_UNMAP);
    enum mem_request number = MEM_HELLO;
    bool is_linux = true;

    EXPECT_ERR(wire_head(&message, &number, &is_linux), ERR_OK);
    EXPECT_U64(number, MEM_UNMAP);
    EXPECT(!is_linux);
    message.words[0] |= MEM_HEAD_LINUX;
    EXPECT_ERR(wire_head(&message, &number, &is_linux), ERR_OK);
    EXPECT(is_linux);
    for (unsigned bit = 17; bit < 64; bit++) {
        message.words[0] = MEM_UNMAP | UINT64_C(1) << bit;
        EXPECT_ERR(wire_head(&message, &number, &is_linux), ERR_INVAL);
    }
}

TAP_TEST(handles_are_accepted_only_in_the_words_that_are_for_them)
{
    for (uint64_t asked = 0; asked < NUMBERS; asked++) {
        if ((wire_features() >> asked & 1) == 0) {
            continue;
        }
        bool has_space = may_have_two(asked);
        for (unsigned i = 0; i < SHAPES; i++) {
            has_space = has_space || (shapes[i].number == asked && shapes[i].has_space);
        }
        for (unsigned word = 0; word < IPC_WORDS; word++) {
            struct message message = message_of(asked);
            const bool fits = (word == WORD_SPACE && has_space) ||
                              (word == WORD_OBJECT && (may_have_two(asked) || has_object(asked)));
            enum mem_request number;
            bool is_linux;
            message.tag = UINT64_C(0x010100) << word;
            EXPECT_ERR(wire_head(&message, &number, &is_linux), fits ? ERR_OK : ERR_INVAL);
        }
    }
}

TAP_TEST(a_handle_of_somebody_else_is_badf)
{
    struct message message = message_of(MEM_UNMAP);
    enum mem_request number;
    bool is_linux;

    name_handle(&message, WORD_SPACE, SPACE_BADGE);
    message.tag &= ~(UINT64_C(0xff) << IPC_TAG_BADGES_SHIFT);
    EXPECT_ERR(wire_head(&message, &number, &is_linux), ERR_BADF);
}

TAP_TEST(a_plain_number_for_a_space_is_badf)
{
    for (unsigned i = 0; i < SHAPES; i++) {
        struct message message = message_of(shapes[i].number);
        union out out;
        message.words[WORD_SPACE] = SPACE_BADGE;
        EXPECT_ERR(read_message(&message, &out), shapes[i].has_space ? ERR_BADF : ERR_INVAL);
    }
}

TAP_TEST(every_reserved_word_must_be_zero)
{
    for (unsigned i = 0; i < SHAPES; i++) {
        struct message message = message_of(shapes[i].number);
        union out out;
        EXPECT_ERR(read_message(&message, &out), ERR_OK);
        for (unsigned word = shapes[i].first_reserved; word < WORD_SPACE; word++) {
            if (word == WORD_OBJECT && has_object(shapes[i].number)) {
                continue;
            }
            for (unsigned bit = 0; bit < 64; bit += 21) {
                message = message_of(shapes[i].number);
                message.words[word] = UINT64_C(1) << bit;
                EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
            }
        }
    }
    struct message map = message_of(MEM_MAP);
    union out out;
    map.words[5] = 1;
    EXPECT_ERR(read_message(&map, &out), ERR_INVAL);
}

TAP_TEST(each_word_of_map_arrives_in_its_place)
{
    struct message message = {
        .words = {MEM_MAP, 0x1111000, 0x2222, UINT64_C(0x0000002200000003), 0x4444000, 0, 0, 0},
    };
    struct wire_map map;

    name_handle(&message, WORD_OBJECT, 0x6666);
    name_handle(&message, WORD_SPACE, SPACE_BADGE);
    REQUIRE(wire_map(&message, &map) == ERR_OK);
    EXPECT_U64(map.map.address.v, 0x1111000);
    EXPECT_U64(map.map.length, 0x2222);
    EXPECT_U64(map.map.prot, 3);
    EXPECT_U64(map.map.flags, 0x22);
    EXPECT_U64(map.map.offset, 0x4444000);
    EXPECT_U64(map.object, 0x6666);
    EXPECT_U64(map.space, SPACE_BADGE);
}

TAP_TEST(a_plain_number_for_an_object_is_no_object)
{
    struct message message = message_of(MEM_MAP);
    struct wire_map map;

    message.words[WORD_OBJECT] = 0x6666;
    EXPECT_ERR(wire_map(&message, &map), ERR_OK);
    EXPECT_U64(map.object, 0);
}

TAP_TEST(each_word_of_the_other_range_requests_arrives_in_its_place)
{
    struct message message = {.words = {MEM_UNMAP, 1, 2, 0, 0, 0, 0, 0}};
    union out out;

    name_handle(&message, WORD_SPACE, SPACE_BADGE);
    REQUIRE(wire_unmap(&message, &out.range) == ERR_OK);
    EXPECT_U64(out.range.address.v, 1);
    EXPECT_U64(out.range.length, 2);
    EXPECT_U64(out.range.space, SPACE_BADGE);
    message.words[3] = 3;
    REQUIRE(wire_protect(&message, &out.protect) == ERR_OK);
    EXPECT_U64(out.protect.protect.address.v, 1);
    EXPECT_U64(out.protect.protect.length, 2);
    EXPECT_U64(out.protect.protect.prot, 3);
    EXPECT_U64(out.protect.space, SPACE_BADGE);
    REQUIRE(wire_advise(&message, &out.advise) == ERR_OK);
    EXPECT_U64(out.advise.advise.address.v, 1);
    EXPECT_U64(out.advise.advise.length, 2);
    EXPECT_U64(out.advise.advise.advice, 3);
    message.words[4] = 4;
    message.words[5] = 5;
    REQUIRE(wire_remap(&message, &out.remap) == ERR_OK);
    EXPECT_U64(out.remap.remap.address.v, 1);
    EXPECT_U64(out.remap.remap.length_old, 2);
    EXPECT_U64(out.remap.remap.length_new, 3);
    EXPECT_U64(out.remap.remap.flags, 4);
    EXPECT_U64(out.remap.remap.target.v, 5);
}

TAP_TEST(flags_that_do_not_fit_their_field_are_refused_and_not_cut)
{
    const uint64_t too_large = UINT64_C(0x100000000);
    union out out;

    struct message message = {.words = {MEM_PROTECT, 0, 0, too_large}};
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[0] = MEM_ADVISE;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = (struct message){.words = {MEM_REMAP, 0, 0, 0, too_large}};
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(counts_stop_at_what_the_answer_can_hold)
{
    union out out;

    struct message message = {.words = {MEM_QUERY, 0, MEM_QUERY_REGIONS_MAX}};
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT_U64(out.query.count, MEM_QUERY_REGIONS_MAX);
    message.words[2]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = (struct message){.words = {MEM_COPY, 1, 2, MEM_COPY_BYTES_MAX, MEM_COPY_FROM}};
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT(!out.copy.is_to_other);
    EXPECT_U64(out.copy.own.v, 1);
    EXPECT_U64(out.copy.other.v, 2);
    message.words[3]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[3] = 0;
    message.words[4] = MEM_COPY_TO | MEM_COPY_NOWAIT;
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT(out.copy.is_to_other && out.copy.is_nowait);
    message.words[4] = MEM_COPY_FROM | MEM_COPY_NOWAIT;
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT(!out.copy.is_to_other && out.copy.is_nowait);
    message.words[4]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(limits_names_only_limits_that_can_be_read)
{
    union out out;

    for (uint64_t which = 0; which < 16; which++) {
        const bool is_of_space = (UINT64_C(0x4be) >> which & 1) != 0; /* 1 to 5, 7, 10 */
        const struct message message = {.words = {MEM_LIMITS, which, 1, 77}};
        EXPECT_ERR(read_message(&message, &out), is_of_space ? ERR_OK : ERR_INVAL);
    }
    struct message message = {.words = {MEM_LIMITS, MEM_LIMIT_DATA, 0, 77}};
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = MEM_LIMITS_LOWER;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.limits.limits.ceiling, 77);
    message.words[4] = 99;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = MEM_LIMITS_SET;
    message.words[5] = MEM_LIMITS_BYTES;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT(out.limits.limits.is_set && out.limits.limits.in_bytes);
    EXPECT_U64(out.limits.limits.ceiling, 99);
    message.words[5]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(a_space_has_a_name_that_ends_and_known_privileges)
{
    struct mem_space_make_req req = {.head = MEM_SPACE_MAKE, .priority_max = 9, .privileges = 3};
    struct message message = {0};
    struct wire_space_make made;
    memcpy(req.name, "fifteen letters", 16);
    memcpy(message.words, &req, sizeof(req));
    REQUIRE(wire_space_make(&message, &made) == ERR_OK);
    EXPECT_STR(made.name, "fifteen letters");
    EXPECT_U64(made.priority_max, 9);
    EXPECT_U64(made.privileges, 3);
    message.words[5] = MEM_PRIVILEGES + 1;
    EXPECT_ERR(wire_space_make(&message, &made), ERR_INVAL);
    memcpy(req.name, "sixteen letters!", 16);
    memcpy(message.words, &req, sizeof(req));
    EXPECT_ERR(wire_space_make(&message, &made), ERR_INVAL);
    memcpy(req.name, "two\0words\0\0\0\0\0\0", 16);
    memcpy(message.words, &req, sizeof(req));
    EXPECT_ERR(wire_space_make(&message, &made), ERR_INVAL);
}

TAP_TEST(hello_of_another_version_is_refused)
{
    struct message message = message_of(MEM_HELLO);

    message.words[1]++;
    EXPECT_ERR(wire_hello(&message), ERR_OPNOTSUPP);
}

TAP_TEST(nowait_is_zero_or_one)
{
    struct message message = message_of(MEM_NEXT);
    bool is_nowait = true;

    EXPECT_ERR(wire_next(&message, &is_nowait), ERR_OK);
    EXPECT(!is_nowait);
    message.words[1] = 1;
    EXPECT_ERR(wire_next(&message, &is_nowait), ERR_OK);
    EXPECT(is_nowait);
    message.words[1] = 2;
    EXPECT_ERR(wire_next(&message, &is_nowait), ERR_INVAL);
}

TAP_TEST(stats_says_which)
{
    struct message message = message_of(MEM_STATS);
    union out out;

    for (uint64_t which = MEM_STATS_FRAMES; which <= MEM_STATS_RESERVE; which++) {
        message.words[1] = which;
        EXPECT_ERR(read_message(&message, &out), ERR_OK);
        EXPECT_U64(out.stats, which);
    }
    message.words[1] = MEM_STATS_RESERVE + 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[1] = UINT64_C(1) << 32;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

/* What must be true of every accepted message, whatever its words. */
static bool is_in_bounds(const struct message *message, uint64_t number, const union out *out)
{
    if ((number == MEM_QUERY && out->query.count > MEM_QUERY_REGIONS_MAX) ||
        (number == MEM_COPY && out->copy.length > MEM_COPY_BYTES_MAX) ||
        (number == MEM_OBJECT_COPY && out->object_copy.length > MEM_COPY_BYTES_MAX) ||
        (number >= MEM_OBJECT_NAME && number <= MEM_OBJECT_UNNAME &&
         out->object_name.length - 1 >= MEM_NAME_BYTES_MAX)) {
        return false;
    }
    if (number == MEM_SPACE_MAKE || (number == MEM_CLONE && out->space_make.space == 0)) {
        return out->space_make.name[sizeof(out->space_make.name) - 1] == '\0';
    }
    if (number == MEM_MAP) {
        return out->map.space == message->words[WORD_SPACE] &&
               (out->map.space == 0 || (message->tag >> 15 & 1) != 0) &&
               (out->map.object == 0 || (message->tag >> 14 & 1) != 0);
    }
    if (number == MEM_SWAP) { /* an object, unless it only asks */
        return out->swap.flags <= MEM_SWAP_OFF &&
               (out->swap.flags != 0) == ((message->tag & 0x4000) != 0);
    }
    if (may_have_two(number)) { /* PIN, PINS, GO_ON: with badges as they came */
        return (message->words[WORD_SPACE] == 0 || (message->tag >> 15 & 1) != 0) &&
               (message->words[WORD_OBJECT] == 0 || (message->tag >> 14 & 1) != 0) &&
               (number == MEM_GO_ON ? out->go_on.what <= MEM_GO_ON_BURY
                : number == MEM_PIN ? out->pin.pin.pages <= MEM_PIN_PAGES_MAX
                                    : out->pins.count <= MEM_PINS_MAX);
    }
    for (unsigned i = 0; i < SHAPES; i++) {
        if (shapes[i].number == number) {
            const uint64_t allowed =
                (has_object(shapes[i].number) ? 0x4000 : 0) | (shapes[i].has_space ? 0x8000 : 0);
            if (has_object(shapes[i].number)) {
                return (message->tag & 0x4000) != 0 &&
                       (message->tag & UINT64_C(0xff00) & ~allowed) == 0 &&
                       (message->words[WORD_SPACE] == 0 || (message->tag & 0x8000) != 0);
            }
            return shapes[i].has_space
                       ? message->words[WORD_SPACE] == 0 || (message->tag >> 15 & 1) != 0
                       : (message->tag & UINT64_C(0xff00)) == 0;
        }
    }
    return false;
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly small and zero words, so that the checks behind the first are reached too. */
static uint64_t random_word(uint64_t *state)
{
    const uint64_t shape = random_next(state);

    switch (shape & 7) {
    case 0:
        return random_next(state);
    case 1:
        return random_next(state) & 0xff;
    case 2:
        return UINT64_C(1) << (random_next(state) & 63);
    default:
        return 0;
    }
}

TAP_TEST(any_words_are_refused_or_within_bounds)
{
    const uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t state = seed;
    uint64_t accepted = 0;

    tap_note("seed %#llx", (unsigned long long)seed);
    for (unsigned turn = 0; turn < 1000000; turn++) {
        struct message message = {.tag = random_word(&state) & IPC_TAG_LEGAL};
        union out out;
        for (unsigned word = 0; word < IPC_WORDS; word++) {
            message.words[word] = random_word(&state);
        }
        message.words[0] = random_next(&state) % NUMBERS | (message.words[0] & MEM_HEAD_LINUX);
        memset(&out, 0xa5, sizeof(out));
        const enum err error = read_message(&message, &out);
        if (error == ERR_OK) {
            accepted++;
            REQUIRE(is_in_bounds(&message, message.words[0] & MEM_HEAD_NUMBER, &out));
        } else {
            REQUIRE(error == ERR_INVAL || error == ERR_NOSYS || error == ERR_BADF ||
                    error == ERR_OPNOTSUPP);
        }
    }
    tap_note("%llu of 1000000 accepted", (unsigned long long)accepted);
    EXPECT(accepted > 10000);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(stats_says_which),
        TAP(the_list_and_the_features_are_the_same),
        TAP(a_number_that_is_not_in_the_list_is_nosys),
        TAP(the_linux_bit_is_read_and_bits_above_it_are_refused),
        TAP(handles_are_accepted_only_in_the_words_that_are_for_them),
        TAP(a_handle_of_somebody_else_is_badf),
        TAP(a_plain_number_for_a_space_is_badf),
        TAP(every_reserved_word_must_be_zero),
        TAP(each_word_of_map_arrives_in_its_place),
        TAP(a_plain_number_for_an_object_is_no_object),
        TAP(each_word_of_the_other_range_requests_arrives_in_its_place),
        TAP(flags_that_do_not_fit_their_field_are_refused_and_not_cut),
        TAP(counts_stop_at_what_the_answer_can_hold),
        TAP(limits_names_only_limits_that_can_be_read),
        TAP(a_space_has_a_name_that_ends_and_known_privileges),
        TAP(hello_of_another_version_is_refused),
        TAP(nowait_is_zero_or_one),
        TAP(any_words_are_refused_or_within_bounds),
    };
    return TAP_RUN(argc, argv, tests);
}
