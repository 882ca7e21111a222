/* SPDX-License-Identifier: MIT */
/*
 * More threads than one table has: numbers, windows, and what is left when they end.
 */
#include <tap.h>

#include "server/core/number.h"
#include "server/core/window.h"
#include "world.h"

#define FRAMES 2800u
#define MANY   700u

static struct world *world;

static uint64_t settled_free(void)
{
    core_settle(&world->core);
    world_audit(world);
    return pool_free(&world->core);
}

/* Make threads of `space`. Returns: how many there are, up to `count`. */
static uint32_t make_threads(struct space *space, uint32_t count)
{
    struct thread *thread = NULL;
    uint32_t made = 0;

    while (made < count &&
           thread_make(&world->core, space, THREAD_ANY_PAGE, 1, &thread) == ERR_OK) {
        made++;
    }
    return made;
}

TAP_TEST(a_space_has_more_threads_than_a_table_of_its_window)
{
    world = world_make(FRAMES, COMMIT_ALWAYS);
    struct space *keeper = world_space(world);
    struct thread *thread = NULL;

    EXPECT_U64(make_threads(keeper, 1), 1);
    const uint64_t before = settled_free();
    struct space *space = world_space(world);

    EXPECT_U64(make_threads(space, MANY), MANY);
    EXPECT_U64(space->window_blocks, 1);
    EXPECT_U64(world->core.head->number_tables, 1);
    world_audit(world);
    /* Each has a number and a page of its own; freed ones are used again. */
    const uint32_t number = NUMBER_BLOCK + 7;

    thread = thread_find(&world->core, number);
    REQUIRE(thread != NULL);
    const uint32_t page = thread->window_page;

    EXPECT(page >= WINDOW_BLOCK - 1);
    thread_end(&world->core, thread);
    EXPECT(thread_find(&world->core, number) == NULL);
    EXPECT_ERR(thread_make(&world->core, space, THREAD_ANY_PAGE, 1, &thread), ERR_OK);
    EXPECT_U64(thread->number, number);
    EXPECT_U64(thread->window_page, page);
    space_end(&world->core, space);
    EXPECT_U64(world->core.head->number_tables, 0);
    EXPECT_U64(settled_free(), before);
    space_end(&world->core, keeper);
    world_free(world);
}

TAP_TEST(numbers_are_shared_by_spaces_and_come_back_with_their_tables)
{
    world = world_make(FRAMES, COMMIT_ALWAYS);
    struct space *keeper = world_space(world);

    EXPECT_U64(make_threads(keeper, 1), 1);
    const uint64_t before = settled_free();
    struct space *one = world_space(world);
    struct space *two = world_space(world);

    EXPECT_U64(make_threads(one, 400), 400);
    EXPECT_U64(make_threads(two, 400), 400);
    EXPECT_U64(one->window_blocks, 0);
    EXPECT_U64(two->window_blocks, 0);
    EXPECT_U64(world->core.head->number_tables, 1);
    space_end(&world->core, one);
    EXPECT_U64(world->core.head->number_tables, 1);
    space_end(&world->core, two);
    EXPECT_U64(world->core.head->number_tables, 0);
    EXPECT_U64(settled_free(), before);
    space_end(&world->core, keeper);
    world_free(world);
}

TAP_TEST(the_end_of_numbers_is_refused_and_named)
{
    world = world_make(FRAMES, COMMIT_ALWAYS);
    struct space *space = world_space(world);

    world->core.head->thread_numbers = NUMBER_BLOCK + 20;
    EXPECT_U64(make_threads(space, MANY), NUMBER_BLOCK + 19); /* number 0 is not given out */
    EXPECT_U64(space->refusal.error, ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_SPACES);
    EXPECT_U64(space->refusal.value, NUMBER_BLOCK + 20);
    world_audit(world);
    space_end(&world->core, space);
    world_free(world);
}

/* Frames and ports for the second table, refused and killed in every way, from one state. */
struct border {
    struct world *world;
    uint64_t space;
};

static struct border template;
static struct border tried;

/* A space whose next thread needs a table of numbers, and the one after it one of its window. */
static void border_make(struct border *border)
{
    border->world = world_make(FRAMES, COMMIT_ALWAYS);
    world = border->world;
    struct space *space = world_space(world);

    border->space = space->number;
    EXPECT_U64(make_threads(space, NUMBER_BLOCK), NUMBER_BLOCK);
    /* Number 0 is not given out, so a table of numbers was made already: end its only thread. */
    EXPECT_U64(world->core.head->number_tables, 1);
    thread_end(&world->core, thread_find(&world->core, NUMBER_BLOCK));
    EXPECT_U64(world->core.head->number_tables, 0);
    core_settle(&world->core);
}

static enum err border_cross(void)
{
    struct space *space = world_find(tried.world, tried.space);
    struct thread *thread = NULL;
    enum err error = thread_make(&tried.world->core, space, THREAD_ANY_PAGE, 1, &thread);

    if (error == ERR_OK) {
        error = thread_make(&tried.world->core, space, THREAD_ANY_PAGE, 1, &thread);
    }
    return error;
}

static void border_restart(uint64_t call, bool kills_after)
{
    struct port *port = tried.world->port;
    uint32_t torn = 0;

    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    if (setjmp(port->killed) == 0) {
        EXPECT_ERR(border_cross(), ERR_OK);
        EXPECT(false);
    }
    port->kill_at = 0;
    world_restart(tried.world);
    EXPECT_ERR(core_recover(&tried.world->core, &torn), ERR_OK);
    world_audit(tried.world);
    EXPECT_ERR(border_cross(), ERR_OK);
    world_audit(tried.world);
}

TAP_TEST(a_table_more_is_made_whole_or_not_at_all)
{
    border_make(&template);
    border_make(&tried);
    world_copy(tried.world, template.world);
    const uint64_t first = tried.world->port->calls;

    EXPECT_ERR(border_cross(), ERR_OK);
    const uint64_t calls = tried.world->port->calls - first;

    tap_note("%llu port calls", (unsigned long long)calls);
    EXPECT(calls > 3);
    for (uint64_t call = 1; call <= calls; call++) {
        world_copy(tried.world, template.world);
        border_restart(call, false);
        world_copy(tried.world, template.world);
        border_restart(call, true);
    }
    uint64_t left = 0;

    for (;; left++) {
        world_copy(tried.world, template.world);
        world_starve(tried.world, left);
        const enum err error = border_cross();

        world_audit(tried.world);
        if (error == ERR_OK) {
            break;
        }
        EXPECT_ERR(error, ERR_NOMEM);
    }
    tap_note("%llu frames", (unsigned long long)left);
    EXPECT(left > 6);
    world_free(template.world);
    world_free(tried.world);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_space_has_more_threads_than_a_table_of_its_window),
        TAP(numbers_are_shared_by_spaces_and_come_back_with_their_tables),
        TAP(the_end_of_numbers_is_refused_and_named),
        TAP(a_table_more_is_made_whole_or_not_at_all),
    };

    return TAP_RUN(argc, argv, tests);
}
