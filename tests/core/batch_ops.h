/* SPDX-License-Identifier: MIT */
/*
 * Operations for tests of BATCH; places and lengths in pages of 4 KiB.
 */
#pragma once

#include <stdint.h>

#include "server/core/op_batch.h"

/* One operation each. */
struct batch_op unmap_op(uint32_t page, uint32_t pages);
struct batch_op protect_op(uint32_t page, uint32_t pages, uint32_t prot);
struct batch_op advise_op(uint32_t page, uint32_t pages, uint32_t advice);
struct batch_op remap_op(uint32_t page, uint32_t from, uint32_t to, uint32_t flags);
