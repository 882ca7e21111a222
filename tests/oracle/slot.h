/* SPDX-License-Identifier: MIT */
/*
 * Memory shared by the oracle and a process of Linux that carries out sequences.
 *
 * The oracle writes a sequence, sends one byte through a pipe, and reads one byte when the log is
 * written. The end of either pipe is the end of the process.
 */
#pragma once

#include <stdint.h>

#include "stage.h"
#include "step.h"

#define SLOT_STEPS     512u
#define SLOT_LOG_BYTES (6u << 20)

/* Steps and where they are taken. */
struct sequence {
    struct room room;
    uint32_t is_privileged; /* by a process that stays root */
    uint32_t spare;         /* regions up to the limit */
    uint32_t steps;
    struct step step[SLOT_STEPS];
};

/* `spare` of a sequence that never comes near the limit of regions. */
#define SLOT_NOT_CROWDED UINT32_MAX

/* Bytes that the process sends. */
#define SLOT_READY  'r' /* `stage` is valid */
#define SLOT_DONE   'd'
#define SLOT_FAILED 'f' /* `failure` says why */

struct slot {
    char failure[256];
    struct stage stage;
    uint32_t is_zero_hidden;   /* it cannot tell the zero page from others */
    uint32_t has_no_zero_page; /* pages that are only read get frames of their own */
    uint32_t log_used;
    uint32_t at;              /* step that is being carried out */
    uint64_t zeros_dropped;   /* see linux_look_forget_zeros() */
    struct sequence sequence; /* when the process starts: only what kind it is */
    unsigned char log[SLOT_LOG_BYTES];
};
