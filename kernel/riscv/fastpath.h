/* SPDX-License-Identifier: MIT */
/*
 * Numbers of fastpath.S that other headers have as C; trap.c compares them. Only #define here.
 */
#pragma once

#define FAST_RIGHT_CALL    0x01
#define FAST_RIGHT_RECEIVE 0x02
#define FAST_SSTATUS_FS    0x6000
#define FAST_USER_PAGES    0x3fffffe
#define FAST_IPC_FAULT     1
#define FAST_FAULT_READ    1
#define FAST_FAULT_WRITE   2
#define FAST_FAULT_EXEC    4

/* Privileged ISA 4.1.9: scause */
#define FAST_TRAP_FETCH_PAGE 12
#define FAST_TRAP_LOAD_PAGE  13
#define FAST_TRAP_STORE_PAGE 15

/* abi/map.h */
#define FAST_MAP_PAGES_SHIFT  32
#define FAST_MAP_PROT_SHIFT   48
#define FAST_MAP_INSTALL_ZERO 1
#define FAST_MAP_INSTALL      4

/* riscv/sv39.h, riscv/direct.h */
#define FAST_PTE_VALID     0x01
#define FAST_PTE_EXEC      0x08
#define FAST_PTE_PFN_SHIFT 10
#define FAST_DIRECT_SHIFT  36
#define FAST_DIRECT_HIGH   (-3) /* DIRECT_BASE is this shifted left by FAST_DIRECT_SHIFT */

/* mm/frame.h */
#define FAST_FRAME_USER        1
#define FAST_FRAME_CLEAN       2
#define FAST_FRAME_BUSY        9
#define FAST_FRAME_COUNT_SHIFT 32
