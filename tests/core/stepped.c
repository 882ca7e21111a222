/* SPDX-License-Identifier: MIT */
#include "stepped.h"

#include <setjmp.h>

#include <tap.h>

struct stepped stepped;

struct space *stepped_space(const struct world *world)
{
    return world_find(world, stepped.first);
}

void stepped_make(const struct stepped_case *cases, size_t count, bool (*step)(void))
{
    stepped.cases = cases;
    stepped.count = count;
    stepped.step = step;
    stepped.template = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    stepped.tried = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    stepped.first = world_space(stepped.template)->number;
    stepped.second = world_space(stepped.template)->number;
}

void stepped_ready(void)
{
    world_map(stepped.template, world_find(stepped.template, stepped.second), STEPPED_OTHER,
              STEPPED_OTHERS, MEM_PROT_READ | MEM_PROT_WRITE);
    world_audit(stepped.template);
    snapshot_take_space(stepped.template, stepped.first, &stepped.before);
}

void stepped_free(void)
{
    world_free(stepped.template);
    world_free(stepped.tried);
}

void stepped_copy(bool has_turns)
{
    world_copy(stepped.tried, stepped.template);
    stepped.tried->core.has_turns = has_turns;
}

void stepped_at_once(size_t index)
{
    stepped_copy(false);
    EXPECT_ERR(stepped.cases[index].run(stepped.tried), ERR_OK);
    EXPECT_U64(stepped_space(stepped.tried)->work.phase, WORK_NONE);
    world_audit(stepped.tried);
    snapshot_take_space(stepped.tried, stepped.first, &stepped.after);
    EXPECT(!snapshot_is_equal(&stepped.before, &stepped.after));
}

void stepped_begin(size_t index)
{
    struct more *more = &stepped.tried->core.more;

    stepped_copy(true);
    EXPECT_ERR(stepped.cases[index].run(stepped.tried), ERR_MORE);
    EXPECT(more->ticket != 0);
    EXPECT_U64(more->ticket, stepped_space(stepped.tried)->work.ticket);
    *more = (struct more){0};
}

/* The second space goes on; whoever comes to the first finds nothing there. */
static void act_meanwhile(uint32_t page, uint32_t steps)
{
    struct world *world = stepped.tried;
    struct fault_answer answer;

    EXPECT_U64(world_write(world, world_find(world, stepped.second), STEPPED_OTHER + steps, steps),
               FAULT_READY);
    EXPECT_U64(
        fault_handle(&world->core, stepped_space(world), page_to_vpn(page), MEM_PROT_READ, &answer),
        FAULT_NO_REGION);
    world_audit(world);
}

void stepped_compare(void)
{
    for (size_t i = 0; i < stepped.count; i++) {
        uint32_t steps = 0;

        stepped_at_once(i);
        const uint32_t tables = stepped_space(stepped.tried)->shadows;
        stepped_begin(i);
        do {
            act_meanwhile(stepped.cases[i].page, steps);
            steps++;
        } while (!stepped.step());
        core_done(&stepped.tried->core);
        world_audit(stepped.tried);
        tap_note("%s: %u steps", stepped.cases[i].name, steps);
        snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
        EXPECT(snapshot_is_equal(&stepped.found, &stepped.after));
        EXPECT_U64(stepped_space(stepped.tried)->shadows, tables);
        EXPECT(steps > 1);
    }
}

/* Run the case and all its steps, and die in port call `call`. Returns: whether it came to that. */
static bool die_in_call(size_t index, uint64_t call, bool kills_after)
{
    struct port *port = stepped.tried->port;

    stepped_copy(true);
    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    if (setjmp(port->killed) == 0) {
        (void)stepped.cases[index].run(stepped.tried);
        work_finish(&stepped.tried->core, stepped_space(stepped.tried));
        core_done(&stepped.tried->core);
        port->kill_at = 0;
        return false;
    }
    port->kill_at = 0;
    return true;
}

static void expect_all_or_nothing(void)
{
    uint32_t torn;

    world_restart(stepped.tried);
    EXPECT_ERR(core_recover(&stepped.tried->core, &torn), ERR_OK);
    world_audit(stepped.tried);
    snapshot_take_space(stepped.tried, stepped.first, &stepped.found);
    EXPECT(snapshot_is_equal(&stepped.found, &stepped.before) ||
           snapshot_is_equal(&stepped.found, &stepped.after));
    EXPECT_U64(stepped_space(stepped.tried)->work.phase, WORK_NONE);
}

/*
 * Die after each number of steps, the last excepted: recovery makes those that are left.
 *
 * Returns: how often.
 */
static uint32_t die_between_steps(size_t index)
{
    for (uint32_t steps = 0;; steps++) {
        stepped_begin(index);
        for (uint32_t i = 0; i < steps; i++) {
            if (stepped.step()) {
                return steps;
            }
        }
        expect_all_or_nothing();
        EXPECT(snapshot_is_equal(&stepped.found, &stepped.after));
    }
}

void stepped_die(void)
{
    for (size_t i = 0; i < stepped.count; i++) {
        uint64_t call = 1;

        stepped_at_once(i);
        while (die_in_call(i, call, false)) {
            expect_all_or_nothing();
            EXPECT(die_in_call(i, call, true));
            expect_all_or_nothing();
            call++;
        }
        const uint32_t pauses = die_between_steps(i);

        EXPECT(pauses > 0);
        tap_note("%s: %u port calls, %u times between steps", stepped.cases[i].name,
                 (unsigned)call - 1, pauses);
    }
}
