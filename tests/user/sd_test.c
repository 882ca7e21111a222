/* SPDX-License-Identifier: MIT */
/*
 * SD cards of all kinds, sound and broken, at a model of one (card_model.h).
 */
#include "sd.h"

#include <string.h>

#include "card_model.h"
#include "tap.h"

#define START_MS 2500u /* that finding a card may take at most */

static struct card card;
static struct sd sd;
static const char *why;

static void prepare(void)
{
    card_init(&card);
    memset(&sd, 0, sizeof(sd));
    sd.port = card_port(&card);
    why = "";
}

static enum err start(void)
{
    const uint64_t before = card.time;
    const enum err error = sd_start(&sd, &why);
    EXPECT(card.time - before < START_MS * sd.port.ms);
    EXPECT(error == ERR_OK ? sd.state == SD_READY : sd.state == SD_OFF);
    EXPECT(error == ERR_OK || why[0] != '\0');
    return error;
}

/* Until it is not SD_WAIT; in a time that it may take. */
static enum sd_result finish(enum sd_result (*step)(uint8_t *block), uint8_t *block)
{
    const uint64_t before = card.time;
    enum sd_result result;
    do {
        result = step(block);
    } while (result == SD_WAIT);
    EXPECT(card.time - before < 2200 * sd.port.ms);
    return result;
}

static enum sd_result move(uint8_t *block)
{
    return sd_move(&sd, block);
}

static enum sd_result end(uint8_t *block)
{
    (void)block;
    return sd_end(&sd);
}

/* A whole transfer. Returns: the first result that is not SD_DONE. */
static enum sd_result transfer(bool is_write, uint64_t sector, uint32_t count, uint8_t *bytes)
{
    enum sd_result result = sd_begin(&sd, is_write, sector, count);
    if (result != SD_DONE) {
        return result;
    }
    for (uint32_t i = 0; i < count && result == SD_DONE; i++) {
        result = finish(move, bytes + i * SD_BLOCK_BYTES);
    }
    if (result == SD_LOST) {
        return result;
    }
    const enum sd_result ended = finish(end, NULL);
    return result == SD_DONE || ended == SD_LOST ? ended : result;
}

static bool is_same(uint64_t sector, uint32_t count, const uint8_t *bytes)
{
    return memcmp(bytes, card.disk + sector * SD_BLOCK_BYTES, count * SD_BLOCK_BYTES) == 0;
}

TAP_TEST(sums_are_those_of_the_specification)
{
    const uint8_t idle[] = {0x40, 0, 0, 0, 0};
    const uint8_t condition[] = {0x48, 0, 0, 1, 0xaa};
    uint8_t block[SD_BLOCK_BYTES];
    EXPECT_U64(sd_wire_sum_command(idle, 5), 0x95);
    EXPECT_U64(sd_wire_sum_command(condition, 5), 0x87);
    memset(block, 0xff, sizeof(block));
    EXPECT_U64(sd_wire_sum_block(block, sizeof(block)), 0x7fa1);
}

TAP_TEST(cards_of_every_kind_are_found_with_their_size)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        prepare();
        card.is_large = kind == 0;
        card.is_old = kind == 2;
        EXPECT_ERR(start(), ERR_OK);
        EXPECT_U64(sd.sectors, card.sectors);
        EXPECT(sd.is_large == card.is_large && !sd.was_measured && !sd.is_read_only);
        EXPECT(card.has_sums && card.is_fast);
        EXPECT_U64(card.strays, 0);
    }
    prepare();
    card.is_protected = true;
    EXPECT_ERR(start(), ERR_OK);
    EXPECT(sd.is_read_only);
}

TAP_TEST(a_card_that_does_not_say_its_size_is_measured)
{
    static const uint64_t sizes[] = {1, 2, 1023, 1024, 2048, 3001, CARD_SECTORS_MAX};
    for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        prepare();
        card.is_large = i % 2 == 0;
        card.sectors = sizes[i / 2];
        card.has_csd = false;
        EXPECT_ERR(start(), ERR_OK);
        EXPECT_U64(sd.sectors, sizes[i / 2]);
        EXPECT(sd.was_measured);
    }
    prepare();
    card.is_csd_bad = true;
    EXPECT_ERR(start(), ERR_OK);
    EXPECT(sd.was_measured);
    EXPECT_U64(sd.sectors, card.sectors);
}

TAP_TEST(what_cannot_be_used_is_named)
{
    prepare();
    card.is_absent = true;
    EXPECT_ERR(start(), ERR_NOENT);
    EXPECT_STR(why, "no card answers");
    prepare();
    card.is_mmc = true;
    EXPECT_ERR(start(), ERR_OPNOTSUPP);
    EXPECT_STR(why, "it is no SD card");
    prepare();
    card.is_low = true;
    EXPECT_ERR(start(), ERR_OPNOTSUPP);
    EXPECT_STR(why, "the card does not take this voltage");
    prepare();
    card.start_turns = UINT32_MAX;
    EXPECT_ERR(start(), ERR_IO);
    EXPECT_STR(why, "the card does not get ready");
    prepare();
    card.has_csd = false;
    card.sectors = 0;
    EXPECT_ERR(start(), ERR_IO);
    EXPECT_STR(why, "the card does not let its size be known");
}

TAP_TEST(blocks_are_read_and_written_one_and_many)
{
    static uint8_t bytes[64 * SD_BLOCK_BYTES];
    for (unsigned kind = 0; kind < 2; kind++) {
        prepare();
        card.is_large = kind == 0;
        EXPECT_ERR(start(), ERR_OK);
        for (uint32_t count = 1; count <= 64; count *= 2) {
            memset(bytes, 0, sizeof(bytes));
            EXPECT_U64(transfer(false, count, count, bytes), SD_DONE);
            EXPECT(is_same(count, count, bytes));
            memset(bytes, (int)count, sizeof(bytes));
            EXPECT_U64(transfer(true, 100, count, bytes), SD_DONE);
            EXPECT(is_same(100, count, bytes));
            EXPECT(card.disk[(100 + count) * SD_BLOCK_BYTES + 1] != count);
        }
        /* The last sectors: what the card would read ahead is not there. */
        EXPECT_U64(transfer(false, card.sectors - 2, 2, bytes), SD_DONE);
        EXPECT_U64(transfer(false, card.sectors - 1, 1, bytes), SD_DONE);
        EXPECT_U64(card.strays, 0);
    }
}

TAP_TEST(a_block_that_is_damaged_on_the_wire_is_not_taken)
{
    static uint8_t bytes[4 * SD_BLOCK_BYTES];
    prepare();
    EXPECT_ERR(start(), ERR_OK);
    card.fault = CARD_FLIP;
    EXPECT_U64(transfer(false, 3, 1, bytes), SD_FAILED);
    EXPECT_U64(transfer(false, 600, 4, bytes), SD_FAILED);
    card.fault = CARD_REJECT;
    EXPECT_U64(transfer(true, 3, 1, bytes), SD_FAILED);
    EXPECT_U64(transfer(true, 3, 4, bytes), SD_FAILED);
    card.fault = CARD_SOUND;
    EXPECT_U64(transfer(false, 600, 4, bytes), SD_DONE);
    EXPECT(is_same(600, 4, bytes));
}

TAP_TEST(what_the_card_cannot_do_is_an_error_after_which_it_goes_on)
{
    static const enum card_fault faults[] = {CARD_ERROR_TOKEN, CARD_WRITE_ERROR, CARD_STATUS_ERROR};
    static uint8_t bytes[4 * SD_BLOCK_BYTES];
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (uint32_t count = 1; count <= 4; count += 3) {
            prepare();
            EXPECT_ERR(start(), ERR_OK);
            card.fault = faults[i];
            EXPECT_U64(transfer(faults[i] != CARD_ERROR_TOKEN, 9, count, bytes), SD_FAILED);
            card.fault = CARD_SOUND;
            EXPECT_U64(transfer(false, 9, count, bytes), SD_DONE);
            EXPECT(is_same(9, count, bytes));
        }
    }
    EXPECT_U64(transfer(false, card.sectors, 1, bytes), SD_REFUSED);
    EXPECT_U64(transfer(false, card.sectors - 1, 3, bytes), SD_REFUSED);
    EXPECT_U64(transfer(true, card.sectors - 1, 3, bytes), SD_FAILED);
    EXPECT_U64(sd.state, SD_READY);
}

TAP_TEST(a_card_that_is_silent_stuck_or_another_one_is_lost_and_can_be_found_again)
{
    static const enum card_fault faults[] = {CARD_NO_ANSWER, CARD_IDLE, CARD_NO_TOKEN, CARD_STUCK};
    static uint8_t bytes[4 * SD_BLOCK_BYTES];
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        prepare();
        EXPECT_ERR(start(), ERR_OK);
        card.fault = faults[i];
        EXPECT_U64(transfer(faults[i] == CARD_STUCK, 9, 4, bytes), SD_LOST);
        EXPECT_U64(sd.state, SD_OFF);
        card.fault = CARD_SOUND;
        card.busy = 0;
        EXPECT_ERR(start(), ERR_OK);
        EXPECT_U64(transfer(false, 9, 4, bytes), SD_DONE);
        EXPECT(is_same(9, 4, bytes));
    }
}

TAP_TEST(a_card_that_was_left_in_the_middle_of_a_block_is_found)
{
    static uint8_t bytes[SD_BLOCK_BYTES];
    for (unsigned i = 0; i < 2; i++) {
        prepare();
        EXPECT_ERR(start(), ERR_OK);
        EXPECT_U64(sd_begin(&sd, i == 1, 5, 9), SD_DONE);
        EXPECT_U64(sd_move(&sd, bytes), SD_DONE);
        const uint8_t token[2] = {0xff, 0xfc};
        sd.port.exchange(&card, token, NULL, i == 1 ? 2 : 0);
        sd.port.exchange(&card, NULL, NULL, 100);
        /* Another driver begins. */
        EXPECT_ERR(start(), ERR_OK);
        EXPECT_U64(transfer(false, 7, 1, bytes), SD_DONE);
        EXPECT(is_same(7, 1, bytes));
    }
}

/* A transfer of two blocks by a driver that dies when as many bytes have gone over the wire. */
static void die_in_transfer(bool is_write, uint8_t *bytes, uint64_t left_at)
{
    card.left_at = left_at;
    enum sd_result result = sd_begin(&sd, is_write, 3, 2);
    for (uint32_t i = 0; i < 2 && result == SD_DONE; i++) {
        do {
            result = sd_move(&sd, bytes + i * SD_BLOCK_BYTES);
        } while (result == SD_WAIT && card.bytes < left_at);
    }
    while (result == SD_DONE && card.bytes < left_at && sd_end(&sd) == SD_WAIT) {
    }
    card.left_at = UINT64_MAX;
}

/* Whatever byte it is, and whatever stands on the card: what is read may look like answers. */
TAP_TEST(a_card_whose_driver_dies_at_any_byte_is_found)
{
    static const uint8_t fills[] = {0x01, 0x00, 0x05, 0xfe, 0xff};
    static uint8_t bytes[2 * SD_BLOCK_BYTES];
    for (unsigned i = 0; i < 2 * sizeof(fills); i++) {
        const bool is_write = i % 2 != 0;
        uint64_t last = 0;
        for (uint64_t from = 0; from == last; from++) { /* until it comes to its end */
            prepare();
            memset(card.disk + 3 * SD_BLOCK_BYTES, fills[i / 2], sizeof(bytes));
            memset(bytes, fills[i / 2], sizeof(bytes));
            EXPECT_ERR(start(), ERR_OK);
            const uint64_t left_at = card.bytes + from;
            die_in_transfer(is_write, bytes, left_at);
            last = card.bytes < left_at ? from : from + 1;
            /* Another driver begins. */
            EXPECT_ERR(start(), ERR_OK);
            EXPECT_U64(transfer(false, 3, 2, bytes), SD_DONE);
            EXPECT(is_same(3, 2, bytes));
        }
        tap_note("%s of %02x: %u bytes", is_write ? "writing" : "reading", fills[i / 2],
                 (unsigned)last);
    }
}

TAP_TEST(a_card_that_falls_silent_at_any_byte_is_noticed_in_time)
{
    static uint8_t bytes[2 * SD_BLOCK_BYTES];
    prepare();
    EXPECT_ERR(start(), ERR_OK);
    EXPECT_U64(transfer(false, 0, 2, bytes), SD_DONE);
    EXPECT_U64(transfer(true, 9, 2, bytes), SD_DONE);
    const uint64_t last = card.bytes;
    for (uint64_t from = 0; from < last; from++) {
        prepare();
        card.silent_from = from;
        enum err error = start();
        if (error != ERR_OK) {
            continue;
        }
        const enum sd_result read = transfer(false, 0, 2, bytes);
        EXPECT(read != SD_DONE || is_same(0, 2, bytes));
        if (sd.state == SD_READY) {
            const enum sd_result written = transfer(true, 9, 2, bytes);
            EXPECT(written != SD_DONE || is_same(9, 2, bytes));
        }
    }
    tap_note("%u bytes", (unsigned)last);
}

TAP_TEST(no_bit_that_is_turned_on_the_wire_gives_wrong_data)
{
    static uint8_t bytes[2 * SD_BLOCK_BYTES];
    unsigned failed = 0;
    prepare();
    EXPECT_ERR(start(), ERR_OK);
    EXPECT_U64(transfer(false, 20, 2, bytes), SD_DONE);
    const uint64_t last = card.bytes;
    for (uint64_t at = 0; at < last; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            prepare();
            card.flip_at = at;
            card.flip = (uint8_t)(1u << bit);
            if (start() != ERR_OK) {
                failed++;
                continue;
            }
            EXPECT(sd.sectors <= card.sectors);
            const enum sd_result result = transfer(false, 20, 2, bytes);
            EXPECT(result != SD_DONE || is_same(20, 2, bytes));
            failed += result != SD_DONE;
        }
    }
    tap_note("%u of %u noticed", failed, (unsigned)last * 8);
    EXPECT(failed > 1000);
}

TAP_TEST(a_card_that_says_anything_at_all_does_no_harm)
{
    static uint8_t bytes[4 * SD_BLOCK_BYTES];
    unsigned found = 0;
    for (unsigned seed = 0; seed < 1000; seed++) {
        prepare();
        card.is_liar = seed % 2 == 0;
        card.lies = seed * UINT64_C(0x9e3779b97f4a7c15);
        if (start() != ERR_OK) {
            continue;
        }
        found++;
        card.is_liar = true;
        for (unsigned turn = 0; turn < 10 && sd.state == SD_READY; turn++) {
            const uint32_t count = turn % 4 + 1;
            const enum sd_result result = transfer(turn % 3 == 0, turn, count, bytes);
            EXPECT(result != SD_DONE || turn % 3 == 0 || is_same(turn, count, bytes));
        }
    }
    tap_note("%u of 1000 were found", found);
    EXPECT(found >= 500);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(sums_are_those_of_the_specification),
        TAP(cards_of_every_kind_are_found_with_their_size),
        TAP(a_card_that_does_not_say_its_size_is_measured),
        TAP(what_cannot_be_used_is_named),
        TAP(blocks_are_read_and_written_one_and_many),
        TAP(a_block_that_is_damaged_on_the_wire_is_not_taken),
        TAP(what_the_card_cannot_do_is_an_error_after_which_it_goes_on),
        TAP(a_card_that_is_silent_stuck_or_another_one_is_lost_and_can_be_found_again),
        TAP(a_card_that_was_left_in_the_middle_of_a_block_is_found),
        TAP(a_card_whose_driver_dies_at_any_byte_is_found),
        TAP(a_card_that_falls_silent_at_any_byte_is_noticed_in_time),
        TAP(no_bit_that_is_turned_on_the_wire_gives_wrong_data),
        TAP(a_card_that_says_anything_at_all_does_no_harm),
    };
    return TAP_RUN(argc, argv, tests);
}
