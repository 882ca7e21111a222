/* SPDX-License-Identifier: MIT */
/*
 * strerror() and its kin, with words close to those of Linux: picolibc's are of another time ("Not
 * enough space" for ENOMEM, "No more processes" for EAGAIN), or missing.
 *
 * The names are those of the C library's own files, which these take the place of as a whole;
 * perror() is here so that its text comes from here too.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN_BYTES 32

/* What strerror_r() of the C library calls; only old headers have it. */
char *_strerror_r(int number, int is_internal, int *unknown_opt);

static const char *const texts[] = {
    [0] = "Success",
    [EPERM] = "Operation not permitted",
    [ENOENT] = "No such file or directory",
    [ESRCH] = "No such process",
    [EINTR] = "Interrupted system call",
    [EIO] = "Input/output error",
    [ENXIO] = "No such device or address",
    [E2BIG] = "Argument list too long",
    [ENOEXEC] = "Exec format error",
    [EBADF] = "Bad file descriptor",
    [ECHILD] = "No child processes",
    [EAGAIN] = "Resource temporarily unavailable",
    [ENOMEM] = "Cannot allocate memory",
    [EACCES] = "Permission denied",
    [EFAULT] = "Bad address",
    [EBUSY] = "Device or resource busy",
    [EEXIST] = "File exists",
    [EXDEV] = "Invalid cross-device link",
    [ENODEV] = "No such device",
    [ENOTDIR] = "Not a directory",
    [EISDIR] = "Is a directory",
    [EINVAL] = "Invalid argument",
    [ENFILE] = "Too many open files in system",
    [EMFILE] = "Too many open files",
    [ENOTTY] = "Inappropriate ioctl for device",
    [ETXTBSY] = "Text file busy",
    [EFBIG] = "File too large",
    [ENOSPC] = "No space left on device",
    [ESPIPE] = "Illegal seek",
    [EROFS] = "Read-only file system",
    [EMLINK] = "Too many links",
    [EPIPE] = "Broken pipe",
    [EDOM] = "Numerical argument out of domain",
    [ERANGE] = "Numerical result out of range",
    [ENOMSG] = "No message of desired type",
    [EIDRM] = "Identifier removed",
    [EDEADLK] = "Resource deadlock avoided",
    [ENOLCK] = "No locks available",
    [ENOSTR] = "Device not a stream",
    [ENODATA] = "No data available",
    [ETIME] = "Timer expired",
    [ENOSR] = "Out of streams resources",
    [ENOLINK] = "Link has been severed",
    [EPROTO] = "Protocol error",
    [EMULTIHOP] = "Multihop attempted",
    [EBADMSG] = "Bad message",
    [ENOSYS] = "No such function",
    [ENOTEMPTY] = "Directory not empty",
    [ENAMETOOLONG] = "File name too long",
    [ELOOP] = "Too many levels of symbolic links",
    [EOPNOTSUPP] = "Operation not supported",
    [ECONNRESET] = "Connection reset by peer",
    [ENOBUFS] = "No buffer space available",
    [EAFNOSUPPORT] = "Address family not supported by protocol",
    [EPROTOTYPE] = "Protocol wrong type for socket",
    [ENOTSOCK] = "Socket operation on non-socket",
    [ENOPROTOOPT] = "Protocol not available",
    [ECONNREFUSED] = "Connection refused",
    [EADDRINUSE] = "Address already in use",
    [ECONNABORTED] = "Software caused connection abort",
    [ENETUNREACH] = "Network is unreachable",
    [ENETDOWN] = "Network is down",
    [ETIMEDOUT] = "Timed out",
    [EHOSTUNREACH] = "No route to host",
    [EINPROGRESS] = "Operation now in progress",
    [EALREADY] = "Operation already in progress",
    [EDESTADDRREQ] = "Destination address required",
    [EMSGSIZE] = "Message too long",
    [EPROTONOSUPPORT] = "Protocol not supported",
    [EADDRNOTAVAIL] = "Cannot assign requested address",
    [ENETRESET] = "Network dropped connection on reset",
    [EISCONN] = "Transport endpoint is already connected",
    [ENOTCONN] = "Transport endpoint is not connected",
    [EDQUOT] = "Disk quota exceeded",
    [ESTALE] = "Stale file handle",
    [ENOTSUP] = "Operation not supported",
    [EILSEQ] = "Invalid or incomplete character",
    [EOVERFLOW] = "Value too large for defined data type",
    [ECANCELED] = "Operation canceled",
    [ENOTRECOVERABLE] = "State not recoverable",
    [EOWNERDEAD] = "Owner died",
};

char *_strerror_r(int number, int is_internal, int *unknown_opt)
{
    static _Thread_local char unknown[UNKNOWN_BYTES];
    (void)is_internal;
    if (number >= 0 && (size_t)number < sizeof(texts) / sizeof(texts[0]) && texts[number] != NULL) {
        return (char *)texts[number]; /* nobody may write there, says ISO C 7.24.6.2 */
    }
    if (unknown_opt != NULL) {
        *unknown_opt = EINVAL;
    }
    snprintf(unknown, sizeof(unknown), "Unknown error %d", number);
    return unknown;
}

char *strerror(int number)
{
    return _strerror_r(number, 0, NULL);
}

char *strerror_l(int number, locale_t locale)
{
    (void)locale;
    return strerror(number);
}

void perror(const char *what)
{
    const char *text = strerror(errno);
    if (what != NULL && what[0] != '\0') {
        fprintf(stderr, "%s: %s\n", what, text);
    } else {
        fprintf(stderr, "%s\n", text);
    }
}
