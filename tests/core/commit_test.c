/* SPDX-License-Identifier: MIT */
/*
 * R24 in each mode of the commit account, and changes of the mode.
 */
#include <tap.h>

#include "world.h"

#define PAGE    UINT32_C(0x20000)
#define PRIVATE (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)
#define SHARED  (MEM_MAP_SHARED | MEM_MAP_ANONYMOUS)

static struct world *world;
static struct space *space;

static void begin(uint32_t mode)
{
    world = world_make(1000, mode);
    space = world_space(world);
}

static void end(void)
{
    space_end(&world->core, space);
    world_audit(world);
    EXPECT_U64(world->core.head->commit.used, 0);
    world_free(world);
}

static enum err map(uint32_t page, uint64_t pages, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {.address = world_address(page),
                                        .length = pages * PAGE_SIZE,
                                        .prot = prot,
                                        .flags = flags | MEM_MAP_FIXED};
    uaddr_t address;
    enum err error = op_map(&world->core, space, &request, &address);

    core_done(&world->core);
    return error;
}

static enum err unmap(uint32_t page, uint64_t pages)
{
    enum err error = op_unmap(&world->core, space, world_address(page), pages * PAGE_SIZE);

    core_done(&world->core);
    return error;
}

static enum err protect(uint32_t page, uint64_t pages, uint32_t prot)
{
    const struct protect_request request = {
        .address = world_address(page), .length = pages * PAGE_SIZE, .prot = prot};
    enum err error = op_protect(&world->core, space, &request);

    core_done(&world->core);
    return error;
}

static struct commit_view view(void)
{
    const struct commit_request request = {.is_set = false};
    struct commit_view commit = {0};

    EXPECT_ERR(op_commit(&world->core, space, &request, &commit), ERR_OK);
    return commit;
}

static enum err set(uint64_t mode, uint64_t percent)
{
    const struct commit_request request = {.is_set = true, .mode = mode, .percent = percent};
    struct commit_view commit;

    return op_commit(&world->core, space, &request, &commit);
}

static void expect_refusal(uint64_t value, uint64_t used, uint64_t asked)
{
    EXPECT_U64(space->refusal.error, ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(space->refusal.value, value);
    EXPECT_U64(space->refusal.used, used);
    EXPECT_U64(space->refusal.asked, asked);
}

TAP_TEST(r24_mode_never_sums_up_and_ignores_noreserve)
{
    begin(COMMIT_NEVER);
    const uint64_t limit = view().limit;

    EXPECT_U64(limit, view().frames);
    EXPECT_ERR(map(PAGE, limit - 10, 3, PRIVATE | MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_U64(view().used, limit - 10);
    EXPECT_ERR(map(PAGE + 5000, 11, 3, PRIVATE), ERR_NOMEM);
    expect_refusal(limit, limit - 10, 11);
    EXPECT_ERR(map(PAGE + 5000, 11, 3, SHARED), ERR_NOMEM);
    expect_refusal(limit, limit - 10, 11);
    EXPECT_ERR(map(PAGE + 5000, 10, 3, SHARED), ERR_OK);
    /* What nobody can write is no promise, until somebody can. */
    EXPECT_ERR(map(PAGE + 6000, 5000, 1, PRIVATE), ERR_OK);
    EXPECT_ERR(protect(PAGE + 6000, 1, 3), ERR_NOMEM);
    expect_refusal(limit, limit, 1);
    EXPECT_ERR(unmap(PAGE, 1), ERR_OK);
    EXPECT_ERR(protect(PAGE + 6000, 1, 3), ERR_OK);
    EXPECT_U64(view().used, limit);
    end();
}

TAP_TEST(r24_mode_heuristic_judges_each_request_alone)
{
    begin(COMMIT_HEURISTIC);
    const uint64_t frames = view().frames;

    EXPECT_U64(view().limit, frames);
    EXPECT_ERR(map(PAGE, frames, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(map(PAGE + 5000, frames, 3, SHARED), ERR_OK);
    EXPECT_U64(view().used, 2 * frames);
    EXPECT_ERR(map(PAGE + 10000, frames + 1, 3, PRIVATE), ERR_NOMEM);
    expect_refusal(frames, 2 * frames, frames + 1);
    EXPECT_ERR(map(PAGE + 10000, frames + 1, 3, SHARED), ERR_NOMEM);
    EXPECT_ERR(map(PAGE + 10000, 100 * frames, 3, PRIVATE | MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_U64(view().used, 2 * frames);
    end();
}

TAP_TEST(r24_mode_always_refuses_nothing_and_counts)
{
    begin(COMMIT_ALWAYS);
    const uint64_t frames = view().frames;

    EXPECT_U64(view().limit, MEM_UNLIMITED);
    EXPECT_ERR(map(PAGE, 1000 * frames, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(map(PAGE + 2000000, 1000 * frames, 3, SHARED), ERR_OK);
    EXPECT_U64(view().used, 2000 * frames);
    EXPECT_ERR(map(PAGE, 1000 * frames, 3, PRIVATE | MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_U64(view().used, 1000 * frames);
    end();
}

TAP_TEST(r24_the_limit_is_a_share_of_the_frames)
{
    begin(COMMIT_NEVER);
    const uint64_t frames = view().frames;

    EXPECT_ERR(set(COMMIT_NEVER, 50), ERR_OK);
    EXPECT_U64(view().limit, frames / 2);
    EXPECT_U64(view().percent, 50);
    EXPECT_ERR(map(PAGE, frames / 2 + 1, 3, PRIVATE), ERR_NOMEM);
    expect_refusal(frames / 2, 0, frames / 2 + 1);
    EXPECT_ERR(set(COMMIT_NEVER, 300), ERR_OK);
    EXPECT_ERR(map(PAGE, 3 * frames, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(map(PAGE + 50000, 1, 3, PRIVATE), ERR_NOMEM);
    end();
}

TAP_TEST(what_was_promised_stays_when_less_may_be)
{
    begin(COMMIT_HEURISTIC);
    const uint64_t frames = view().frames;

    EXPECT_ERR(map(PAGE, frames, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(map(PAGE + 5000, frames, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(map(PAGE + 10000, 10, 3, PRIVATE | MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_ERR(set(COMMIT_NEVER, 100), ERR_OK);
    EXPECT_U64(view().used, 2 * frames);
    EXPECT_ERR(map(PAGE + 20000, 1, 3, PRIVATE), ERR_NOMEM);
    expect_refusal(frames, 2 * frames, 1);
    EXPECT_U64(world_write(world, space, PAGE + 3, 7), FAULT_READY);
    /* Never charged, never given back. */
    EXPECT_ERR(unmap(PAGE + 10000, 10), ERR_OK);
    EXPECT_U64(view().used, 2 * frames);
    EXPECT_ERR(unmap(PAGE + 5000, frames), ERR_OK);
    EXPECT_ERR(map(PAGE + 20000, 1, 3, PRIVATE), ERR_NOMEM);
    EXPECT_ERR(unmap(PAGE, 1), ERR_OK);
    EXPECT_ERR(map(PAGE + 20000, 1, 3, PRIVATE), ERR_OK);
    end();
}

TAP_TEST(modes_and_shares_that_there_are_not_change_nothing)
{
    begin(COMMIT_NEVER);
    EXPECT_ERR(set(3, 100), ERR_INVAL);
    EXPECT_ERR(set(UINT64_MAX, 100), ERR_INVAL);
    EXPECT_ERR(set(COMMIT_ALWAYS, 0), ERR_INVAL);
    EXPECT_ERR(set(COMMIT_ALWAYS, COMMIT_PERCENT_MAX + 1), ERR_INVAL);
    EXPECT_U64(space->refusal.error, ERR_INVAL);
    EXPECT_U64(view().mode, COMMIT_NEVER);
    EXPECT_U64(view().percent, 100);
    end();
}

TAP_TEST(limits_tells_what_the_machine_and_the_space_promised)
{
    struct limits_view limits;
    struct limits_request request = {.which = MEM_LIMIT_COMMIT};

    begin(COMMIT_NEVER);
    struct space *other = world_space(world);

    world_map(world, other, PAGE, 5, 3);
    EXPECT_ERR(map(PAGE, 7, 3, PRIVATE), ERR_OK);
    EXPECT_ERR(op_limits(&world->core, space, &request, &limits), ERR_OK);
    EXPECT_U64(limits.value, view().limit);
    EXPECT_U64(limits.used, 12);
    EXPECT_U64(limits.reserved, 7);
    request.in_bytes = true;
    EXPECT_ERR(op_limits(&world->core, space, &request, &limits), ERR_OK);
    EXPECT_U64(limits.used, 12 * PAGE_SIZE);
    request.is_set = true;
    EXPECT_ERR(op_limits(&world->core, space, &request, &limits), ERR_INVAL);
    space_end(&world->core, other);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r24_mode_never_sums_up_and_ignores_noreserve),
        TAP(r24_mode_heuristic_judges_each_request_alone),
        TAP(r24_mode_always_refuses_nothing_and_counts),
        TAP(r24_the_limit_is_a_share_of_the_frames),
        TAP(what_was_promised_stays_when_less_may_be),
        TAP(modes_and_shares_that_there_are_not_change_nothing),
        TAP(limits_tells_what_the_machine_and_the_space_promised),
    };

    return TAP_RUN(argc, argv, tests);
}
