/* SPDX-License-Identifier: MIT */
/*
 * The server dies in every port call of what is done to and by swapped pages, before or after the
 * call took effect; and every reservation of these is refused once. No page may lose what was
 * written to it, and no frame may be lost or had twice.
 */
#include <tap.h>

#include <mem/prot.h>

#include "swapper.h"

#include "server/core/shadow.h"

#define FRAMES 320u
#define PAGES  24u
#define ENOUGH 60u

/* One thing to be done, on a machine that `prepare` has made ready for it. */
struct deed {
    const char *name;
    void (*prepare)(void);
    enum err (*run)(void);
};

static struct pager_work work;

static uint64_t word_of(uint32_t page)
{
    return UINT64_C(0xc0de0000) + page;
}

static void prepare(void)
{
    swapper_prepare(FRAMES, 64, 8);
    swapper_map(0, PAGES);
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(
            world_write(swapper.patient.world, swapper.client, SWAPPER_AT + page, word_of(page)),
            FAULT_READY);
    }
}

static void start(void)
{
    prepare();
    EXPECT_ERR(op_swap(swapper_core(), swapper.server, swapper.area, true), ERR_OK);
}

/* The hand goes round once, and takes whatever it can. */
static void go_round(void)
{
    const uint64_t low = swapper_core()->head->pool.low;

    swapper_core()->head->pool.low = MODEL_FRAMES;
    reclaim_serve(swapper_core());
    swapper_core()->head->pool.low = low;
}

/* All is in the area, and to be saved. */
static void start_going(void)
{
    start();
    go_round();
}

static void start_saving(void)
{
    start_going();
    EXPECT_ERR(swapper_take(&work), ERR_OK);
}

static void start_saved(void)
{
    start_going();
    swapper_serve();
}

static void start_away(void)
{
    start_saved();
    go_round();
}

static void start_asked(void)
{
    start_away();
    EXPECT(!patient_read(&swapper.patient, swapper.threads[1], SWAPPER_AT));
    EXPECT_ERR(swapper_take(&work), ERR_OK);
}

/* It is there, saved, and mapped for reading. */
static void start_read(void)
{
    start_saved();
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT_U64(swapper_read(page), word_of(page));
    }
}

/* A clone has all that the client has, in memory or not. */
static void start_cloned(void)
{
    struct space *clone = NULL;

    start();
    EXPECT_ERR(
        op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
}

static void start_cloned_saved(void)
{
    start_cloned();
    go_round();
    swapper_serve();
}

static enum err make_an_area(void)
{
    return op_swap(swapper_core(), swapper.server, swapper.area, true);
}

static enum err reclaim(void)
{
    go_round();
    return ERR_OK;
}

static enum err page_out(void)
{
    const struct advise_request request = {.address = world_address(SWAPPER_AT),
                                           .length = PAGES * PAGE_SIZE,
                                           .advice = MEM_ADVISE_PAGEOUT};

    return op_pageout(swapper_core(), swapper.client, &request);
}

/* All is to leave, and some of it with the pager. */
static void start_leaving(void)
{
    start();
    EXPECT_ERR(page_out(), ERR_OK);
    patient_pass(&swapper.patient, 1);
    EXPECT_ERR(swapper_take(&work), ERR_OK);
}

static enum err take(void)
{
    return swapper_take(&work);
}

static enum err answer(void)
{
    return swapper_answer(&work);
}

/* Touch page 5. */
static enum err touch(uint32_t access)
{
    const bool is_answered =
        patient_ask(&swapper.patient, swapper.threads[2],
                    (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + 5, access, word_of(5)});

    return is_answered ? patient_answer(&swapper.patient, swapper.threads[2])->error : ERR_OK;
}

static enum err read_a_page(void)
{
    return touch(MEM_PROT_READ);
}

static enum err write_a_page(void)
{
    return touch(MEM_PROT_WRITE);
}

static enum err clone_the_client(void)
{
    struct space *clone = NULL;

    return op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10},
                    &clone);
}

static enum err unmap_some(void)
{
    return op_unmap(swapper_core(), swapper.client, world_address(SWAPPER_AT + 16), 8 * PAGE_SIZE);
}

static enum err end_the_server(void)
{
    space_end(swapper_core(), swapper.server);
    patient_go_on(&swapper.patient);
    return ERR_OK;
}

static enum err end_the_client(void)
{
    space_end(swapper_core(), swapper.client);
    patient_go_on(&swapper.patient);
    return ERR_OK;
}

static const struct deed deeds[] = {
    {"make a swap area", prepare, make_an_area},
    {"give it pages", start, reclaim},
    {"give it pages of clones", start_cloned, reclaim},
    {"take what is to be saved", start_going, take},
    {"save it", start_saving, answer},
    {"set frames free", start_saved, reclaim},
    {"see whether pages are read", start_read, reclaim},
    {"set frames of clones free", start_cloned_saved, reclaim},
    {"page them out", start, page_out},
    {"page out what is read", start_read, page_out},
    {"save what is to leave", start_leaving, answer},
    {"read what is there", start_saved, read_a_page},
    {"write what is there", start_saved, write_a_page},
    {"write what a clone has too", start_cloned_saved, write_a_page},
    {"read what has gone", start_away, read_a_page},
    {"write what has gone", start_away, write_a_page},
    {"bring it back", start_asked, answer},
    {"clone what has gone", start_away, clone_the_client},
    {"unmap what has gone", start_away, unmap_some},
    {"unmap what is being saved", start_saving, unmap_some},
    {"end the process of the area", start_asked, end_the_server},
    {"end the client", start_away, end_the_client},
};

#define DEEDS (sizeof deeds / sizeof deeds[0])

/* Everything that is still mapped holds what was written to it. */
static void check_contents(void)
{
    if (swapper.client == NULL || swapper.server == NULL) {
        return;
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        if (tree_find(swapper_core(), &swapper.client->tree, SWAPPER_AT + page) != NULL) {
            EXPECT_U64(swapper_read(page), word_of(page));
        }
    }
    world_audit(swapper.patient.world);
}

/* Die in port call `call`. Returns: whether the deed made as many. */
static bool die_in(const struct deed *deed, uint64_t call, bool kills_after)
{
    struct port *port;
    volatile bool has_died = false;

    deed->prepare();
    port = swapper.patient.world->port;
    port->kills_after = kills_after;
    port->kill_at = port->calls + call;
    if (setjmp(port->killed) == 0) {
        EXPECT_ERR(deed->run(), ERR_OK);
    } else {
        has_died = true;
    }
    swapper.patient.world->port->kill_at = 0;
    if (has_died) {
        swapper_restart();
        check_contents();
    }
    swapper_finish();
    return has_died;
}

TAP_TEST(a_server_that_dies_in_any_port_call_for_swap_loses_nothing)
{
    for (size_t i = 0; i < DEEDS; i++) {
        uint64_t call = 1;

        while (die_in(&deeds[i], call, false) && die_in(&deeds[i], call, true)) {
            call++;
        }
        tap_note("%s: %llu port calls", deeds[i].name, (unsigned long long)(call - 1));
    }
}

/* Do it with `left` free frames, none of them kept. Returns: whether all was well at once. */
static bool try_with(const struct deed *deed, uint64_t left)
{
    static uint32_t taken[WORLD_FRAMES];
    uint32_t count = 0;

    deed->prepare();
    struct core *core = swapper_core();

    core_settle(core);
    const uint64_t kept = core->head->pool.kept;
    core->head->pool.kept = 0;
    while (pool_free(core) > left) {
        taken[count] = pool_take(core, FRAME_OBJECT, 0, 0);
        count++;
    }
    core->head->pool.kept = kept;
    const enum err error = deed->run();

    EXPECT(error == ERR_OK || error == ERR_NOMEM);
    while (count > 0) {
        pool_give(core, taken[--count]);
    }
    world_audit(swapper.patient.world);
    if (error != ERR_OK) {
        const enum err again = deed->run();

        /* EXIST: part of it came before it was refused. */
        EXPECT(again == ERR_OK || again == ERR_EXIST);
    }
    swapper.client = space_find(core, swapper.client_number);
    swapper.server = space_find(core, swapper.server_number);
    if (swapper.server != NULL) {
        swapper_serve();
        patient_pass(&swapper.patient, SWAPPER_PATIENCE);
        patient_pass(&swapper.patient, SWAPPER_PATIENCE);
    }
    check_contents();
    swapper_finish();
    return error == ERR_OK;
}

TAP_TEST(a_refused_reservation_for_swap_loses_nothing_and_may_be_tried_again)
{
    for (size_t i = 0; i < DEEDS; i++) {
        for (uint64_t left = 0; left < ENOUGH; left++) {
            (void)try_with(&deeds[i], left);
        }
        tap_note("%s: with 0 to %u frames", deeds[i].name, ENOUGH);
        EXPECT(try_with(&deeds[i], ENOUGH));
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_server_that_dies_in_any_port_call_for_swap_loses_nothing),
        TAP(a_refused_reservation_for_swap_loses_nothing_and_may_be_tried_again),
    };

    return TAP_RUN(argc, argv, tests);
}
