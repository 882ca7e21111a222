/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include <stddef.h>

#include <base/assert.h>

#define PIECES_MAX 64u /* in one request, whatever the device would take */

STATIC_ASSERT(JOBS_PAGES_MAX *BLK_PAGE_BYTES < UINT32_MAX, "sizes fit their fields");

static void set_state(struct job *job, enum job_state to)
{
    static const bool may[4][4] = {
        [JOB_FREE] = {[JOB_WAITING] = true},
        [JOB_WAITING] = {[JOB_RUNNING] = true, [JOB_DONE] = true},
        [JOB_RUNNING] = {[JOB_DONE] = true},
        [JOB_DONE] = {[JOB_FREE] = true},
    };
    ASSERT(may[job->state][to]);
    job->state = to;
}

void jobs_init(struct jobs *jobs, struct blk *blk, uint64_t patience)
{
    jobs->blk = blk;
    jobs->patience = patience;
    jobs->first = JOBS_MAX;
    jobs->last = JOBS_MAX;
    jobs->used = 0;
    jobs->is_dead = false;
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        jobs->items[i].state = JOB_FREE;
    }
}

struct job *jobs_find(struct jobs *jobs)
{
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->items[i].state == JOB_FREE) {
            return &jobs->items[i];
        }
    }
    return NULL;
}

enum err jobs_check(const struct jobs *jobs, const struct job_request *request)
{
    const struct blk *blk = jobs->blk;
    const uint32_t block_bytes = blk->block_sectors * BLK_SECTOR_BYTES;
    if (jobs->is_dead) {
        return ERR_IO;
    }
    if (request->kind == BLK_FLUSH) {
        return request->bytes == 0 ? ERR_OK : ERR_INVAL;
    }
    if (request->bytes == 0 || request->bytes % block_bytes != 0 ||
        request->offset % block_bytes != 0 || request->offset >= BLK_PAGE_BYTES ||
        request->bytes > JOBS_PAGES_MAX * BLK_PAGE_BYTES - request->offset ||
        request->sector % blk->block_sectors != 0 || request->sector >= blk->sectors ||
        request->bytes / BLK_SECTOR_BYTES > blk->sectors - request->sector) {
        return ERR_INVAL;
    }
    return request->kind == BLK_WRITE && blk->is_read_only ? ERR_ROFS : ERR_OK;
}

enum err jobs_add(struct jobs *jobs, struct job *job, const struct job_request *request)
{
    const enum err error = jobs_check(jobs, request);
    const uint32_t index = (uint32_t)(job - jobs->items);
    if (error != ERR_OK) {
        return error;
    }
    job->request = *request;
    job->error = ERR_OK;
    job->is_exposed = false;
    job->is_in_line = true;
    job->given = 0;
    job->parts = 0;
    job->next = JOBS_MAX;
    if (jobs->first == JOBS_MAX) {
        jobs->first = index;
    } else {
        jobs->items[jobs->last].next = index;
    }
    jobs->last = index;
    jobs->used++;
    set_state(job, JOB_WAITING);
    AUDIT(jobs_audit(jobs));
    return ERR_OK;
}

/* Take the first out of the line. */
static struct job *leave_line(struct jobs *jobs)
{
    ASSERT(jobs->first < JOBS_MAX);
    struct job *job = &jobs->items[jobs->first];
    jobs->first = job->next;
    if (jobs->first == JOBS_MAX) {
        jobs->last = JOBS_MAX;
    }
    job->is_in_line = false;
    return job;
}

/* The next part of a job whose memory the driver moves: there is one piece. */
static uint32_t cut_here(const struct jobs *jobs, const struct job *job,
                         struct blk_piece pieces[PIECES_MAX], uint32_t *bytes)
{
    const uint32_t left = job->request.bytes - job->given;
    *bytes = left < jobs->blk->piece_bytes_max ? left : jobs->blk->piece_bytes_max;
    pieces[0] = (struct blk_piece){job->address + job->given, *bytes};
    return 1;
}

/* The next part of a job as pieces of memory. Returns: how many; `*bytes`: of the part. */
static uint32_t cut_frames(const struct jobs *jobs, const struct job *job,
                           struct blk_piece pieces[PIECES_MAX], uint32_t *bytes)
{
    uint32_t count = 0;
    uint32_t at = job->given;
    while (at < job->request.bytes) {
        const uint32_t place = job->request.offset + at;
        const uint32_t in_page = place % BLK_PAGE_BYTES;
        const uint32_t left = job->request.bytes - at;
        const uint32_t here = left < BLK_PAGE_BYTES - in_page ? left : BLK_PAGE_BYTES - in_page;
        const uint64_t address = job->frames[place / BLK_PAGE_BYTES] * BLK_PAGE_BYTES + in_page;
        struct blk_piece *last = count > 0 ? &pieces[count - 1] : NULL;
        if (last != NULL && last->address + last->bytes == address &&
            here <= jobs->blk->piece_bytes_max - last->bytes) {
            last->bytes += here;
        } else if (count < jobs->blk->pieces_max && count < PIECES_MAX) {
            pieces[count++] = (struct blk_piece){address, here};
        } else {
            break;
        }
        at += here;
    }
    *bytes = at - job->given;
    return count;
}

/* Nothing more of it is given; it is done if nothing of it flies. */
static void close(struct job *job)
{
    if (job->parts == 0) {
        set_state(job, JOB_DONE);
    }
}

/* Give the device the next part of the first job. Returns: whether it is worth to go on. */
static bool give(struct jobs *jobs, uint64_t now)
{
    struct blk_piece pieces[PIECES_MAX];
    struct job *job = &jobs->items[jobs->first];
    struct blk *blk = jobs->blk;
    uint32_t bytes = 0;
    struct blk_request request = {
        .kind = job->request.kind,
        .sector = job->request.sector + job->given / BLK_SECTOR_BYTES,
        .pieces = pieces,
        .cookie = jobs->first,
        .space = job->space,
    };
    const bool is_flush = job->request.kind == BLK_FLUSH;
    if (!is_flush) {
        request.count = blk->has_reach ? cut_frames(jobs, job, pieces, &bytes)
                                       : cut_here(jobs, job, pieces, &bytes);
    }
    if (is_flush && !blk->has_flush) {
        close(leave_line(jobs)); /* what it has taken stays (5.2.5.2) */
        return true;
    }
    const enum err error = job->error == ERR_OK ? blk_submit(blk, &request) : job->error;
    if (error == ERR_AGAIN) {
        return false;
    }
    if (error != ERR_OK) {
        job->error = error;
        close(leave_line(jobs));
        return true;
    }
    if (job->state == JOB_WAITING) {
        set_state(job, JOB_RUNNING);
    }
    job->parts++;
    job->given += bytes;
    job->since = now;
    if (job->given == job->request.bytes) {
        (void)leave_line(jobs);
    }
    return true;
}

void jobs_pump(struct jobs *jobs, uint64_t now)
{
    while (jobs->first < JOBS_MAX && give(jobs, now)) {
    }
    blk_kick(jobs->blk);
    AUDIT(jobs_audit(jobs));
}

/* A part of a job is back. */
static void take_part(struct jobs *jobs, uint64_t index, enum err error)
{
    ASSERT(index < JOBS_MAX);
    struct job *job = &jobs->items[index];
    ASSERT(job->state == JOB_RUNNING && job->parts > 0);
    job->parts--;
    if (job->error == ERR_OK) {
        job->error = error;
    }
    if (job->parts == 0 && !job->is_in_line) {
        set_state(job, JOB_DONE);
    }
}

void jobs_collect(struct jobs *jobs, uint64_t now)
{
    for (;;) {
        uint64_t index;
        enum err error;
        switch (blk_take(jobs->blk, &index, &error)) {
        case BLK_NOTHING:
            jobs_pump(jobs, now);
            return;
        case BLK_DONE:
            take_part(jobs, index, error);
            break;
        case BLK_LOST:
            jobs_reset(jobs);
            jobs_pump(jobs, now);
            return;
        }
    }
}

void jobs_attend(struct jobs *jobs, uint64_t now)
{
    if (blk_attend(jobs->blk)) {
        jobs_reset(jobs);
    }
    jobs_collect(jobs, now);
}

void jobs_reset(struct jobs *jobs)
{
    const char *why;
    uint64_t index;
    const bool is_stopped = blk_stop(jobs->blk) == ERR_OK;
    while (blk_drop(jobs->blk, &index)) {
        jobs->items[index].is_exposed = jobs->items[index].is_exposed || !is_stopped;
        take_part(jobs, index, ERR_IO);
    }
    jobs->is_dead = !is_stopped || blk_start(jobs->blk, &why) != ERR_OK;
    jobs->blk->counts.resets++;
    while (jobs->is_dead && jobs->first < JOBS_MAX) {
        jobs->items[jobs->first].error = ERR_IO;
        close(leave_line(jobs));
    }
    AUDIT(jobs_audit(jobs));
}

struct job *jobs_done(struct jobs *jobs)
{
    for (uint32_t i = 0; i < JOBS_MAX && jobs->used > 0; i++) {
        if (jobs->items[i].state == JOB_DONE) {
            return &jobs->items[i];
        }
    }
    return NULL;
}

void jobs_free(struct jobs *jobs, struct job *job)
{
    set_state(job, JOB_FREE);
    jobs->used--;
}

/* When the device has been silent for too long. */
static uint64_t silence_ends(const struct jobs *jobs)
{
    uint64_t end = UINT64_MAX;
    for (uint32_t i = 0; i < JOBS_MAX && jobs->blk->flying > 0; i++) {
        const struct job *job = &jobs->items[i];
        if (job->state == JOB_RUNNING && job->parts > 0 && job->since + jobs->patience < end) {
            end = job->since + jobs->patience;
        }
    }
    return end;
}

uint64_t jobs_deadline(const struct jobs *jobs)
{
    const uint64_t end = silence_ends(jobs);
    const uint64_t due = blk_due(jobs->blk);
    return due < end ? due : end;
}

bool jobs_expire(struct jobs *jobs, uint64_t now)
{
    if (blk_due(jobs->blk) <= now) {
        jobs_collect(jobs, now);
    }
    if (silence_ends(jobs) > now) {
        return false;
    }
    jobs_reset(jobs);
    jobs_pump(jobs, now);
    return true;
}

void jobs_audit(const struct jobs *jobs)
{
    uint32_t in_line = 0;
    uint32_t parts = 0;
    uint32_t used = 0;
    for (uint32_t i = jobs->first; i < JOBS_MAX; i = jobs->items[i].next) {
        const struct job *job = &jobs->items[i];
        ASSERT(job->is_in_line && in_line < JOBS_MAX);
        ASSERT(job->state == JOB_WAITING || job->state == JOB_RUNNING);
        ASSERT(job->given < job->request.bytes || job->request.kind == BLK_FLUSH);
        ASSERT(job->next < JOBS_MAX || i == jobs->last);
        in_line++;
    }
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &jobs->items[i];
        if (job->state == JOB_FREE) {
            continue;
        }
        used++;
        parts += job->parts;
        in_line -= job->is_in_line ? 1 : 0;
        ASSERT(job->given <= job->request.bytes);
        ASSERT(job->state == JOB_RUNNING || job->parts == 0);
        ASSERT(job->state != JOB_RUNNING || job->parts > 0 || job->is_in_line);
        ASSERT(job->state != JOB_DONE || !job->is_in_line);
    }
    ASSERT(in_line == 0);
    ASSERT(parts == jobs->blk->flying);
    ASSERT(used == jobs->used);
}
