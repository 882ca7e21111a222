/* SPDX-License-Identifier: MIT */
/*
 * Copies its input to its output up to the end, for typed_test.py.
 */
#include <stdio.h>

int main(void)
{
    int byte;
    while ((byte = getchar()) != EOF) {
        putchar(byte);
    }
    fputs("[end]\n", stdout);
    return feof(stdin) ? 0 : 1;
}
