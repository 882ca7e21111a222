/* SPDX-License-Identifier: MIT */
/*
 * Say hello, and what the arguments were.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("Hello from %s", argc > 0 ? argv[0] : "nobody");
    for (int i = 1; i < argc; i++) {
        printf(" %s", argv[i]);
    }
    printf("\n");
    return 0;
}
