/* SPDX-License-Identifier: MIT */
#include "uart.h"

#include <stddef.h>
#include <string.h>

const struct uart_kind *uart_find(const char *compatible)
{
    static const struct {
        const char *compatible;
        const struct uart_kind *kind;
    } kinds[] = {
        {"ns16550a", &uart_16550},
        {"sifive,uart0", &uart_sifive},
        {"sifive,fu540-c000-uart", &uart_sifive},
        {"sifive,fu740-c000-uart", &uart_sifive},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].compatible, compatible) == 0) {
            return kinds[i].kind;
        }
    }
    return NULL;
}
