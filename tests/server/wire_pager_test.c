/* SPDX-License-Identifier: MIT */
/*
 * Reading requests of pagers: what each word means.
 */
#include "shapes.h"

#include <string.h>

#include <mem/proto_pager.h>
#include <tap.h>

static struct message pager_message(const void *req)
{
    struct message message = {0};

    memcpy(message.words, req, sizeof(message.words));
    name_handle(&message, WORD_OBJECT, OBJECT_BADGE);
    return message;
}

static struct message object_of(uint64_t flags, uint64_t deadline_ms, uint64_t window)
{
    const struct mem_pager_object_req req = {.head = MEM_PAGER_OBJECT,
                                             .key = 11,
                                             .bytes = UINT64_MAX,
                                             .flags = flags,
                                             .deadline_ms = deadline_ms,
                                             .window = window};
    return pager_message(&req);
}

TAP_TEST(pager_object_arrives_whole)
{
    const struct message message = object_of(MEM_PAGED_FLAGS, UINT64_MAX, MEM_PAGER_WINDOW_MAX);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pager_object.key, 11);
    EXPECT_U64(out.pager_object.bytes, UINT64_MAX);
    EXPECT_U64(out.pager_object.flags, MEM_PAGED_FLAGS);
    EXPECT_U64(out.pager_object.deadline_ms, UINT64_MAX);
    EXPECT_U64(out.pager_object.window, MEM_PAGER_WINDOW_MAX);
    EXPECT_U64(out.pager_object.pager, OBJECT_BADGE);
}

TAP_TEST(pager_object_says_nothing_by_zeros)
{
    const struct message message = object_of(0, 0, 0);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pager_object.deadline_ms, MEM_PAGER_DEADLINE_MS);
    EXPECT_U64(out.pager_object.window, MEM_PAGER_WINDOW);
}

TAP_TEST(pager_object_knows_its_flags_and_the_largest_window)
{
    const struct message flags = object_of(MEM_PAGED_FLAGS + 1, 0, 0);
    const struct message high = object_of(UINT64_C(1) << 32, 0, 0);
    const struct message window = object_of(0, 0, MEM_PAGER_WINDOW_MAX + 1);
    union out out;

    EXPECT_ERR(read_message(&flags, &out), ERR_INVAL);
    EXPECT_ERR(read_message(&high, &out), ERR_INVAL);
    EXPECT_ERR(read_message(&window, &out), ERR_INVAL);
}

static struct message supply_of(uint32_t pages, uint32_t how, uint64_t addr)
{
    const struct mem_pager_supply_req req = {.head = MEM_PAGER_SUPPLY,
                                             .object = 5,
                                             .first = 6,
                                             .pages = pages,
                                             .how = how,
                                             .addr = addr,
                                             .generation = 7};
    return pager_message(&req);
}

TAP_TEST(pager_supply_arrives_whole)
{
    const struct message message =
        supply_of(UINT32_MAX, MEM_SUPPLY_MOVE | MEM_SUPPLY_NEXT, UINT64_MAX);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.supply.supply.number, 5);
    EXPECT_U64(out.supply.supply.first, 6);
    EXPECT_U64(out.supply.supply.pages, UINT32_MAX);
    EXPECT_U64(out.supply.supply.way, SUPPLY_MOVE);
    EXPECT_U64(out.supply.supply.address.v, UINT64_MAX);
    EXPECT_U64(out.supply.supply.generation, 7);
    EXPECT_U64(out.supply.has_next, 1);
    EXPECT_U64(out.supply.pager, OBJECT_BADGE);
}

TAP_TEST(pager_supply_says_how)
{
    const struct message none = supply_of(1, 0, 0);
    const struct message other = supply_of(1, MEM_SUPPLY_COPY | 0x10, 0);
    const struct message zeros_of = supply_of(1, MEM_SUPPLY_ZERO, 0x1000);
    union out out;

    EXPECT_ERR(read_message(&none, &out), ERR_INVAL);
    EXPECT_ERR(read_message(&other, &out), ERR_INVAL);
    EXPECT_ERR(read_message(&zeros_of, &out), ERR_INVAL);
}

TAP_TEST(frames_are_for_pages_that_are_moved_and_what_comes_next)
{
    const uint32_t all = MEM_SUPPLY_MOVE | MEM_SUPPLY_NEXT | MEM_SUPPLY_FRAMES;
    const struct message good = supply_of(1, all, 0x5000);
    const struct message copied = supply_of(1, (all & ~MEM_SUPPLY_HOW) | MEM_SUPPLY_COPY, 0x5000);
    const struct message last = supply_of(1, all & ~MEM_SUPPLY_NEXT, 0x5000);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&good, &out), ERR_OK));
    EXPECT_U64(out.supply.has_frames, 1);
    EXPECT_U64(out.supply.has_next, 1);
    EXPECT_ERR(read_message(&copied, &out), ERR_INVAL);
    EXPECT_ERR(read_message(&last, &out), ERR_INVAL);
}

static struct message settle_of(uint64_t number, uint64_t reason)
{
    const struct mem_pager_fail_req req = {.head = number,
                                           .object = 5,
                                           .first = 6,
                                           .pages = UINT64_MAX,
                                           .reason = reason,
                                           .generation = 7};
    return pager_message(&req);
}

TAP_TEST(pager_fail_and_wrote_give_a_reason_of_the_list)
{
    static const uint64_t numbers[] = {MEM_PAGER_FAIL, MEM_PAGER_WROTE};
    union out out;

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct message io = settle_of(numbers[i], ERR_IO);
        const struct message ok = settle_of(numbers[i], ERR_OK);
        const struct message wait = settle_of(numbers[i], ERR_WAIT);
        const struct message more = settle_of(numbers[i], ERR_MORE);
        const struct message unknown = settle_of(numbers[i], UINT64_C(1) << 32 | ERR_IO);

        REQUIRE(EXPECT_ERR(read_message(&io, &out), ERR_OK));
        EXPECT_U64(out.settle.settle.number, 5);
        EXPECT_U64(out.settle.settle.first, 6);
        EXPECT_U64(out.settle.settle.pages, UINT64_MAX);
        EXPECT_U64(out.settle.settle.reason, ERR_IO);
        EXPECT_U64(out.settle.settle.generation, 7);
        EXPECT_U64(out.settle.pager, OBJECT_BADGE);
        EXPECT_ERR(read_message(&ok, &out), ERR_OK); /* core knows what FAIL may say */
        EXPECT_ERR(read_message(&wait, &out), ERR_INVAL);
        EXPECT_ERR(read_message(&more, &out), ERR_INVAL);
        EXPECT_ERR(read_message(&unknown, &out), ERR_INVAL);
    }
}

TAP_TEST(pager_next_waits_or_does_not)
{
    struct mem_pager_next_req req = {.head = MEM_PAGER_NEXT};
    struct message message = pager_message(&req);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pager_next.is_nowait, 0);
    EXPECT_U64(out.pager_next.frames.v, 0);
    message.words[1] = 1;
    message.words[2] = UINT64_MAX - 0xfff;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pager_next.is_nowait, 1);
    EXPECT_U64(out.pager_next.frames.v, UINT64_MAX - 0xfff);
    EXPECT_U64(out.pager_next.pager, OBJECT_BADGE);
    message.words[2] = 0x1001;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = 0;
    message.words[1] = 2;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(what_asks_for_the_next_work_after_a_supply_waits)
{
    struct message message = supply_of(1, MEM_SUPPLY_ZERO | MEM_SUPPLY_NEXT, 0);
    struct wire_pager_next next;

    wire_pager_make_next(&message, (uaddr_t){0x7000});
    EXPECT_U64(message.words[0], MEM_PAGER_NEXT);
    REQUIRE(EXPECT_ERR(wire_pager_next(&message, &next), ERR_OK));
    EXPECT_U64(next.is_nowait, 0);
    EXPECT_U64(next.frames.v, 0x7000);
    EXPECT_U64(next.pager, OBJECT_BADGE);
}

TAP_TEST(pager_make_says_whether_its_maker_serves_it)
{
    struct message message = message_of(MEM_PAGER_MAKE);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT(out.pager_make.is_served);
    EXPECT_U64(out.pager_make.reserve, 0);
    message.words[1] = MEM_PAGER_UNSERVED;
    message.words[2] = MEM_PAGER_RESERVE_MAX;
    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT(!out.pager_make.is_served);
    EXPECT_U64(out.pager_make.reserve, MEM_PAGER_RESERVE_MAX);
    message.words[2]++;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = UINT64_C(1) << 32;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[2] = 0;
    message.words[1] = MEM_PAGER_UNSERVED << 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
}

TAP_TEST(pager_adopt_arrives_whole)
{
    const struct mem_pager_adopt_req req = {.head = MEM_PAGER_ADOPT, .before = UINT64_MAX};
    const struct message message = pager_message(&req);
    union out out;

    REQUIRE(EXPECT_ERR(read_message(&message, &out), ERR_OK));
    EXPECT_U64(out.pager_adopt.before, UINT64_MAX);
    EXPECT_U64(out.pager_adopt.pager, OBJECT_BADGE);
}

TAP_TEST(who_asks_about_a_pager_names_it)
{
    union out out;

    for (uint64_t i = MEM_PAGER_OBJECT; i <= MEM_PAGER_ATTACH + 1; i++) {
        const uint64_t number = i <= MEM_PAGER_ATTACH ? i : MEM_PAGER_ADOPT;
        struct message message = message_of(number);

        EXPECT_ERR(read_message(&message, &out), ERR_OK);
        message.tag = 0;
        message.words[WORD_OBJECT] = 0;
        EXPECT_ERR(read_message(&message, &out), ERR_BADF);
    }
}

TAP_TEST(swap_names_an_object_unless_it_only_asks)
{
    struct message message = message_of(MEM_SWAP);
    union out out;

    name_handle(&message, 6, OBJECT_BADGE);
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT_U64(out.swap.flags, MEM_SWAP_ON);
    EXPECT_U64(out.swap.object, OBJECT_BADGE);
    message.words[1] = MEM_SWAP_OFF + 1;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message.words[1] = 0;
    EXPECT_ERR(read_message(&message, &out), ERR_INVAL);
    message = (struct message){.words = {MEM_SWAP}};
    EXPECT_ERR(read_message(&message, &out), ERR_OK);
    EXPECT_U64(out.swap.flags, 0);
    message.words[1] = MEM_SWAP_ON;
    EXPECT_ERR(read_message(&message, &out), ERR_BADF);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(pager_object_arrives_whole),
        TAP(pager_object_says_nothing_by_zeros),
        TAP(pager_object_knows_its_flags_and_the_largest_window),
        TAP(pager_supply_arrives_whole),
        TAP(pager_supply_says_how),
        TAP(frames_are_for_pages_that_are_moved_and_what_comes_next),
        TAP(pager_fail_and_wrote_give_a_reason_of_the_list),
        TAP(pager_next_waits_or_does_not),
        TAP(what_asks_for_the_next_work_after_a_supply_waits),
        TAP(pager_make_says_whether_its_maker_serves_it),
        TAP(pager_adopt_arrives_whole),
        TAP(who_asks_about_a_pager_names_it),
        TAP(swap_names_an_object_unless_it_only_asks),
    };

    return TAP_RUN(argc, argv, tests);
}
