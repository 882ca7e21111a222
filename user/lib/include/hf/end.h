/* SPDX-License-Identifier: MIT */
/*
 * Words about how a process ended, for whoever started it.
 */
#pragma once

#include <stddef.h>

#include <mem/proto.h>

#define HF_END_BYTES 160u

/*
 * How it ended, in one line without its end: cause, address, access, pc and region as far as they
 * mean something.
 *
 *     SEGV_MAPERR at 0x0 (write), pc 0x120cc, no region
 *     SEGV_ACCERR at 0x11008 (write), pc 0x120cc, region 0x11000-0x14000 r-xp
 *     BUS_ADRERR at 0x3fd7c35000 (write), pc 0x16cdc, region 0x3fd7bde000-0x3fdf658000 rw-p: no
 *     memory or budget left, or its page of swap is lost
 *     SEGV_MAPERR at 0x3fff56cff8 (write), pc 0x102e8, below region 0x3fff56d000-0x3fffd6d000 rw-p
 *     [stack]: stack overflow
 *
 * sbi/boot adds the function to a pc that stands behind "init: NAME: " or "[NUMBER] NAME: ".
 *
 * Returns: `text`.
 */
const char *hf_end_text(const struct mem_next_rep *end, char text[HF_END_BYTES]);
