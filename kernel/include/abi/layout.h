/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in an Sv39 address space (Privileged ISA 4.4: bits 63..39 equal bit 38).
 *
 *   0                            guard page: never mapped
 *   USER_START .. USER_END       what regions may cover
 *   USER_END .. 2^38             guard page
 *   ........                     not canonical
 *   WINDOW_START, 1 GiB          message pages of this space's threads (user access, wired). In the
 *                                memory server: the message pages of all threads. Outside regions,
 *                                so that no mapping request can name it.
 *   above                        the kernel
 *
 * Message page n of a space (and thread number n in the memory server) is at WINDOW_START + n * 4
 * KiB.
 */
#pragma once

#include <stdint.h>

#define USER_START UINT64_C(0x0000000000001000)
#define USER_END   UINT64_C(0x0000003ffffff000)
#define USER_BITS  38

#define WINDOW_START UINT64_C(0xffffffc000000000)
#define WINDOW_PAGES UINT64_C(262144)

/* Leaf sizes of Sv39, in 4 KiB pages. */
#define PAGES_PER_MEGA UINT64_C(512)
#define PAGES_PER_GIGA UINT64_C(262144)
