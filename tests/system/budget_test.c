/* SPDX-License-Identifier: MIT */
/*
 * Budgets handed down: a child uses what it was given and no more, whatever it does, and the parent
 * has it back afterwards.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "balance.h"
#include "child.h"

#define BUDGET      400u
#define BUDGET_WORD "400"
#define SMALL       200u /* for a role that fills shared memory, and its heir */
#define SMALL_WORD  "200"
#define SLOT_FIRST  30 /* of handles that arrive at a thread of the bomb */
#define SLOTS       400
#define THREADS_MAX 400u

/* What threads that are refused at once, one on each hart, have in hand and give back. */
static uint64_t in_hand(void)
{
    uint64_t harts = 1;
    EXPECT_ERR(hf_info(INFO_HARTS, &harts), ERR_OK);
    return 20 * harts;
}

static struct mem_limits_rep budget_of(uint64_t space)
{
    struct mem_limits_rep rep = {0};
    EXPECT_ERR(hf_limit_get(space, MEM_LIMIT_BUDGET, &rep), ERR_OK);
    return rep;
}

/* The last refusal was by a budget of `frames` that is used up. */
static bool refused_by(uint64_t frames)
{
    struct mem_refusal_rep rep;
    return hf_refusal(&rep) == ERR_OK && rep.refused == ERR_NOMEM &&
           rep.limit == MEM_LIMIT_BUDGET && rep.value == frames && rep.used <= frames &&
           rep.used + rep.asked > frames;
}

/* Run a role within a budget twice; after the second time everything is as before it. */
static struct mem_next_rep run_role_within(const char *role, const char *word, uint64_t budget)
{
    struct mem_next_rep end = {0};
    EXPECT(child_run_within(role, word, budget, &end));
    uint64_t free = balance_free();
    struct mem_limits_rep before = budget_of(HF_OWN_SPACE);
    EXPECT(child_run_within(role, word, budget, &end));
    EXPECT_U64(balance_free(), free);
    struct mem_limits_rep after = budget_of(HF_OWN_SPACE);
    EXPECT_U64(after.used, before.used);
    EXPECT_U64(after.handed_down, before.handed_down);
    EXPECT(end.frames <= budget);
    tap_note("%s: %llu frames came back", role, (unsigned long long)end.frames);
    return end;
}

static struct mem_next_rep run_role(const char *role)
{
    return run_role_within(role, BUDGET_WORD, BUDGET);
}

/* As run_role(); the role itself finds that all is well. */
static void pass_role(const char *role)
{
    struct mem_next_rep end = run_role(role);
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
}

TAP_TEST(a_budget_is_taken_out_of_the_parents_and_comes_back)
{
    struct child child;
    struct mem_next_rep end;
    /* Once before, so that the records' share is charged. */
    REQUIRE(child_run_within("exit", "0", BUDGET, &end));
    struct mem_limits_rep before = budget_of(HF_OWN_SPACE);
    REQUIRE(child_make_within(&child, "exit", "0", BUDGET));
    struct mem_limits_rep during = budget_of(HF_OWN_SPACE);
    struct mem_limits_rep childs = budget_of(child.process.space);
    EXPECT_U64(during.handed_down, before.handed_down + BUDGET);
    /* A share of a frame for the child's record, charged as a whole one. */
    EXPECT_U64(during.used - during.handed_down, before.used - before.handed_down + 1);
    EXPECT_U64(childs.value, BUDGET);
    EXPECT(childs.used > 0 && childs.used < BUDGET);
    EXPECT_U64(childs.handed_down, 0);
    REQUIRE(child_go(&child));
    REQUIRE(child_end(&child, &end));
    EXPECT(end.frames > 0 && end.frames < BUDGET);
    EXPECT_U64(budget_of(HF_OWN_SPACE).used, before.used);
}

TAP_TEST(more_than_ones_own_budget_cannot_be_handed_down)
{
    struct mem_space_make_rep rep;
    struct mem_refusal_rep refusal;
    struct mem_limits_rep own = budget_of(HF_OWN_SPACE);
    EXPECT_ERR(hf_space_make("rich", own.value - own.used + 1, PRIORITY_DEFAULT, &rep), ERR_NOMEM);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_U64(refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(refusal.value, own.value);
    EXPECT_U64(refusal.used, own.used);
    EXPECT_U64(refusal.asked, own.value - own.used + 1);
    EXPECT_ERR(hf_space_make("rich", UINT64_MAX, PRIORITY_DEFAULT, &rep), ERR_NOMEM);
    EXPECT_ERR(hf_space_make("poor", 1, PRIORITY_DEFAULT, &rep), ERR_NOMEM);
    EXPECT_STR(hf_last_refusal(), "space_make: no memory, or over a limit: "
                                  "frames of the budget 1 of 1, 1 more asked");
    EXPECT_U64(budget_of(HF_OWN_SPACE).used, own.used);
}

TAP_TEST(a_budget_cannot_be_set_afterwards)
{
    EXPECT_ERR(hf_limit_set(HF_OWN_SPACE, MEM_LIMIT_BUDGET, 1), ERR_INVAL);
}

TAP_TEST(a_child_that_touches_more_pages_than_its_budget_ends_by_a_bus_error)
{
    struct mem_next_rep end = run_role("touch");
    EXPECT_U64(end.cause, CAUSE_BUS);
    EXPECT(end.frames > BUDGET - 10);
}

TAP_TEST(populating_more_pages_than_the_budget_is_refused_and_named)
{
    pass_role("populate");
}

TAP_TEST(shared_memory_is_filled_until_the_budget_is_used_up_and_comes_back)
{
    struct mem_next_rep end = run_role_within("shared", SMALL_WORD, SMALL);
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
}

TAP_TEST(a_child_that_touches_more_shared_pages_than_its_budget_ends_by_a_bus_error)
{
    struct mem_next_rep end = run_role_within("touch_shared", SMALL_WORD, SMALL);
    EXPECT_U64(end.cause, CAUSE_BUS);
    EXPECT(end.frames > SMALL - 10);
}

TAP_TEST(regions_are_made_until_the_budget_is_used_up)
{
    pass_role("regions");
}

TAP_TEST(threads_are_made_until_the_budget_is_used_up)
{
    pass_role("threads");
}

TAP_TEST(a_fork_bomb_of_threads_stays_within_its_budget)
{
    /* Requests of its threads are refused, or a new page of a stack: then others may be too. */
    struct mem_next_rep end = run_role("bomb");
    EXPECT(end.cause == CAUSE_BUS || (end.cause == CAUSE_EXIT && end.detail == 0));
    EXPECT(end.frames > BUDGET - (end.cause == CAUSE_BUS ? in_hand() : 20));
}

TAP_TEST(children_are_made_until_the_budget_is_used_up)
{
    pass_role("children");
}

TAP_TEST(a_child_hands_part_of_its_budget_on)
{
    pass_role("handing");
}

static int role_touch(void)
{
    if (area_map(0, 2 * BUDGET, RW) != ERR_OK) {
        return 1;
    }
    area_fill(0, 2 * BUDGET);
    return 2; /* it should not come so far */
}

static int role_populate(void)
{
    if (area_map(0, 2 * BUDGET, RW) != ERR_OK) {
        return 1;
    }
    if (hf_advise(HF_OWN_SPACE, AREA_AT(0), 2 * BUDGET * PAGE, MEM_ADVISE_POPULATE_WRITE) !=
        ERR_NOMEM) {
        return 2;
    }
    if (!refused_by(BUDGET)) {
        return 3;
    }
    struct mem_limits_rep own = budget_of(HF_OWN_SPACE);
    return own.used == BUDGET && own.value == BUDGET ? 0 : 4;
}

/* Twice as much shared memory as the small budget pays for: of a handle, or anonymous for 0. */
static enum err map_shared(uint64_t object)
{
    uint64_t addr = 0;
    const struct hf_map map = {.addr = AREA_AT(0),
                               .length = 2 * SMALL * PAGE,
                               .prot = RW,
                               .flags = MEM_MAP_SHARED | MEM_MAP_FIXED |
                                        (object == 0 ? MEM_MAP_ANONYMOUS : 0),
                               .object = object};
    return hf_map(map, &addr);
}

/* Fill what is mapped until the budget refuses, unmap it. Returns: whether all is as it must be. */
static bool fill_shared(void)
{
    const uint64_t length = 2 * SMALL * PAGE;
    if (hf_advise(HF_OWN_SPACE, AREA_AT(0), length, MEM_ADVISE_POPULATE_WRITE) != ERR_NOMEM ||
        !refused_by(SMALL)) {
        return false;
    }
    struct mem_limits_rep own = budget_of(HF_OWN_SPACE);
    return own.used == SMALL && own.value == SMALL &&
           hf_unmap(HF_OWN_SPACE, AREA_AT(0), length) == ERR_OK;
}

static int role_shared(void)
{
    uint64_t object = 0;
    if (map_shared(0) != ERR_OK || !fill_shared()) {
        return 1;
    }
    const uint64_t before = budget_of(HF_OWN_SPACE).used;
    if (before + 20 > SMALL || hf_shared_make(2 * SMALL * PAGE, 0, 0, &object) != ERR_OK ||
        map_shared(object) != ERR_OK || !fill_shared()) {
        return 2;
    }
    /* Mapped or not, the object keeps its pages while it is held. */
    const uint64_t full = budget_of(HF_OWN_SPACE).used;
    if (full < before + 20 || hf_shared_resize(object, 10 * PAGE) != ERR_OK) {
        return 3;
    }
    const uint64_t small = budget_of(HF_OWN_SPACE).used;
    if (small + 20 > full) {
        return 4;
    }
    return hf_shared_close(object) == ERR_OK && budget_of(HF_OWN_SPACE).used < small ? 0 : 5;
}

static int role_touch_shared(void)
{
    if (map_shared(0) != ERR_OK) {
        return 1;
    }
    area_fill(0, 2 * SMALL);
    return 2; /* it should not come so far */
}

static int role_regions(void)
{
    enum err error = ERR_OK;
    uint64_t count = 0;
    for (; error == ERR_OK; count++) {
        error = area_map(2 * count, 1, count % 2 == 0 ? RW : MEM_PROT_READ);
    }
    /* There is no room for a record more, but the others are untouched. */
    if (error != ERR_NOMEM || !refused_by(BUDGET) || count < 70) {
        return 1;
    }
    return hf_unmap(HF_OWN_SPACE, AREA_AT(0), 2 * count * PAGE) == ERR_OK &&
                   area_map(0, 1, RW) == ERR_OK
               ? 0
               : 2;
}

static int role_threads(void)
{
    struct mem_thread_make_rep rep;
    uint64_t count = 0;
    enum err error;
    while ((error = hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &rep)) == ERR_OK) {
        count++;
        if (hf_handle_close(rep.thread) != ERR_OK) {
            return 1;
        }
    }
    return error == ERR_NOMEM && refused_by(BUDGET) && count > BUDGET / 4 ? 0 : 2;
}

static struct hf_thread bomb[THREADS_MAX];
static atomic_uint_least32_t bomb_tried;
static atomic_uint_least32_t bomb_started;
static atomic_uint_least32_t bomb_refused; /* of those that were started */

static void bomb_run(void *argument);

/* Returns: whether one more could be started. */
static bool bomb_start(void)
{
    uint32_t own = atomic_fetch_add(&bomb_tried, 1);
    if (own >= THREADS_MAX ||
        hf_thread_run(&bomb[own], PRIORITY_DEFAULT, bomb_run, NULL) != ERR_OK) {
        return false;
    }
    atomic_fetch_add(&bomb_started, 1);
    /* There are less slots for handles than threads. */
    (void)hf_handle_close(bomb[own].handle);
    return true;
}

/* Start others for as long as that works, then stay. */
static void bomb_run(void *argument)
{
    (void)argument;
    (void)hf_accept(SLOT_FIRST, SLOTS);
    while (bomb_start()) {
        (void)hf_yield();
    }
    atomic_fetch_add(&bomb_refused, 1);
    for (;;) {
        (void)hf_yield();
    }
}

static int role_bomb(void)
{
    for (int i = 0; i < 4; i++) {
        (void)hf_donate(HF_OWN_SPACE, OBJECT_HANDLES);
    }
    (void)hf_accept(SLOT_FIRST, SLOTS);
    if (!bomb_start()) {
        return 1;
    }
    /* Who is refused gives back what he had, so that there is room again for a while. */
    do {
        while (atomic_load(&bomb_refused) != atomic_load(&bomb_started)) {
            (void)hf_yield();
        }
    } while (bomb_start());
    struct mem_limits_rep rep = budget_of(HF_OWN_SPACE);
    return rep.used <= BUDGET && rep.used + 20 > BUDGET && bomb_tried < THREADS_MAX ? 0 : 2;
}

static int role_children(void)
{
    struct mem_space_make_rep rep;
    uint64_t count = 0;
    enum err error;
    while ((error = hf_space_make("one of many", 0, PRIORITY_DEFAULT, &rep)) == ERR_OK) {
        count++;
        (void)hf_handle_close(rep.space);
        (void)hf_handle_close(rep.kernel_space);
    }
    return error == ERR_NOMEM && refused_by(BUDGET) && count > BUDGET / 10 ? 0 : 1;
}

/* In a grandchild: all that is left is its own. */
static int role_heir(const char *word)
{
    uint64_t frames = strtoul(word, NULL, 10);
    if (area_map(0, frames, RW) != ERR_OK) {
        return 1;
    }
    return hf_advise(HF_OWN_SPACE, AREA_AT(0), frames * PAGE, MEM_ADVISE_POPULATE_WRITE) ==
                       ERR_NOMEM &&
                   refused_by(frames)
               ? 0
               : 2;
}

static int role_handing(void)
{
    struct mem_next_rep end;
    struct mem_limits_rep own = budget_of(HF_OWN_SPACE);
    struct child child;
    if (!child_make_within(&child, "heir", SMALL_WORD, SMALL)) {
        return 1;
    }
    if (budget_of(HF_OWN_SPACE).used < own.used + SMALL || !child_go(&child) ||
        !child_end(&child, &end)) {
        return 2;
    }
    return end.cause == CAUSE_EXIT && end.detail == 0 && budget_of(HF_OWN_SPACE).handed_down == 0
               ? 0
               : 3;
}

/* Have a page for all variables of the program, which its end needs too. */
static void touch_data(void)
{
    extern char _end[];
    struct mem_region region;
    struct mem_query_rep rep;
    if (hf_query(HF_OWN_SPACE, (uint64_t)_end - 1, 1, &region, &rep) == ERR_OK && rep.count == 1) {
        for (uint64_t at = region.start; at < (uint64_t)_end; at += PAGE) {
            *(volatile char *)at = *(volatile char *)at;
        }
    }
}

static int role_run(const char *role, const char *word)
{
    /* What is needed to look at a refusal is touched before there is no page left for it. */
    (void)refused_by(0);
    (void)budget_of(HF_OWN_SPACE);
    touch_data();
    static const struct {
        const char *name;
        int (*run)(void);
    } roles[] = {
        {"touch", role_touch},     {"populate", role_populate}, {"regions", role_regions},
        {"threads", role_threads}, {"bomb", role_bomb},         {"children", role_children},
        {"handing", role_handing}, {"shared", role_shared},     {"touch_shared", role_touch_shared},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(role, roles[i].name) == 0) {
            return roles[i].run();
        }
    }
    if (strcmp(role, "heir") == 0) {
        return role_heir(word);
    }
    return atoi(word);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_budget_is_taken_out_of_the_parents_and_comes_back),
        TAP(more_than_ones_own_budget_cannot_be_handed_down),
        TAP(a_budget_cannot_be_set_afterwards),
        TAP(a_child_that_touches_more_pages_than_its_budget_ends_by_a_bus_error),
        TAP(populating_more_pages_than_the_budget_is_refused_and_named),
        TAP(shared_memory_is_filled_until_the_budget_is_used_up_and_comes_back),
        TAP(a_child_that_touches_more_shared_pages_than_its_budget_ends_by_a_bus_error),
        TAP(regions_are_made_until_the_budget_is_used_up),
        TAP(threads_are_made_until_the_budget_is_used_up),
        TAP(a_fork_bomb_of_threads_stays_within_its_budget),
        TAP(children_are_made_until_the_budget_is_used_up),
        TAP(a_child_hands_part_of_its_budget_on),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
