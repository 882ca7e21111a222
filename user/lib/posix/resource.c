/* SPDX-License-Identifier: MIT */
/*
 * <sys/resource.h> over the memory server's limits.
 */
#include <sys/resource.h>

#include <errno.h>
#include <stdbool.h>

#include <hf/error.h>
#include <hf/mem.h>

/* What a resource is called by the memory server; MEM_LIMIT_NONE: nothing that it limits. */
static enum mem_limit limit_of(int resource)
{
    switch (resource) {
    case RLIMIT_AS:
        return MEM_LIMIT_PAGES;
    case RLIMIT_DATA:
        return MEM_LIMIT_DATA;
    case RLIMIT_MEMLOCK:
        return MEM_LIMIT_LOCKED;
    case RLIMIT_STACK:
        return MEM_LIMIT_STACK;
    default:
        return MEM_LIMIT_NONE;
    }
}

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    return 0;
}

int getrlimit(int resource, struct rlimit *limit)
{
    struct mem_limits_rep rep = {.value = MEM_UNLIMITED, .ceiling = MEM_UNLIMITED};
    enum err error = resource < 0 || resource >= RLIM_NLIMITS ? ERR_INVAL : ERR_OK;
    if (limit_of(resource) != MEM_LIMIT_NONE) {
        error = hf_limit_get_bytes(HF_OWN_SPACE, limit_of(resource), &rep);
    }
    if (error == ERR_OK) {
        limit->rlim_cur = rep.value;
        limit->rlim_max = rep.ceiling;
    }
    return result_of(error);
}

int setrlimit(int resource, const struct rlimit *limit)
{
    bool is_infinite = limit->rlim_cur == RLIM_INFINITY && limit->rlim_max == RLIM_INFINITY;
    if (limit_of(resource) == MEM_LIMIT_NONE) {
        bool is_known = resource >= 0 && resource < RLIM_NLIMITS;
        return result_of(is_known && is_infinite ? ERR_OK : ERR_INVAL);
    }
    return result_of(
        hf_limit_set_bytes(HF_OWN_SPACE, limit_of(resource), limit->rlim_cur, limit->rlim_max));
}
