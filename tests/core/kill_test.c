/* SPDX-License-Identifier: MIT */
/*
 * The server dies in every port call of every operation, before or after the call took effect; a
 * new instance goes on from the arena alone, at another address.
 */
#include <tap.h>

#include "scene.h"
#include "snapshot.h"

static struct scene template;
static struct scene tried;
static struct snapshot before;
static struct snapshot after;
static struct snapshot found;

/* Port calls that the case makes. */
static uint64_t count_calls(const struct scene_case *one)
{
    scene_copy(&tried, &template);
    uint64_t calls = tried.world->port->calls;
    enum err error = one->run(&tried);

    EXPECT_ERR(error, ERR_OK);
    snapshot_take(tried.world, &after);
    world_audit(tried.world);
    return tried.world->port->calls - calls;
}

/* Die in port call `call` of the case. */
static void run_until_killed(const struct scene_case *one, uint64_t call, bool kills_after)
{
    struct port *port = tried.world->port;

    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    if (setjmp(port->killed) == 0) {
        enum err error = one->run(&tried);

        EXPECT_ERR(error, ERR_OK);
        EXPECT(false); /* it must not come back */
    }
    port->kill_at = 0;
}

static bool try_kill(const struct scene_case *one, uint64_t call, bool kills_after)
{
    uint32_t torn = 0;

    scene_copy(&tried, &template);
    run_until_killed(one, call, kills_after);
    uint32_t object = arena_link(&tried.world->core, tried.object);

    world_restart(tried.world);
    tried.object = object_at(&tried.world->core, object);
    enum err error = core_recover(&tried.world->core, &torn);

    if (!EXPECT_ERR(error, ERR_OK)) {
        return false;
    }
    world_audit(tried.world);
    snapshot_take(tried.world, &found);
    bool is_before = snapshot_is_equal(&found, &before);

    if (!one->is_partial && !EXPECT(is_before || snapshot_is_equal(&found, &after))) {
        return false;
    }
    /* The request is sent again if it was not answered: it must work now. */
    if (is_before) {
        error = one->run(&tried);
        snapshot_take(tried.world, &found);
        world_audit(tried.world);
        return EXPECT_ERR(error, ERR_OK) && EXPECT(snapshot_is_equal(&found, &after));
    }
    return true;
}

static void kill_case(const struct scene_case *one)
{
    uint64_t calls = count_calls(one);

    tap_note("%s: %llu port calls", one->name, (unsigned long long)calls);
    for (uint64_t call = 1; call <= calls; call++) {
        if (!try_kill(one, call, false) || !try_kill(one, call, true)) {
            tap_note("killed in call %llu of: %s", (unsigned long long)call, one->name);
            return;
        }
    }
}

TAP_TEST(a_server_that_dies_in_any_port_call_leaves_all_of_a_request_or_nothing)
{
    for (size_t i = 0; i < SCENE_SETS; i++) {
        const struct scene_set *set = &scene_sets[i];

        tap_note("%s:", set->name);
        set->make(&template);
        set->make(&tried);
        snapshot_take(template.world, &before);
        for (size_t j = 0; j < *set->count; j++) {
            kill_case(&set->cases[j]);
        }
        scene_free(&template);
        scene_free(&tried);
    }
}

TAP_TEST(a_server_that_dies_while_it_writes_names_the_torn_space)
{
    uint32_t torn = 0;

    scene_make(&template);
    struct core *core = &template.world->core;
    const struct space *space = world_find(template.world, template.first);

    intent_open(core, space, range_of(1, 2));
    intent_write(core);
    world_restart(template.world);
    EXPECT_ERR(core_recover(core, &torn), ERR_STALE);
    EXPECT_U64(torn, template.first);
    scene_free(&template);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_server_that_dies_in_any_port_call_leaves_all_of_a_request_or_nothing),
        TAP(a_server_that_dies_while_it_writes_names_the_torn_space),
    };

    return TAP_RUN(argc, argv, tests);
}
