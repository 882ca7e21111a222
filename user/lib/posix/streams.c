/* SPDX-License-Identifier: MIT */
/*
 * The three standard streams, which the C library leaves to the system.
 *
 * fgets() is here because that of picolibc 1.8 answers NULL, and so loses what it has read, when
 * the file ends without a newline.
 *
 * stdout holds back what it gets until a line is whole or its buffer is full, stderr until the call
 * that prints is done. So lines, and what a call prints to stderr, are written at once, as long as
 * they fit the buffer. What stdout still holds is written at exit() (start.c).
 *
 * Each has a lock of its own, so that one thread can wait for input while others print. Every
 * character takes it, and so that what one call prints stays together, the calls that print more
 * than one take it around the whole: the linker leads them here (--wrap), and from here to the C
 * library's own.
 */
#include "streams.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio-bufio.h>
#include <stdio.h>
#include <unistd.h>

#include <hf/mutex.h>

#define STREAMS      3
#define STDIN_BYTES  256
#define STDOUT_BYTES 1024 /* as much as the console shows together */
#define STDERR_BYTES 1024

static char stdin_buffer[STDIN_BYTES];
static char stdout_buffer[STDOUT_BYTES];
static char stderr_buffer[STDERR_BYTES];

static struct __file_bufio streams[STREAMS] = {
    FDEV_SETUP_BUFIO(STDIN_FILENO, stdin_buffer, STDIN_BYTES, read, write, lseek, close, __SRD, 0),
    FDEV_SETUP_BUFIO(STDOUT_FILENO, stdout_buffer, STDOUT_BYTES, read, write, lseek, close, __SWR,
                     __BLBF),
    FDEV_SETUP_BUFIO(STDERR_FILENO, stderr_buffer, STDERR_BYTES, read, write, lseek, close, __SWR,
                     0),
};

FILE *const stdin = &streams[0].xfile.cfile.file;
FILE *const stdout = &streams[1].xfile.cfile.file;
FILE *const stderr = &streams[2].xfile.cfile.file;

static struct hf_recursive_mutex locks[STREAMS];

/* The lock of a stream; NULL: it is none of the three, and the C library locks it. */
static struct hf_recursive_mutex *lock_of(const FILE *stream)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (stream == &streams[i].xfile.cfile.file) {
            return &locks[i];
        }
    }
    return NULL;
}

static struct hf_recursive_mutex *stream_lock(const FILE *stream)
{
    struct hf_recursive_mutex *lock = lock_of(stream);
    if (lock != NULL) {
        hf_recursive_lock(lock);
    }
    return lock;
}

/* Give it back; stderr keeps nothing once nobody is in it. Returns: whether that was written. */
static bool stream_unlock(struct hf_recursive_mutex *lock)
{
    bool is_written = true;
    if (lock == &locks[STDERR_FILENO] && lock->count == 1) {
        is_written = __bufio_flush(stderr) == 0;
    }
    if (lock != NULL) {
        hf_recursive_unlock(lock);
    }
    return is_written;
}

static int put_locked(char byte, FILE *stream)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const int result = __bufio_put(byte, stream);
    return stream_unlock(lock) ? result : EOF;
}

static int get_locked(FILE *stream)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const int result = __bufio_get(stream);
    (void)stream_unlock(lock);
    return result;
}

static int flush_locked(FILE *stream)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const int result = __bufio_flush(stream);
    (void)stream_unlock(lock);
    return result;
}

void streams_init(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        FILE *stream = &streams[i].xfile.cfile.file;
        stream->put = put_locked;
        stream->get = get_locked;
        stream->flush = flush_locked;
    }
    /* The end of a program flushes: its pages are there before all memory may be gone. */
    (void)flush_locked(stdout);
}

/* The C library's own, and what programs call instead: names of the linker's option --wrap. */
int __real_vfprintf(FILE *stream, const char *format, va_list arguments);
int __wrap_vfprintf(FILE *stream, const char *format, va_list arguments);
int __real_puts(const char *text);
int __wrap_puts(const char *text);
int __real_fputs(const char *text, FILE *stream);
int __wrap_fputs(const char *text, FILE *stream);
size_t __real_fwrite(const void *from, size_t bytes, size_t count, FILE *stream);
size_t __wrap_fwrite(const void *from, size_t bytes, size_t count, FILE *stream);

int __wrap_vfprintf(FILE *stream, const char *format, va_list arguments)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const int result = __real_vfprintf(stream, format, arguments);
    return stream_unlock(lock) ? result : EOF;
}

int __wrap_puts(const char *text)
{
    struct hf_recursive_mutex *lock = stream_lock(stdout);
    const int result = __real_puts(text);
    (void)stream_unlock(lock);
    return result;
}

int __wrap_fputs(const char *text, FILE *stream)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const int result = __real_fputs(text, stream);
    return stream_unlock(lock) ? result : EOF;
}

size_t __wrap_fwrite(const void *from, size_t bytes, size_t count, FILE *stream)
{
    struct hf_recursive_mutex *lock = stream_lock(stream);
    const size_t result = __real_fwrite(from, bytes, count, stream);
    return stream_unlock(lock) ? result : 0;
}

/* ISO C 7.21.7.2: NULL only if nothing was read before the end, or on an error. */
char *fgets(char *restrict line, int size, FILE *restrict stream)
{
    int length = 0;
    int byte = 0;
    struct hf_recursive_mutex *lock = stream_lock(stream);
    while (length < size - 1 && byte != '\n') {
        byte = fgetc(stream);
        if (byte == EOF) {
            break;
        }
        line[length] = (char)byte;
        length++;
    }
    (void)stream_unlock(lock);
    if (byte == EOF && (length == 0 || ferror(stream))) {
        return NULL;
    }
    if (size > 0) {
        line[length] = '\0';
    }
    return size > 0 ? line : NULL;
}
