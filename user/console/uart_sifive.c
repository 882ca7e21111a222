/* SPDX-License-Identifier: MIT */
/*
 * The SiFive UART (FU540-C000 manual, chapter 13), with 32-bit registers.
 */
#include "uart.h"

enum {
    REG_SEND = 0x00,
    REG_RECEIVE = 0x04,
    REG_SEND_CONTROL = 0x08,
    REG_RECEIVE_CONTROL = 0x0c,
    REG_ENABLE = 0x10, /* interrupts */
};

#define SEND_FULL      0x80000000u
#define RECEIVE_EMPTY  0x80000000u
#define CONTROL_ON     0x00000001u
#define SEND_LEVEL_ONE 0x00010000u /* room: less than one byte is queued */
#define ENABLE_ROOM    0x1u
#define ENABLE_ARRIVED 0x2u

static volatile uint32_t *reg(struct uart *uart, unsigned offset)
{
    return (volatile uint32_t *)(volatile void *)(uart->registers + offset);
}

static void start(struct uart *uart)
{
    *reg(uart, REG_SEND_CONTROL) = CONTROL_ON | SEND_LEVEL_ONE;
    *reg(uart, REG_RECEIVE_CONTROL) = CONTROL_ON;
    *reg(uart, REG_ENABLE) = ENABLE_ARRIVED;
}

static bool put(struct uart *uart, char byte)
{
    if ((*reg(uart, REG_SEND) & SEND_FULL) != 0) {
        return false;
    }
    *reg(uart, REG_SEND) = (unsigned char)byte;
    return true;
}

static bool get(struct uart *uart, char *byte)
{
    const uint32_t word = *reg(uart, REG_RECEIVE);
    if ((word & RECEIVE_EMPTY) != 0) {
        return false;
    }
    *byte = (char)word;
    return true;
}

static void want_room(struct uart *uart, bool is_wanted)
{
    *reg(uart, REG_ENABLE) = ENABLE_ARRIVED | (is_wanted ? ENABLE_ROOM : 0);
}

const struct uart_kind uart_sifive = {
    .start = start,
    .put = put,
    .get = get,
    .want_room = want_room,
};
