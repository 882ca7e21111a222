/* SPDX-License-Identifier: MIT */
/*
 * Words about how a process ended.
 */
#pragma once

#include <mem/proto.h>

/* Say how it ended, in one line: cause, address, access and pc as far as they mean something. */
void ending_print(const char *name, const struct mem_next_rep *end);
