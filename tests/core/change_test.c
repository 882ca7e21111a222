/* SPDX-License-Identifier: MIT */
/*
 * Changes of many regions in steps: the same in the end as all at once, nothing half done for
 * anyone in between, and after the death of the server in any step.
 *
 *   MIXED   60 pages, of which 40 in the middle are regions of one page, of two kinds in turn;
 *           some are written; ten pages behind them are in no region
 *   FRESH   the same, but that they may only be read, and nothing is written
 */
#include <string.h>

#include <tap.h>

#include "server/core/change.h"
#include "stepped.h"

#define MIXED 0x400u
#define FRESH 0x500u
#define MIXES 60u
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)

static enum err protect_pages(struct world *world, uint32_t page, uint32_t end, uint32_t prot,
                              bool is_linux)
{
    const struct protect_request request = {
        .address = world_address(page),
        .length = (uint64_t)(end - page) * PAGE_SIZE,
        .prot = prot,
        .is_linux = is_linux,
    };
    return op_protect(&world->core, stepped_space(world), &request);
}

static void map_mixed(struct world *world, uint32_t page, uint32_t prot)
{
    world_map(world, stepped_space(world), page, MIXES, prot);
    if ((prot & MEM_PROT_WRITE) != 0) {
        for (uint32_t i = 3; i < MIXES; i += 7) {
            EXPECT_U64(world_write(world, stepped_space(world), page + i, i), FAULT_READY);
        }
    }
    for (uint32_t i = 10; i < 50; i += 2) {
        EXPECT_ERR(protect_pages(world, page + i, page + i + 1, MEM_PROT_NONE, false), ERR_OK);
    }
}

static enum err protect_regions(struct world *world)
{
    return protect_pages(world, MIXED + 5, MIXED + 56, MEM_PROT_READ, false);
}

static enum err protect_regions_linux(struct world *world)
{
    return protect_pages(world, MIXED + 5, MIXED + 56, MEM_PROT_EXEC, true);
}

static enum err protect_all_regions(struct world *world)
{
    return protect_pages(world, MIXED, MIXED + MIXES, MEM_PROT_NONE, false);
}

static enum err make_writable(struct world *world)
{
    return protect_pages(world, FRESH + 3, FRESH + 52, RW, false);
}

static enum err lock_regions(struct world *world)
{
    const struct lock_request request = {
        .address = world_address(MIXED + 1),
        .length = (MIXES - 2) * PAGE_SIZE,
        .flags = MEM_LOCK_ONFAULT,
    };
    return op_lock(&world->core, stepped_space(world), &request);
}

static enum err lock_everything(struct world *world)
{
    return op_lock_all(&world->core, stepped_space(world), MEM_LOCK_CURRENT | MEM_LOCK_ALL_ONFAULT);
}

static enum err advise_regions(struct world *world)
{
    const struct advise_request request = {
        .address = world_address(MIXED + 9),
        .length = 45 * PAGE_SIZE,
        .advice = MEM_ADVISE_DONTFORK,
    };
    return op_advise(&world->core, stepped_space(world), &request);
}

static const struct stepped_case cases[] = {
    {"rights of regions taken", protect_regions, MIXED + 11},
    {"rights of regions changed, LINUX", protect_regions_linux, MIXED + 11},
    {"all rights of regions taken", protect_all_regions, MIXED + 1},
    {"regions made writable", make_writable, FRESH + 11},
    {"regions locked", lock_regions, MIXED + 11},
    {"all locked", lock_everything, MIXED},
    {"regions advised", advise_regions, MIXED + 11},
};
#define CASES    (sizeof(cases) / sizeof(cases[0]))
#define WRITABLE 3u /* index of the one that is promised memory */

/* One step, which is about no more than a step may be. Returns: whether it was the last. */
static bool step(void)
{
    const struct space *space = stepped_space(stepped.tried);
    const uint32_t regions = space->tree.count;
    const bool is_over = work_step(&stepped.tried->core, stepped_space(stepped.tried));

    EXPECT(regions - space->tree.count <= WORK_REGIONS + 1);
    return is_over;
}

static void make(void)
{
    stepped_make(cases, CASES, step);
    map_mixed(stepped.template, MIXED, RW);
    map_mixed(stepped.template, FRESH, MEM_PROT_READ);
    stepped_ready();
}

TAP_TEST(regions_change_in_steps_as_they_do_at_once)
{
    make();
    stepped_compare();
    stepped_free();
}

TAP_TEST(a_server_that_dies_in_any_step_leaves_all_of_the_change_or_nothing)
{
    make();
    stepped_die();
    stepped_free();
}

/* Requests in the LINUX form for pages up to MIXED + 70, of which the last ten are in no region. */
static enum err linux_protect(struct world *world, uint32_t page)
{
    return protect_pages(world, page, MIXED + 70, MEM_PROT_READ, true);
}

static enum err linux_advise(struct world *world, uint32_t page)
{
    const struct advise_request request = {
        .address = world_address(page),
        .length = (uint64_t)(MIXED + 70 - page) * PAGE_SIZE,
        .advice = MEM_ADVISE_DONTFORK,
        .is_linux = true,
    };
    return op_advise(&world->core, stepped_space(world), &request);
}

static enum err linux_lock(struct world *world, uint32_t page)
{
    const struct lock_request request = {
        .address = world_address(page),
        .length = (uint64_t)(MIXED + 70 - page) * PAGE_SIZE,
        .flags = MEM_LOCK_ONFAULT,
        .is_linux = true,
    };
    return op_lock(&world->core, stepped_space(world), &request);
}

static const struct {
    const char *name;
    enum err (*run)(struct world *world, uint32_t page);
    uint32_t page; /* the first */
} linux_cases[] = {
    {"protect", linux_protect, MIXED + 5},
    {"advise", linux_advise, MIXED + 5},
    {"advise behind a hole", linux_advise, MIXED - 5},
    {"lock", linux_lock, MIXED + 5},
};

/* Do one as the shell does: again, or for the rest, when its work is done. */
static enum err do_in_turns(size_t index)
{
    uint32_t page = linux_cases[index].page;
    enum err error = ERR_MORE;

    for (uint32_t turns = 0; turns < 5; turns++) {
        stepped.tried->core.more = (struct more){0};
        error = linux_cases[index].run(stepped.tried, page);
        world_audit(stepped.tried);
        if (error != ERR_MORE) {
            EXPECT(turns > 0);
            return error;
        }
        while (!work_step(&stepped.tried->core, stepped_space(stepped.tried))) {
            world_audit(stepped.tried);
        }
        if (!stepped.tried->core.more.is_again) {
            page = stepped.tried->core.more.rest.first;
        }
    }
    return error;
}

TAP_TEST(the_linux_form_does_in_steps_what_comes_before_the_refusal)
{
    make();
    for (size_t i = 0; i < sizeof(linux_cases) / sizeof(linux_cases[0]); i++) {
        stepped_copy(false);
        EXPECT_ERR(linux_cases[i].run(stepped.tried, linux_cases[i].page), ERR_NOMEM);
        world_audit(stepped.tried);
        snapshot_take_space(stepped.tried, stepped.first, &stepped.after);
        stepped_copy(true);
        EXPECT_ERR(do_in_turns(i), ERR_NOMEM);
        snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
        EXPECT(snapshot_is_equal(&stepped.found, &stepped.after));
        EXPECT(!snapshot_is_equal(&stepped.found, &stepped.before));
    }
    stepped_free();
}

/* Regions judged as one are over a limit that the first of them are not. */
TAP_TEST(the_linux_form_changes_what_a_limit_lets_it)
{
    make();
    for (int is_linux = 0; is_linux < 2; is_linux++) {
        stepped_copy(true);
        struct space *space = stepped_space(stepped.tried);
        space->settings.data_max = space->data + 20;
        snapshot_take_space(stepped.tried, stepped.first, &stepped.before);
        const uint64_t data = space->data;
        EXPECT_ERR(protect_pages(stepped.tried, FRESH + 3, FRESH + 52, RW, is_linux != 0),
                   ERR_NOMEM);
        EXPECT_U64(space->refusal.limit, MEM_LIMIT_DATA);
        EXPECT_U64(space->work.phase, WORK_NONE);
        EXPECT_U64(space->data, is_linux != 0 ? data + 20 : data);
        snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
        EXPECT_U64(snapshot_is_equal(&stepped.found, &stepped.before), is_linux == 0);
        world_audit(stepped.tried);
    }
    stepped_free();
}

/* What regions that still change will need is nobody else's. */
TAP_TEST(r24_what_a_change_was_promised_is_its_own_until_the_last_step)
{
    make();
    stepped_begin(WRITABLE);
    const uint64_t used = stepped.tried->core.head->commit.used;
    EXPECT_U64(used, stepped.template->core.head->commit.used + 49);
    EXPECT_U64(stepped_space(stepped.tried)->work.promised, 49);
    EXPECT(!step());
    EXPECT_U64(stepped.tried->core.head->commit.used, used);
    EXPECT(stepped_space(stepped.tried)->work.promised < 49 &&
           stepped_space(stepped.tried)->work.promised != 0);
    world_audit(stepped.tried);
    /* Its end gives that back too. */
    space_end(&stepped.tried->core, stepped_space(stepped.tried));
    world_audit(stepped.tried);
    EXPECT_U64(stepped.tried->core.head->commit.used, STEPPED_OTHERS);
    stepped_free();
}

TAP_TEST(a_space_that_ends_or_is_stopped_in_any_step_gives_everything_back)
{
    make();
    stepped_copy(false);
    space_end(&stepped.tried->core, stepped_space(stepped.tried));
    core_settle(&stepped.tried->core);
    const uint64_t all = pool_free(&stepped.tried->core);

    for (size_t i = 0; i < 2 * CASES; i++) {
        bool is_over = false;

        for (uint32_t steps = 0; !is_over; steps++) {
            stepped_begin(i / 2);
            for (uint32_t j = 0; j < steps && !is_over; j++) {
                is_over = step();
            }
            if (i % 2 != 0) {
                stop_space(&stepped.tried->core, stepped_space(stepped.tried));
                while (!stop_is_over(&stepped.tried->core, stepped_space(stepped.tried))) {
                    world_audit(stepped.tried);
                    (void)stop_step(&stepped.tried->core, stepped_space(stepped.tried));
                }
            }
            space_end(&stepped.tried->core, stepped_space(stepped.tried));
            world_audit(stepped.tried);
            core_settle(&stepped.tried->core);
            EXPECT_U64(pool_free(&stepped.tried->core), all);
        }
    }
    stepped_free();
}

/* A split at an edge may be refused; a request that is refused begins no work. */
TAP_TEST(r0_a_change_that_is_refused_changed_nothing)
{
    make();
    for (size_t i = 0; i < CASES; i++) {
        bool was_refused = true;

        for (uint64_t left = 0; was_refused; left++) {
            stepped_copy(true);
            world_starve(stepped.tried, left);
            const enum err error = cases[i].run(stepped.tried);

            was_refused = error != ERR_MORE;
            world_audit(stepped.tried);
            if (was_refused) {
                EXPECT_ERR(error, ERR_NOMEM);
                EXPECT_U64(stepped_space(stepped.tried)->work.phase, WORK_NONE);
                snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
                EXPECT(snapshot_is_equal(&stepped.found, &stepped.before));
            }
            REQUIRE(left < 10);
        }
    }
    stepped_copy(true);
    stepped_space(stepped.tried)->settings.regions_max = stepped_space(stepped.tried)->tree.count;
    snapshot_take_space(stepped.tried, stepped.first, &stepped.before);
    EXPECT_ERR(protect_regions(stepped.tried), ERR_NOMEM);
    EXPECT_U64(stepped_space(stepped.tried)->work.phase, WORK_NONE);
    snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
    EXPECT(snapshot_is_equal(&stepped.found, &stepped.before));
    world_audit(stepped.tried);
    stepped_free();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(regions_change_in_steps_as_they_do_at_once),
        TAP(a_server_that_dies_in_any_step_leaves_all_of_the_change_or_nothing),
        TAP(the_linux_form_does_in_steps_what_comes_before_the_refusal),
        TAP(the_linux_form_changes_what_a_limit_lets_it),
        TAP(r24_what_a_change_was_promised_is_its_own_until_the_last_step),
        TAP(a_space_that_ends_or_is_stopped_in_any_step_gives_everything_back),
        TAP(r0_a_change_that_is_refused_changed_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
