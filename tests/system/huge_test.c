/* SPDX-License-Identifier: MIT */
/*
 * HUGETLB: huge pages of the pools that the manifest sets aside (R19), each test for every size
 * that there is.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <abi/layout.h>
#include <base/types.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pager.h>
#include <hf/pin.h>
#include <hf/shared.h>
#include <tap.h>

#include "huge_size.h"

static int child_write(volatile unsigned char *memory, const struct huge_size *size)
{
    (void)size;
    memory[5] = 5;
    return CHILD_OK;
}

/* Write what the parent is to see, or not to see. */
static int child_change(volatile unsigned char *memory, const struct huge_size *size)
{
    const bool is_right = huge_size_is_filled(memory, size->bytes);
    memory[1] = 200;
    return is_right && memory[1] == 200 && huge_size_is_filled(memory, size->bytes) ? CHILD_OK : 1;
}

static void touch(const struct huge_size *size)
{
    struct mem_query_rep before;
    struct mem_query_rep after;
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    EXPECT_U64((uint64_t)(uintptr_t)memory % size->bytes, 0);
    huge_size_expect_pool(size, 0, 1);
    EXPECT(huge_size_is_zero(memory, size->bytes));
    huge_size_expect_pool(size, 1, 0);
    huge_size_fill(memory, size->bytes);
    struct mem_region region;
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, (uint64_t)(uintptr_t)memory, 1, &region, &before),
                       ERR_OK));
    EXPECT(huge_size_is_filled(memory, size->bytes));
    EXPECT_U64(region.resident, size->bytes / PAGE_SIZE);
    EXPECT_U64(region.flags & (MEM_MAP_HUGETLB | MEM_MAP_HUGE_1GB | MEM_MAP_HUGE_2MB),
               (uint32_t)size->flags);
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, (uint64_t)(uintptr_t)memory, 1, &region, &after),
                       ERR_OK));
    /* One leaf is enough for all of it. */
    EXPECT_U64(after.faults_total, before.faults_total);
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
    memory = huge_size_map(size, 1, MAP_PRIVATE | MAP_POPULATE);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_expect_pool(size, 1, 0);
    EXPECT(huge_size_is_zero(memory, size->bytes));
    huge_size_unmap(size, memory, 1);
}

TAP_TEST(r19_a_huge_page_is_zero_one_leaf_and_zero_again_after_its_use)
{
    huge_size_each(touch);
}

static void refuse(const struct huge_size *size)
{
    struct mem_refusal_rep refusal;
    EXPECT(huge_size_map(size, size->pages + 1, MAP_PRIVATE) == NULL);
    EXPECT_I64(errno, ENOMEM);
    EXPECT(strstr(hf_last_refusal(), "huge pages") != NULL);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_U64(refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(refusal.value, size->pages);
    EXPECT_U64(refusal.asked, size->pages + 1);
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_SHARED);
    REQUIRE(EXPECT(memory != NULL));
    EXPECT(munmap((void *)memory, PAGE_SIZE) == -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT(mprotect((void *)memory, PAGE_SIZE, PROT_READ) == -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT(madvise((void *)memory, PAGE_SIZE, MADV_COLD) == -1);
    EXPECT(mmap((void *)(memory + PAGE_SIZE), size->bytes, RW,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | size->flags, -1, 0) == MAP_FAILED);
    EXPECT_I64(errno, EINVAL);
    EXPECT(mmap(NULL, size->bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 24 << 26, -1,
                0) == MAP_FAILED);
    EXPECT_I64(errno, EINVAL);
    EXPECT_ERR(hf_huge_set(size->bytes, 1), ERR_PERM);
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_more_than_the_pool_has_and_parts_of_pages_are_refused)
{
    huge_size_each(refuse);
}

static void protect_and_move(const struct huge_size *size)
{
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_fill(memory, size->bytes);
    EXPECT(mprotect((void *)memory, size->bytes, PROT_READ) == 0);
    EXPECT(huge_size_is_filled(memory, size->bytes));
    EXPECT_I64(huge_size_child_end(child_write, memory, size), -SIGSEGV);
    EXPECT(mprotect((void *)memory, size->bytes, RW) == 0);
    volatile unsigned char *place = huge_size_map(size, 1, MAP_PRIVATE | MAP_NORESERVE);
    REQUIRE(EXPECT(place != NULL));
    EXPECT(mremap((void *)memory, size->bytes, size->bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                  (void *)place) == (void *)place);
    EXPECT(huge_size_is_filled(place, size->bytes));
    place[1] = 9;
    EXPECT(madvise((void *)place, size->bytes, MADV_DONTNEED) == 0);
    huge_size_expect_pool(size, 0, 1);
    EXPECT(huge_size_is_zero(place, size->bytes));
    huge_size_unmap(size, place, 1);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_protection_moves_and_giving_back_are_of_whole_pages)
{
    huge_size_each(protect_and_move);
}

static void share(const struct huge_size *size)
{
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_SHARED);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_fill(memory, size->bytes);
    EXPECT_I64(huge_size_child_end(child_change, memory, size), CHILD_OK);
    EXPECT(memory[1] == 200);
    huge_size_unmap(size, memory, 1);
    memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_fill(memory, size->bytes);
    if (size->pages > 1) {
        EXPECT_I64(huge_size_child_end(child_change, memory, size), CHILD_OK);
    } else {
        /* There is no page for the copy. */
        EXPECT_I64(huge_size_child_end(child_write, memory, size), -SIGBUS);
    }
    EXPECT(memory[1] == 0 && huge_size_is_filled(memory, size->bytes));
    huge_size_expect_pool(size, 1, 0);
    memory[1] = 3;
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_a_child_shares_or_copies_huge_pages)
{
    huge_size_each(share);
}

/* Parts of a page of 1 GiB take the server thousands of messages. */
static void take_out(const struct huge_size *size)
{
    const uint64_t first = 3 * PAGE_SIZE;
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_SHARED);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_fill(memory, size->bytes);
    memory[first - 1] = 77;
    memory[first] = 78;
    memory[first + size->bytes / 2] = 79;
    EXPECT(madvise((void *)(memory + first), size->bytes / 2, MADV_REMOVE) == 0);
    EXPECT(memory[first - 1] == 77 && memory[first + size->bytes / 2] == 79);
    EXPECT(huge_size_is_zero(memory + first, size->bytes / 2));
    huge_size_expect_pool(size, 1, 0);
    EXPECT(madvise((void *)memory, size->bytes, MADV_REMOVE) == 0);
    huge_size_expect_pool(size, 0, 0);
    EXPECT(huge_size_is_zero(memory, size->bytes));
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
    memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    EXPECT(madvise((void *)memory, size->bytes, MADV_REMOVE) == -1);
    EXPECT_I64(errno, EACCES);
    huge_size_unmap(size, memory, 1);
}

TAP_TEST(r19_shared_huge_pages_are_taken_out_whole_or_in_part)
{
    huge_size_each(take_out);
}

/* All of the pool, in a batch that gives back a page of it first. */
static void batch(const struct huge_size *size)
{
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    huge_size_fill(memory, size->bytes);
    const uint64_t place = (uint64_t)(uintptr_t)memory;
    const uint64_t how = (uint64_t)(uint32_t)(MAP_PRIVATE | MAP_ANONYMOUS | size->flags);
    struct mem_batch_op ops[] = {
        {MEM_UNMAP, {place, size->bytes, 0, 0, 0}},
        {MEM_MAP, {0, size->pages * size->bytes, RW | how << 32, 0, 0}},
        {MEM_UNMAP, {place, 0, 0, 0, 0}},
    };
    uint64_t refused = 0;
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 3, &refused), ERR_INVAL);
    EXPECT_U64(refused, 2);
    huge_size_expect_pool(size, 1, 0);
    EXPECT(huge_size_is_filled(memory, size->bytes));
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, &ops[1], 1, &refused), ERR_NOMEM);
    EXPECT(strstr(hf_last_refusal(), "huge pages") != NULL);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_OK);
    huge_size_expect_pool(size, 0, size->pages);
    memory = (volatile unsigned char *)(uintptr_t)ops[1].words[0];
    EXPECT(huge_size_is_zero(memory, size->bytes));
    huge_size_unmap(size, memory, size->pages);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_a_batch_maps_what_it_gave_back_or_does_nothing)
{
    huge_size_each(batch);
}

static uint64_t pin_part(volatile unsigned char *memory, uint64_t pages, uint32_t flags,
                         struct mem_pin_rep *rep)
{
    const struct hf_pin pin = {.space = HF_OWN_SPACE,
                               .addr = (const void *)memory,
                               .pages = pages,
                               .flags = MEM_PIN_GET | flags};
    EXPECT_ERR(hf_pin(&pin, rep, NULL), ERR_OK);
    return rep->pin;
}

/* The page has to be cleaned first, which takes more than one message. */
static void pin(const struct huge_size *size)
{
    struct mem_pin_rep rep;
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    const uint64_t one = pin_part(memory, 3, MEM_PIN_WRITE, &rep);
    EXPECT_U64(rep.pages, 3);
    EXPECT_U64(rep.dropped, 0);
    const uint64_t last = size->bytes - PAGE_SIZE;
    /* Something else may begin right behind; else what is there now cannot be pinned. */
    void *behind = mmap((void *)(uintptr_t)(memory + size->bytes), PAGE_SIZE, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    const uint64_t pages = behind == MAP_FAILED ? 1 : 2;
    const uint64_t two = pin_part(memory + last, pages, MEM_PIN_NOWAIT, &rep);
    EXPECT_U64(rep.pages, 1);
    if (behind != MAP_FAILED) {
        EXPECT_I64(munmap(behind, PAGE_SIZE), 0);
    }
    huge_size_fill(memory, size->bytes);
    if (size->pages > 1) {
        /* The child has a copy from the start. */
        EXPECT_I64(huge_size_child_end(child_change, memory, size), CHILD_OK);
        EXPECT(huge_size_is_filled(memory, size->bytes));
    } else {
        EXPECT(fork() == -1);
        EXPECT(strstr(hf_last_refusal(), "huge pages") != NULL);
    }
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 1, 0);
    EXPECT_ERR(hf_unpin(one, 0), ERR_OK);
    huge_size_expect_pool(size, 1, 0);
    EXPECT_ERR(hf_unpin(two, 0), ERR_OK);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_p16_a_huge_page_with_pins_comes_back_with_the_last_of_them)
{
    huge_size_each(pin);
}

static int child_fill(volatile unsigned char *memory, const struct huge_size *size)
{
    huge_size_fill(memory, size->bytes);
    volatile unsigned char *own = huge_size_map(size, 1, MAP_PRIVATE);
    if (own != NULL) {
        own[0] = 1;
    }
    return own == NULL && size->pages > 1 ? 1 : CHILD_OK; /* its end unmaps it */
}

static void end_of_child(const struct huge_size *size)
{
    const int rounds = size->pages > 1 ? 3 : 1;
    for (int round = 0; round < rounds; round++) {
        volatile unsigned char *memory = huge_size_map(size, 1, MAP_SHARED);
        REQUIRE(EXPECT(memory != NULL));
        EXPECT_I64(huge_size_child_end(child_fill, memory, size), CHILD_OK);
        EXPECT(huge_size_is_filled(memory, size->bytes));
        huge_size_unmap(size, memory, 1);
        huge_size_expect_pool(size, 0, 0);
    }
}

TAP_TEST(r19_the_end_of_a_process_gives_its_huge_pages_back)
{
    huge_size_each(end_of_child);
}

/* Both have to be cleaned or copied first, which takes the server more than one turn. */
static void copy_with_object(const struct huge_size *size)
{
    static unsigned char page[HF_PAGE_BYTES];
    uint64_t object = 0;
    uint64_t copied = 0;
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    REQUIRE(EXPECT_ERR(hf_shared_make(2 * HF_PAGE_BYTES, 0, 0, &object), ERR_OK));
    memset(page, 0x5a, sizeof(page));
    EXPECT_ERR(
        hf_shared_copy(object, (uint64_t)(uintptr_t)page, 0, sizeof(page), MEM_COPY_TO, &copied),
        ERR_OK);
    const uint64_t place = (uint64_t)(uintptr_t)memory + size->bytes / 2;
    EXPECT_ERR(hf_shared_copy(object, place, 0, 2 * HF_PAGE_BYTES, MEM_COPY_FROM, &copied), ERR_OK);
    EXPECT_U64(copied, 2 * HF_PAGE_BYTES);
    EXPECT_U64(memory[size->bytes / 2], 0x5a);
    EXPECT_U64(memory[size->bytes / 2 + HF_PAGE_BYTES], 0);
    huge_size_fill(memory, size->bytes);
    if (size->pages > 1) {
        struct mem_space_make_rep child;
        REQUIRE(EXPECT_ERR(hf_space_clone(HF_OWN_SPACE, "copy", PRIORITY_DEFAULT, &child), ERR_OK));
        EXPECT_ERR(
            hf_shared_copy(object, (uint64_t)(uintptr_t)memory, 0, 1, MEM_COPY_FROM, &copied),
            ERR_OK);
        EXPECT_U64(memory[0], 0x5a);
        memory[0] = huge_size_mark(0);
        EXPECT(huge_size_is_filled(memory, size->bytes));
        huge_size_expect_pool(size, 2, 0);
        EXPECT_ERR(hf_space_end(child.space, 0), ERR_OK);
        EXPECT_ERR(hf_space_end(child.space, 0), ERR_OK);
        EXPECT_ERR(hf_handle_close(child.space), ERR_OK);
        EXPECT_ERR(hf_handle_close(child.kernel_space), ERR_OK);
    }
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_bytes_of_an_object_are_copied_into_huge_pages)
{
    huge_size_each(copy_with_object);
}

/* A pager whose buffer is a huge page that has to be cleaned first. */
static void supply_from(const struct huge_size *size)
{
    struct mem_pager_next_rep work;
    uint64_t pager = 0;
    uint64_t object = 0;
    uint64_t number = 0;
    /* A page of 1 GiB takes longer to be cleaned than a pager has otherwise. */
    const struct hf_pager_object made = {.bytes = 8 * HF_PAGE_BYTES, .deadline_ms = UINT64_MAX};
    REQUIRE(EXPECT_ERR(hf_pager_make(&pager), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_pager_object(pager, made, &object, &number), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_shared_name(object, "huge", 4, MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE),
                       ERR_OK));
    const pid_t pid = fork();
    if (pid == 0) {
        /* It waits for the page; its word is read, never written. */
        uint64_t named = 0;
        struct hf_map map = {.length = HF_PAGE_BYTES, .prot = MEM_PROT_READ, .flags = MAP_SHARED};
        if (hf_shared_open("huge", 4, MEM_OBJECT_READ | MEM_OBJECT_MAPPABLE, &map.object) !=
                ERR_OK ||
            hf_map(map, &named) != ERR_OK) {
            _exit(1);
        }
        _exit(*(volatile uint64_t *)named == 0 ? CHILD_OK : 2);
    }
    volatile unsigned char *memory = huge_size_map(size, 1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    REQUIRE(EXPECT_ERR(hf_pager_next(pager, false, &work), ERR_OK));
    EXPECT_U64(work.kind, MEM_WORK_PULL);
    EXPECT_ERR(
        hf_pager_supply(pager, &work, 0, work.pages, MEM_SUPPLY_COPY, (uint64_t)(uintptr_t)memory),
        ERR_OK);
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_I64(WIFEXITED(status) ? WEXITSTATUS(status) : -1, CHILD_OK);
    EXPECT_ERR(hf_shared_unname("huge", 4), ERR_OK);
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
    EXPECT_ERR(hf_shared_close(pager), ERR_OK);
    huge_size_unmap(size, memory, 1);
    huge_size_expect_pool(size, 0, 0);
}

TAP_TEST(r19_a_pager_supplies_from_a_huge_page_that_is_new)
{
    huge_size_each(supply_from);
}

TAP_TEST(r19_the_accounts_of_the_machine_know_nothing_of_huge_pages)
{
    struct mem_commit_rep before;
    struct mem_commit_rep after;
    REQUIRE(EXPECT_ERR(hf_commit_get(&before), ERR_OK));
    volatile unsigned char *memory = huge_size_map(&huge_sizes[0], 2, MAP_PRIVATE | MAP_POPULATE);
    REQUIRE(EXPECT(memory != NULL));
    REQUIRE(EXPECT_ERR(hf_commit_get(&after), ERR_OK));
    EXPECT_U64(after.used, before.used);
    huge_size_unmap(&huge_sizes[0], memory, 2);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_a_huge_page_is_zero_one_leaf_and_zero_again_after_its_use),
        TAP(r19_more_than_the_pool_has_and_parts_of_pages_are_refused),
        TAP(r19_protection_moves_and_giving_back_are_of_whole_pages),
        TAP(r19_a_child_shares_or_copies_huge_pages),
        TAP(r19_shared_huge_pages_are_taken_out_whole_or_in_part),
        TAP(r19_a_batch_maps_what_it_gave_back_or_does_nothing),
        TAP(r19_p16_a_huge_page_with_pins_comes_back_with_the_last_of_them),
        TAP(r19_the_end_of_a_process_gives_its_huge_pages_back),
        TAP(r19_bytes_of_an_object_are_copied_into_huge_pages),
        TAP(r19_a_pager_supplies_from_a_huge_page_that_is_new),
        TAP(r19_the_accounts_of_the_machine_know_nothing_of_huge_pages),
    };

    if (!huge_size_look()) {
        tap_note("the manifest of the test sets aside at least 4 pages of 2M");
        return 1;
    }
    return TAP_RUN(argc, argv, tests);
}
