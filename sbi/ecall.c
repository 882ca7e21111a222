/* SPDX-License-Identifier: MIT */
#include <sbi/ecall.h>

/* SBI 2.0 ch.4: functions of the base extension */
#define BASE_VERSION                0u
#define BASE_IMPLEMENTATION         1u
#define BASE_IMPLEMENTATION_VERSION 2u
#define BASE_PROBE                  3u

/* SBI 2.0 ch.12: functions of the debug console */
#define DBCN_WRITE 0u
#define DBCN_READ  1u

static struct sbi_result call_three(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1,
                                    uint64_t a2)
{
    return sbi_call(a0, a1, a2, 0, 0, 0, function, extension);
}

static uint64_t base_value(uint64_t function, uint64_t argument)
{
    struct sbi_result result = call_three(SBI_EXT_BASE, function, argument, 0, 0);
    return result.error == SBI_SUCCESS ? (uint64_t)result.value : 0;
}

bool sbi_has_extension(uint64_t extension)
{
    return base_value(BASE_PROBE, extension) != 0;
}

uint64_t sbi_version(void)
{
    return base_value(BASE_VERSION, 0);
}

uint64_t sbi_implementation(void)
{
    return base_value(BASE_IMPLEMENTATION, 0);
}

uint64_t sbi_implementation_version(void)
{
    return base_value(BASE_IMPLEMENTATION_VERSION, 0);
}

void sbi_timer_set(uint64_t time)
{
    if (call_three(SBI_EXT_TIME, 0, time, 0, 0).error != SBI_SUCCESS) {
        (void)call_three(SBI_LEGACY_TIMER_SET, 0, time, 0, 0);
    }
}

void sbi_ipi_send(uint64_t hart)
{
    (void)call_three(SBI_EXT_IPI, 0, 1, hart, 0);
}

bool sbi_hart_start(uint64_t hart, uint64_t entry, uint64_t opaque)
{
    return call_three(SBI_EXT_HSM, 0, hart, entry, opaque).error == SBI_SUCCESS;
}

void sbi_putchar(char byte)
{
    (void)call_three(SBI_LEGACY_PUTCHAR, 0, (unsigned char)byte, 0, 0);
}

int sbi_getchar(void)
{
    /* Legacy calls return their value, or -1, where others return the error (SBI 2.0 ch.5). */
    return (int)call_three(SBI_LEGACY_GETCHAR, 0, 0, 0, 0).error;
}

static int64_t console_bytes(uint64_t function, uint64_t physical, uint64_t bytes)
{
    struct sbi_result result = call_three(SBI_EXT_DBCN, function, bytes, physical, 0);
    return result.error == SBI_SUCCESS ? result.value : -1;
}

int64_t sbi_console_write(uint64_t physical, uint64_t bytes)
{
    return console_bytes(DBCN_WRITE, physical, bytes);
}

int64_t sbi_console_read(uint64_t physical, uint64_t bytes)
{
    return console_bytes(DBCN_READ, physical, bytes);
}

void sbi_reset(enum sbi_reset_type type)
{
    (void)call_three(SBI_EXT_SRST, 0, (uint64_t)type, 0, 0);
}
