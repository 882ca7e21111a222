/* SPDX-License-Identifier: MIT */
/*
 * The server dies while two of its threads are in port calls, each in the middle of a request of
 * its own: one in any of all requests, the other in one about another space. The second may have
 * come to a lock that the first has: then it dies there.
 *
 * A new instance finishes or takes back both, whatever the two were holding.
 */
#include <tap.h>

#include <mem/prot.h>

#include "scene.h"
#include "snapshot.h"

static struct scene template;
static struct scene tried;

/* What one space was before and after a request, and is found as. */
struct sides {
    struct snapshot before;
    struct snapshot after;
    struct snapshot found;
};

static uint64_t deaths; /* of the second server thread */
static struct sides one_side;
static struct sides other_side;

static struct space *second(const struct scene *scene)
{
    return world_find(scene->world, scene->second);
}

static enum err fault_elsewhere(const struct scene *scene)
{
    enum fault_outcome outcome = world_write(scene->world, second(scene), scene_page(0), 5);

    return outcome == FAULT_READY ? ERR_OK : ERR_NOMEM;
}

static enum err map_elsewhere(const struct scene *scene)
{
    world_map(scene->world, second(scene), scene_page(20), 2, MEM_PROT_READ);
    return ERR_OK;
}

static enum err unmap_elsewhere(const struct scene *scene)
{
    return op_unmap(&scene->world->core, second(scene), world_address(scene_page(0)),
                    4 * PAGE_SIZE);
}

static enum err make_a_space(const struct scene *scene)
{
    struct space_settings settings = world_settings();
    struct space *space;

    return space_make(&scene->world->core, &settings, &space);
}

static enum err settle(const struct scene *scene)
{
    core_settle(&scene->world->core);
    return ERR_OK;
}

/* What the other server thread does. */
static const struct scene_case others[] = {
    {"fault elsewhere", fault_elsewhere, false, ERR_NOMEM, SCENE_SECOND},
    {"map elsewhere", map_elsewhere, false, ERR_NOMEM, SCENE_SECOND},
    {"unmap elsewhere", unmap_elsewhere, false, ERR_NOMEM, SCENE_SECOND},
    {"make a space", make_a_space, false, ERR_NOMEM, SCENE_PROCESSES},
    {"settle", settle, false, ERR_NOMEM, SCENE_NONE},
};
#define OTHERS (sizeof others / sizeof others[0])

/* Become server thread `number` of the world. */
static void become(struct scene *scene, uint32_t number)
{
    struct world *world = scene->world;

    core_attach(world->arena, number, world->port, &world->core);
}

/*
 * Run a case as server thread `number` until its port call `call`, or until it comes to a lock.
 *
 * Returns: whether it died; if not, the case is over.
 */
static bool run_until_killed(const struct scene_case *one, uint32_t number, uint64_t call,
                             bool kills_after)
{
    struct port *port = tried.world->port;
    volatile bool died = true;

    become(&tried, number);
    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    port->dies_waiting = true;
    if (setjmp(port->killed) == 0) {
        scene_lock(&tried, one->locks);
        enum err error = one->run(&tried);

        EXPECT_ERR(error, ERR_OK);
        died = false;
    }
    port->kill_at = 0;
    port->dies_waiting = false;
    return died;
}

/* Port calls of a case on the fresh scene, and what it makes of the space `space`. */
static uint64_t count_calls(const struct scene_case *one, uint64_t space, struct sides *sides)
{
    scene_copy(&tried, &template);
    snapshot_take_space(tried.world, space, &sides->before);
    const uint64_t calls = tried.world->port->calls;
    const enum err error = one->run(&tried);

    EXPECT_ERR(error, ERR_OK);
    snapshot_take_space(tried.world, space, &sides->after);
    return tried.world->port->calls - calls;
}

/* Whether the space is as it was before or after; then the request is sent again if need be. */
static bool check_side(const struct scene_case *one, uint64_t space, struct sides *sides)
{
    snapshot_take_space(tried.world, space, &sides->found);
    const bool is_before = snapshot_is_equal(&sides->found, &sides->before);

    if (!one->is_partial && !EXPECT(is_before || snapshot_is_equal(&sides->found, &sides->after))) {
        return false;
    }
    return !is_before || space_find(&tried.world->core, space) == NULL ||
           EXPECT_ERR(one->run(&tried), ERR_OK);
}

/* The other server thread waits for such a one; both change the same space. */
static bool touches_second(const struct scene_case *one)
{
    return one->locks == SCENE_SECOND || one->locks == SCENE_BOTH || one->locks == SCENE_ALL ||
           one->locks == SCENE_PROCESSES_SECOND;
}

/* The space by which to tell whether it was done. */
static uint64_t space_of(const struct scene_case *one)
{
    return touches_second(one) ? template.second : template.first;
}

static bool try_both(const struct scene_case *one, uint64_t one_call, bool kills_after,
                     const struct scene_case *other, uint64_t other_call)
{
    uint32_t torn = 0;

    scene_copy(&tried, &template);
    if (!EXPECT(run_until_killed(one, 0, one_call, kills_after))) {
        return false;
    }
    /* It may get along with fewer calls than alone, with what the first has got. */
    deaths += run_until_killed(other, 1, other_call, !kills_after) ? 1 : 0;
    const uint32_t object = arena_link(&tried.world->core, tried.object);

    world_restart(tried.world);
    tried.object = object_at(&tried.world->core, object);
    if (!EXPECT_ERR(core_recover(&tried.world->core, &torn), ERR_OK)) {
        return false;
    }
    world_audit(tried.world);
    bool is_right = check_side(one, space_of(one), &one_side);

    if (!touches_second(one)) {
        is_right = is_right && check_side(other, tried.second, &other_side);
    }

    core_settle(&tried.world->core);
    world_audit(tried.world);
    return is_right;
}

static bool kill_pair(const struct scene_case *one, const struct scene_case *other)
{
    const uint64_t one_calls = count_calls(one, space_of(one), &one_side);
    const uint64_t other_calls = count_calls(other, template.second, &other_side);

    for (uint64_t call = 1; call <= one_calls; call++) {
        for (uint64_t at = 1; at <= other_calls; at++) {
            if (!try_both(one, call, call % 2 == 0, other, at)) {
                tap_note("call %llu of \"%s\", call %llu of \"%s\"", (unsigned long long)call,
                         one->name, (unsigned long long)at, other->name);
                return false;
            }
        }
    }
    return true;
}

/* All pairs of a set. */
static bool kill_set(const struct scene_set *set)
{
    set->make(&template);
    set->make(&tried);
    if (!EXPECT(template.first % ARENA_BUCKETS != template.second % ARENA_BUCKETS)) {
        return false;
    }
    for (size_t i = 0; i < *set->count; i++) {
        for (size_t j = 0; j < OTHERS; j++) {
            if (!kill_pair(&set->cases[i], &others[j])) {
                return false;
            }
        }
    }
    return true;
}

TAP_TEST(a_server_that_dies_in_two_port_calls_at_once_leaves_all_of_each_request_or_nothing)
{
    for (size_t i = 0; i < SCENE_SETS; i++) {
        deaths = 0;
        if (!kill_set(&scene_sets[i])) {
            return;
        }
        tap_note("%s: %llu times both had died", scene_sets[i].name, (unsigned long long)deaths);
        EXPECT(deaths > 500);
        scene_free(&template);
        scene_free(&tried);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_server_that_dies_in_two_port_calls_at_once_leaves_all_of_each_request_or_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
