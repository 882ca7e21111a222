/* SPDX-License-Identifier: MIT */
/*
 * A card behind blk.h: requests in a line, memory of clients that goes away, cards that fail.
 */
#include "sd_blk.h"

#include <stdlib.h>
#include <string.h>

#include "card_model.h"
#include "tap.h"

#define SPACE        7u
#define MEMORY_BYTES (4 * SD_BLK_BYTES_MAX)
#define STEPS_MAX    2000000u

static struct card card;
static struct sd_blk device;
static struct blk *const blk = &device.blk;
static uint8_t memory[MEMORY_BYTES]; /* of the client; addresses begin at 0 */
static uint8_t expected[sizeof(card.disk)];
static uint64_t memory_end;
static const char *why;

static enum err fetch(void *context, uint64_t space, uint64_t from, void *to, uint32_t bytes)
{
    (void)context;
    EXPECT_U64(space, SPACE);
    if (from + bytes > memory_end) {
        return ERR_FAULT;
    }
    memcpy(to, memory + from, bytes);
    return ERR_OK;
}

static enum err deliver(void *context, uint64_t space, const void *from, uint64_t to,
                        uint32_t bytes)
{
    (void)context;
    EXPECT_U64(space, SPACE);
    if (to + bytes > memory_end) {
        return ERR_FAULT;
    }
    memcpy(memory + to, from, bytes);
    return ERR_OK;
}

static void begin(void)
{
    card_init(&card);
    memset(&device, 0, sizeof(device));
    memset(memory, 0, sizeof(memory));
    memory_end = sizeof(memory);
    device.sd.port = card_port(&card);
    device.copier = (struct sd_blk_copier){NULL, fetch, deliver};
    sd_blk_init(&device);
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
}

static enum err submit(enum blk_kind kind, uint64_t sector, uint64_t address, uint32_t bytes,
                       uint64_t cookie)
{
    const struct blk_piece piece = {address, bytes};
    const struct blk_request request = {kind, sector, &piece, 1, cookie, SPACE};
    return blk_submit(blk, &request);
}

/* Let time pass until something is answered. */
static enum blk_result answer(uint64_t *cookie, enum err *error)
{
    enum blk_result result = BLK_NOTHING;
    for (unsigned i = 0; i < STEPS_MAX && result == BLK_NOTHING; i++) {
        EXPECT(blk_due(blk) != UINT64_MAX);
        card.time = blk_due(blk) > card.time ? blk_due(blk) : card.time;
        result = blk_take(blk, cookie, error);
    }
    return result;
}

static enum err answered(uint64_t cookie)
{
    uint64_t is = 0;
    enum err error = ERR_NOSYS;
    EXPECT_U64(answer(&is, &error), BLK_DONE);
    EXPECT_U64(is, cookie);
    return error;
}

TAP_TEST(it_is_a_disk_whose_bytes_the_driver_moves)
{
    begin();
    EXPECT(!blk->has_reach && !blk->has_flush && !blk->is_read_only);
    EXPECT_U64(blk->sectors, card.sectors);
    EXPECT_U64(blk->slots_max, SD_BLK_SLOTS);
    EXPECT_U64(blk_due(blk), UINT64_MAX);
    const struct blk_request flush = {.kind = BLK_FLUSH};
    EXPECT_ERR(blk_submit(blk, &flush), ERR_OPNOTSUPP);
    EXPECT_ERR(submit(BLK_READ, card.sectors, 0, 512, 1), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 0, 0, SD_BLK_BYTES_MAX + 512, 1), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 0, 0, 100, 1), ERR_INVAL);
    EXPECT_U64(blk->flying, 0);
}

TAP_TEST(requests_are_done_in_their_order)
{
    begin();
    for (unsigned i = 0; i < SD_BLK_SLOTS; i++) {
        EXPECT_ERR(submit(BLK_READ, i * 100, i * SD_BLK_BYTES_MAX, 512 << 2 * i, i), ERR_OK);
    }
    EXPECT_ERR(submit(BLK_READ, 0, 0, 512, 9), ERR_AGAIN);
    EXPECT_U64(blk->flying, SD_BLK_SLOTS);
    for (unsigned i = 0; i < SD_BLK_SLOTS; i++) {
        EXPECT_ERR(answered(i), ERR_OK);
        EXPECT(memcmp(memory + i * SD_BLK_BYTES_MAX, card.disk + i * 100 * 512, 512 << 2 * i) == 0);
    }
    EXPECT_U64(blk_due(blk), UINT64_MAX);
    EXPECT_U64(card.strays, 0);
}

/*
 * What it has taken is lasting once it is not busy any more: no flush follows, so an answer that
 * came earlier would be one too early.
 */
TAP_TEST(a_write_is_answered_once_the_card_is_not_busy_any_more)
{
    for (uint32_t bytes = 512; bytes <= SD_BLK_BYTES_MAX; bytes *= 128) {
        enum blk_result result = BLK_NOTHING;
        enum err error = ERR_NOSYS;
        uint64_t cookie = 0;
        uint64_t busy = 0;
        begin();
        card.delay = 5000;
        memset(memory, 0x5a, bytes);
        EXPECT_ERR(submit(BLK_WRITE, 7, 0, bytes, 3), ERR_OK);
        for (unsigned i = 0; i < STEPS_MAX && result == BLK_NOTHING; i++) {
            busy += card.busy > 0 ? 1 : 0;
            card.time = blk_due(blk) > card.time ? blk_due(blk) : card.time;
            result = blk_take(blk, &cookie, &error);
        }
        EXPECT_U64(result, BLK_DONE);
        EXPECT_ERR(error, ERR_OK);
        EXPECT_U64(card.busy, 0);
        EXPECT(busy > 0);
        EXPECT(memcmp(card.disk + (uint64_t)7 * 512, memory, bytes) == 0);
    }
}

TAP_TEST(memory_that_goes_away_fails_its_own_request_only)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        begin();
        memory_end = SD_BLK_BYTES_MAX / 2 + 4096;
        EXPECT_ERR(submit(kind == 0 ? BLK_READ : BLK_WRITE, 5, 4096, SD_BLK_BYTES_MAX, 1), ERR_OK);
        EXPECT_ERR(submit(BLK_READ, 1000, 0, 4096, 2), ERR_OK);
        EXPECT_ERR(answered(1), ERR_FAULT);
        EXPECT_ERR(answered(2), ERR_OK);
        EXPECT(memcmp(memory, card.disk + 1000 * 512, 4096) == 0);
        EXPECT_U64(blk->counts.errors, 0);
        EXPECT_U64(card.strays, 0);
    }
}

TAP_TEST(what_fails_once_is_tried_again)
{
    static const enum card_fault faults[] = {CARD_FLIP,        CARD_ERROR_TOKEN,  CARD_REJECT,
                                             CARD_WRITE_ERROR, CARD_STATUS_ERROR, CARD_NO_ANSWER};
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (uint32_t at = 1; at < 30; at++) {
            begin();
            memset(memory, 0x5a, sizeof(memory));
            card.fault = faults[i];
            card.fault_at = card.events + at;
            const bool is_write = i >= 2 && i < 5;
            EXPECT_ERR(submit(is_write ? BLK_WRITE : BLK_READ, 600, 0, 12 * 1024, 1), ERR_OK);
            EXPECT_ERR(answered(1), ERR_OK);
            EXPECT(memcmp(memory, card.disk + 600 * 512, 12 * 1024) == 0);
            EXPECT(!is_write || memory[0] == 0x5a);
        }
    }
}

TAP_TEST(what_fails_always_is_an_error_and_the_next_request_goes_on)
{
    static const enum card_fault faults[] = {CARD_FLIP,        CARD_ERROR_TOKEN,  CARD_REJECT,
                                             CARD_WRITE_ERROR, CARD_STATUS_ERROR, CARD_ILLEGAL};
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        begin();
        card.fault = faults[i];
        EXPECT_ERR(submit(i >= 2 ? BLK_WRITE : BLK_READ, 600, 0, 8192, 1), ERR_OK);
        EXPECT_ERR(submit(BLK_READ, 9, 0, 512, 2), ERR_OK);
        EXPECT_ERR(answered(1), ERR_IO);
        card.fault = CARD_SOUND;
        EXPECT_ERR(answered(2), ERR_OK);
        EXPECT(memcmp(memory, card.disk + 9 * 512, 512) == 0);
        EXPECT_U64(blk->counts.errors, 1);
    }
}

TAP_TEST(a_card_that_is_lost_gives_its_requests_back_and_may_come_again)
{
    uint64_t cookie = 0;
    enum err error;
    begin();
    card.fault = CARD_NO_TOKEN;
    EXPECT_ERR(submit(BLK_READ, 1, 0, 4096, 1), ERR_OK);
    EXPECT_ERR(submit(BLK_READ, 2, 0, 4096, 2), ERR_OK);
    EXPECT_U64(answer(&cookie, &error), BLK_LOST);
    EXPECT_ERR(blk_stop(blk), ERR_OK);
    unsigned dropped = 0;
    while (blk_drop(blk, &cookie)) {
        dropped++;
    }
    EXPECT_U64(dropped, 2);
    card.is_absent = true;
    EXPECT_ERR(blk_start(blk, &why), ERR_NOENT);
    EXPECT_ERR(submit(BLK_READ, 2, 0, 4096, 2), ERR_IO);
    card.is_absent = false;
    card.fault = CARD_SOUND;
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    EXPECT_ERR(submit(BLK_READ, 2, 0, 4096, 3), ERR_OK);
    EXPECT_ERR(answered(3), ERR_OK);
    EXPECT(memcmp(memory, card.disk + 2 * 512, 4096) == 0);
}

/* One request of random kind, place and size with random trouble; what it leaves is right. */
static void draw_request(unsigned *resets)
{
    const bool is_write = rand() % 2 == 0;
    const uint32_t bytes = (uint32_t)(rand() % (rand() % 8 == 0 ? 128 : 12) + 1) * 512;
    const uint64_t sector = (uint64_t)rand() % (card.sectors - 128);
    const uint64_t address = (uint64_t)rand() % (MEMORY_BYTES - SD_BLK_BYTES_MAX);
    uint64_t cookie = 0;
    enum err error = ERR_OK;
    for (uint32_t i = 0; i < bytes; i++) {
        memory[address + i] = (uint8_t)rand();
    }
    card.fault = rand() % 3 == 0 ? (enum card_fault)(rand() % (CARD_STUCK + 1)) : CARD_SOUND;
    card.fault_at = card.events + (uint32_t)rand() % 20;
    EXPECT_ERR(submit(is_write ? BLK_WRITE : BLK_READ, sector, address, bytes, 4), ERR_OK);
    const enum blk_result result = answer(&cookie, &error);
    const bool is_good = result == BLK_DONE && error == ERR_OK;
    if (is_good && is_write) {
        memcpy(expected + sector * 512, memory + address, bytes);
    } else if (is_write) {
        memcpy(expected + sector * 512, card.disk + sector * 512, bytes); /* either */
    }
    EXPECT(!is_good || memcmp(memory + address, expected + sector * 512, bytes) == 0);
    if (result == BLK_LOST) {
        (*resets)++;
        card.fault = CARD_SOUND;
        card.busy = 0;
        EXPECT_ERR(blk_stop(blk), ERR_OK);
        EXPECT(blk_drop(blk, &cookie));
        EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    }
}

TAP_TEST(random_requests_at_a_card_that_fails_at_random_are_right_or_errors)
{
    unsigned resets = 0;
    begin();
    srand(11);
    memcpy(expected, card.disk, sizeof(expected));
    for (unsigned i = 0; i < 3000; i++) {
        draw_request(&resets);
    }
    EXPECT(memcmp(expected, card.disk, sizeof(expected)) == 0);
    tap_note("%u resets, %u errors", resets, (unsigned)blk->counts.errors);
    EXPECT(resets > 20);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(it_is_a_disk_whose_bytes_the_driver_moves),
        TAP(requests_are_done_in_their_order),
        TAP(a_write_is_answered_once_the_card_is_not_busy_any_more),
        TAP(memory_that_goes_away_fails_its_own_request_only),
        TAP(what_fails_once_is_tried_again),
        TAP(what_fails_always_is_an_error_and_the_next_request_goes_on),
        TAP(a_card_that_is_lost_gives_its_requests_back_and_may_come_again),
        TAP(random_requests_at_a_card_that_fails_at_random_are_right_or_errors),
    };
    return TAP_RUN(argc, argv, tests);
}
