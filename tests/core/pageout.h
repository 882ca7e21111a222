/* SPDX-License-Identifier: MIT */
/* ADVISE(PAGEOUT) as tests ask for it. */
#pragma once

#include <stdint.h>

#include "world.h"

/* The request for `pages` pages from `page` on. */
struct advise_request pageout_request(uint32_t page, uint32_t pages);

/* Make it. Returns: as op_pageout(); unless it waits, everything was checked after it. */
enum err pageout_run(struct world *world, struct space *space, uint32_t page, uint32_t pages);
