/* SPDX-License-Identifier: MIT */
/*
 * Serial ports: what each kind of them does with its registers. Speed and format stay as the
 * firmware has set them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct uart;

/* A kind of port. */
struct uart_kind {
    /* Let bytes that arrive interrupt. */
    void (*start)(struct uart *uart);
    /* Send a byte. Returns: whether there was room. */
    bool (*put)(struct uart *uart, char byte);
    /* Take a byte that has arrived. Returns: whether there was one. */
    bool (*get)(struct uart *uart, char *byte);
    /* Let room for bytes interrupt, or not; says that an interrupt was seen, too. */
    void (*want_room)(struct uart *uart, bool is_wanted);
};

struct uart {
    const struct uart_kind *kind;
    volatile uint8_t *registers;
    unsigned burst; /* bytes that can be put without asking again */
};

extern const struct uart_kind uart_16550;
extern const struct uart_kind uart_sifive;

/* The kind with this text in the device tree; NULL: unknown. */
const struct uart_kind *uart_find(const char *compatible);
