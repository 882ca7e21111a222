/* SPDX-License-Identifier: MIT */
/*
 * Reading requests about pins: what each word means.
 */
#include "shapes.h"

#include <string.h>

#include <mem/proto_pin.h>
#include <tap.h>

static struct message pin_of(uint64_t pages, uint32_t flags, const char purpose[MEM_PIN_PURPOSE])
{
    struct mem_pin_req req = {
        .head = MEM_PIN, .addr = UINT64_MAX, .pages = pages, .flags = flags, .lease_ms = 5};
    struct message message = {0};

    memcpy(req.purpose, purpose, sizeof(req.purpose));
    memcpy(message.words, &req, sizeof(req));
    return message;
}

static const char named[MEM_PIN_PURPOSE] = "ring";

TAP_TEST(pin_arrives_whole)
{
    struct message message = pin_of(7, MEM_PIN_FLAGS & ~MEM_PIN_REGIONS, named);
    union out out;

    name_handle(&message, WORD_OBJECT, OBJECT_BADGE);
    name_handle(&message, WORD_SPACE, SPACE_BADGE);
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pin.pin.address.v, UINT64_MAX);
    EXPECT_U64(out.pin.pin.pages, 7);
    EXPECT_U64(out.pin.pin.flags, MEM_PIN_FLAGS & ~MEM_PIN_REGIONS);
    EXPECT_U64(out.pin.pin.lease_ms, 5);
    EXPECT_STR(out.pin.pin.purpose, "ring");
    EXPECT_U64(out.pin.device, OBJECT_BADGE);
    EXPECT_U64(out.pin.space, SPACE_BADGE);
}

TAP_TEST(pin_has_no_more_pages_than_the_answer_has_room_for)
{
    static const struct {
        uint32_t flags;
        uint64_t pages;
    } most[] = {
        {MEM_PIN_GET, MEM_PIN_PAGES_MAX},
        {MEM_PIN_GET | MEM_PIN_FRAMES, MEM_PIN_FRAMES_MAX},
        {MEM_PIN_GET | MEM_PIN_REGIONS, MEM_PIN_REGIONS_MAX},
        {MEM_PIN_GET | MEM_PIN_REGIONS | MEM_PIN_FRAMES, MEM_PIN_REGIONS_MAX},
    };
    union out out;

    for (unsigned i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        struct message message = pin_of(most[i].pages, most[i].flags, named);
        EXPECT_ERR(read_message(&message, &out), ERR_OK);
        message.words[2]++;
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
        message.words[2] = UINT64_MAX;
        EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    }
}

TAP_TEST(what_no_pin_can_be_is_refused)
{
    static const char endless[MEM_PIN_PURPOSE] = {"sixteen letters"};
    static const char twice[MEM_PIN_PURPOSE] = "two\0words";
    char full[MEM_PIN_PURPOSE];
    union out out;

    memset(full, 'x', sizeof(full));
    struct message message = pin_of(1, MEM_PIN_FLAGS + 1, named);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = pin_of(1, 0, endless);
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    message = pin_of(1, 0, twice);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = pin_of(1, 0, full);
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = pin_of(1, 0, named);
    message.words[WORD_OBJECT] = 1;
    EXPECT_ERR(read_message(&message, &out), ERR_BADF);
    message = pin_of(1, 0, named);
    message.words[WORD_SPACE] = 1;
    EXPECT_ERR(read_message(&message, &out), ERR_BADF);
}

TAP_TEST(unpin_and_pins_know_their_flags)
{
    struct message message = {.words = {MEM_UNPIN, UINT64_MAX, MEM_UNPIN_DIRTY}};
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.unpin.number, UINT64_MAX);
    EXPECT_U64(out.unpin.flags, MEM_UNPIN_DIRTY);
    message.words[2]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = (struct message){.words = {MEM_PINS, 9, MEM_PINS_MAX, 7}};
    name_handle(&message, WORD_OBJECT, OBJECT_BADGE);
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pins.before, 9);
    EXPECT_U64(out.pins.count, MEM_PINS_MAX);
    EXPECT_U64(out.pins.which, 7);
    EXPECT_U64(out.pins.pin, OBJECT_BADGE);
    EXPECT_U64(out.pins.space, 0);
    for (unsigned word = 2; word < WORD_OBJECT; word++) {
        struct message wrong = message;
        wrong.words[word] += word == 3 ? MEM_PINS_QUARANTINE * 2 : 1;
        EXPECT_ERR(read_message(&wrong, &out), ERR_INVAL);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(pin_arrives_whole),
        TAP(pin_has_no_more_pages_than_the_answer_has_room_for),
        TAP(what_no_pin_can_be_is_refused),
        TAP(unpin_and_pins_know_their_flags),
    };

    return TAP_RUN(argc, argv, tests);
}
