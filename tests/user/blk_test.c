/* SPDX-License-Identifier: MIT */
/*
 * The block device's driver against a model of the device (disk_model.h): orders, lies, silence.
 */
#include "virtio_blk.h"

#include <stdlib.h>
#include <string.h>

#include "disk_model.h"
#include "tap.h"

#define DATA_PAGES 64u

static struct model model;
static struct virtio_blk device;
static struct blk *const blk = &device.blk;
static struct blk_page data[DATA_PAGES];
static const char *why;

/* A device and a driver that has not begun. */
static void prepare(void)
{
    model_memory_reset(false);
    model_init(&model);
    memset(&device, 0, sizeof(device));
    virtio_blk_init(&device);
    device.virtio.bus = model_bus(&model);
    for (unsigned i = 0; i < VIRTIO_BLK_PAGES; i++) {
        device.pages[i].bytes = model_memory(&device.pages[i].address);
    }
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        data[i].bytes = model_memory(&data[i].address);
    }
    why = "";
}

static void begin(void)
{
    prepare();
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
}

/* A request for `count` pieces of 512 bytes, one at the start of each data page from `page` on. */
static enum err submit(enum blk_kind kind, uint64_t sector, unsigned page, unsigned count,
                       uint64_t cookie)
{
    struct blk_piece pieces[DATA_PAGES];
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct blk_piece){data[page + i].address, BLK_SECTOR_BYTES};
    }
    const struct blk_request request = {kind, sector, pieces, count, cookie, 0};
    return blk_submit(blk, &request);
}

/* Answer the first request that waits and take it back; REQUIREs nothing. */
static enum err answered(enum model_answer how)
{
    uint64_t cookie = 0;
    enum err error = ERR_NOSYS;
    blk_kick(blk);
    EXPECT(model_look(&model) > 0);
    model_answer(&model, 0, how);
    EXPECT_U64(blk_take(blk, &cookie, &error), BLK_DONE);
    return error;
}

TAP_TEST(features_size_and_limits_are_those_of_the_device)
{
    begin();
    EXPECT_U64(blk->sectors, MODEL_SECTORS);
    EXPECT_U64(blk->block_sectors, 1);
    EXPECT_U64(blk->pieces_max, VIRTIO_BLK_PIECES_MAX);
    EXPECT_U64(blk->slots_max, BLK_SLOTS);
    EXPECT(blk->has_flush);
    EXPECT(!blk->is_read_only);
    EXPECT_U64(model.size, VIRTQUEUE_SIZE_MAX);
    EXPECT_U64(model.status, 15);
    EXPECT_U64(model.features, VIRTIO_F_VERSION_1 | VIRTIO_F_TABLES | 1u << 2 | 1u << 6 | 1u << 9);
}

TAP_TEST(what_is_no_block_device_of_a_known_kind_is_refused_with_a_reason)
{
    prepare();
    model.kind = VIRTIO_DEVICE_NONE;
    EXPECT_ERR(blk_start(blk, &why), ERR_NOENT);
    prepare();
    model.version = 3;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    prepare();
    model.offers &= ~VIRTIO_F_VERSION_1;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    prepare();
    model.is_unwilling = true;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    EXPECT_STR(why, "it does not agree on features");
    prepare();
    model.status = 1;
    model.is_stubborn = true;
    EXPECT_ERR(blk_start(blk, &why), ERR_IO);
    EXPECT(!blk->is_live);
}

TAP_TEST(odd_configurations_are_refused_and_the_device_is_left_reset)
{
    static const uint32_t blocks[] = {0, 256, 513, 8192, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        prepare();
        model.block_bytes = blocks[i];
        EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
        EXPECT_U64(model.status, 0);
    }
    prepare();
    model.sectors = UINT64_MAX;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    prepare();
    model.size_max = 0;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    prepare();
    model.size_max = 2;
    EXPECT_ERR(blk_start(blk, &why), ERR_OPNOTSUPP);
    EXPECT_U64(model.status, 0);
    prepare();
    model.is_ready = true;
    model.is_stubborn = true; /* says that it is reset, but has the queue */
    EXPECT_ERR(blk_start(blk, &why), ERR_BUSY);
}

static void read_and_write_once(void)
{
    memset(data[0].bytes, 0xab, BLK_SECTOR_BYTES);
    EXPECT_ERR(submit(BLK_WRITE, 7, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_U64(model.disk[7 * 512], 0xab);
    EXPECT_U64(model.disk[7 * 512 + 511], 0xab);
    EXPECT(model.disk[8 * 512] != 0xab && model.disk[7 * 512 - 1] != 0xab);
    EXPECT_ERR(submit(BLK_READ, 5, 1, 4, 2), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_BYTES(data[1 + i].bytes, &model.disk[(5 + i) * 512], 512);
    }
    EXPECT_ERR(submit(BLK_FLUSH, 0, 0, 0, 3), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_U64(model.flushes, 1);
    EXPECT_U64(model.strays, 0);
    EXPECT_U64(model.notices, 3);
}

TAP_TEST(sectors_are_written_read_and_flushed_by_tables)
{
    begin();
    read_and_write_once();
}

TAP_TEST(sectors_are_written_read_and_flushed_by_chains)
{
    prepare();
    model.offers &= ~VIRTIO_F_TABLES;
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    read_and_write_once();
}

TAP_TEST(sectors_are_written_read_and_flushed_at_an_older_device)
{
    prepare();
    model.version = 1;
    model.offers &= ~VIRTIO_F_VERSION_1;
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    EXPECT_U64(model.status, 7);
    EXPECT_U64(model.page_bytes, 4096);
    read_and_write_once();
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_SHORT), ERR_OK); /* their lengths mean nothing */
}

TAP_TEST(requests_that_are_none_of_the_disk_are_refused)
{
    begin();
    struct blk_piece piece = {data[0].address, 512};
    struct blk_request request = {BLK_READ, MODEL_SECTORS, &piece, 1, 1, 0};
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    request.sector = UINT64_MAX;
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    request.sector = MODEL_SECTORS - 1;
    piece.bytes = 1024;
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    piece.bytes = 511;
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    piece.bytes = 0;
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    piece.bytes = 512;
    request.count = 0;
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    request = (struct blk_request){BLK_FLUSH, 0, &piece, 1, 1, 0};
    EXPECT_ERR(blk_submit(blk, &request), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 0, 0, VIRTIO_BLK_PIECES_MAX + 1, 1), ERR_INVAL);
    EXPECT_U64(blk->flying, 0);
    EXPECT_ERR(submit(BLK_READ, 0, 0, VIRTIO_BLK_PIECES_MAX, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_U64(model.strays, 0);
}

TAP_TEST(blocks_larger_than_sectors_are_kept_to)
{
    prepare();
    model.block_bytes = 4096;
    model.sectors = 84; /* ten blocks and a half */
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    EXPECT_U64(blk->sectors, 80);
    EXPECT_ERR(submit(BLK_READ, 8, 0, 1, 1), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 4, 0, 8, 1), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 80, 0, 8, 1), ERR_INVAL);
    EXPECT_ERR(submit(BLK_READ, 72, 0, 8, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
}

TAP_TEST(a_disk_that_may_only_be_read_is_not_written)
{
    prepare();
    model.offers |= 1u << 5;
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    EXPECT(blk->is_read_only);
    EXPECT_ERR(submit(BLK_WRITE, 0, 0, 1, 1), ERR_ROFS);
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
}

TAP_TEST(as_many_requests_fly_as_there_are_slots_and_end_in_any_order)
{
    begin();
    for (unsigned i = 0; i < BLK_SLOTS; i++) {
        EXPECT_ERR(submit(BLK_READ, i, i, 1, 100 + i), ERR_OK);
    }
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 999), ERR_AGAIN);
    blk_kick(blk);
    blk_kick(blk);
    EXPECT_U64(model.notices, 1);
    EXPECT_U64(model_look(&model), BLK_SLOTS);
    bool is_back[BLK_SLOTS] = {false};
    for (unsigned left = BLK_SLOTS; left > 0; left--) {
        uint64_t cookie = 0;
        enum err error = ERR_NOSYS;
        model_answer(&model, left * 31 % left, MODEL_HONEST);
        model_answer(&model, left == 1 ? 0 : (left - 1) / 2, MODEL_HONEST);
        left -= 1;
        for (int i = 0; i < 2; i++) {
            REQUIRE(blk_take(blk, &cookie, &error) == BLK_DONE);
            EXPECT_ERR(error, ERR_OK);
            REQUIRE(cookie >= 100 && cookie < 100 + BLK_SLOTS && !is_back[cookie - 100]);
            is_back[cookie - 100] = true;
            EXPECT_BYTES(data[cookie - 100].bytes, &model.disk[(cookie - 100) * 512], 512);
        }
    }
    EXPECT_U64(blk->flying, 0);
    EXPECT_U64(blk->counts.depth_max, BLK_SLOTS);
    EXPECT_U64(model.strays, 0);
}

TAP_TEST(chains_that_find_too_few_descriptors_have_to_wait)
{
    prepare();
    model.offers &= ~VIRTIO_F_TABLES;
    model.size_max = 16;
    EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    EXPECT_U64(blk->pieces_max, 14);
    EXPECT_ERR(submit(BLK_READ, 0, 0, 10, 1), ERR_OK);
    EXPECT_ERR(submit(BLK_READ, 0, 10, 3, 2), ERR_AGAIN);
    EXPECT_ERR(submit(BLK_READ, 0, 10, 2, 3), ERR_OK);
    EXPECT_ERR(submit(BLK_FLUSH, 0, 0, 0, 4), ERR_AGAIN);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_ERR(submit(BLK_READ, 0, 20, 3, 5), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_U64(blk->flying, 0);
    EXPECT_U64(model.strays, 0);
}

TAP_TEST(errors_of_the_device_are_told_by_their_kind)
{
    begin();
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_ERROR), ERR_IO);
    EXPECT_ERR(submit(BLK_WRITE, 0, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_UNSUPPORTED), ERR_OPNOTSUPP);
    EXPECT_ERR(submit(BLK_WRITE, 0, 0, 1, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_ODD_STATUS), ERR_IO);
    EXPECT_U64(blk->counts.errors, 3);
    EXPECT_U64(blk->counts.lies, 0);
}

TAP_TEST(lies_about_lengths_and_statuses_are_errors_of_that_request_alone)
{
    static const enum model_answer lies[] = {MODEL_NO_STATUS, MODEL_SHORT, MODEL_LONG};
    begin();
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_ERR(submit(BLK_READ, 3, 0, 2, 1), ERR_OK);
        EXPECT_ERR(answered(lies[i]), ERR_IO);
    }
    EXPECT_ERR(submit(BLK_WRITE, 3, 0, 2, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_LONG), ERR_IO);
    EXPECT_U64(blk->counts.lies, 4);
    EXPECT_ERR(submit(BLK_WRITE, 3, 0, 2, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_SHORT), ERR_OK); /* some do not count the status */
    EXPECT_ERR(submit(BLK_READ, 3, 0, 2, 1), ERR_OK);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
}

TAP_TEST(lies_about_which_request_end_in_a_reset_that_gives_all_back)
{
    static const enum model_answer lies[] = {MODEL_WRONG_ID, MODEL_HUGE_ID, MODEL_TWICE,
                                             MODEL_INDEX_AHEAD};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t cookie = 0;
        uint64_t all = 0;
        enum err error;
        begin();
        for (unsigned k = 0; k < 5; k++) {
            EXPECT_ERR(submit(BLK_READ, k, k, 1, UINT64_C(1) << k), ERR_OK);
        }
        blk_kick(blk);
        EXPECT_U64(model_look(&model), 5);
        /* The last: what follows it in the queue is not in flight. */
        model_answer(&model, 4, lies[i]);
        enum blk_result result = blk_take(blk, &cookie, &error);
        if (result == BLK_DONE) { /* the first of two */
            EXPECT(lies[i] == MODEL_TWICE);
            all |= cookie;
            result = blk_take(blk, &cookie, &error);
        }
        EXPECT_U64(result, BLK_LOST);
        EXPECT_U64(blk->counts.lies, 1);
        EXPECT_ERR(blk_stop(blk), ERR_OK);
        EXPECT_U64(model.status, 0);
        EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 1), ERR_IO);
        EXPECT_U64(blk_take(blk, &cookie, &error), BLK_NOTHING);
        while (blk_drop(blk, &cookie)) {
            EXPECT_U64(all & cookie, 0);
            all |= cookie;
        }
        EXPECT_U64(all, 31);
        EXPECT_ERR(blk_start(blk, &why), ERR_OK);
        EXPECT_ERR(submit(BLK_READ, 9, 0, 1, 1), ERR_OK);
        EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
        EXPECT_U64(model.strays, 0);
    }
}

TAP_TEST(a_device_that_never_answers_gives_nothing_back_until_it_is_stopped)
{
    uint64_t cookie = 0;
    enum err error;
    begin();
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 77), ERR_OK);
    blk_kick(blk);
    EXPECT_U64(blk_take(blk, &cookie, &error), BLK_NOTHING);
    model.is_stubborn = true;
    EXPECT_ERR(blk_stop(blk), ERR_IO); /* and so its memory must not be used again */
    EXPECT(blk_drop(blk, &cookie));
    EXPECT_U64(cookie, 77);
    EXPECT(!blk_drop(blk, &cookie));
}

TAP_TEST(indices_wrap_around)
{
    begin();
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t cookie = 0;
        enum err error = ERR_NOSYS;
        REQUIRE(submit(BLK_FLUSH, 0, 0, 0, i) == ERR_OK);
        blk_kick(blk);
        REQUIRE(model_look(&model) == 1);
        model_answer(&model, 0, MODEL_HONEST);
        REQUIRE(blk_take(blk, &cookie, &error) == BLK_DONE && error == ERR_OK && cookie == i);
    }
    EXPECT_U64(blk->counts.flushes, 70000);
}

TAP_TEST(interrupts_are_told_by_cause_and_acknowledged)
{
    begin();
    EXPECT_ERR(submit(BLK_READ, 0, 0, 1, 1), ERR_OK);
    EXPECT_U64(virtio_take_interrupt(&device.virtio), 0);
    EXPECT_ERR(answered(MODEL_HONEST), ERR_OK);
    EXPECT_U64(virtio_take_interrupt(&device.virtio), VIRTIO_INTERRUPT_QUEUE);
    EXPECT_U64(virtio_take_interrupt(&device.virtio), 0);
    EXPECT(!virtio_is_lost(&device.virtio));
    model.status |= 0x40;
    EXPECT(virtio_is_lost(&device.virtio));
}

/* Numbers that are the same in every run. */
static uint32_t draw(uint32_t below)
{
    static uint64_t state = 20261129;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

/* One step of a run: the model answers somehow; what comes back was in flight. */
static void step_answer(uint64_t *flying, unsigned *lost)
{
    uint64_t cookie = 0;
    enum err error = ERR_NOSYS;
    const unsigned waiting = model_look(&model);
    if (waiting > 0) {
        model_answer(&model, draw(waiting),
                     draw(8) != 0 ? MODEL_HONEST : (enum model_answer)draw(11));
    }
    enum blk_result result;
    while ((result = blk_take(blk, &cookie, &error)) == BLK_DONE) {
        EXPECT((*flying >> cookie & 1) != 0);
        *flying &= ~(UINT64_C(1) << cookie);
    }
    if (result == BLK_LOST) {
        *lost += 1;
        EXPECT_ERR(blk_stop(blk), ERR_OK);
        while (blk_drop(blk, &cookie)) {
            EXPECT((*flying >> cookie & 1) != 0);
            *flying &= ~(UINT64_C(1) << cookie);
        }
        EXPECT_U64(*flying, 0);
        EXPECT_ERR(blk_start(blk, &why), ERR_OK);
    }
}

TAP_TEST(whatever_the_device_answers_each_request_comes_back_once)
{
    unsigned lost = 0;
    for (unsigned run = 0; run < 20; run++) {
        uint64_t flying = 0;
        prepare();
        model.offers &= run % 2 == 0 ? UINT64_MAX : ~VIRTIO_F_TABLES;
        EXPECT_ERR(blk_start(blk, &why), ERR_OK);
        for (unsigned step = 0; step < 400; step++) {
            const unsigned cookie = draw(BLK_SLOTS);
            if ((flying >> cookie & 1) == 0 && draw(3) != 0) {
                const enum blk_kind kinds[] = {BLK_READ, BLK_WRITE, BLK_FLUSH};
                const enum blk_kind kind = kinds[draw(3)];
                const enum err error =
                    submit(kind, draw(200), 0, kind == BLK_FLUSH ? 0 : 1 + draw(30), cookie);
                EXPECT(error == ERR_OK || error == ERR_AGAIN);
                flying |= error == ERR_OK ? UINT64_C(1) << cookie : 0;
                blk_kick(blk);
            } else {
                step_answer(&flying, &lost);
            }
        }
        EXPECT_U64(model.strays, 0);
        EXPECT(blk->counts.depth_max > 4);
    }
    tap_note("%u resets", lost);
    EXPECT(lost > 20);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(features_size_and_limits_are_those_of_the_device),
        TAP(what_is_no_block_device_of_a_known_kind_is_refused_with_a_reason),
        TAP(odd_configurations_are_refused_and_the_device_is_left_reset),
        TAP(sectors_are_written_read_and_flushed_by_tables),
        TAP(sectors_are_written_read_and_flushed_by_chains),
        TAP(sectors_are_written_read_and_flushed_at_an_older_device),
        TAP(requests_that_are_none_of_the_disk_are_refused),
        TAP(blocks_larger_than_sectors_are_kept_to),
        TAP(a_disk_that_may_only_be_read_is_not_written),
        TAP(as_many_requests_fly_as_there_are_slots_and_end_in_any_order),
        TAP(chains_that_find_too_few_descriptors_have_to_wait),
        TAP(errors_of_the_device_are_told_by_their_kind),
        TAP(lies_about_lengths_and_statuses_are_errors_of_that_request_alone),
        TAP(lies_about_which_request_end_in_a_reset_that_gives_all_back),
        TAP(a_device_that_never_answers_gives_nothing_back_until_it_is_stopped),
        TAP(indices_wrap_around),
        TAP(interrupts_are_told_by_cause_and_acknowledged),
        TAP(whatever_the_device_answers_each_request_comes_back_once),
    };
    return TAP_RUN(argc, argv, tests);
}
