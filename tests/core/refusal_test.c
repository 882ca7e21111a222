/* SPDX-License-Identifier: MIT */
/*
 * Every reservation of every operation is refused once: the operation is tried with 0, 1, 2, ...
 * free frames until it works, and then with as many frames left in the budgets.
 */
#include <tap.h>

#include "scene.h"
#include "snapshot.h"

/* More frames than any case needs. */
#define ENOUGH 64u

static struct scene template;
static struct scene tried;
static struct snapshot before;
static struct snapshot after;
static struct snapshot found;

/* Limits of the two budgets, as they were made. */
static uint64_t budgets[2];

/* Leave so many free frames to the machine. */
static void starve_machine(uint64_t left)
{
    world_starve(tried.world, left);
}

/* Leave so many frames to the budgets of both spaces. */
static void starve_budgets(uint64_t left)
{
    struct space *first = world_find(tried.world, tried.first);
    struct space *second = world_find(tried.world, tried.second);

    world_budget(first, left);
    world_budget(second, left);
    budgets[0] = first->budget.limit;
    budgets[1] = second->budget.limit;
}

/* A refusal names the budget that was too small, and by how much, and leaves it what it is. */
static void expect_budget_named(uint64_t left)
{
    const struct space *first = world_find(tried.world, tried.first);
    const struct space *second = world_find(tried.world, tried.second);
    const struct refusal *one = &first->refusal;
    const struct refusal *two = &second->refusal;
    const struct refusal *refusal = one->limit == MEM_LIMIT_BUDGET ? one : two;

    if (one->error != ERR_OK || two->error != ERR_OK) {
        EXPECT_U64(refusal->limit, MEM_LIMIT_BUDGET);
        EXPECT(refusal->value - refusal->used <= left);
        EXPECT(refusal->used + refusal->asked > refusal->value);
        EXPECT_U64(first->budget.limit, budgets[0]);
        EXPECT_U64(second->budget.limit, budgets[1]);
    }
}

/* Try with `left` frames. Returns: whether the case succeeded. */
static bool try_with(const struct scene_case *one, void (*starve)(uint64_t left), uint64_t left)
{
    scene_copy(&tried, &template);
    starve(left);
    enum err error = one->run(&tried);

    snapshot_take(tried.world, &found);
    world_audit(tried.world);
    if (error == ERR_OK) {
        EXPECT(one->is_partial || snapshot_is_equal(&found, &after));
        return true;
    }
    EXPECT_ERR(error, one->refusal);
    if (starve == starve_budgets) {
        expect_budget_named(left);
    }
    if (!one->is_partial) {
        EXPECT(snapshot_is_equal(&found, &before));
    }
    return false;
}

/* Try all cases of a set with 0, 1, 2, ... frames. Returns: how often one was refused. */
static uint64_t try_set(const struct scene_set *set, void (*starve)(uint64_t left))
{
    uint64_t refusals = 0;

    set->make(&template);
    set->make(&tried);
    snapshot_take(template.world, &before);
    for (size_t i = 0; i < *set->count; i++) {
        const struct scene_case *one = &set->cases[i];
        uint64_t left = 0;

        scene_copy(&tried, &template);
        EXPECT_ERR(one->run(&tried), ERR_OK);
        snapshot_take(tried.world, &after);
        while (left < ENOUGH && !try_with(one, starve, left)) {
            left++;
        }
        tap_note("%s: %llu frames", one->name, (unsigned long long)left);
        EXPECT(left < ENOUGH);
        refusals += left;
    }
    scene_free(&template);
    scene_free(&tried);
    return refusals;
}

/* The same for all sets, each of which must have been refused something. */
static uint64_t try_all(void (*starve)(uint64_t left))
{
    uint64_t sum = 0;

    for (size_t i = 0; i < SCENE_SETS; i++) {
        const uint64_t refusals = try_set(&scene_sets[i], starve);

        EXPECT(refusals > 4);
        sum += refusals;
    }
    return sum;
}

TAP_TEST(r0_a_refused_reservation_leaves_everything_as_it_was)
{
    EXPECT(try_all(starve_machine) > 30);
}

TAP_TEST(a_budget_that_refuses_leaves_everything_as_it_was_and_is_named)
{
    EXPECT(try_all(starve_budgets) > 30);
}

TAP_TEST(a_refusal_for_want_of_frames_says_so)
{
    scene_make(&template);
    struct space *space = world_find(template.world, template.first);

    world_starve(template.world, 0);
    EXPECT_ERR(op_unmap(&template.world->core, space, world_address(scene_page(1)), PAGE_SIZE),
               ERR_NOMEM);
    EXPECT_U64(space->refusal.error, ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_FRAMES);
    EXPECT_U64(space->refusal.used, space->refusal.value);
    scene_free(&template);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r0_a_refused_reservation_leaves_everything_as_it_was),
        TAP(a_budget_that_refuses_leaves_everything_as_it_was_and_is_named),
        TAP(a_refusal_for_want_of_frames_says_so),
    };

    return TAP_RUN(argc, argv, tests);
}
