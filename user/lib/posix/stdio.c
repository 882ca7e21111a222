/* SPDX-License-Identifier: MIT */
/*
 * The three standard streams, which the C library leaves to the system.
 *
 * fgets() is here because that of picolibc 1.8 answers NULL, and so loses what it has read, when
 * the file ends without a newline.
 *
 * stdout holds back what it gets until a line is whole or its buffer is full, stderr nothing. What
 * stdout still holds is written at exit() (start.c).
 */
#include <stddef.h>
#include <stdio-bufio.h>
#include <stdio.h>
#include <unistd.h>

#define STDIN_BYTES  256
#define STDOUT_BYTES 1024
#define STDERR_BYTES 1

static char stdin_buffer[STDIN_BYTES];
static char stdout_buffer[STDOUT_BYTES];
static char stderr_buffer[STDERR_BYTES];

static struct __file_bufio streams[3] = {
    FDEV_SETUP_BUFIO(STDIN_FILENO, stdin_buffer, STDIN_BYTES, read, write, lseek, close, __SRD, 0),
    FDEV_SETUP_BUFIO(STDOUT_FILENO, stdout_buffer, STDOUT_BYTES, read, write, lseek, close, __SWR,
                     __BLBF),
    FDEV_SETUP_BUFIO(STDERR_FILENO, stderr_buffer, STDERR_BYTES, read, write, lseek, close, __SWR,
                     0),
};

FILE *const stdin = &streams[0].xfile.cfile.file;
FILE *const stdout = &streams[1].xfile.cfile.file;
FILE *const stderr = &streams[2].xfile.cfile.file;

/* ISO C 7.21.7.2: NULL only if nothing was read before the end, or on an error. */
char *fgets(char *restrict line, int size, FILE *restrict stream)
{
    int length = 0;
    int byte = 0;
    while (length < size - 1 && byte != '\n') {
        byte = fgetc(stream);
        if (byte == EOF) {
            break;
        }
        line[length] = (char)byte;
        length++;
    }
    if (byte == EOF && (length == 0 || ferror(stream))) {
        return NULL;
    }
    if (size > 0) {
        line[length] = '\0';
    }
    return size > 0 ? line : NULL;
}
