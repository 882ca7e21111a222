/* SPDX-License-Identifier: MIT */
/*
 * Limits under their native and their POSIX names. The last tests lower limits of the process.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <abi/layout.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

TAP_TEST(getrlimit_tells_what_nobody_set)
{
    struct rlimit limit;
    EXPECT_I64(getrlimit(RLIMIT_AS, &limit), 0);
    EXPECT_U64(limit.rlim_cur, RLIM_INFINITY);
    EXPECT_U64(limit.rlim_max, RLIM_INFINITY);
    EXPECT_I64(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EXPECT_U64(limit.rlim_cur, MEM_LOCKED_MAX_DEFAULT);
    EXPECT_I64(getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_U64(limit.rlim_cur, RLIM_INFINITY);
    errno = 0;
    EXPECT_I64(getrlimit(99, &limit), -1);
    EXPECT_I64(errno, EINVAL);
}

TAP_TEST(setrlimit_moves_the_value_below_the_maximum_and_not_above)
{
    struct rlimit limit = {.rlim_cur = 2 * PAGE, .rlim_max = 4 * PAGE};
    errno = 0;
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = 3 * PAGE;
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = 5 * PAGE;
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), -1);
    EXPECT_I64(errno, EINVAL);
    limit.rlim_max = 5 * PAGE;
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), -1);
    EXPECT_I64(errno, EPERM);
    limit.rlim_max = 0;
    limit.rlim_cur = 0;
    EXPECT_I64(setrlimit(RLIMIT_NOFILE, &limit), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_I64(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EXPECT_U64(limit.rlim_cur, 3 * PAGE);
    EXPECT_U64(limit.rlim_max, 4 * PAGE);
}

TAP_TEST(mlock_over_the_limit_is_enomem_and_at_limit_0_eperm)
{
    struct rlimit limit = {.rlim_cur = 2 * PAGE, .rlim_max = 2 * PAGE};
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EXPECT_I64(mlock((void *)AREA_AT(0), 2 * PAGE), 0);
    errno = 0;
    EXPECT_I64(mlock((void *)AREA_AT(0), 3 * PAGE), -1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_I64(mlockall(MCL_CURRENT), -1);
    EXPECT_I64(errno, ENOMEM);
    limit.rlim_cur = 0;
    EXPECT_I64(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EXPECT_I64(mlock((void *)AREA_AT(0), PAGE), -1);
    EXPECT_I64(errno, EPERM);
    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) ==
           MAP_FAILED);
    EXPECT_I64(errno, EPERM);
    area_clear();
}

TAP_TEST(mmap_over_the_limit_of_address_space_or_data_is_enomem_until_it_is_raised)
{
    struct mem_limits_rep rep;
    REQUIRE(EXPECT_ERR(hf_limit_get_bytes(HF_OWN_SPACE, MEM_LIMIT_PAGES, &rep), ERR_OK));
    struct rlimit limit = {.rlim_cur = rep.used + 3 * PAGE, .rlim_max = rep.used + 8 * PAGE};
    EXPECT_I64(setrlimit(RLIMIT_AS, &limit), 0);
    EXPECT_ERR(area_map(0, 4, MEM_PROT_READ), ERR_NOMEM);
    limit.rlim_cur = limit.rlim_max;
    EXPECT_I64(setrlimit(RLIMIT_AS, &limit), 0);
    EXPECT_ERR(area_map(0, 4, MEM_PROT_READ), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_limit_get_bytes(HF_OWN_SPACE, MEM_LIMIT_DATA, &rep), ERR_OK));
    limit.rlim_cur = limit.rlim_max = rep.used;
    EXPECT_I64(setrlimit(RLIMIT_DATA, &limit), 0);
    errno = 0;
    EXPECT_I64(mprotect((void *)AREA_AT(0), PAGE, PROT_READ | PROT_WRITE), -1);
    EXPECT_I64(errno, ENOMEM);
    area_clear();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(getrlimit_tells_what_nobody_set),
        TAP(setrlimit_moves_the_value_below_the_maximum_and_not_above),
        TAP(mlock_over_the_limit_is_enomem_and_at_limit_0_eperm),
        TAP(mmap_over_the_limit_of_address_space_or_data_is_enomem_until_it_is_raised),
    };
    return TAP_RUN(argc, argv, tests);
}
