/* SPDX-License-Identifier: MIT */
/* Seals against writing, and pins through which somebody might write all the same. */
#include <tap.h>

#include "pinned.h"

static struct pinned pinned;

/* Seal shared memory of the client against writes. */
static enum err seal(struct object *memory)
{
    return op_object_seal(&pinned.world->core, pinned.client, memory,
                          MAP_RIGHT_READ | MAP_RIGHT_WRITE, MEM_SEAL_WRITE);
}

TAP_TEST(memory_is_not_sealed_against_writes_while_a_page_is_pinned)
{
    pinned_make(&pinned);
    struct object *memory = pinned_memory(&pinned, 3);

    pinned_map(&pinned, PINNED_AT + 8, 3, RW, MEM_MAP_SHARED, memory);
    const uint64_t first = pinned_all(&pinned, PINNED_AT + 8, 2, MEM_PIN_WRITE);
    const uint64_t second = pinned_all(&pinned, PINNED_AT + 9, 1, MEM_PIN_WRITE);
    const uint64_t device = pinned_device(&pinned, PINNED_AT + 10, 1);

    EXPECT_ERR(seal(memory), ERR_BUSY);
    pinned_unmap(&pinned, PINNED_AT + 8, 3);
    EXPECT_ERR(seal(memory), ERR_BUSY);
    EXPECT_ERR(pinned_unpin(&pinned, first), ERR_OK);
    EXPECT_ERR(pinned_unpin(&pinned, device), ERR_OK);
    EXPECT_ERR(seal(memory), ERR_BUSY);
    pinned_written(&pinned, second, 0, 12);
    EXPECT_U64(memory->seals, 0);
    EXPECT_ERR(pinned_unpin(&pinned, second), ERR_OK);
    EXPECT_ERR(seal(memory), ERR_OK);
    EXPECT_U64(memory->seals, MEM_SEAL_WRITE);
    world_audit(pinned.world);
    pinned_free(&pinned);
}

TAP_TEST(pins_of_what_was_cut_off_do_not_keep_memory_from_being_sealed)
{
    pinned_make(&pinned);
    struct object *memory = pinned_memory(&pinned, 3);

    pinned_map(&pinned, PINNED_AT + 8, 3, RW, MEM_MAP_SHARED, memory);
    const uint64_t number = pinned_all(&pinned, PINNED_AT + 9, 2, MEM_PIN_WRITE);

    pinned_unmap(&pinned, PINNED_AT + 8, 3);
    EXPECT_ERR(op_object_resize(&pinned.world->core, pinned.client, memory, MAP_RIGHT_WRITE,
                                2 * PAGE_SIZE),
               ERR_OK);
    EXPECT_ERR(seal(memory), ERR_BUSY);
    EXPECT_ERR(
        op_object_resize(&pinned.world->core, pinned.client, memory, MAP_RIGHT_WRITE, PAGE_SIZE),
        ERR_OK);
    EXPECT_ERR(seal(memory), ERR_OK);
    EXPECT_ERR(pinned_unpin(&pinned, number), ERR_OK);
    pinned_free(&pinned);
}

TAP_TEST(a_pin_in_quarantine_keeps_memory_from_being_sealed_until_the_device_is_reset)
{
    pinned_make(&pinned);
    struct object *memory = pinned_memory(&pinned, 1);

    pinned_map(&pinned, PINNED_AT + 8, 1, RW, MEM_MAP_SHARED, memory);
    (void)pinned_device(&pinned, PINNED_AT + 8, 1);
    pinned_unmap(&pinned, PINNED_AT + 8, 1);
    space_end(&pinned.world->core, pinned.driver);
    EXPECT_ERR(seal(memory), ERR_BUSY);
    EXPECT_U64(pin_reset(&pinned.world->core, PINNED_DEVICE), 1);
    EXPECT_ERR(seal(memory), ERR_OK);
    pinned.driver = world_space(pinned.world);
    pinned_free(&pinned);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(memory_is_not_sealed_against_writes_while_a_page_is_pinned),
        TAP(pins_of_what_was_cut_off_do_not_keep_memory_from_being_sealed),
        TAP(a_pin_in_quarantine_keeps_memory_from_being_sealed_until_the_device_is_reset),
    };

    return TAP_RUN(argc, argv, tests);
}
