/* SPDX-License-Identifier: MIT */
/*
 * The server dies in every port call of what is done for and by pagers, before or after the call
 * took effect; and every reservation of these is refused once.
 *
 * A new instance forgets who waited: those send their requests again, and it must go on as if the
 * pager had taken nothing.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"

#define PAGES  8u
#define ENOUGH 40u

/* One thing to be done, on a stall that `prepare` has made ready for it. */
struct deed {
    const char *name;
    void (*prepare)(void);
    enum err (*run)(void);
};

static struct pager_work work;

static void start(void)
{
    stall_start_waiting(PAGES, 4);
    stall_sequential();
}

/* A page is asked for, by thread 0, and the pager has taken that and prepared its pages. */
static void start_asked(void)
{
    start();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    for (uint64_t i = 0; i < work.pages; i++) {
        stall_fill(work.first + i);
    }
}

/* Two pages are written to, and to be saved. */
static void start_dirty(void)
{
    start_asked();
    EXPECT_ERR(stall_supply_raw(&work, 0, work.pages, SUPPLY_COPY), ERR_OK);
    EXPECT(stall_write(1, AT, 100));
    EXPECT(stall_write(1, AT + 1, 101));
    EXPECT(!patient_ask(&stall.patient, stall.threads[2],
                        (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, PAGES}));
}

static void start_saving(void)
{
    start_dirty();
    EXPECT_ERR(stall_next(&work), ERR_OK);
}

static void start_orphaned(void)
{
    start_asked();
    stall_end_server();
    stall.server = world_space(stall.patient.world);
    stall.server_number = stall.server->number;
    world_map(stall.patient.world, stall.server, FROM, 256, MEM_PROT_READ | MEM_PROT_WRITE);
}

/* Some pages are there, and thread 1 pins them and one more, for which it waits. */
static void start_pinning(void)
{
    start_asked();
    EXPECT_ERR(stall_supply_raw(&work, 0, work.pages, SUPPLY_COPY), ERR_OK);
    const uint64_t there = work.first + work.pages;

    EXPECT(!patient_ask(
        &stall.patient, stall.threads[1],
        (uint64_t[WAIT_WORDS]){ASK_PIN, AT, there + 1, MEM_PIN_GET | MEM_PIN_MAY_DROP}));
    EXPECT_U64(stall.client->pinned, there);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    for (uint64_t i = 0; i < work.pages; i++) {
        stall_fill(work.first + i);
    }
}

static void start_supplied(void)
{
    start_asked();
    EXPECT_ERR(stall_supply_raw(&work, 0, work.pages, SUPPLY_COPY), ERR_OK);
}

static enum err make_a_pager(void)
{
    struct object *named;

    return op_pager_make(stall_core(), stall.server, &(struct pager_request){.is_served = true},
                         &named);
}

static enum err make_an_object(void)
{
    const struct pager_object_request request = {.bytes = PAGE_SIZE, .patience = 1, .window = 1};
    struct object *object;

    return op_pager_object(stall_core(), stall.server, stall.named, &request, &object);
}

static enum err ask_for_a_page(void)
{
    const bool is_answered = stall_read(3, AT + 5);

    return is_answered ? patient_answer(&stall.patient, stall.threads[3])->error : ERR_OK;
}

static enum err supply(enum supply_way way)
{
    const struct supply_request request = {
        .number = work.number,
        .first = work.first,
        .pages = work.pages,
        .generation = work.generation,
        .address = world_address(FROM + (uint32_t)work.first),
        .way = way,
    };
    uint64_t done;
    const enum err error = op_supply(stall_core(), stall.server, stall.named, &request, &done);

    /* What was filled stays so: the next try is about the rest. */
    work.first += done;
    work.pages -= (uint32_t)done;
    patient_go_on(&stall.patient);
    return error;
}

static enum err supply_by_copying(void)
{
    return supply(SUPPLY_COPY);
}

static enum err supply_by_moving(void)
{
    return supply(SUPPLY_MOVE);
}

/* Frames for what is asked for, and more that are not there yet. */
static enum err grant_frames(void)
{
    const uint32_t pages = (uint32_t)work.pages + 2;

    return op_pager_grant(stall_core(), stall.server, world_address(FROM + (uint32_t)work.first),
                          pages) == pages
               ? ERR_OK
               : ERR_NOMEM;
}

static enum err supply_zeros(void)
{
    return supply(SUPPLY_ZERO);
}

/* All pages, of which some are there; the space is kept while it waits for the others. */
static enum err pin_what_is_partly_there(void)
{
    const bool is_answered =
        patient_ask(&stall.patient, stall.threads[1],
                    (uint64_t[WAIT_WORDS]){ASK_PIN, AT, PAGES, MEM_PIN_GET | MEM_PIN_WRITE});

    return is_answered ? patient_answer(&stall.patient, stall.threads[1])->error : ERR_OK;
}

static enum err take_what_is_to_be_saved(void)
{
    return stall_next(&work);
}

static enum err say_that_it_is_saved(void)
{
    return stall_wrote(&work, ERR_OK);
}

static enum err shrink(void)
{
    return op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                            PAGE_SIZE + 1);
}

static enum err attach(void)
{
    return op_pager_attach(stall_core(), stall.server, stall.named);
}

static enum err end_the_pager(void)
{
    space_end(stall_core(), stall.server);
    patient_go_on(&stall.patient);
    return ERR_OK;
}

/* The pager has another object, which nobody else has; both have pages that are not saved. */
static void start_with_two(void)
{
    const struct pager_object_request request = {
        .bytes = PAGE_SIZE, .patience = STALL_PATIENCE, .window = 1, .flags = OBJECT_WAITS};
    struct object *object;

    start_saving();
    EXPECT_ERR(op_pager_object(stall_core(), stall.server, stall.named, &request, &object), ERR_OK);
}

static void start_replaced(void)
{
    start_with_two();
    stall_end_server();
    stall_attach();
}

/* A pager without a process, of which the client has the last handle, and thread 3 waits. */
static void start_nearly_abandoned(void)
{
    start_with_two();
    EXPECT(!stall_read(3, AT + 6));
    stall_end_server();
}

static enum err adopt(void)
{
    struct object *object;
    enum err error = op_pager_adopt(stall_core(), stall.server, stall.named, UINT64_MAX, &object);

    if (error == ERR_OK) {
        op_pager_adopted(stall_core(), object);
    }
    return error;
}

static enum err abandon(void)
{
    EXPECT(hold_drop(stall_core(), stall.client, stall.named));
    patient_go_on(&stall.patient);
    return ERR_OK;
}

static enum err end_the_client(void)
{
    space_end(stall_core(), stall.client);
    patient_go_on(&stall.patient);
    return ERR_OK;
}

static const struct deed deeds[] = {
    {"make a pager", start, make_a_pager},
    {"make an object of it", start, make_an_object},
    {"ask for a page", start_asked, ask_for_a_page},
    {"supply by copying", start_asked, supply_by_copying},
    {"supply by moving", start_asked, supply_by_moving},
    {"supply zeros", start_asked, supply_zeros},
    {"grant frames", start_asked, grant_frames},
    {"take what is to be saved", start_dirty, take_what_is_to_be_saved},
    {"say that it is saved", start_saving, say_that_it_is_saved},
    {"shrink an object", start_saving, shrink},
    {"attach", start_orphaned, attach},
    {"end the pager", start_saving, end_the_pager},
    {"end the pager, which alone has an object", start_with_two, end_the_pager},
    {"adopt an object", start_replaced, adopt},
    {"let the last handle to a pager go", start_nearly_abandoned, abandon},
    {"end the client, which has that", start_nearly_abandoned, end_the_client},
    {"end the client", start_asked, end_the_client},
    {"pin pages of which some are there", start_supplied, pin_what_is_partly_there},
    {"supply what a pin waits for", start_pinning, supply_by_copying},
    {"end the client, which pins", start_pinning, end_the_client},
    {"end the pager, for which a pin waits", start_pinning, end_the_pager},
};

#define DEEDS (sizeof deeds / sizeof deeds[0])

/* Whoever waited asks again, and is served. */
static void go_on(void)
{
    if (stall.client == NULL || stall.server == NULL || stall.object == NULL) {
        return;
    }
    if (pager_of(stall_core(), stall.named)->space == 0) {
        EXPECT_ERR(op_pager_attach(stall_core(), stall.server, stall.named), ERR_OK);
    }
    for (uint32_t link = stall.client->pin_first; link != 0;
         link = pin_at(stall_core(), link)->next) {
        EXPECT_U64(pin_at(stall_core(), link)->state, PIN_STANDING); /* the others have gone */
    }
    EXPECT_U64(stall.client->kept, 0);
    for (unsigned i = 0; i < 2; i++) {
        if (!stall_read(i, AT + i)) {
            EXPECT_ERR(stall_next(&work), ERR_OK);
            EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
        }
        EXPECT(stall_is_answered(i));
        EXPECT_ERR(patient_answer(&stall.patient, stall.threads[i])->error, ERR_OK);
    }
}

/* Die in port call `call`. Returns: whether the deed made as many. */
static bool die_in(const struct deed *deed, uint64_t call, bool kills_after)
{
    struct port *port;
    volatile bool has_died = false;

    deed->prepare();
    port = stall.patient.world->port;
    port->kill_at = port->calls + call;
    port->kills_after = kills_after;
    if (setjmp(port->killed) == 0) {
        EXPECT_ERR(deed->run(), ERR_OK);
    } else {
        has_died = true;
    }
    stall.patient.world->port->kill_at = 0;
    if (has_died) {
        stall_restart();
        go_on();
    }
    stall_finish();
    return has_died;
}

TAP_TEST(a_server_that_dies_in_any_port_call_for_a_pager_goes_on)
{
    for (size_t i = 0; i < DEEDS; i++) {
        uint64_t call = 1;

        while (die_in(&deeds[i], call, false) && die_in(&deeds[i], call, true)) {
            call++;
        }
        tap_note("%s: %llu port calls", deeds[i].name, (unsigned long long)(call - 1));
    }
}

/* Take all free frames but `left`, to be given back. */
static uint32_t take_frames(uint64_t left, uint32_t *taken)
{
    const uint64_t kept = stall_core()->head->pool.kept;
    uint32_t count = 0;

    core_settle(stall_core());
    stall_core()->head->pool.kept = 0; /* what is kept for supplies too */
    while (pool_free(stall_core()) > left) {
        taken[count] = pool_take(stall_core(), FRAME_OBJECT, 0, 0);
        count++;
    }
    stall_core()->head->pool.kept = kept;
    return count;
}

/* Do it with `left` free frames. Returns: whether it was done. */
static bool try_with(const struct deed *deed, uint64_t left)
{
    static uint32_t taken[WORLD_FRAMES];

    deed->prepare();
    uint32_t count = take_frames(left, taken);
    const enum err error = deed->run();

    EXPECT(error == ERR_OK || error == ERR_NOMEM);
    while (count > 0) {
        pool_give(stall_core(), taken[--count]);
    }
    world_audit(stall.patient.world);
    if (error != ERR_OK) {
        EXPECT_ERR(deed->run(), ERR_OK);
    }
    stall_finish();
    return error == ERR_OK;
}

TAP_TEST(a_refused_reservation_for_a_pager_may_be_tried_again)
{
    uint64_t refusals = 0;

    for (size_t i = 0; i < DEEDS; i++) {
        uint64_t left = 0;

        while (left < ENOUGH && !try_with(&deeds[i], left)) {
            left++;
        }
        tap_note("%s: %llu frames", deeds[i].name, (unsigned long long)left);
        EXPECT(left < ENOUGH);
        refusals += left;
    }
    EXPECT(refusals > 5);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_server_that_dies_in_any_port_call_for_a_pager_goes_on),
        TAP(a_refused_reservation_for_a_pager_may_be_tried_again),
    };

    return TAP_RUN(argc, argv, tests);
}
