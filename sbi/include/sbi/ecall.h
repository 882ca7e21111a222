/* SPDX-License-Identifier: MIT */
/*
 * Calls to the firmware (RISC-V SBI 2.0), those that the kernel uses.
 *
 * Calls cost hundreds to thousands of instructions: never on a path that is measured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

/* SBI 2.0 ch.3: error codes */
#define SBI_SUCCESS       INT64_C(0)
#define SBI_NOT_SUPPORTED INT64_C(-2)

/* SBI 2.0 ch.4..: extension numbers */
#define SBI_EXT_BASE         UINT64_C(0x10)
#define SBI_EXT_TIME         UINT64_C(0x54494d45)
#define SBI_EXT_IPI          UINT64_C(0x735049)
#define SBI_EXT_HSM          UINT64_C(0x48534d)
#define SBI_EXT_SRST         UINT64_C(0x53525354)
#define SBI_EXT_DBCN         UINT64_C(0x4442434e)
#define SBI_LEGACY_TIMER_SET UINT64_C(0x00)
#define SBI_LEGACY_PUTCHAR   UINT64_C(0x01)
#define SBI_LEGACY_GETCHAR   UINT64_C(0x02)

/* SBI 2.0 ch.10: what sbi_reset() should do */
enum sbi_reset_type {
    SBI_RESET_SHUTDOWN = 0,
    SBI_RESET_COLD = 1,
};

/* Result of a call: error, and a value where there is no error. */
struct sbi_result {
    int64_t error;
    int64_t value;
};

/* Any call; the others are made of it (ecall.S). */
struct sbi_result sbi_call(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                           uint64_t a5, uint64_t function, uint64_t extension);

/* The firmware has the extension. */
bool sbi_has_extension(uint64_t extension);

/* Version of the specification: major << 24 | minor. */
uint64_t sbi_version(void);

/* Number and version of the implementation; that of OpenSBI is major << 16 | minor. */
#define SBI_OPENSBI UINT64_C(1)
uint64_t sbi_implementation(void);
uint64_t sbi_implementation_version(void);

/* Timer interrupt at `time`; by the TIME extension, or by the legacy call where that is missing. */
void sbi_timer_set(uint64_t time);

/* Software interrupt at one hart. */
void sbi_ipi_send(uint64_t hart);

/*
 * Start a stopped hart: at physical address `entry`, paging off, with a0 = its id, a1 = `opaque`.
 *
 * Returns: whether the firmware accepted; it starts some time later.
 */
bool sbi_hart_start(uint64_t hart, uint64_t entry, uint64_t opaque);

/* Legacy console, one byte. sbi_getchar() returns -1 if there is none. */
void sbi_putchar(char byte);
int sbi_getchar(void);

/*
 * Debug console (DBCN): physical addresses, neither waits for long.
 *
 * Returns: bytes written or read, or -1 on an error.
 */
int64_t sbi_console_write(uint64_t physical, uint64_t bytes);
int64_t sbi_console_read(uint64_t physical, uint64_t bytes);

/* Ask for a reset. Returns if the machine cannot do that. */
void sbi_reset(enum sbi_reset_type type);
