/* SPDX-License-Identifier: MIT */
/*
 * The last step of boot: the spaces of the memory server and of init, and what both are told
 * (abi/boot.h).
 */
#pragma once

#include <stdint.h>

#include "boot/machine.h"
#include <base/attr.h>

struct boot;

/* Frames that hold the boot archive; 0: there is none. */
uint64_t handoff_archive_pages(const struct machine *machine);

/* Build both spaces, give every free frame away, and run the memory server. */
NORETURN void handoff(struct boot *boot);
