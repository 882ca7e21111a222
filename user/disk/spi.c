/* SPDX-License-Identifier: MIT */
#include "spi.h"

#include <stddef.h>
#include <string.h>

/* Registers of 32 bits. */
enum {
    REG_DIVISOR = 0x00,
    REG_MODE = 0x04, /* phase and polarity */
    REG_SELECT = 0x10,
    REG_SELECT_IDLE = 0x14, /* the lines' levels when they select nothing */
    REG_SELECT_MODE = 0x18,
    REG_FORMAT = 0x40,
    REG_SEND = 0x48,
    REG_RECEIVE = 0x4c,
    REG_FLASH = 0x60,  /* that flash memory is read as memory */
    REG_ENABLE = 0x70, /* interrupts */
};

#define SELECT_HOLD   2u
#define SELECT_OFF    3u
#define FORMAT        0x00080000u /* eight bits, the highest first, one wire, both directions */
#define RECEIVE_EMPTY 0x80000000u
#define QUEUE_BYTES   8u
#define NOTHING       0xffu

/* It always answers; if there is none, that comes to an end. At 400 kHz a byte takes 20 us. */
#define LOOKS_MAX 1000000u

/*
 * The card's clock is the controller's, divided by 2 (n + 1). That is half the core's, at most 500
 * MHz, on the FU540; on the FU740 at most 130 MHz (U-Boot's clocks of both; README of sbi/).
 */
#define SLOW_DIVISOR 700u /* 357 kHz, or 93 */
#define FAST_500_MHZ 12u  /* 19.2 MHz; boards say 20 at most */
#define FAST_130_MHZ 3u   /* 16.3 MHz */

static const struct {
    const char *compatible;
    uint32_t fast_divisor;
} names[] = {
    {"sifive,spi0", FAST_500_MHZ},
    {"sifive,fu540-c000-spi", FAST_500_MHZ},
    {"sifive,fu740-c000-spi", FAST_130_MHZ},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static volatile uint32_t *reg(const struct spi *spi, unsigned offset)
{
    return spi->registers + offset / sizeof(uint32_t);
}

static uint8_t take(const struct spi *spi)
{
    for (uint32_t i = 0; i < LOOKS_MAX; i++) {
        const uint32_t word = *reg(spi, REG_RECEIVE);
        if ((word & RECEIVE_EMPTY) == 0) {
            return (uint8_t)word;
        }
    }
    return NOTHING;
}

static void exchange(void *context, const uint8_t *out_opt, uint8_t *in_opt, uint32_t bytes)
{
    const struct spi *spi = context;
    uint32_t sent = 0;
    for (uint32_t taken = 0; taken < bytes; taken++) {
        while (sent < bytes && sent - taken < QUEUE_BYTES) {
            *reg(spi, REG_SEND) = out_opt != NULL ? out_opt[sent] : NOTHING;
            sent++;
        }
        const uint8_t byte = take(spi);
        if (in_opt != NULL) {
            in_opt[taken] = byte;
        }
    }
}

static void select_card(void *context, bool is_selected)
{
    *reg(context, REG_SELECT_MODE) = is_selected ? SELECT_HOLD : SELECT_OFF;
}

static void set_fast(void *context, bool is_fast)
{
    const struct spi *spi = context;
    *reg(spi, REG_DIVISOR) = is_fast ? spi->fast_divisor : SLOW_DIVISOR;
}

bool spi_has_name(const char *compatible)
{
    bool has_name = false;
    for (size_t i = 0; i < NAMES; i++) {
        has_name = has_name || strcmp(compatible, names[i].compatible) == 0;
    }
    return has_name;
}

void spi_init(struct spi *spi, const char *compatible, volatile uint32_t *registers,
              struct sd_port *port)
{
    spi->registers = registers;
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(compatible, names[i].compatible) == 0) {
            spi->fast_divisor = names[i].fast_divisor;
        }
    }
    *reg(spi, REG_ENABLE) = 0;
    *reg(spi, REG_FLASH) = 0;
    *reg(spi, REG_MODE) = 0;
    *reg(spi, REG_FORMAT) = FORMAT;
    *reg(spi, REG_SELECT) = 0;
    *reg(spi, REG_SELECT_IDLE) |= 1;
    *reg(spi, REG_SELECT_MODE) = SELECT_OFF;
    for (uint32_t i = 0; i < QUEUE_BYTES; i++) {
        (void)*reg(spi, REG_RECEIVE); /* what others have left there */
    }
    port->context = spi;
    port->exchange = exchange;
    port->select = select_card;
    port->set_fast = set_fast;
}
