/* SPDX-License-Identifier: MIT */
/*
 * P18: a thread that another of its process ends while the server makes its pin. It is less urgent
 * than the other, whose time comes in the middle of the request.
 */
#include <stdatomic.h>
#include <sys/mman.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/pin.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "child.h"
#include "count.h"

#define TRIALS 64u
#define SLOTS  64u /* handles of the process are below this */

static struct {
    struct hf_thread thread;
    volatile uint64_t *memory;
    atomic_uint is_begun;
    atomic_uint is_told;
} pinner;

static void pinner_run(void *argument)
{
    const struct hf_pin pin = {
        .addr = (const void *)(uintptr_t)pinner.memory,
        .pages = MEM_PIN_PAGES_MAX,
        .flags = MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_HANDLE,
        .purpose = "test",
    };
    struct mem_pin_rep rep;

    (void)argument;
    atomic_store(&pinner.is_begun, 1);
    (void)hf_pin(&pin, &rep, NULL);
    atomic_store(&pinner.is_told, 1);
    for (;;) {
        (void)hf_yield();
    }
}

/* Close the handle of a pin that the process was given. Returns: how many there are. */
static uint64_t handles_close(void)
{
    struct mem_pin_row row;
    uint64_t count = 0;

    for (uint64_t slot = 1; slot < SLOTS; slot++) {
        if (hf_pin_look(slot, &row) == ERR_OK) {
            EXPECT_ERR(hf_handle_close(slot), ERR_OK);
            count++;
        }
    }
    return count;
}

/*
 * Let a less urgent thread PIN, with a handle, what is there, and end it by the kernel after a
 * while: the pin stands if the process has the handle, and else is undone. Returns: whether the
 * thread was ended in its request, and the answer did not come.
 */
static bool pin_and_end(uint64_t notification, uint64_t ticks)
{
    struct mem_pin_row row;
    struct mem_pins_rep pins = {.pins = 0};
    uint64_t bits;

    atomic_store(&pinner.is_begun, 0);
    atomic_store(&pinner.is_told, 0);
    EXPECT_ERR(hf_thread_run(&pinner.thread, PRIORITY_DEFAULT - 1, pinner_run, NULL), ERR_OK);
    (void)hf_wait(notification, 0, time_now() + ticks, &bits);
    hf_thread_kill(&pinner.thread);
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_BY, 0, 1, &row, &pins), ERR_OK);
    const uint64_t handles = handles_close();
    EXPECT_U64(pins.pins, handles);
    EXPECT(handles >= atomic_load(&pinner.is_told));
    if (pins.pins != 0) {
        EXPECT_ERR(hf_unpin(row.pin, 0), ERR_OK);
    }
    return atomic_load(&pinner.is_begun) != 0 && handles == 0;
}

TAP_TEST(p18_a_pin_whose_caller_ends_before_the_answer_is_undone)
{
    uint64_t notification;
    uint64_t ticks = 500;
    unsigned cut = 0;

    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    pinner.memory = mmap(NULL, MEM_PIN_PAGES_MAX * PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    REQUIRE(EXPECT(pinner.memory != MAP_FAILED));
    /* How long it takes at most. */
    do {
        ticks *= 2;
        (void)pin_and_end(notification, ticks);
    } while (atomic_load(&pinner.is_told) == 0 && ticks < UINT64_C(1) << 32);
    for (unsigned i = 1; i <= TRIALS; i++) {
        cut += pin_and_end(notification, ticks * i / TRIALS) ? 1 : 0;
    }
    tap_note("%u of %u ended in their request", cut, TRIALS);
    EXPECT(cut != 0 || !count_is_exact()); /* else who else runs decides */
    EXPECT_I64(munmap((void *)(uintptr_t)pinner.memory, MEM_PIN_PAGES_MAX * PAGE), 0);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    (void)hf_handle_close(notification);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p18_a_pin_whose_caller_ends_before_the_answer_is_undone),
    };

    return TAP_RUN(argc, argv, tests);
}
