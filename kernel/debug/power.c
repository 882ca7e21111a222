/* SPDX-License-Identifier: MIT */
#include "debug/power.h"

#include <stddef.h>

#include "debug/console.h"
#include "riscv/csr.h"
#include <sbi/ecall.h>

/*
 * Behind the end line, so that it is whole: a serial port may lose what it has not sent when the
 * machine stops, and a SiFive UART holds 8 bytes.
 */
#define POWER_TAIL "                "

static char power_nonce[POWER_NONCE_MAX + 2]; /* with the space behind it; constant after boot */

void power_set_nonce(const char *nonce)
{
    size_t length = 0;
    for (; nonce[length] != '\0' && length < POWER_NONCE_MAX; length++) {
        power_nonce[length] = nonce[length];
    }
    if (length > 0) {
        power_nonce[length++] = ' ';
    }
    power_nonce[length] = '\0';
}

/* Machines without a power switch restart instead; without either, nothing is left to do. */
NORETURN static void stop(enum sbi_reset_type type)
{
    sbi_reset(type);
    sbi_reset(SBI_RESET_COLD);
    csr_write_sie(0);
    for (;;) {
        csr_wfi();
    }
}

void power_off(uint64_t status)
{
    console_print("[holdfast %sexit %lu]\n" POWER_TAIL, power_nonce, status);
    stop(SBI_RESET_SHUTDOWN);
}

void power_off_panic(const char *who, const char *reason)
{
    console_print("[holdfast %spanic %s: %s]\n" POWER_TAIL, power_nonce, who, reason);
    stop(SBI_RESET_SHUTDOWN);
}

void power_restart(void)
{
    stop(SBI_RESET_COLD);
}
