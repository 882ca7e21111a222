/* SPDX-License-Identifier: MIT */
#include "uart.h"

#include <stddef.h>
#include <string.h>

const struct uart_kind *uart_find(const char *compatible)
{
    static const struct uart_kind *const kinds[] = {&uart_16550, &uart_sifive};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i]->compatible, compatible) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}
