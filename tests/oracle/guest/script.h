/* SPDX-License-Identifier: MIT */
/*
 * A file of sequences with what core answered on the host, for the program that carries them out in
 * the system: a head, then for each sequence its own head, its steps, and core's log (look.h).
 *
 * Both sides are little-endian and lay these structures out alike; every part is a multiple of
 * 8 bytes.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

#include "tests/oracle/stage.h"

#define SCRIPT_MAGIC UINT64_C(0x3174706972637348)

struct script_head {
    uint64_t magic;
    uint64_t base; /* core's mapping base; the guest's is a multiple of 2 MiB away */
    uint64_t lowest;
    uint32_t sequences;
    uint32_t steps; /* of all sequences */
};

struct script_sequence {
    uint64_t seed;
    struct room room;
    uint32_t spare; /* SLOT_NOT_CROWDED, or regions up to the limit */
    uint32_t steps;
    uint64_t log_bytes;
};

STATIC_ASSERT(sizeof(struct script_head) == 32, "no padding");
STATIC_ASSERT(sizeof(struct script_sequence) == 48, "no padding");
STATIC_ASSERT(sizeof(struct step) % 8 == 0, "what follows is aligned");
