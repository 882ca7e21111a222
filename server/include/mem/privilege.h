/* SPDX-License-Identifier: MIT */
/*
 * Privileges of a process: what limits do not hold it to. The boot manifest gives them, a child has
 * at most its parent's.
 */
#pragma once

#define MEM_PRIVILEGE_LOW      0x1u  /* map below the lowest address */
#define MEM_PRIVILEGE_LOCK     0x2u  /* lock beyond limits */
#define MEM_PRIVILEGE_LOOK     0x4u  /* look at every process: LOOK */
#define MEM_PRIVILEGE_PHYSICAL 0x8u  /* know physical addresses */
#define MEM_PRIVILEGE_DMA      0x10u /* have devices that master memory */
#define MEM_PRIVILEGE_KILL     0x20u /* end every process but init: SPACE_END */
#define MEM_PRIVILEGE_SWAP     0x40u /* serve a swap area: SWAP */
#define MEM_PRIVILEGES         0x7fu
