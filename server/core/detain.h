/* SPDX-License-Identifier: MIT */
/*
 * Frames that only pins keep (P16): their page has gone, in a space or an object, while they were
 * pinned.
 *
 * Such a frame is FRAME_PINNED, and nobody can reach it until its last pin goes. It stays charged
 * to the budget that paid for the page, or, when that ends, to who lent it.
 *
 * I1  `detained` of a payer counts the FRAME_PINNED records that name it as owner; without an
 *     owner nobody pays.
 * Owner: who is in shared_enter(). Nothing here makes a port call.
 */
#pragma once

#include <stdint.h>

struct core;

/*
 * A pinned frame is no longer anybody's page: keep it at the expense of `payer` (0: nobody's). What
 * the payer was charged for the page stays taken: that is the caller's affair.
 */
void detain_frame(struct core *core, uint32_t frame, uint32_t payer);

/* Its last pin has gone: it is free. */
void detain_release(struct core *core, uint32_t frame);

/* Have `heir` (0: nobody) pay for what `payer` pays for; budgets are the caller's affair. */
void detain_inherit(struct core *core, uint32_t payer, uint32_t heir);
