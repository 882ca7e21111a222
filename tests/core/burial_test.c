/* SPDX-License-Identifier: MIT */
/*
 * Shared memory that goes in steps: the same in the end as all at once, whatever happens between
 * two steps, and after the death of the server in any of them.
 */
#include <string.h>

#include <tap.h>

#include "pinned.h"
#include "world.h"

#include "server/core/content.h"
#include "server/core/hold.h"
#include "server/core/shared.h"

#define AT     0x2000u
#define TO     0x9000u
#define MANY   700u
#define FEW    20u
#define FAR    1024u /* pages between two that are there */
#define SPARSE 12u

static struct world *world;
static struct world *tried;
static uint64_t owner; /* who makes the objects, by number */
static uint64_t other;

static struct space *space_of(const struct world *in, uint64_t number)
{
    return world_find(in, number);
}

/* Shared memory of so many pages, which `owner` holds. */
static uint64_t make_object(struct world *in, uint32_t pages)
{
    const struct object_request request = {.bytes = (uint64_t)pages * PAGE_SIZE};
    struct object *object;

    EXPECT_ERR(op_object_make(&in->core, space_of(in, owner), &request, &object), ERR_OK);
    return object->number;
}

static struct object *object_of(const struct world *in, uint64_t number)
{
    return object_find(&in->core, number);
}

static void map_object(struct world *in, struct space *space, uint64_t number, uint32_t page,
                       uint32_t pages)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = RW,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = object_of(in, number),
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    EXPECT_ERR(op_map(&in->core, space, &request, &address), ERR_OK);
}

/* Touch every page that is a multiple of `apart`. */
static void touch(struct world *in, uint64_t space, uint32_t page, uint32_t pages, uint32_t apart)
{
    for (uint32_t i = 0; i < pages; i += apart) {
        EXPECT_U64(world_write(in, space_of(in, space), page + i, i), FAULT_READY);
    }
}

static void start(void)
{
    world = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    tried = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    owner = world_space(world)->number;
    other = world_space(world)->number;
    world_map(world, space_of(world, other), TO, 400, RW);
}

static void finish(void)
{
    world_audit(world);
    world_free(world);
    world_free(tried);
}

static uint64_t frames_free(struct world *in)
{
    core_settle(&in->core);
    return pool_free(&in->core);
}

static bool let_go(struct world *in, uint64_t number)
{
    return hold_drop(&in->core, space_of(in, owner), object_of(in, number));
}

/* A new message. */
static void next_message(struct world *in)
{
    in->core.more = (struct more){0};
}

/* An object of MANY pages, all touched, that `owner` holds and maps nowhere. */
static uint64_t make_many(void)
{
    const uint64_t number = make_object(world, MANY);

    map_object(world, space_of(world, owner), number, AT, MANY);
    touch(world, owner, AT, MANY, 1);
    EXPECT_ERR(op_unmap(&world->core, space_of(world, owner), world_address(AT), MANY * PAGE_SIZE),
               ERR_OK);
    return number;
}

/* The same, but that it is far between pages. */
static uint64_t make_sparse(void)
{
    const uint64_t number = make_object(world, SPARSE * FAR);

    map_object(world, space_of(world, owner), number, AT, SPARSE * FAR);
    touch(world, owner, AT, SPARSE * FAR, FAR);
    EXPECT_ERR(
        op_unmap(&world->core, space_of(world, owner), world_address(AT), SPARSE * FAR * PAGE_SIZE),
        ERR_OK);
    return number;
}

/* Free frames after it went at once. */
static uint64_t free_at_once(uint64_t number)
{
    world_copy(tried, world);
    tried->core.has_turns = false;
    EXPECT(let_go(tried, number));
    EXPECT(!burial_is_due(&tried->core));
    world_audit(tried);
    return frames_free(tried);
}

/* Others make shared memory and let it go. */
static void go_on_with_others(struct world *in)
{
    const uint64_t made = make_object(in, FEW);

    map_object(in, space_of(in, other), made, AT, FEW);
    touch(in, other, AT, FEW, 1);
    EXPECT(let_go(in, made));
    EXPECT_ERR(op_unmap(&in->core, space_of(in, other), world_address(AT), FEW * PAGE_SIZE),
               ERR_OK);
}

TAP_TEST(what_has_many_pages_goes_in_steps_and_others_go_on)
{
    start();
    go_on_with_others(world);
    const uint64_t number = make_many();
    const uint64_t all = free_at_once(number);
    const uint64_t charged = world->core.head->commit.used;
    uint32_t steps = 0;

    world_copy(tried, world);
    tried->core.has_turns = true;
    EXPECT(let_go(tried, number));
    const uint64_t burial = tried->core.more.burial;
    EXPECT_U64(burial, 1);
    EXPECT(!burial_is_over(&tried->core, burial));
    for (; !burial_is_over(&tried->core, burial); steps++) {
        const uint64_t before = tried->core.head->object_table.frames;
        const uint32_t records = tried->core.head->objects.records;

        /* It is paid for to the last, and nobody finds it. */
        EXPECT(object_of(tried, number) == NULL);
        EXPECT(object_find_get(&tried->core, number) == NULL);
        EXPECT_ERR(op_object_again(&tried->core, space_of(tried, owner), number, MAP_RIGHT_READ),
                   ERR_NOENT);
        EXPECT_U64(tried->core.head->commit.used, charged);
        world_audit(tried);
        next_message(tried);
        go_on_with_others(tried);
        EXPECT_U64(tried->core.more.burial, 0);
        EXPECT_U64(tried->core.head->objects.records, records);
        EXPECT_U64(tried->core.head->object_table.frames, before);
        burial_step(&tried->core);
        EXPECT(before - tried->core.head->object_table.frames <= WORK_PAGES);
    }
    core_done(&tried->core);
    EXPECT_U64(steps, (MANY + WORK_PAGES - 1) / WORK_PAGES);
    EXPECT_U64(tried->core.head->commit.used, charged - MANY);
    world_audit(tried);
    EXPECT_U64(frames_free(tried), all);
    finish();
}

TAP_TEST(pages_that_lie_far_apart_make_a_step_shorter)
{
    start();
    const uint64_t number = make_sparse();
    const uint64_t all = free_at_once(number);
    uint32_t steps = 0;

    world->core.has_turns = true;
    next_message(world);
    world->core.more.buried = WORK_PAGES; /* this message has done its share */
    EXPECT(let_go(world, number));
    for (; burial_is_due(&world->core); steps++) {
        const uint64_t before = world->core.head->object_table.frames;

        burial_step(&world->core);
        EXPECT(before - world->core.head->object_table.frames <= 4);
        world_audit(world);
    }
    EXPECT(steps >= SPARSE / 4);
    EXPECT_U64(frames_free(world), all);
    finish();
}

TAP_TEST(a_message_gives_back_few_objects_at_once_and_the_rest_in_order)
{
    uint64_t numbers[8];

    start();
    for (uint32_t i = 0; i < 8; i++) {
        numbers[i] = make_object(world, FEW);
        map_object(world, space_of(world, owner), numbers[i], AT + i * FEW, FEW);
    }
    touch(world, owner, AT, 8 * FEW, 1);
    for (uint32_t i = 0; i < 8; i++) {
        EXPECT(let_go(world, numbers[i]));
    }
    EXPECT_U64(world->core.head->objects.records, 8);
    /* The space has nothing of them present, or the request would go in steps. */
    const struct advise_request drop = {
        .address = world_address(AT), .length = 8 * FEW * PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};
    world->core.has_turns = false;
    EXPECT_ERR(op_advise(&world->core, space_of(world, owner), &drop), ERR_OK);
    world->core.has_turns = true;
    next_message(world);
    /* All eight in one request of less than a step's regions. */
    const uint64_t before = world->core.head->object_table.frames;
    const struct map_request over = {
        .address = world_address(AT),
        .length = 8 * FEW * PAGE_SIZE,
        .prot = RW,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;
    EXPECT_ERR(op_map(&world->core, space_of(world, owner), &over, &address), ERR_OK);
    EXPECT(before - world->core.head->object_table.frames <= WORK_PAGES);
    EXPECT(world->core.more.burial != 0);
    const uint64_t last = world->core.more.burial;
    world_audit(world);
    for (uint32_t steps = 0; !burial_is_over(&world->core, last); steps++) {
        const uint64_t left = world->core.head->object_table.frames;

        burial_step(&world->core);
        world_audit(world);
        EXPECT(left - world->core.head->object_table.frames <= WORK_PAGES);
        EXPECT(steps < last); /* more than one a step */
    }
    EXPECT_U64(world->core.head->objects.records, 0);
    EXPECT_U64(world->core.head->object_table.frames, 0);
    /* A number that nobody was given is no reason to wait for anything. */
    EXPECT(burial_is_over(&world->core, last + 1) && burial_is_over(&world->core, 0));
    finish();
}

TAP_TEST(who_pays_may_end_between_two_steps)
{
    start();
    const uint64_t number = make_many();

    for (uint32_t after = 0; after < 4; after++) {
        world_copy(tried, world);
        tried->core.has_turns = true;
        EXPECT(let_go(tried, number));
        for (uint32_t i = 0; i < after; i++) {
            burial_step(&tried->core);
        }
        space_end(&tried->core, space_of(tried, owner));
        world_audit(tried);
        burial_finish(&tried->core);
        world_audit(tried);
        EXPECT_U64(tried->core.head->object_table.frames, 0);
        EXPECT_U64(tried->core.head->objects.records, 0);
    }
    finish();
}

/* Let it go, make all steps, and die in port call `call`. Returns: whether it came to that. */
static bool die_in_call(uint64_t number, uint64_t call, bool kills_after)
{
    struct port *port = tried->port;

    world_copy(tried, world);
    tried->core.has_turns = true;
    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    if (setjmp(port->killed) == 0) {
        (void)let_go(tried, number);
        while (burial_is_due(&tried->core)) {
            burial_step(&tried->core);
            core_done(&tried->core);
        }
        core_settle(&tried->core);
        port->kill_at = 0;
        return false;
    }
    port->kill_at = 0;
    return true;
}

TAP_TEST(a_server_that_dies_in_any_step_gives_it_back_all_the_same)
{
    start();
    const uint64_t number = make_many();
    const uint64_t all = free_at_once(number);
    uint64_t deaths = 0;
    bool was_killed = true;

    for (uint64_t call = 1; was_killed; call++) {
        for (int kills_after = 0; kills_after < 2 && was_killed; kills_after++) {
            uint32_t torn;

            was_killed = die_in_call(number, call, kills_after != 0);
            if (!was_killed) {
                break;
            }
            deaths++;
            world_restart(tried);
            EXPECT_ERR(core_recover(&tried->core, &torn), ERR_OK);
            world_audit(tried);
            EXPECT(!burial_is_due(&tried->core));
            EXPECT(object_of(tried, number) == NULL);
            EXPECT_U64(frames_free(tried), all);
        }
    }
    EXPECT(deaths > 2);
    finish();
}

/* What a process has that ends: mapped alone, mapped and held, held alone, much, and of others. */
static void make_process(uint64_t *kept)
{
    struct space *space = space_of(world, owner);

    (void)make_many();
    (void)make_sparse();
    *kept = make_object(world, MANY);
    map_object(world, space, *kept, AT, MANY);
    touch(world, owner, AT, MANY, 1);
    map_object(world, space_of(world, other), *kept, AT, MANY);
    for (uint32_t i = 0; i < 50; i++) {
        const uint64_t number = make_object(world, FEW);

        map_object(world, space, number, TO + i * FEW, FEW);
        touch(world, owner, TO + i * FEW, FEW, 1);
        if (i % 2 == 0) {
            EXPECT(let_go(world, number));
        }
    }
}

TAP_TEST(a_process_that_ends_loses_its_shared_memory_in_steps)
{
    uint64_t kept;

    start();
    make_process(&kept);
    world_copy(tried, world);
    space_end(&tried->core, space_of(tried, owner));
    world_audit(tried);
    const uint64_t all = frames_free(tried);
    const uint64_t left = tried->core.head->object_table.frames;
    EXPECT_U64(left, MANY); /* that the other maps */

    /* Ended with a bang after any number of steps, or after all. */
    bool is_over = false;
    for (uint32_t most = 0; !is_over; most++) {
        world_copy(tried, world);
        tried->core.has_turns = true;
        stop_space(&tried->core, space_of(tried, owner));
        is_over = stop_is_over(&tried->core, space_of(tried, owner));
        EXPECT(!is_over);
        for (uint32_t i = 0; i < most && !is_over; i++) {
            const uint64_t before = tried->core.head->object_table.frames;

            next_message(tried);
            is_over = stop_step(&tried->core, space_of(tried, owner));
            EXPECT(before - tried->core.head->object_table.frames <= WORK_PAGES);
            world_audit(tried);
        }
        next_message(tried);
        space_end(&tried->core, space_of(tried, owner));
        EXPECT(!is_over || !burial_is_due(&tried->core)); /* all is back before anybody is told */
        burial_finish(&tried->core);
        world_audit(tried);
        EXPECT_U64(frames_free(tried), all);
        EXPECT_U64(tried->core.head->object_table.frames, left);
    }
    finish();
}

/*
 * Have 200 pages of shared memory go, of which three from `at` on are pinned.
 *
 * Returns: the pin. *before is what there was before the memory, as pinned_left().
 */
static uint64_t bury_pinned(struct pinned *pinned, uint32_t at, uint64_t *before)
{
    pinned_make(pinned);
    struct core *core = &pinned->world->core;

    *before = pinned_left(pinned);
    struct object *object = pinned_memory(pinned, 200);

    pinned_map(pinned, PINNED_AT, 200, RW, MEM_MAP_SHARED, object);
    for (uint32_t i = 0; i < 200; i++) {
        pinned_write(pinned, PINNED_AT + i, i);
    }
    const uint64_t pin = pinned_all(pinned, PINNED_AT + at, 3, MEM_PIN_WRITE);

    pinned_unmap(pinned, PINNED_AT, 200);
    core->has_turns = true;
    core->more = (struct more){0};
    EXPECT(hold_drop(core, pinned->client, object));
    return pin;
}

TAP_TEST(p16_pages_that_are_pinned_stay_until_the_pin_goes)
{
    struct pinned pinned;
    uint64_t before;
    const uint64_t pin = bury_pinned(&pinned, 150, &before);
    struct core *core = &pinned.world->core;

    EXPECT(burial_is_due(core));
    for (uint32_t i = 0; burial_is_due(core); i++) {
        burial_step(core);
        world_audit(pinned.world);
        EXPECT_U64(pinned_seen(&pinned, pin, 2), 152);
        if (i == 1) { /* one that goes before its turn, the others after it */
            EXPECT_U64(core->head->pins.detained, 3);
        }
    }
    core->has_turns = false;
    EXPECT_ERR(pinned_unpin(&pinned, pin), ERR_OK);
    EXPECT_U64(pinned_left(&pinned), before);
    pinned_free(&pinned);
}

TAP_TEST(p16_a_pin_that_goes_first_leaves_the_page_to_its_step)
{
    struct pinned pinned;
    uint64_t before;
    const uint64_t pin = bury_pinned(&pinned, 5, &before);
    struct core *core = &pinned.world->core;

    burial_step(core);
    EXPECT_ERR(pinned_unpin(&pinned, pin), ERR_OK);
    world_audit(pinned.world);
    EXPECT(burial_is_due(core));
    EXPECT_U64(core->head->pins.detained, 0);
    burial_finish(core);
    core->has_turns = false;
    EXPECT_U64(pinned_left(&pinned), before);
    pinned_free(&pinned);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_has_many_pages_goes_in_steps_and_others_go_on),
        TAP(pages_that_lie_far_apart_make_a_step_shorter),
        TAP(a_message_gives_back_few_objects_at_once_and_the_rest_in_order),
        TAP(who_pays_may_end_between_two_steps),
        TAP(a_server_that_dies_in_any_step_gives_it_back_all_the_same),
        TAP(a_process_that_ends_loses_its_shared_memory_in_steps),
        TAP(p16_pages_that_are_pinned_stay_until_the_pin_goes),
        TAP(p16_a_pin_that_goes_first_leaves_the_page_to_its_step),
    };

    return TAP_RUN(argc, argv, tests);
}
