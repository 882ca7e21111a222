/* SPDX-License-Identifier: MIT */
/*
 * The floating-point registers to memory and back. Requires: sstatus.FS is not off.
 *
 * Host tests have their own header of this name.
 */
#pragma once

#include <stdint.h>

/* Store f0..f31 and fcsr to 33 words. */
void fpu_save(uint64_t *words);

/* Load f0..f31 and fcsr from 33 words. */
void fpu_load(const uint64_t *words);
