/* SPDX-License-Identifier: MIT */
/*
 * What the disk is asked for: transfers of any number of pages, cut into requests that the device
 * takes, many at once.
 *
 *   FREE -> WAITING     [jobs_add]   it is in line
 *   WAITING -> RUNNING  [jobs_pump]  a part of it was given to the device
 *   RUNNING -> DONE     [jobs_collect, jobs_reset]  all parts are back, and no more will be given
 *   WAITING -> DONE     [jobs_pump, jobs_reset]  it was refused, or the device has gone
 *   DONE -> FREE        [jobs_free]  whoever asked for it was told
 *
 * In line first come is first served; parts of several jobs are in flight together, and end in any
 * order. The first error of a part is the job's; parts after it are not given any more.
 *
 * When the device lies or is silent for too long it is reset, and what was in flight has failed. If
 * it does not say that it is reset, it may still write: then every job that was in flight is
 * *exposed*, and its memory must stay as it is for good.
 *
 * I1  The line holds the WAITING and RUNNING jobs of which something is left to be given, in their
 *     order; `parts` counts those in flight, and their sum is what the device has.
 * I2  given <= bytes; of a job in line: given < bytes, unless it is a flush, which leaves the line
 *     when it is given.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "blk.h"

#define JOBS_MAX       128u
#define JOBS_PAGES_MAX 256u

enum job_state {
    JOB_FREE,
    JOB_WAITING,
    JOB_RUNNING,
    JOB_DONE,
};

/* What is asked for. */
struct job_request {
    enum blk_kind kind;
    uint64_t sector;
    uint32_t offset; /* of the first byte in its page; a multiple of the disk's blocks */
    uint32_t bytes;  /* likewise; 0 for a flush */
};

struct job {
    enum job_state state;
    struct job_request request;
    enum err error; /* valid in: DONE */
    bool is_exposed;
    bool is_in_line;
    uint32_t given;                  /* bytes */
    uint32_t parts;                  /* in flight */
    uint32_t next;                   /* in line; JOBS_MAX: the last */
    uint64_t since;                  /* when the device got the last part */
    uint64_t space;                  /* of `address`; 0: the driver's. Valid if !has_reach */
    uint64_t address;                /* of the first byte. Valid if !has_reach */
    uint64_t frames[JOBS_PAGES_MAX]; /* frame numbers. Valid if has_reach */
};

struct jobs {
    struct blk *blk;
    uint64_t patience; /* ticks that the device may take for a part */
    uint32_t first;    /* of the line; JOBS_MAX: none */
    uint32_t last;
    uint32_t used; /* jobs that are not FREE */
    bool is_dead;  /* the device cannot be had back */
    struct job items[JOBS_MAX];
};

/* Begin with a device that blk_start() has started. */
void jobs_init(struct jobs *jobs, struct blk *blk, uint64_t patience);

/* What jobs_add() would say of the request. */
MUST_USE enum err jobs_check(const struct jobs *jobs, const struct job_request *request);

/*
 * A free job in which it can be filled in where its memory is; NULL: there is none. It stays free
 * until jobs_add().
 */
struct job *jobs_find(struct jobs *jobs);

/*
 * Put a job in line.
 *
 * Returns:   ERR_OK; ERR_INVAL: not whole blocks, more than JOBS_PAGES_MAX pages, or not inside the
 *            disk; ERR_ROFS; ERR_IO: the device has gone.
 * On error:  it is still free.
 */
MUST_USE enum err jobs_add(struct jobs *jobs, struct job *job, const struct job_request *request);

/* Give the device what it takes; `now` is the time. */
void jobs_pump(struct jobs *jobs, uint64_t now);

/* The device has interrupted: take answers. One that has lost its way is reset. */
void jobs_attend(struct jobs *jobs, uint64_t now);

/* There may be answers: take them. Lies end in jobs_reset(). */
void jobs_collect(struct jobs *jobs, uint64_t now);

/* A job that is done; NULL: none is. */
struct job *jobs_done(struct jobs *jobs);

/* Whoever asked for it was told. */
void jobs_free(struct jobs *jobs, struct job *job);

/* When jobs_expire() has something to do, if nothing happens before; UINT64_MAX: nothing flies. */
uint64_t jobs_deadline(const struct jobs *jobs);

/*
 * Time has passed: take the answers of a device that does not interrupt, and reset one that has
 * been silent for too long. Returns: whether it was.
 */
bool jobs_expire(struct jobs *jobs, uint64_t now);

/* Reset the device: what it has got has failed. */
void jobs_reset(struct jobs *jobs);

/* I1 and I2. */
void jobs_audit(const struct jobs *jobs);
