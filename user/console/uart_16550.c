/* SPDX-License-Identifier: MIT */
/*
 * The 16550 (National Semiconductor PC16550D), with a byte a register.
 */
#include "uart.h"

enum {
    REG_DATA = 0,
    REG_ENABLE = 1,  /* interrupts */
    REG_PENDING = 2, /* read: interrupt; write: queues */
    REG_MODEM = 4,
    REG_STATUS = 5,
};

#define ENABLE_ARRIVED 0x1u
#define ENABLE_ROOM    0x2u
#define QUEUES_ON      0x1u
#define MODEM_READY    0x0bu /* DTR, RTS, and OUT2, which lets interrupts through */
#define STATUS_ARRIVED 0x01u
#define STATUS_EMPTY   0x20u
/* Bytes to put when the queue of 16 is empty; the firmware may have one more to say. */
#define BURST 8u

static void start(struct uart *uart)
{
    uart->registers[REG_PENDING] = QUEUES_ON;
    uart->registers[REG_MODEM] = MODEM_READY;
    uart->registers[REG_ENABLE] = ENABLE_ARRIVED;
}

static bool put(struct uart *uart, char byte)
{
    if (uart->burst == 0) {
        if ((uart->registers[REG_STATUS] & STATUS_EMPTY) == 0) {
            return false;
        }
        uart->burst = BURST;
    }
    uart->burst--;
    uart->registers[REG_DATA] = (uint8_t)byte;
    return true;
}

static bool get(struct uart *uart, char *byte)
{
    if ((uart->registers[REG_STATUS] & STATUS_ARRIVED) == 0) {
        return false;
    }
    *byte = (char)uart->registers[REG_DATA];
    return true;
}

static void want_room(struct uart *uart, bool is_wanted)
{
    uart->burst = 0;
    /*
     * Reading what is pending takes the interrupt for room back, also one that has just come.
     * Turning it on anew brings it again if there is room.
     */
    (void)uart->registers[REG_PENDING];
    uart->registers[REG_ENABLE] = ENABLE_ARRIVED;
    if (is_wanted) {
        uart->registers[REG_ENABLE] = ENABLE_ARRIVED | ENABLE_ROOM;
    }
}

const struct uart_kind uart_16550 = {
    .start = start,
    .put = put,
    .get = get,
    .want_room = want_room,
};
