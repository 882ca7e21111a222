/* SPDX-License-Identifier: MIT */
/*
 * What the calls of abi/authority.h have in common: the authority itself, and objects named by
 * frames.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "mm/frame.h"
#include "task/space.h"
#include "task/thread.h"

/*
 * The handle that the call is about is the frame authority; carry out what is kept of answers to
 * faults. Called first: the kernel lock may be given back meanwhile.
 *
 * Returns: ERR_OK, or as handle_find(); ERR_INTR: current was ended meanwhile, there is none.
 */
MUST_USE enum err authority_check(void);

/*
 * Find the space whose object is frame `number`, ended or not.
 *
 * Returns:   ERR_OK; ERR_FRAME_KIND: the frame is something else.
 */
MUST_USE enum err authority_find_space(uint64_t number, struct space **space) REQUIRES(memory_lock);
