/* SPDX-License-Identifier: MIT */
/*
 * Requests to the disk: those that are answered at once, and transfers, which are jobs.
 *
 *   READ, WRITE   the caller's pages are pinned, without ever waiting for one; the job has their
 *                 frames, for a device that reaches memory, else their addresses; when it is done
 *                 they are let go, and the caller is answered
 *
 * A caller that ends meanwhile changes nothing: the pin is the driver's, so the pages stay as they
 * are until the device is done with them. Memory that a device has kept which cannot be reset stays
 * pinned for good.
 *
 * I1  A job that is not free has its owner's record at the same place: token and pin.
 * Owner: the driver's only thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/kernel.h>

#include "gpt.h"
#include "jobs.h"
#include "paging.h"

/* Who asked for the job in the same place. */
struct serve_owner {
    struct hf_token token;
    uint64_t pin;   /* number; 0: none */
    uint64_t space; /* handle that is kept for the job; 0: none */
    uint64_t until; /* the answer is held until then (DELAY) */
};

struct serve {
    struct jobs jobs;
    struct gpt gpt;
    struct serve_owner owners[JOBS_MAX];
    uint64_t delay_ticks; /* 0: none */
    uint64_t delay_state;
};

/* Whether there is a partition that begins there, of which an object has so many bytes. */
bool serve_has_place(const struct serve *serve, const struct paging_place *place);

/*
 * A request has arrived: turn it into its answer.
 *
 * Returns: whether there is one; else its token was kept.
 */
bool serve_request(struct serve *serve, struct hf_request *request);

/* Answer what is done. Returns: when something has to be done next, UINT64_MAX: when it comes. */
uint64_t serve_answers(struct serve *serve);
