/* SPDX-License-Identifier: MIT */
#include <hf/error.h>

#include <errno.h>
#include <stddef.h>

#include <base/assert.h>

const char *hf_strerror(enum err error)
{
    static const struct {
        enum err error;
        const char *text;
    } texts[] = {
        {ERR_OK, "no error"},
#define ERROR(name, number, text) {ERR_##name, text},
#include <abi/error.def>
#undef ERROR
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].error == error) {
            return texts[i].text;
        }
    }
    return "unknown error";
}

STATIC_ASSERT(EPERM == ERR_PERM && EFAULT == ERR_FAULT && EFBIG == ERR_FBIG && EXDEV == ERR_XDEV &&
                  EISDIR == ERR_ISDIR && ERANGE == ERR_RANGE,
              "the oldest errors need no translation");

int hf_errno(enum err error)
{
    switch (error) {
    case ERR_OK:
    case ERR_PERM:
    case ERR_NOENT:
    case ERR_SRCH:
    case ERR_INTR:
    case ERR_IO:
    case ERR_NOEXEC:
    case ERR_FAULT:
    case ERR_BUSY:
    case ERR_EXIST:
    case ERR_XDEV:
    case ERR_NODEV:
    case ERR_NOTDIR:
    case ERR_ISDIR:
    case ERR_FBIG:
    case ERR_NOSPC:
    case ERR_ROFS:
    case ERR_RANGE:
        return (int)error; /* the same numbers everywhere since Unix had them */
    case ERR_TOO_BIG:
        return E2BIG;
    case ERR_AGAIN:
    case ERR_WOULD_BLOCK:
    case ERR_WAIT:
    case ERR_MORE:
        return EAGAIN;
    case ERR_NOMEM:
    case ERR_NO_TABLE:
    case ERR_NO_OBJECT:
    case ERR_NO_SLOT:
    case ERR_RECEIVER_SLOTS:
        return ENOMEM;
    case ERR_ACCES:
    case ERR_RIGHTS:
        return EACCES;
    case ERR_INVAL:
    case ERR_FRAME_KIND:
        return EINVAL;
    case ERR_DEADLK:
        return EDEADLK;
    case ERR_NOSYS:
        return ENOSYS;
    case ERR_NAMETOOLONG:
        return ENAMETOOLONG;
    case ERR_NOTEMPTY:
        return ENOTEMPTY;
    case ERR_OVERFLOW:
        return EOVERFLOW;
    case ERR_OPNOTSUPP:
        return EOPNOTSUPP;
    case ERR_TIMEDOUT:
        return ETIMEDOUT;
    case ERR_CANCELED:
        return ECANCELED;
    case ERR_BADF:
    case ERR_STALE:
    case ERR_TYPE:
    case ERR_SENDER_HANDLE:
        return EBADF;
    case ERR_PEER_GONE:
        return EPIPE;
    }
    return EIO;
}
