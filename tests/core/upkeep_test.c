/* SPDX-License-Identifier: MIT */
/*
 * Whose budget pays for shared memory, and who does when that one has ended.
 */
#include <tap.h>

#include "world.h"

#include "server/core/shared.h"
#include "server/core/upkeep.h"

#define AT     0x1000u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define RIGHTS (MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE)
#define PAGES  3000u /* of the objects: three pages of their tables, and one above */

static struct world *world;
static struct space *top;
static struct space *child; /* with a budget of its own */

static struct space *make(const struct space *maker_opt, uint64_t frames)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;

    settings.maker = maker_opt == NULL ? 0 : maker_opt->number;
    settings.frames_max = frames;
    EXPECT_ERR(space_make(&world->core, &settings, &space), ERR_OK);
    return space;
}

static void begin(uint64_t frames)
{
    world = world_make(2500, COMMIT_ALWAYS);
    top = make(NULL, 1000);
    child = make(top, frames);
}

static uint64_t used(const struct space *space)
{
    return budget_view(&world->core, space).used;
}

static struct object *make_object(struct space *space)
{
    const struct object_request request = {.bytes = (uint64_t)PAGES * PAGE_SIZE};
    struct object *object = NULL;

    EXPECT_ERR(op_object_make(&world->core, space, &request, &object), ERR_OK);
    return object;
}

static void map(struct space *space, struct object *object)
{
    const struct map_request request = {
        .address = world_address(AT),
        .length = (uint64_t)PAGES * PAGE_SIZE,
        .prot = RW,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED | (object == NULL ? MEM_MAP_ANONYMOUS : 0),
        .object = object,
        .rights = RIGHTS,
    };
    uaddr_t address;

    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
}

static void end(void)
{
    world_audit(world);
    space_end(&world->core, top);
    world_audit(world);
    EXPECT_U64(world->core.head->objects.records, 0);
    world_free(world);
}

TAP_TEST(who_made_shared_memory_pays_for_what_others_touch)
{
    begin(300);
    struct object *object = make_object(child);
    EXPECT_U64(used(child), BUDGET_SPACE + 1);
    map(top, object);
    EXPECT_U64(world_write(world, top, AT, 1), FAULT_READY);
    EXPECT_U64(used(child), BUDGET_SPACE + 1 + 2);
    EXPECT_U64(world_write(world, top, AT + 1, 1), FAULT_READY);
    EXPECT_U64(used(child), BUDGET_SPACE + 1 + 3);
    const uint64_t tables = used(top);
    EXPECT_U64(world_write(world, top, AT + 500, 1), FAULT_READY);
    EXPECT_U64(used(top), tables); /* the shadow stands already */
    world_audit(world);
    EXPECT_ERR(op_object_resize(&world->core, top, object, RIGHTS, PAGE_SIZE), ERR_OK);
    EXPECT_U64(used(child), BUDGET_SPACE + 1 + 2);
    EXPECT_ERR(op_unmap(&world->core, top, world_address(AT), (uint64_t)PAGES * PAGE_SIZE), ERR_OK);
    EXPECT(hold_drop(&world->core, child, object));
    EXPECT_U64(used(child), BUDGET_SPACE);
    space_end(&world->core, child);
    end();
}

TAP_TEST(a_budget_bounds_shared_memory_too)
{
    uint32_t touched = 0;

    begin(60);
    map(child, NULL);
    while (world_write(world, child, AT + touched, 1) == FAULT_READY) {
        touched++;
    }
    EXPECT(touched > 40 && touched < 60);
    EXPECT_U64(used(child), 60);
    EXPECT_U64(world_write(world, child, AT + touched, 1), FAULT_NO_FRAME);
    const struct advise_request populate = {.address = world_address(AT),
                                            .length = 100 * PAGE_SIZE,
                                            .advice = MEM_ADVISE_POPULATE_WRITE};
    EXPECT_ERR(op_advise(&world->core, child, &populate), ERR_NOMEM);
    EXPECT_U64(child->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(child->refusal.value, 60);
    EXPECT_U64(child->refusal.used, 60);
    world_audit(world);
    space_end(&world->core, child);
    end();
}

TAP_TEST(records_of_objects_are_charged_in_shares)
{
    const struct object_request request = {0};
    struct object *object;
    uint32_t made = 0;

    begin(BUDGET_SPACE + 2);
    while (op_object_make(&world->core, child, &request, &object) == ERR_OK) {
        made++;
    }
    EXPECT_U64(made, 2 * UPKEEP_OBJECTS);
    EXPECT_U64(child->refusal.limit, MEM_LIMIT_BUDGET);
    world_audit(world);
    space_end(&world->core, child);
    end();
}

TAP_TEST(a_share_that_was_reserved_for_no_object_comes_back)
{
    begin(BUDGET_SPACE + 1);
    shared_enter(&world->core);
    EXPECT(upkeep_reserve(&world->core, child));
    EXPECT_U64(used(child), BUDGET_SPACE + 1);
    upkeep_cancel(&world->core, child);
    EXPECT_U64(used(child), BUDGET_SPACE);
    (void)make_object(child);
    /* One that is made keeps the share that both would have. */
    EXPECT(upkeep_reserve(&world->core, child));
    upkeep_cancel(&world->core, child);
    EXPECT_U64(used(child), BUDGET_SPACE + 1);
    shared_leave(&world->core);
    space_end(&world->core, child);
    end();
}

TAP_TEST(what_outlives_its_maker_is_paid_for_by_who_lent_him_the_budget)
{
    struct object *object;

    begin(300);
    object = make_object(child);
    map(top, object);
    EXPECT_U64(world_write(world, top, AT, 1), FAULT_READY);
    EXPECT_U64(world_write(world, top, AT + 2000, 1), FAULT_READY);
    const uint64_t mine = used(top) - 300;
    /* Two frames, two pages of the table and one above, and the record. */
    EXPECT_U64(used(child), BUDGET_SPACE + 6);
    space_end(&world->core, child);
    EXPECT_U64(used(top), mine + 6);
    EXPECT_U64(object->payer, top->number);
    world_audit(world);
    EXPECT_U64(world_write(world, top, AT + 1, 1), FAULT_READY);
    EXPECT_U64(used(top), mine + 7);
    EXPECT_ERR(op_unmap(&world->core, top, world_address(AT), (uint64_t)PAGES * PAGE_SIZE), ERR_OK);
    EXPECT_U64(top->object_charge, 0);
    end();
}

TAP_TEST(who_is_refused_a_page_of_anothers_object_is_told_of_the_makers_budget)
{
    begin(BUDGET_SPACE + 4);
    map(top, make_object(child));
    const uint64_t tables = used(top);
    EXPECT_U64(world_write(world, top, AT, 1), FAULT_READY); /* and a page of the table */
    EXPECT_U64(world_write(world, top, AT + 1, 1), FAULT_READY);
    EXPECT_U64(world_write(world, top, AT + 2, 1), FAULT_NO_FRAME);
    const struct advise_request populate = {
        .address = world_address(AT + 2), .length = PAGE_SIZE, .advice = MEM_ADVISE_POPULATE_WRITE};
    EXPECT_ERR(op_advise(&world->core, top, &populate), ERR_NOMEM);
    EXPECT_U64(top->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(top->refusal.value, BUDGET_SPACE + 4);
    EXPECT_U64(top->refusal.used, BUDGET_SPACE + 4);
    EXPECT_U64(top->refusal.asked, 1);
    EXPECT(used(top) > tables);
    world_audit(world);
    space_end(&world->core, child);
    end();
}

TAP_TEST(passing_on_needs_no_frame_that_the_lender_has_left)
{
    const struct object_request small = {0};
    struct object *object;

    begin(100);
    /* 19 of the child's records and 2 of the lender's are a frame more than either. */
    for (uint32_t i = 0; i < UPKEEP_OBJECTS - 2; i++) {
        const uint8_t letters[] = {'/', (uint8_t)('a' + i)};
        const struct name_text text = {letters, 2};

        EXPECT_ERR(op_object_make(&world->core, child, &small, &object), ERR_OK);
        EXPECT_ERR(name_add(&world->core, top, &text, object, RIGHTS), ERR_OK);
    }
    EXPECT_ERR(op_object_make(&world->core, top, &small, &object), ERR_OK);
    EXPECT_ERR(op_object_make(&world->core, top, &small, &object), ERR_OK);
    object = make_object(child);
    map(top, object);
    EXPECT_U64(world_write(world, top, AT + 2000, 1), FAULT_READY);
    world_budget(top, 0);
    const uint64_t before = used(top);
    space_end(&world->core, child);
    /* A frame, two pages of the table, and 2 frames for 21 records, one of which was charged. */
    EXPECT_U64(used(top), before - 100 + 4);
    world_audit(world);
    for (uint32_t i = 0; i < UPKEEP_OBJECTS - 2; i++) {
        const uint8_t letters[] = {'/', (uint8_t)('a' + i)};
        const struct name_text text = {letters, 2};

        EXPECT_ERR(name_remove(&world->core, top, &text), ERR_OK);
    }
    end();
}

/* Die in port call `call` of the child's end. Returns: whether there were so many. */
static bool is_killed_in_call(uint64_t call, bool kills_after)
{
    struct object *object;
    uint32_t torn = 0;

    begin(300);
    object = make_object(child);
    map(top, object);
    map(child, NULL);
    EXPECT_U64(world_write(world, top, AT + 2000, 1), FAULT_READY);
    EXPECT_U64(world_write(world, child, AT, 1), FAULT_READY);
    const uint64_t mine = used(top) - 300;
    const uint32_t numbers[] = {top->number, child->number};
    const uint32_t link = arena_link(&world->core, object);
    struct port *port = world->port;
    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    bool is_killed = setjmp(port->killed) != 0;
    if (!is_killed) {
        space_end(&world->core, child);
    }
    port->kill_at = 0;
    if (is_killed) {
        world_restart(world);
        EXPECT_ERR(core_recover(&world->core, &torn), ERR_OK);
        top = arena_page(&world->core, numbers[0]);
        child = space_find(&world->core, numbers[1]);
        world_audit(world);
        if (child != NULL) {
            space_end(&world->core, child);
        }
    }
    EXPECT_U64(used(top), mine + 4);
    EXPECT_U64(object_at(&world->core, link)->payer, top->number);
    end();
    return is_killed;
}

TAP_TEST(a_server_that_dies_while_objects_are_passed_on_forgets_no_charge)
{
    uint64_t call = 1;

    while (is_killed_in_call(call, false)) {
        EXPECT(is_killed_in_call(call, true));
        call++;
    }
    tap_note("%llu port calls", (unsigned long long)(call - 1));
    EXPECT(call > 3);
}

TAP_TEST(what_outlives_all_payers_is_paid_for_by_nobody)
{
    const struct name_text text = {(const uint8_t *)"/kept", 5};

    begin(300);
    struct space *other = make(NULL, 100);
    struct object *object = make_object(child);
    EXPECT_ERR(name_add(&world->core, child, &text, object, RIGHTS), ERR_OK);
    map(other, object);
    EXPECT_U64(world_write(world, other, AT, 1), FAULT_READY);
    space_end(&world->core, child);
    EXPECT_U64(object->payer, top->number);
    space_end(&world->core, top);
    EXPECT_U64(object->payer, 0);
    EXPECT_U64(world_write(world, other, AT + 1, 1), FAULT_READY);
    world_audit(world);
    EXPECT_ERR(name_remove(&world->core, other, &text), ERR_OK);
    top = other;
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_made_shared_memory_pays_for_what_others_touch),
        TAP(a_budget_bounds_shared_memory_too),
        TAP(records_of_objects_are_charged_in_shares),
        TAP(a_share_that_was_reserved_for_no_object_comes_back),
        TAP(what_outlives_its_maker_is_paid_for_by_who_lent_him_the_budget),
        TAP(who_is_refused_a_page_of_anothers_object_is_told_of_the_makers_budget),
        TAP(passing_on_needs_no_frame_that_the_lender_has_left),
        TAP(a_server_that_dies_while_objects_are_passed_on_forgets_no_charge),
        TAP(what_outlives_all_payers_is_paid_for_by_nobody),
    };

    return TAP_RUN(argc, argv, tests);
}
