/* SPDX-License-Identifier: MIT */
/*
 * What tests draw at random, the same again from the same seed.
 *
 * Owner: the test program, one sequence at a time.
 */
#pragma once

#include <stdint.h>

/*
 * Begin a sequence with the seed in the environment's HF_SEED, or one of now's, and print it.
 *
 * Returns: how many steps are to be made: HF_STEPS of the environment, or `steps`.
 */
uint64_t chance_begin(uint64_t steps);

/* Begin a sequence that is the same in every run. */
void chance_start(uint64_t seed);

/* A number below `below`, which is not 0. */
uint32_t chance_below(uint32_t below);
