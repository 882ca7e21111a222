/* SPDX-License-Identifier: MIT */
/*
 * A program for the shell's test to start: shell_guest WHAT.
 *
 *   spin     runs until it is ended          front    the same, but says "in front" first
 *   lines    says how long each line typed is, and when the input ends
 *   status   ends with status 7              fault    writes where nothing is mapped
 *   flood    writes 100 long lines at once
 *   mixC     writes 100 lines of the letter C, to stdout and stderr in turns
 */
#include <stdio.h>
#include <string.h>

#define STATUS      7
#define FLOOD_LINES 100
#define FLOOD_BYTES 200

static int say_lines(void)
{
    char line[256];
    printf("reading\n");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        printf("line of %zu: %s\n", strlen(line), line);
    }
    printf("end of input\n");
    return 0;
}

static int flood(void)
{
    for (int i = 0; i < FLOOD_LINES; i++) {
        char line[FLOOD_BYTES + 1];
        memset(line, 'a' + i % 26, FLOOD_BYTES);
        line[FLOOD_BYTES] = '\0';
        printf("%s %d\n", line, i);
    }
    return 0;
}

/* In pieces of all sizes: lines of several such programs must not come between them. */
static int mix(char letter)
{
    char line[FLOOD_BYTES + 1];
    memset(line, letter, FLOOD_BYTES);
    line[FLOOD_BYTES] = '\0';
    for (int i = 0; i < FLOOD_LINES; i++) {
        const int length = 1 + i * 37 % FLOOD_BYTES;
        fprintf(i % 2 == 0 ? stdout : stderr, "%.*s%c%.*s\n", length, line, letter, length, line);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "front") == 0) {
        printf("in front\n");
    }
    if (strcmp(what, "spin") == 0 || strcmp(what, "front") == 0) {
        for (volatile int i = 0;; i++) {
        }
    }
    if (strcmp(what, "fault") == 0) {
        *(volatile int *)0x5000 = 1;
    }
    if (strcmp(what, "lines") == 0) {
        return say_lines();
    }
    if (strcmp(what, "status") == 0) {
        return STATUS;
    }
    if (strcmp(what, "flood") == 0) {
        return flood();
    }
    if (strncmp(what, "mix", 3) == 0) {
        return mix(what[3]);
    }
    printf("shell_guest: what?\n");
    return 2;
}
