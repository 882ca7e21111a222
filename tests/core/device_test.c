/* SPDX-License-Identifier: MIT */
/*
 * Registers of devices in a space: shown as they are, shared only, never copied.
 */
#include <tap.h>

#include "world.h"

#define FIRST  3700u /* index of the model's frames that are a device's */
#define PAGES  2u
#define AT     0x1000u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define RIGHTS (MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE)

static struct world *world;
static struct space *space;
static struct object *device;

static void start(void)
{
    world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    space = world_space(world);
    for (uint32_t i = 0; i < PAGES; i++) {
        world->port->frames[FIRST + i].kind = MODEL_DEVICE;
    }
    enum err error =
        object_make_device(&world->core, (pfn_t){MODEL_BASE + FIRST}, (npages_t){PAGES}, &device);
    EXPECT_ERR(error, ERR_OK);
}

static enum err map(uint32_t prot, uint32_t flags)
{
    uaddr_t address;
    const struct map_request request = {
        .address = world_address(AT),
        .length = PAGES * PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_FIXED,
        .object = device,
        .rights = RIGHTS,
    };

    return op_map(&world->core, space, &request, &address);
}

TAP_TEST(registers_are_shown_as_they_are_with_the_rights_of_the_region)
{
    struct fault_answer answer = {0};

    start();
    REQUIRE(EXPECT_ERR(map(RW, MEM_MAP_SHARED), ERR_OK));
    EXPECT_U64(fault_handle(&world->core, space, page_to_vpn(AT + 1), MEM_PROT_READ, &answer),
               FAULT_READY);
    EXPECT_U64(answer.how, PORT_DEVICE);
    EXPECT_U64(answer.prot, RW);
    EXPECT(pfn_is_equal(answer.frame, (pfn_t){MODEL_BASE + FIRST + 1}));
    world_free(world);
}

TAP_TEST(populated_registers_are_mapped_and_leave_nothing_behind)
{
    start();
    const uint64_t free = pool_free(&world->core);
    REQUIRE(EXPECT_ERR(map(RW, MEM_MAP_SHARED | MEM_MAP_POPULATE), ERR_OK));
    const struct model_entry *leaf = model_leaf(world->port, space->kernel, AT);
    EXPECT(leaf != NULL && leaf->frame == FIRST && leaf->prot == RW);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(AT), PAGES * PAGE_SIZE), ERR_OK);
    EXPECT(model_leaf(world->port, space->kernel, AT) == NULL);
    core_done(&world->core);
    EXPECT(pool_free(&world->core) + 8 >= free);
    EXPECT_U64(device->references, 1);
    world_free(world);
}

TAP_TEST(private_and_executable_registers_are_refused)
{
    start();
    EXPECT_ERR(map(MEM_PROT_READ, MEM_MAP_PRIVATE), ERR_NODEV);
    EXPECT_ERR(map(RW | MEM_PROT_EXEC, MEM_MAP_SHARED), ERR_PERM);
    world_free(world);
}

TAP_TEST(copies_do_not_reach_registers)
{
    uint64_t copied;

    start();
    REQUIRE(EXPECT_ERR(map(RW, MEM_MAP_SHARED), ERR_OK));
    world_map(world, space, AT + 16, 1, RW);
    const struct copy_request from = {.to = space,
                                      .from = space,
                                      .to_address = world_address(AT + 16),
                                      .from_address = world_address(AT),
                                      .length = 8};
    EXPECT_ERR(op_copy(&world->core, &from, &copied), ERR_FAULT);
    EXPECT_U64(copied, 0);
    const struct copy_request to = {.to = space,
                                    .from = space,
                                    .to_address = world_address(AT),
                                    .from_address = world_address(AT + 16),
                                    .length = 8};
    EXPECT_ERR(op_copy(&world->core, &to, &copied), ERR_FAULT);
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(registers_are_shown_as_they_are_with_the_rights_of_the_region),
        TAP(populated_registers_are_mapped_and_leave_nothing_behind),
        TAP(private_and_executable_registers_are_refused),
        TAP(copies_do_not_reach_registers),
    };

    return TAP_RUN(argc, argv, tests);
}
