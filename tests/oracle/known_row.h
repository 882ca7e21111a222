/* SPDX-License-Identifier: MIT */
/*
 * What a row of known differences consists of, and what rows have in common.
 */
#pragma once

#include "known.h"

struct known_row {
    const char *reason;
    bool (*matches)(const struct found *found);
    enum dodge dodge; /* which draws it has turned away; DODGE_NONE: none */
    bool is_harmless; /* neither side has changed anything: the sequence goes on */
    bool is_rare;     /* random sequences of a run need not show it: its probe does */
    /*
     * A sequence in a window of 16 pages at 0x1000000000 (without the line that says so), and
     * whether the looks after its last step and the one before show the difference.
     */
    const char *probe;
    uint32_t spare; /* of the probe; 0: it is not crowded */
    /* The probe's window is five huge pages, from 0xfffa00000 on; without a pool the row is off. */
    bool is_about_huge;
    bool (*shows)(const struct look *last);
};

/* The tables, each ended by a row without reason. */
extern const struct known_row known_remap_rows[];
extern const struct known_row known_border_rows[];
extern const struct known_row known_huge_rows[];
extern const struct known_row known_lock_rows[];
extern const struct known_row known_machine_rows[];
extern const struct known_row known_pageout_rows[];
extern const struct known_row known_object_rows[];

/* The step after which something differs. */
const struct step *known_step(const struct found *found);

/* How many operations follow that belong to the step: those of a batch. */
uint32_t known_members(const struct found *found);

/* Bytes rounded up to pages; what wraps is 0. */
uint64_t known_round_up(uint64_t length);

/* The limit that is set when the step is carried out. */
uint64_t known_limit(const struct found *found, enum step_limit which);

/* Common ways to show a difference. */
bool known_shows_success(const struct look *last);
bool known_shows_einval(const struct look *last);
bool known_shows_enomem(const struct look *last);
bool known_shows_efault(const struct look *last);
