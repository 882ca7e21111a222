/* SPDX-License-Identifier: MIT */
/*
 * What only a driver may do with pins: be told frames, pin for a device, and leave frames in
 * quarantine when it ends. Run by pin_device_test.py, which has the manifest give it a device.
 *
 * The program is the client whose pages are pinned and who supervises the device; a child of it is
 * the driver. Slots of the driver: the device, the client's space to pin in, shared memory for what
 * it says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/pin.h>
#include <hf/process.h>
#include <hf/shared.h>
#include <tap.h>

#include "area.h"

#define DEVICE       64 /* slot, by the manifest */
#define GIVEN_DEVICE 20
#define GIVEN_SPACE  21
#define GIVEN_SHARED 22
#define PAGES        16u
#define RIGHTS_ALL   (RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE)

/* What the driver says. */
struct said {
    uint64_t errors;
    uint64_t buffer;            /* address of the client's pages, told to it */
    uint64_t frames[2 * PAGES]; /* of the client's pages, and of its own */
};

static const char *own_name;

static volatile unsigned char *memory_make(uint64_t pages)
{
    void *memory =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static struct hf_pin pin_of(uint64_t space, volatile void *memory, uint64_t pages, uint64_t device)
{
    return (struct hf_pin){
        .space = space,
        .addr = (const void *)(uintptr_t)memory,
        .pages = pages,
        .flags = MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_LONGTERM | MEM_PIN_FRAMES,
        .purpose = "transfer",
        .device = device,
    };
}

static struct said *said_map(uint64_t object)
{
    uint64_t address = 0;
    enum err error = hf_map((struct hf_map){.length = PAGE,
                                            .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                            .flags = MEM_MAP_SHARED,
                                            .object = object},
                            &address);
    return error == ERR_OK ? (struct said *)(uintptr_t)address : NULL;
}

/* The driver: pin the client's pages and own ones for the device, and end by an access to nothing,
 * with all that standing. */
static int drive(void)
{
    struct said *said = said_map(GIVEN_SHARED);
    volatile unsigned char *own = memory_make(PAGES);
    uint64_t number;

    if (said == NULL || own == NULL) {
        return 1;
    }
    memset((void *)(uintptr_t)own, 0x5a, PAGES * PAGE);
    struct hf_pin pin = pin_of(GIVEN_SPACE, (void *)(uintptr_t)said->buffer, PAGES, GIVEN_DEVICE);
    said->errors += hf_pin_all(&pin, &number, said->frames) != ERR_OK;
    pin = pin_of(HF_OWN_SPACE, own, PAGES, GIVEN_DEVICE);
    said->errors += hf_pin_all(&pin, &number, said->frames + PAGES) != ERR_OK;
    uint64_t pins;
    said->errors += hf_device_reset(GIVEN_DEVICE, &pins) != ERR_ACCES;
    *(volatile int *)16 = 1;
    return 2;
}

/* Start the driver with what it needs, and wait for its end. */
static bool drive_and_end(uint64_t shared)
{
    static const char *const envp[] = {NULL};
    const char *const argv[] = {own_name, "driver", NULL};
    struct hf_program program;
    struct hf_process process;
    struct hf_start start;
    struct mem_next_rep end;
    uint64_t space;
    uint64_t device; /* without the right to say that it is reset */
    uint64_t slot;
    const char *why = "";

    if (!EXPECT_ERR(hf_program_find(own_name, &program), ERR_OK)) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    program.privileges = MEM_PRIVILEGE_PHYSICAL | MEM_PRIVILEGE_DMA;
    if (!EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_PIN, &space), ERR_OK) ||
        !EXPECT_ERR(hf_shared_derive(DEVICE, MEM_OBJECT_READ | MEM_OBJECT_WRITE, &device),
                    ERR_OK) ||
        !EXPECT_ERR(hf_process_prepare(&program, &process, &start, &why), ERR_OK)) {
        return false;
    }
    const uint64_t kernel_space = process.kernel_space;
    bool is_ok =
        EXPECT_ERR(hf_handle_give(kernel_space, device, RIGHTS_ALL, GIVEN_DEVICE, &slot), ERR_OK) &&
        EXPECT_ERR(hf_handle_give(kernel_space, space, RIGHTS_ALL, GIVEN_SPACE, &slot), ERR_OK) &&
        EXPECT_ERR(hf_handle_give(kernel_space, shared, RIGHTS_ALL, GIVEN_SHARED, &slot), ERR_OK) &&
        EXPECT_ERR(hf_process_go(&process, &start), ERR_OK) &&
        EXPECT_ERR(hf_process_wait(&process, &end), ERR_OK);
    EXPECT(end.cause != CAUSE_EXIT);
    hf_process_forget(&process);
    (void)hf_handle_close(space);
    (void)hf_shared_close(device);
    return is_ok;
}

static struct mem_pins_rep totals_get(void)
{
    struct mem_pins_rep rep = {0};
    struct mem_pin_row row;
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_QUARANTINE, 0, 1, &row, &rep), ERR_OK);
    return rep;
}

/*
 * Take frames until there are no more, or one of those that are named comes along.
 *
 * Returns: how many of the pages taken are on frames that are named.
 */
static uint64_t take_and_look(const struct said *said, uint64_t batches)
{
    static uint64_t frames[MEM_PIN_FRAMES_MAX];
    static volatile unsigned char *taken[128];
    uint64_t found = 0;
    uint64_t count = 0;

    while (count < batches && count < 128 && found == 0) {
        struct mem_pin_rep rep;
        taken[count] = memory_make(MEM_PIN_FRAMES_MAX);
        if (taken[count] == NULL) {
            break;
        }
        const struct hf_pin pin = pin_of(HF_OWN_SPACE, taken[count], MEM_PIN_FRAMES_MAX, 0);
        count++;
        if (hf_pin(&pin, &rep, frames) != ERR_OK) {
            break;
        }
        for (uint64_t i = 0; i < rep.pages; i++) {
            for (uint64_t j = 0; j < 2 * PAGES; j++) {
                found += frames[i] == said->frames[j] ? 1 : 0;
            }
        }
        EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    }
    for (uint64_t i = 0; i < count; i++) {
        munmap((void *)(uintptr_t)taken[i], MEM_PIN_FRAMES_MAX * PAGE);
    }
    return found;
}

TAP_TEST(frames_of_pages_are_told_and_stay)
{
    volatile unsigned char *memory = memory_make(4);
    uint64_t first[4];
    uint64_t again[4];
    uint64_t number;
    REQUIRE(EXPECT(memory != NULL));
    const struct hf_pin pin = pin_of(HF_OWN_SPACE, memory, 4, DEVICE);
    REQUIRE(EXPECT_ERR(hf_pin_all(&pin, &number, first), ERR_OK));
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_pin_all(&pin, &number, again), ERR_OK));
    for (uint64_t i = 0; i < 4; i++) {
        EXPECT(first[i] != 0);
        EXPECT_U64(again[i], first[i]);
        EXPECT(i == 0 || first[i] != first[i - 1]);
    }
    EXPECT_ERR(hf_unpin(number, 0), ERR_OK);
    EXPECT_I64(munmap((void *)(uintptr_t)memory, 4 * PAGE), 0);
}

TAP_TEST(p17_what_a_killed_driver_had_pinned_for_a_device_nobody_gets_until_it_is_reset)
{
    volatile unsigned char *buffer = memory_make(PAGES);
    uint64_t shared;
    uint64_t pins = 0;
    REQUIRE(EXPECT(buffer != NULL));
    REQUIRE(EXPECT_ERR(hf_shared_make(PAGE, 0, 0, &shared), ERR_OK));
    struct said *said = said_map(shared);
    REQUIRE(EXPECT(said != NULL));
    memset((void *)(uintptr_t)buffer, 0xa5, PAGES * PAGE);
    said->buffer = (uint64_t)(uintptr_t)buffer;
    REQUIRE(drive_and_end(shared));
    EXPECT_U64(said->errors, 0);
    EXPECT(said->frames[0] != 0 && said->frames[2 * PAGES - 1] != 0);

    struct mem_pins_rep totals = totals_get();
    EXPECT_U64(totals.quarantined, 2 * PAGES);
    EXPECT_U64(totals.detained, PAGES);
    for (uint64_t i = 0; i < PAGES * PAGE; i++) {
        REQUIRE(buffer[i] == 0xa5);
    }
    EXPECT_I64(munmap((void *)(uintptr_t)buffer, PAGES * PAGE), 0);
    EXPECT_U64(totals_get().detained, 2 * PAGES);
    EXPECT_U64(take_and_look(said, UINT64_MAX), 0);

    EXPECT_ERR(hf_device_reset(shared, &pins), ERR_TYPE);
    EXPECT_U64(totals_get().quarantined, 2 * PAGES);
    EXPECT_ERR(hf_device_reset(DEVICE, &pins), ERR_OK);
    EXPECT_U64(pins, 2);
    totals = totals_get();
    EXPECT_U64(totals.quarantined, 0);
    EXPECT_U64(totals.detained, 0);
    EXPECT(take_and_look(said, UINT64_MAX) > 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, (uint64_t)(uintptr_t)said, PAGE), ERR_OK);
    EXPECT_ERR(hf_shared_close(shared), ERR_OK);
}

TAP_TEST(p18_a_pin_whose_handle_finds_no_slot_is_undone)
{
    volatile unsigned char *memory = memory_make(2);
    struct mem_pin_rep rep;
    uint64_t count = 0;
    enum err error = ERR_OK;
    REQUIRE(EXPECT(memory != NULL));
    struct hf_pin pin = pin_of(HF_OWN_SPACE, memory, 2, 0);
    pin.flags |= MEM_PIN_HANDLE;
    /* Until the table of handles, or what it may accept, is full. */
    while (count < 5000 && (error = hf_pin(&pin, &rep, NULL)) == ERR_OK) {
        count++;
    }
    EXPECT_ERR(error, ERR_RECEIVER_SLOTS);
    struct mem_pin_row row;
    struct mem_pins_rep pins;
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, MEM_PINS_BY, 0, 1, &row, &pins), ERR_OK);
    EXPECT_U64(pins.pins, count);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(frames_of_pages_are_told_and_stay),
        TAP(p17_what_a_killed_driver_had_pinned_for_a_device_nobody_gets_until_it_is_reset),
        TAP(p18_a_pin_whose_handle_finds_no_slot_is_undone),
    };

    own_name = argv[0];
    if (argc > 1 && strcmp(argv[1], "driver") == 0) {
        return drive();
    }
    return TAP_RUN(argc, argv, tests);
}
