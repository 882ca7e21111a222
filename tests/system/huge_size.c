/* SPDX-License-Identifier: MIT */
#include "huge_size.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/mem.h>
#include <tap.h>

struct huge_size huge_sizes[HUGE_SIZES] = {
    {"2M", MEM_HUGE_2MB, (int)(MAP_HUGETLB | MAP_HUGE_2MB), 0},
    {"1G", MEM_HUGE_1GB, (int)(MAP_HUGETLB | MAP_HUGE_1GB), 0},
};

void huge_size_each(void (*test)(const struct huge_size *size))
{
    for (size_t i = 0; i < HUGE_SIZES; i++) {
        if (huge_sizes[i].pages != 0) {
            tap_note("pages of %s", huge_sizes[i].text);
            test(&huge_sizes[i]);
        }
    }
}

void huge_size_expect_pool(const struct huge_size *size, uint64_t used, uint64_t promised)
{
    struct mem_huge_rep rep;
    REQUIRE(EXPECT_ERR(hf_huge_get(size->bytes, &rep), ERR_OK));
    EXPECT_U64(rep.total, size->pages);
    EXPECT_U64(rep.total - rep.free, used);
    EXPECT_U64(rep.promised, promised);
}

volatile unsigned char *huge_size_map(const struct huge_size *size, uint64_t pages, int flags)
{
    void *memory = mmap(NULL, pages * size->bytes, RW, MAP_ANONYMOUS | size->flags | flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void huge_size_unmap(const struct huge_size *size, volatile unsigned char *memory, uint64_t pages)
{
    EXPECT(munmap((void *)memory, pages * size->bytes) == 0);
}

unsigned char huge_size_mark(uint64_t offset)
{
    return (unsigned char)(offset / HUGE_STEP * 7 + 1);
}

void huge_size_fill(volatile unsigned char *memory, uint64_t bytes)
{
    for (uint64_t offset = 0; offset < bytes; offset += HUGE_STEP) {
        memory[offset] = huge_size_mark(offset);
    }
}

bool huge_size_is_filled(const volatile unsigned char *memory, uint64_t bytes)
{
    bool is_right = true;
    for (uint64_t offset = 0; offset < bytes; offset += HUGE_STEP) {
        is_right = is_right && memory[offset] == huge_size_mark(offset);
    }
    return is_right;
}

bool huge_size_is_zero(const volatile unsigned char *memory, uint64_t bytes)
{
    bool is_right = true;
    for (uint64_t offset = 0; offset < bytes; offset += HUGE_STEP) {
        is_right = is_right && memory[offset] == 0;
    }
    return is_right && memory[bytes - 1] == 0;
}

int huge_size_child_end(int (*run)(volatile unsigned char *memory, const struct huge_size *size),
                        volatile unsigned char *memory, const struct huge_size *size)
{
    const pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        _exit(run(memory, size));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return 1000;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool huge_size_look(void)
{
    for (size_t i = 0; i < HUGE_SIZES; i++) {
        struct mem_huge_rep rep;
        if (hf_huge_get(huge_sizes[i].bytes, &rep) == ERR_OK) {
            huge_sizes[i].pages = rep.total;
        }
    }
    return huge_sizes[0].pages >= 4;
}
