/* SPDX-License-Identifier: MIT */
/*
 * <sys/mman.h>: what is in memory and stays there; advice under its POSIX name.
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>

#include <hf/error.h>
#include <hf/mem.h>

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    return 0;
}

int mlock(const void *addr, size_t length)
{
    return mlock2(addr, length, 0);
}

int mlock2(const void *addr, size_t length, unsigned flags)
{
    return result_of(hf_lock_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length, flags));
}

int munlock(const void *addr, size_t length)
{
    return result_of(hf_unlock_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length));
}

int mlockall(int flags)
{
    return result_of(hf_lock_all_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint32_t)flags));
}

int munlockall(void)
{
    return result_of(hf_unlock_all(HF_OWN_SPACE));
}

int mincore(void *addr, size_t length, unsigned char *vec)
{
    return result_of(hf_incore(HF_OWN_SPACE, (uint64_t)addr, length, vec));
}

int msync(void *addr, size_t length, int flags)
{
    return result_of(
        hf_sync_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length, (uint32_t)flags));
}

/* POSIX: the error is the result. DONTNEED must keep the pages: there is nothing to do for it. */
int posix_madvise(void *addr, size_t length, int advice)
{
    uint64_t asked = advice == POSIX_MADV_DONTNEED ? MADV_WILLNEED : (uint64_t)(int64_t)advice;
    if (advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED) {
        return EINVAL;
    }
    return hf_errno(hf_advise_form(MEM_HEAD_LINUX, HF_OWN_SPACE, (uint64_t)addr, length, asked));
}
