/* SPDX-License-Identifier: MIT */
/*
 * Constants of entry.S, checked against their C originals in boot/boot.c. Only #define here.
 */
#pragma once

#define ENTRY_DIRECT_BASE       0xffffffd000000000
#define ENTRY_DIRECT_ROOT_FIRST 320
#define ENTRY_SATP_SV39         0x8000000000000000
#define ENTRY_SSTATUS_CLEAR     0xc6002  /* SIE, FS, SUM, MXR */
#define ENTRY_PTE_ALL           0xcf     /* valid, read, write, execute, accessed, dirty */
#define ENTRY_SBI_HSM           0x48534d /* SBI 2.0 ch.9 */
#define ENTRY_SBI_HART_STOP     1
