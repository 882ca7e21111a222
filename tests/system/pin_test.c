/* SPDX-License-Identifier: MIT */
/*
 * Pins of one's own memory and of a child's: fork with both sides writing, unmap, truncate, ends,
 * limits. What only a driver may: pin_guest.c.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/pin.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <hf/wait.h>
#include <tap.h>

#include "area.h"
#include "balance.h"
#include "child.h"

#define CHILD_OK 42

static volatile uint64_t *memory_make(uint64_t pages, int flags)
{
    void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static volatile uint64_t *word_of(volatile uint64_t *memory, uint64_t page)
{
    return memory + page * PAGE / sizeof(*memory);
}

static struct hf_pin pin_of(volatile void *memory, uint64_t pages, uint32_t flags)
{
    return (struct hf_pin){
        .addr = (const void *)(uintptr_t)memory,
        .pages = pages,
        .flags = flags | MEM_PIN_GET,
        .purpose = "test",
    };
}

/* Pin all of it. Returns: the number; 0 if that was refused. */
static uint64_t pin_all(volatile void *memory, uint64_t pages, uint32_t flags)
{
    const struct hf_pin pin = pin_of(memory, pages, flags);
    uint64_t number = 0;
    EXPECT_ERR(hf_pin_all(&pin, &number, NULL), ERR_OK);
    return number;
}

static struct mem_pins_rep totals_get(void)
{
    struct mem_pins_rep rep = {0};
    struct mem_pin_row row;
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_BY, 0, 0, &row, &rep), ERR_OK);
    return rep;
}

TAP_TEST(p1_a_pin_is_in_the_ledger_until_unpin)
{
    volatile uint64_t *memory = memory_make(8, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    struct hf_pin pin = pin_of(memory, 8, MEM_PIN_WRITE);
    struct mem_pin_rep rep;
    struct mem_pin_row rows[4];
    struct mem_pins_rep pins;

    pin.lease_ms = 77;
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 8);
    EXPECT_U64(rep.dropped, 0);
    EXPECT(rep.pin != 0);
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_BY | MEM_PINS_OF, 0, 4, rows, &pins), ERR_OK);
    REQUIRE(EXPECT_U64(pins.count, 1));
    EXPECT_U64(pins.next, 0);
    EXPECT_U64(pins.pinned, 8);
    EXPECT_U64(rows[0].pin, rep.pin);
    EXPECT_U64(rows[0].by_id, (uint64_t)getpid());
    EXPECT_U64(rows[0].of_id, (uint64_t)getpid());
    EXPECT_U64(rows[0].start, (uint64_t)(uintptr_t)memory);
    EXPECT_U64(rows[0].pages, 8);
    EXPECT_U64(rows[0].lease_ms, 77);
    EXPECT_U64(rows[0].device, 0);
    EXPECT_STR(rows[0].purpose, "test");
    EXPECT(rows[0].age_ms < 60000);
    EXPECT_ERR(hf_unpin(rep.pin, MEM_UNPIN_DIRTY), ERR_OK);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_STALE);
    EXPECT_U64(totals_get().pinned, 0);
    EXPECT_ERR(hf_unpin(rep.pin, 2), ERR_INVAL);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 8 * PAGE), 0);
}

TAP_TEST(p1_a_thousand_pages_are_one_pin)
{
    volatile uint64_t *memory = memory_make(MEM_PIN_PAGES_MAX, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    const uint64_t number = pin_all(memory, MEM_PIN_PAGES_MAX, MEM_PIN_WRITE | MEM_PIN_LONGTERM);
    EXPECT_U64(totals_get().pinned, MEM_PIN_PAGES_MAX);
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, MEM_PIN_PAGES_MAX * PAGE), 0);
}

TAP_TEST(p2_outside_of_regions_and_past_the_rights_is_fault)
{
    volatile uint64_t *memory = memory_make(4, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    struct hf_pin pin = pin_of((void *)0x2000000000, 1, 0);
    struct mem_pin_rep rep;
    EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_FAULT);
    EXPECT_I64(mprotect((void *)(uintptr_t)word_of(memory, 2), 2 * PAGE, PROT_READ), 0);
    pin = pin_of(memory, 4, MEM_PIN_WRITE);
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 2);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    pin.flags |= MEM_PIN_FORCE;
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 4);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 4 * PAGE), 0);
}

TAP_TEST(frames_and_devices_need_privileges)
{
    volatile uint64_t *memory = memory_make(1, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    const struct hf_pin pin = pin_of(memory, 1, MEM_PIN_FRAMES);
    struct mem_pin_rep rep;
    uint64_t frame;
    EXPECT_ERR(hf_pin(&pin, &rep, &frame), ERR_PERM);
    EXPECT_U64(totals_get().pinned, 0);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, PAGE), 0);
}

TAP_TEST(p12_regions_come_with_the_pages)
{
    volatile uint64_t *memory = memory_make(3, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    EXPECT_I64(mprotect((void *)(uintptr_t)word_of(memory, 2), PAGE, PROT_READ), 0);
    struct hf_pin pin = pin_of(memory, 3, MEM_PIN_REGIONS | MEM_PIN_MAY_DROP);
    const struct mem_pin_page *pages = hf_message_page();
    struct mem_pin_rep rep;
    EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_INVAL);
    pin.flags &= ~MEM_PIN_MAY_DROP;
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    EXPECT_U64(rep.pages, 3);
    EXPECT_U64(pages[0].end, (uint64_t)(uintptr_t)word_of(memory, 2));
    EXPECT_U64(pages[1].prot, PROT_READ | PROT_WRITE);
    EXPECT_U64(pages[2].start, (uint64_t)(uintptr_t)word_of(memory, 2));
    EXPECT_U64(pages[2].prot, PROT_READ);
    EXPECT_U64(pages[2].frame, 0);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 3 * PAGE), 0);
}

TAP_TEST(p14_the_lock_limit_is_told_beforehand_and_held)
{
    struct mem_limits_rep limits;
    REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_LOCKED, &limits), ERR_OK));
    const uint64_t pages = limits.value < 2000 ? limits.value : 0;
    REQUIRE(EXPECT(pages == 0 || pages > 10));
    volatile uint64_t *memory = memory_make(16, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    *word_of(memory, 0) = 1;
    struct hf_pin pin = pin_of(memory, 16, MEM_PIN_WRITE);
    struct mem_pin_cost_rep cost;
    REQUIRE(EXPECT_ERR(hf_pin_cost(&pin, &cost), ERR_OK));
    EXPECT_U64(cost.pages, 16);
    EXPECT(cost.frames >= 15);
    EXPECT_U64(cost.copies, 0);
    EXPECT_U64(cost.counted, 16);
    EXPECT_U64(cost.limit, limits.value);
    EXPECT_U64(cost.used, 0);
    EXPECT_U64(totals_get().pinned, 0);
    /* And that is what it takes. */
    struct mem_limits_rep before;
    struct mem_limits_rep after;
    struct mem_pin_rep rep;
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &before), ERR_OK);
    EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &after), ERR_OK);
    EXPECT_U64(after.used - before.used, cost.charged);
    EXPECT_U64(rep.pages, cost.pages);
    EXPECT_U64(totals_get().pinned, cost.counted);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 16 * PAGE), 0);
}

/* In the child: end, saying whether all was as it must be. */
static void child_leave(bool is_ok)
{
    _exit(is_ok ? CHILD_OK : 1);
}

static int status_of(pid_t pid)
{
    int status = 0;
    return pid <= 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ? -1
                                                                             : WEXITSTATUS(status);
}

TAP_TEST(p15_a_pin_before_fork_stays_with_the_parent_and_both_write)
{
    volatile uint64_t *memory = memory_make(4, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    for (uint64_t i = 0; i < 4; i++) {
        *word_of(memory, i) = 10 + i;
    }
    const uint64_t number = pin_all(memory, 2, MEM_PIN_WRITE);
    pid_t pid = fork();
    if (pid == 0) {
        bool is_ok = true;
        for (uint64_t i = 0; i < 4; i++) {
            is_ok = is_ok && *word_of(memory, i) == 10 + i;
            *word_of(memory, i) = 20 + i;
        }
        child_leave(is_ok && hf_unpin(number, 0) == ERR_PERM);
    }
    for (uint64_t i = 0; i < 4; i++) {
        *word_of(memory, i) = 30 + i;
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    for (uint64_t i = 0; i < 4; i++) {
        EXPECT_U64(*word_of(memory, i), 30 + i);
    }
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 4 * PAGE), 0);
}

TAP_TEST(p4_a_pin_after_fork_unshares_and_both_write)
{
    volatile uint64_t *memory = memory_make(2, MAP_PRIVATE);
    volatile uint64_t *go = memory_make(1, MAP_SHARED);
    REQUIRE(EXPECT(memory != NULL) && EXPECT(go != NULL));
    *word_of(memory, 0) = 10;
    *word_of(memory, 1) = 11;
    pid_t pid = fork();
    if (pid == 0) {
        while (*go == 0) {
            hf_yield();
        }
        bool is_ok = *word_of(memory, 0) == 10 && *word_of(memory, 1) == 11;
        *word_of(memory, 0) = 20;
        child_leave(is_ok && *word_of(memory, 0) == 20);
    }
    const uint64_t read_pin = pin_all(memory, 1, 0);
    const uint64_t write_pin = pin_all(word_of(memory, 1), 1, MEM_PIN_WRITE);
    *word_of(memory, 0) = 30;
    *word_of(memory, 1) = 31;
    *go = 1;
    EXPECT_I64(status_of(pid), CHILD_OK);
    EXPECT_U64(*word_of(memory, 0), 30);
    EXPECT_U64(*word_of(memory, 1), 31);
    EXPECT_ERR(hf_unpin(read_pin, 0), ERR_OK);
    EXPECT_ERR(hf_unpin(write_pin, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)go, PAGE), 0);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 2 * PAGE), 0);
}

TAP_TEST(p16_unmapped_pages_are_kept_until_unpin)
{
    volatile uint64_t *memory = memory_make(64, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    const uint64_t number = pin_all(memory, 64, MEM_PIN_WRITE);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 64 * PAGE), 0);
    EXPECT_U64(totals_get().detained, 64);
    EXPECT_U64(totals_get().pinned, 64);
    const uint64_t before = balance_free();
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT_U64(totals_get().detained, 0);
    EXPECT(balance_free() >= before + 64);
}

TAP_TEST(p16_truncated_memory_is_kept_until_unpin_and_grows_anew)
{
    uint64_t object;
    REQUIRE(EXPECT_ERR(hf_shared_make(4 * PAGE, 0, 0, &object), ERR_OK));
    uint64_t address = 0;
    REQUIRE(EXPECT_ERR(hf_map((struct hf_map){.length = 4 * PAGE,
                                              .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                              .flags = MEM_MAP_SHARED,
                                              .object = object},
                              &address),
                       ERR_OK));
    volatile uint64_t *memory = (volatile uint64_t *)(uintptr_t)address;
    *word_of(memory, 3) = 5;
    const uint64_t number = pin_all(memory, 4, MEM_PIN_WRITE);
    EXPECT_ERR(hf_shared_resize(object, PAGE), ERR_OK);
    EXPECT_U64(totals_get().detained, 3);
    EXPECT_ERR(hf_shared_resize(object, 4 * PAGE), ERR_OK);
    EXPECT_U64(*word_of(memory, 3), 0);
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT_U64(totals_get().detained, 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, 4 * PAGE), ERR_OK);
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
}

TAP_TEST(p17_pins_go_with_their_process)
{
    const uint64_t before = balance_free();
    pid_t pid = fork();
    if (pid == 0) {
        volatile uint64_t *memory = memory_make(100, MAP_PRIVATE);
        const struct hf_pin pin = pin_of(memory, 100, MEM_PIN_WRITE);
        uint64_t number;
        child_leave(memory != NULL && hf_pin_all(&pin, &number, NULL) == ERR_OK &&
                    munmap((void *)(uintptr_t)memory, 50 * PAGE) == 0);
    }
    EXPECT_I64(status_of(pid), CHILD_OK);
    EXPECT_U64(totals_get().detained, 0);
    EXPECT_U64(totals_get().pins, 0);
    EXPECT(balance_free() + 20 >= before);
}

TAP_TEST(a_handle_shows_a_pin)
{
    volatile uint64_t *memory = memory_make(2, MAP_PRIVATE);
    REQUIRE(EXPECT(memory != NULL));
    const struct hf_pin pin = pin_of(memory, 2, MEM_PIN_HANDLE);
    struct mem_pin_rep rep;
    struct mem_pin_row row;
    REQUIRE(EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_pin_look(rep.handle, &row), ERR_OK));
    EXPECT_U64(row.pin, rep.pin);
    EXPECT_U64(row.pages, 2);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT_ERR(hf_pin_look(rep.handle, &row), ERR_STALE);
    EXPECT_ERR(hf_handle_close(rep.handle), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 2 * PAGE), 0);
}

/* The row of a pin of this process. */
static struct mem_pin_row row_of(uint64_t number)
{
    struct mem_pin_row row = {.pin = 0};
    struct mem_pins_rep pins;
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_BY, number + 1, 1, &row, &pins), ERR_OK);
    EXPECT_U64(row.pin, number);
    return row;
}

static uint64_t pin_for(volatile void *memory, uint32_t lease_ms)
{
    struct hf_pin pin = pin_of(memory, 2, MEM_PIN_WRITE);
    uint64_t number = 0;
    pin.lease_ms = lease_ms;
    EXPECT_ERR(hf_pin_all(&pin, &number, NULL), ERR_OK);
    return number;
}

TAP_TEST(who_asks_is_told_once_when_a_lease_is_over)
{
    volatile uint64_t *memory = memory_make(2, MAP_PRIVATE);
    struct mem_pin_next_rep next;
    REQUIRE(EXPECT(memory != NULL));
    const uint64_t late = pin_for(memory, 60000);
    const uint64_t soon = pin_for(memory, 200);
    const uint64_t gone = pin_for(memory, 50);

    EXPECT_U64(row_of(soon).flags & (MEM_PINS_OVER | MEM_PINS_TOLD), 0);
    EXPECT_ERR(hf_unpin(gone, 0), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_pin_next(&next), ERR_OK));
    EXPECT_U64(next.pin, soon);
    EXPECT_U64(next.pages, 2);
    EXPECT_U64(next.start, (uint64_t)(uintptr_t)memory);
    EXPECT_U64(next.lease_ms, 200);
    EXPECT(next.age_ms >= 200 && next.age_ms < 30000);
    EXPECT_U64(row_of(soon).flags & (MEM_PINS_OVER | MEM_PINS_TOLD), MEM_PINS_OVER | MEM_PINS_TOLD);
    EXPECT_U64(row_of(late).flags & (MEM_PINS_OVER | MEM_PINS_TOLD), 0);
    /* What is over already is told at once, but not what was told. */
    const uint64_t other = pin_for(memory, 1);
    (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz / 50);
    EXPECT_U64(row_of(other).flags & (MEM_PINS_OVER | MEM_PINS_TOLD), MEM_PINS_OVER);
    EXPECT_ERR(hf_pin_next(&next), ERR_OK);
    EXPECT_U64(next.pin, other);
    EXPECT_ERR(hf_unpin(late, 0), ERR_OK);
    EXPECT_ERR(hf_unpin(soon, 0), ERR_OK);
    EXPECT_ERR(hf_unpin(other, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 2 * PAGE), 0);
}

static struct mem_pin_next_rep heard;
static atomic_uint hears;

static void hear(void *argument)
{
    (void)argument;
    if (hf_pin_next(&heard) == ERR_OK) {
        hears = 1;
    }
}

TAP_TEST(one_thread_waits_for_leases_and_one_that_ends_makes_room)
{
    volatile uint64_t *memory = memory_make(2, MAP_PRIVATE);
    static struct hf_thread waiter;
    struct mem_pin_next_rep next;
    REQUIRE(EXPECT(memory != NULL));

    REQUIRE(EXPECT_ERR(hf_thread_run(&waiter, PRIORITY_DEFAULT, hear, NULL), ERR_OK));
    (void)!hf_sleep_until(hf_time_now() + hf_env()->timebase_hz / 5);
    const uint64_t number = pin_for(memory, 1000); /* which it now waits for */
    EXPECT_ERR(hf_pin_next(&next), ERR_BUSY);
    hf_thread_kill(&waiter);
    EXPECT_U64(hears, 0);
    REQUIRE(EXPECT_ERR(hf_pin_next(&next), ERR_OK));
    EXPECT_U64(next.pin, number);
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);

    REQUIRE(EXPECT_ERR(hf_thread_run(&waiter, PRIORITY_DEFAULT, hear, NULL), ERR_OK));
    const uint64_t second = pin_for(memory, 100);
    hf_thread_join(&waiter);
    EXPECT_U64(hears, 1);
    EXPECT_U64(heard.pin, second);
    EXPECT_ERR(hf_unpin(second, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 2 * PAGE), 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p1_a_pin_is_in_the_ledger_until_unpin),
        TAP(p1_a_thousand_pages_are_one_pin),
        TAP(p2_outside_of_regions_and_past_the_rights_is_fault),
        TAP(frames_and_devices_need_privileges),
        TAP(p12_regions_come_with_the_pages),
        TAP(p14_the_lock_limit_is_told_beforehand_and_held),
        TAP(p15_a_pin_before_fork_stays_with_the_parent_and_both_write),
        TAP(p4_a_pin_after_fork_unshares_and_both_write),
        TAP(p16_unmapped_pages_are_kept_until_unpin),
        TAP(p16_truncated_memory_is_kept_until_unpin_and_grows_anew),
        TAP(p17_pins_go_with_their_process),
        TAP(a_handle_shows_a_pin),
        TAP(who_asks_is_told_once_when_a_lease_is_over),
        TAP(one_thread_waits_for_leases_and_one_that_ends_makes_room),
    };

    return TAP_RUN(argc, argv, tests);
}
