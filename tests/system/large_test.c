/* SPDX-License-Identifier: MIT */
/*
 * Large leaves after ADVISE(HUGEPAGE), with real memory: one fault for 2 MiB, and what is left of
 * them after requests about parts.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/mem.h>
#include <tap.h>

#include "area.h"

#define LARGE    (UINT64_C(2) << 20)
#define PAGES    512u
#define CHILD_OK 42

/* Aligned, with room before and behind. */
static volatile uint64_t *const memory = (volatile uint64_t *)(AREA_START + LARGE);

static uint64_t faults_so_far(void)
{
    struct mem_query_rep rep = {0};

    return hf_query(HF_OWN_SPACE, 0, 0, NULL, &rep) == ERR_OK ? rep.faults_total : 0;
}

/* The word of page `page` of the memory. */
static volatile uint64_t *word(uint64_t page)
{
    return memory + page * PAGE / sizeof(*memory);
}

static bool begin(uint64_t leaves)
{
    void *const start = (void *)(uintptr_t)memory;

    return EXPECT(mmap(start, leaves * LARGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start) &&
           EXPECT(madvise(start, leaves * LARGE, MADV_HUGEPAGE) == 0);
}

static void end(uint64_t leaves)
{
    EXPECT(munmap((void *)(uintptr_t)memory, leaves * LARGE) == 0);
}

static void fill(uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        *word(i) = i + 1;
    }
}

/* Pages `first` to `end` of what was filled hold what they did. */
static bool holds(uint64_t first, uint64_t end_page)
{
    for (uint64_t i = first; i < end_page; i++) {
        if (*word(i) != i + 1) {
            tap_note("page %llu", (unsigned long long)i);
            return false;
        }
    }
    return true;
}

TAP_TEST(one_fault_makes_two_mebibytes_present_and_all_of_them_are_zero)
{
    REQUIRE(begin(2));
    const uint64_t resident = area_resident();
    const uint64_t before = faults_so_far();

    memory[7] = 1;
    EXPECT_U64(faults_so_far() - before, 1);
    EXPECT_U64(area_resident() - resident, PAGES);
    uint64_t others = 0;
    for (uint64_t i = 0; i < LARGE / sizeof(*memory); i++) {
        others += i != 7 && memory[i] != 0 ? 1 : 0;
    }
    EXPECT_U64(others, 0);
    fill(PAGES);
    EXPECT_U64(faults_so_far() - before, 1);
    *word(PAGES + 3) = 1;
    EXPECT_U64(faults_so_far() - before, 2);
    end(2);
    EXPECT_U64(area_resident(), resident);
}

TAP_TEST(memory_that_was_used_is_zero_when_it_comes_again)
{
    for (unsigned round = 0; round < 6; round++) {
        REQUIRE(begin(1));
        EXPECT_U64(*word(0), 0);
        end(1);
        REQUIRE(begin(1));
        *word(1) = 5;
        for (uint64_t i = 0; i < PAGES; i++) {
            EXPECT_U64(*word(i), i == 1 ? 5 : 0);
        }
        fill(PAGES);
        end(1);
    }
}

TAP_TEST(unmapping_protecting_and_giving_back_parts_leaves_the_rest)
{
    REQUIRE(begin(3));
    fill(3 * PAGES);
    EXPECT(munmap((void *)(uintptr_t)word(10), 3 * PAGE) == 0);
    EXPECT(holds(0, 10) && holds(13, 3 * PAGES));
    EXPECT(mprotect((void *)(uintptr_t)word(PAGES + 5), 2 * PAGE, PROT_READ) == 0);
    EXPECT(holds(13, 3 * PAGES));
    *word(PAGES + 4) = PAGES + 5;
    EXPECT(madvise((void *)(uintptr_t)word(2 * PAGES + 100), 9 * PAGE, MADV_DONTNEED) == 0);
    EXPECT(holds(13, 2 * PAGES + 100) && holds(2 * PAGES + 109, 3 * PAGES));
    for (uint64_t i = 0; i < 9; i++) {
        EXPECT_U64(*word(2 * PAGES + 100 + i), 0);
    }
    end(3);
}

TAP_TEST(a_large_leaf_keeps_its_pages_through_protection_of_all_of_it)
{
    REQUIRE(begin(1));
    fill(PAGES);
    EXPECT(mprotect((void *)(uintptr_t)memory, LARGE, PROT_READ) == 0);
    EXPECT(holds(0, PAGES));
    EXPECT(mprotect((void *)(uintptr_t)memory, LARGE, PROT_READ | PROT_WRITE) == 0);
    const uint64_t before = faults_so_far();

    fill(PAGES);
    EXPECT_U64(faults_so_far() - before, 1);
    EXPECT(holds(0, PAGES));
    end(1);
}

TAP_TEST(what_moves_holds_what_it_did)
{
    REQUIRE(begin(1));
    fill(PAGES);
    void *const moved = mremap((void *)(uintptr_t)memory, LARGE, 2 * LARGE, MREMAP_MAYMOVE);
    REQUIRE(EXPECT(moved != MAP_FAILED));
    const volatile uint64_t *at = moved;

    for (uint64_t i = 0; i < PAGES; i++) {
        EXPECT_U64(at[i * PAGE / sizeof(*at)], i + 1);
    }
    EXPECT(munmap(moved, 2 * LARGE) == 0);
}

TAP_TEST(parent_and_child_write_separately)
{
    REQUIRE(begin(2));
    fill(PAGES + 1);
    const pid_t child = fork();

    if (child == 0) {
        bool is_right = holds(0, PAGES + 1);

        *word(3) = 1000;
        is_right = is_right && *word(4) == 5 && *word(PAGES + 7) == 0;
        *word(PAGES + 7) = 9;
        _exit(is_right ? CHILD_OK : 1);
    }
    *word(4) = 2000;
    int status = 0;

    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
    EXPECT_I64(WEXITSTATUS(status), CHILD_OK);
    EXPECT_U64(*word(3), 4);
    EXPECT_U64(*word(4), 2000);
    EXPECT_U64(*word(PAGES + 7), 0);
    end(2);
}

TAP_TEST(frames_of_large_leaves_come_back)
{
    struct mem_stats_rep before;
    struct mem_stats_rep after;

    REQUIRE(EXPECT_ERR(hf_stats(&before), ERR_OK));
    for (unsigned round = 0; round < 8; round++) {
        REQUIRE(begin(4));
        for (uint64_t leaf = 0; leaf < 4; leaf++) {
            *word(leaf * PAGES) = 1;
        }
        end(4);
    }
    REQUIRE(EXPECT_ERR(hf_stats(&after), ERR_OK));
    EXPECT(after.free + 16 > before.free);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(one_fault_makes_two_mebibytes_present_and_all_of_them_are_zero),
        TAP(memory_that_was_used_is_zero_when_it_comes_again),
        TAP(unmapping_protecting_and_giving_back_parts_leaves_the_rest),
        TAP(a_large_leaf_keeps_its_pages_through_protection_of_all_of_it),
        TAP(what_moves_holds_what_it_did),
        TAP(parent_and_child_write_separately),
        TAP(frames_of_large_leaves_come_back),
    };

    return TAP_RUN(argc, argv, tests);
}
