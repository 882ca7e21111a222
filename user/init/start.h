/* SPDX-License-Identifier: MIT */
/*
 * The way from init's entry to its main().
 */
#pragma once

#include <abi/boot.h>
#include <base/attr.h>

/* Read what the kernel says, map the boot archive, then hf_run(). Called by _start. */
NORETURN void init_start(struct init_info *info);
