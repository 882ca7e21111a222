/* SPDX-License-Identifier: MIT */
/*
 * What core runs on while several server threads work: one of two ports.
 *
 *   threads_model.c   the model of the kernel, one call at a time, checked against core
 *   threads_light.c   nothing at all: the threads meet in core alone, so that a tool that looks for
 *                     races finds every order that core does not see to itself
 *
 * Waiting for a lock and waking who waits are real in both.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/core.h"

#define STAGE_FRAMES 2200u
/* Frames of the object that spaces share, which are there for good. */
#define STAGE_WIRED 16u

/* Boot core on it: `core` becomes server thread 0. */
void stage_start(struct core *core);
void stage_stop(struct core *core);

/*
 * Answers to faults, as the kernel takes them. A thread of a client waits for each server thread's
 * answer, from stage_fault() on until it has got it or has ended.
 */
void stage_fault(struct core *core, struct space *space, vpn_t vpn,
                 const struct fault_answer *ready, uint64_t serial);
void stage_end_faulted(const struct core *core);

/* Give the answer. Returns: false: nobody waits for it any longer, and nothing was done. */
bool stage_answer(struct core *core, pfn_t space, const struct space_answer *answer);

/* Do what it says all the same. */
void stage_carry_out(struct core *core, pfn_t space, const struct space_answer *answer);

/* The first wired frame. */
pfn_t stage_wired(void);

/* Check core, and the port against it. No thread is at work. */
void stage_audit(const struct core *core);
