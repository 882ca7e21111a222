/* SPDX-License-Identifier: MIT */
/*
 * Transfers of any size at a model of the device (disk_model.h): cut, many at once, failing, reset.
 */
#include "jobs.h"

#include <string.h>

#include "disk_model.h"
#include "tap.h"
#include "virtio_blk.h"

#define PATIENCE   1000u
#define DATA_PAGES 300u

static struct model model;
static struct jobs jobs;
static struct virtio_blk device;
static struct blk_page data[DATA_PAGES];
static uint64_t now;

static void prepare(bool are_neighbours)
{
    model_memory_reset(are_neighbours);
    model_init(&model);
    memset(&jobs, 0, sizeof(jobs));
    memset(&device, 0, sizeof(device));
    virtio_blk_init(&device);
    device.virtio.bus = model_bus(&model);
    for (unsigned i = 0; i < VIRTIO_BLK_PAGES; i++) {
        device.pages[i].bytes = model_memory(&device.pages[i].address);
    }
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        data[i].bytes = model_memory(&data[i].address);
    }
    now = 5;
}

static void begin(bool are_neighbours)
{
    const char *why;
    prepare(are_neighbours);
    EXPECT_ERR(blk_start(&device.blk, &why), ERR_OK);
    jobs_init(&jobs, &device.blk, PATIENCE);
}

/* A job for the data pages from `page` on; NULL if it was refused. */
static struct job *add(enum blk_kind kind, uint64_t sector, uint32_t offset, uint32_t bytes,
                       unsigned page, enum err *error)
{
    struct job *job = jobs_find(&jobs);
    const struct job_request request = {kind, sector, offset, bytes};
    if (job == NULL) {
        *error = ERR_BUSY;
        return NULL;
    }
    for (unsigned i = 0; i < JOBS_PAGES_MAX && page + i < DATA_PAGES; i++) {
        job->frames[i] = data[page + i].address / BLK_PAGE_BYTES;
    }
    *error = jobs_add(&jobs, job, &request);
    return *error == ERR_OK ? job : NULL;
}

static struct job *add_sound(enum blk_kind kind, uint64_t sector, uint32_t bytes, unsigned page)
{
    enum err error;
    struct job *job = add(kind, sector, 0, bytes, page, &error);
    EXPECT_ERR(error, ERR_OK);
    return job;
}

/* Have the device answer everything, first the last, until nothing waits there. */
static unsigned answer_all(enum model_answer how)
{
    unsigned answers = 0;
    jobs_pump(&jobs, now);
    while (model_look(&model) > 0) {
        model_answer(&model, model.pending_count - 1, how);
        answers++;
        jobs_collect(&jobs, now);
    }
    return answers;
}

TAP_TEST(a_transfer_larger_than_a_request_is_cut_and_comes_whole)
{
    begin(false);
    /* 31 pages and a half, from the middle of the first on: 32 pieces, in two parts. */
    jobs.blk->pieces_max = 20;
    enum err error;
    struct job *job = add(BLK_READ, 3, 2048, 31 * 4096, 0, &error);
    REQUIRE(job != NULL);
    EXPECT_U64(answer_all(MODEL_HONEST), 2);
    REQUIRE(jobs_done(&jobs) == job);
    EXPECT_ERR(job->error, ERR_OK);
    EXPECT_BYTES((uint8_t *)data[0].bytes + 2048, &model.disk[3 * 512], 2048);
    for (unsigned i = 1; i < 31; i++) {
        EXPECT_BYTES(data[i].bytes, &model.disk[3 * 512 + 2048 + (i - 1) * 4096], 4096);
    }
    EXPECT_BYTES(data[31].bytes, &model.disk[3 * 512 + 2048 + 30 * 4096], 2048);
    EXPECT_U64(((uint8_t *)data[31].bytes)[2048], 0x5a);
    EXPECT_U64(((uint8_t *)data[0].bytes)[2047], 0x5a);
    jobs_free(&jobs, job);
    EXPECT_U64(model.strays, 0);
}

TAP_TEST(pages_that_are_neighbours_go_as_one_piece)
{
    begin(true);
    jobs.blk->pieces_max = 1;
    struct job *job = add_sound(BLK_READ, 0, 32 * 4096, 0);
    EXPECT_U64(answer_all(MODEL_HONEST), 1);
    REQUIRE(jobs_done(&jobs) == job && job->error == ERR_OK);
    EXPECT_BYTES(data[0].bytes, model.disk, 32 * 4096);
    jobs_free(&jobs, job);
    jobs.blk->piece_bytes_max = 3 * 4096;
    job = add_sound(BLK_READ, 0, 32 * 4096, 100);
    EXPECT_U64(answer_all(MODEL_HONEST), 11);
    EXPECT_BYTES(data[100].bytes, model.disk, 32 * 4096);
    EXPECT_U64(model.strays, 0);
}

TAP_TEST(what_is_no_transfer_of_this_disk_is_refused)
{
    static const struct job_request wrong[] = {
        {BLK_READ, 0, 0, 0},
        {BLK_READ, 0, 0, 511},
        {BLK_READ, 0, 256, 512},
        {BLK_READ, 0, 4096, 512},
        {BLK_READ, 255, 0, 1024},
        {BLK_READ, 256, 0, 512},
        {BLK_READ, UINT64_MAX, 0, 512},
        {BLK_READ, 0, 512, JOBS_PAGES_MAX * 4096},
        {BLK_READ, 0, 0, UINT32_MAX - 511},
        {BLK_FLUSH, 0, 0, 512},
    };
    begin(false);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct job *job = jobs_find(&jobs);
        EXPECT_ERR(jobs_add(&jobs, job, &wrong[i]), ERR_INVAL);
        EXPECT_U64(job->state, JOB_FREE);
    }
    jobs.blk->is_read_only = true;
    const struct job_request write = {BLK_WRITE, 0, 0, 512};
    EXPECT_ERR(jobs_add(&jobs, jobs_find(&jobs), &write), ERR_ROFS);
    EXPECT_U64(jobs.used, 0);
}

TAP_TEST(as_many_jobs_as_there_are_records_are_done_and_no_more_taken)
{
    enum err error;
    begin(false);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        (void)add_sound(BLK_READ, i, 512, i);
    }
    EXPECT(add(BLK_READ, 0, 0, 512, 0, &error) == NULL);
    jobs_pump(&jobs, now);
    EXPECT_U64(jobs.blk->flying, BLK_SLOTS);
    EXPECT_U64(answer_all(MODEL_HONEST), JOBS_MAX);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        struct job *job = jobs_done(&jobs);
        REQUIRE(job != NULL);
        EXPECT_ERR(job->error, ERR_OK);
        jobs_free(&jobs, job);
    }
    EXPECT(jobs_done(&jobs) == NULL);
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        EXPECT_BYTES(data[i].bytes, &model.disk[i * 512], 512);
    }
}

TAP_TEST(a_write_reaches_the_disk_and_a_flush_the_device)
{
    begin(false);
    memset(data[0].bytes, 0x11, 4096);
    memset(data[1].bytes, 0x22, 4096);
    struct job *job = add_sound(BLK_WRITE, 8, 8192, 0);
    (void)answer_all(MODEL_HONEST);
    EXPECT_ERR(job->error, ERR_OK);
    EXPECT_U64(model.disk[8 * 512], 0x11);
    EXPECT_U64(model.disk[8 * 512 + 8191], 0x22);
    jobs_free(&jobs, job);
    job = add_sound(BLK_FLUSH, 0, 0, 0);
    EXPECT_U64(answer_all(MODEL_HONEST), 1);
    EXPECT_U64(model.flushes, 1);
    jobs_free(&jobs, job);
    jobs.blk->has_flush = false;
    job = add_sound(BLK_FLUSH, 0, 0, 0);
    EXPECT_U64(answer_all(MODEL_HONEST), 0);
    EXPECT_U64(job->state, JOB_DONE);
    EXPECT_ERR(job->error, ERR_OK);
}

TAP_TEST(the_first_error_of_a_part_is_the_jobs_and_ends_it)
{
    begin(false);
    jobs.blk->pieces_max = 1;
    jobs.blk->slots_max = 4;
    struct job *bad = add_sound(BLK_READ, 0, 20 * 4096, 0);
    struct job *good = add_sound(BLK_READ, 0, 4096, 50);
    jobs_pump(&jobs, now);
    EXPECT_U64(model_look(&model), 4);
    model_answer(&model, 1, MODEL_ERROR);
    jobs_collect(&jobs, now);
    EXPECT_U64(bad->state, JOB_RUNNING); /* three parts fly: their memory is not free yet */
    EXPECT_U64(bad->parts, 3);
    EXPECT_U64(answer_all(MODEL_HONEST), 4);
    EXPECT_U64(bad->state, JOB_DONE);
    EXPECT_ERR(bad->error, ERR_IO);
    EXPECT_U64(good->state, JOB_DONE);
    EXPECT_ERR(good->error, ERR_OK);
}

TAP_TEST(a_lie_resets_the_device_and_what_waited_goes_on)
{
    begin(false);
    jobs.blk->slots_max = 2;
    struct job *first = add_sound(BLK_READ, 0, 4096, 0);
    struct job *second = add_sound(BLK_READ, 8, 4096, 1);
    struct job *third = add_sound(BLK_READ, 16, 4096, 2);
    jobs_pump(&jobs, now);
    (void)model_look(&model);
    model_answer(&model, 1, MODEL_HUGE_ID);
    jobs_collect(&jobs, now);
    EXPECT_U64(jobs.blk->counts.resets, 1);
    EXPECT_U64(first->state, JOB_DONE);
    EXPECT_ERR(first->error, ERR_IO);
    EXPECT_ERR(second->error, ERR_IO);
    EXPECT(!first->is_exposed);
    EXPECT_U64(third->state, JOB_RUNNING);
    EXPECT_U64(answer_all(MODEL_HONEST), 1);
    EXPECT_ERR(third->error, ERR_OK);
    EXPECT_BYTES(data[2].bytes, &model.disk[16 * 512], 4096);
}

TAP_TEST(a_device_that_is_silent_for_too_long_is_reset)
{
    begin(false);
    EXPECT_U64(jobs_deadline(&jobs), UINT64_MAX);
    struct job *job = add_sound(BLK_READ, 0, 4096, 0);
    jobs_pump(&jobs, now);
    EXPECT_U64(jobs_deadline(&jobs), 5 + PATIENCE);
    EXPECT(!jobs_expire(&jobs, 4 + PATIENCE));
    EXPECT_U64(job->state, JOB_RUNNING);
    EXPECT(jobs_expire(&jobs, 5 + PATIENCE));
    EXPECT_U64(job->state, JOB_DONE);
    EXPECT_ERR(job->error, ERR_IO);
    EXPECT(!job->is_exposed);
    EXPECT(!jobs.is_dead);
    jobs_free(&jobs, job);
    job = add_sound(BLK_READ, 0, 4096, 0);
    EXPECT_U64(answer_all(MODEL_HONEST), 1);
    EXPECT_ERR(job->error, ERR_OK);
}

TAP_TEST(memory_of_a_device_that_cannot_be_reset_is_exposed)
{
    enum err error;
    begin(false);
    jobs.blk->slots_max = 1;
    struct job *given = add_sound(BLK_READ, 0, 4096, 0);
    struct job *waiting = add_sound(BLK_READ, 0, 4096, 1);
    jobs_pump(&jobs, now);
    model.is_stubborn = true;
    EXPECT(jobs_expire(&jobs, now + PATIENCE));
    EXPECT(jobs.is_dead);
    EXPECT_U64(given->state, JOB_DONE);
    EXPECT(given->is_exposed);
    EXPECT_U64(waiting->state, JOB_DONE);
    EXPECT_ERR(waiting->error, ERR_IO);
    EXPECT(!waiting->is_exposed);
    EXPECT(add(BLK_READ, 0, 0, 512, 0, &error) == NULL);
    EXPECT_ERR(error, ERR_IO);
}

TAP_TEST(a_device_that_comes_back_as_another_is_given_up_but_nothing_is_exposed)
{
    begin(false);
    struct job *job = add_sound(BLK_READ, 0, 4096, 0);
    jobs_pump(&jobs, now);
    model.kind = VIRTIO_DEVICE_NONE;
    EXPECT(jobs_expire(&jobs, now + PATIENCE));
    EXPECT(jobs.is_dead);
    EXPECT_ERR(job->error, ERR_IO);
    EXPECT(!job->is_exposed);
}

/* Numbers that are the same in every run. */
static uint32_t draw(uint32_t below)
{
    static uint64_t state = 20261129;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

static void add_any(unsigned *added)
{
    const enum blk_kind kinds[] = {BLK_READ, BLK_WRITE, BLK_FLUSH};
    const enum blk_kind kind = kinds[draw(3)];
    const uint32_t bytes = kind == BLK_FLUSH ? 0 : 512 * (1 + draw(draw(2) == 0 ? 8 : 128));
    enum err error;
    (void)add(kind, draw(128), kind == BLK_FLUSH ? 0 : 512 * draw(8), bytes, draw(200), &error);
    EXPECT(error == ERR_OK || error == ERR_BUSY);
    *added += error == ERR_OK ? 1 : 0;
}

TAP_TEST(whatever_the_device_answers_each_job_is_done_once)
{
    unsigned added = 0;
    unsigned done = 0;
    uint64_t resets = 0;
    for (unsigned run = 0; run < 30; run++) {
        begin(run % 3 == 0);
        for (unsigned step = 0; step < 500; step++) {
            now += draw(100);
            if (draw(3) == 0) {
                add_any(&added);
                jobs_pump(&jobs, now);
            } else if (model_look(&model) > 0) {
                model_answer(&model, draw(model.pending_count),
                             draw(20) != 0 ? MODEL_HONEST : (enum model_answer)draw(11));
                jobs_collect(&jobs, now);
            }
            (void)jobs_expire(&jobs, now);
            for (struct job *job = jobs_done(&jobs); job != NULL; job = jobs_done(&jobs)) {
                done++;
                jobs_free(&jobs, job);
            }
        }
        (void)answer_all(MODEL_HONEST);
        for (struct job *job = jobs_done(&jobs); job != NULL; job = jobs_done(&jobs)) {
            done++;
            jobs_free(&jobs, job);
        }
        resets += jobs.blk->counts.resets;
        EXPECT_U64(jobs.used, 0);
        EXPECT_U64(model.strays, 0);
    }
    tap_note("%u jobs, %u resets", added, (unsigned)resets);
    EXPECT_U64(done, added);
    EXPECT(added > 1000 && resets > 10);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_transfer_larger_than_a_request_is_cut_and_comes_whole),
        TAP(pages_that_are_neighbours_go_as_one_piece),
        TAP(what_is_no_transfer_of_this_disk_is_refused),
        TAP(as_many_jobs_as_there_are_records_are_done_and_no_more_taken),
        TAP(a_write_reaches_the_disk_and_a_flush_the_device),
        TAP(the_first_error_of_a_part_is_the_jobs_and_ends_it),
        TAP(a_lie_resets_the_device_and_what_waited_goes_on),
        TAP(a_device_that_is_silent_for_too_long_is_reset),
        TAP(memory_of_a_device_that_cannot_be_reset_is_exposed),
        TAP(a_device_that_comes_back_as_another_is_given_up_but_nothing_is_exposed),
        TAP(whatever_the_device_answers_each_job_is_done_once),
    };
    return TAP_RUN(argc, argv, tests);
}
