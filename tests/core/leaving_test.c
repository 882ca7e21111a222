/* SPDX-License-Identifier: MIT */
/*
 * Pages that are to leave as soon as they are saved (PAGEOUT): how objects and pagers share what
 * may be saved at once and looked at.
 */
#include <tap.h>

#include <mem/prot.h>

#include "stall.h"

#include "server/core/op_pageout.h"
#include "server/core/writeback.h"

#define FIRST  0x1000u /* where the client maps objects */
#define SECOND 0x2000u
#define PAGES  8u
#define MANY   600u

/* A pager with one object, or another object of one. */
struct leaver {
    struct space *server;
    struct object *named;
    struct object *object;
    uint32_t at;
    uint32_t saves; /* pieces of work that were begun */
};

static struct leaver first;
static struct leaver second;

static enum err next_work(const struct leaver *leaver, struct pager_work *work)
{
    return op_pager_next(stall_core(), leaver->server, leaver->named, work);
}

static void supply(const struct leaver *leaver, const struct pager_work *work)
{
    const struct supply_request request = {.number = work->number,
                                           .first = work->first,
                                           .pages = work->pages,
                                           .generation = work->generation,
                                           .way = SUPPLY_ZERO};
    uint64_t done;

    EXPECT_U64(work->kind, PAGER_WORK_PULL);
    EXPECT_ERR(op_supply(stall_core(), leaver->server, leaver->named, &request, &done), ERR_OK);
    patient_go_on(&stall.patient);
}

static void wrote(const struct leaver *leaver, const struct pager_work *work)
{
    const struct settle_request request = {.number = work->number,
                                           .first = work->first,
                                           .pages = work->pages,
                                           .generation = work->generation};

    EXPECT_U64(work->kind, PAGER_WORK_SAVE);
    EXPECT_ERR(op_supply_wrote(stall_core(), leaver->server, leaver->named, &request), ERR_OK);
    op_pageout_finish(stall_core());
}

/* An object of so many pages, each of which is asked for and saved alone; all are written to. */
static void make_dirty(struct leaver *leaver, uint32_t pages, uint32_t at)
{
    const struct pager_object_request request = {
        .key = at, .bytes = (uint64_t)pages * PAGE_SIZE, .patience = STALL_PATIENCE, .window = 1};
    struct pager_work work;

    EXPECT_ERR(
        op_pager_object(stall_core(), leaver->server, leaver->named, &request, &leaver->object),
        ERR_OK);
    leaver->at = at;
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, at, pages,
                                              MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED,
                                              leaver->object->number, 0}));
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT(!patient_write(&stall.patient, stall.threads[0], at + page, page));
        EXPECT_ERR(next_work(leaver, &work), ERR_OK);
        supply(leaver, &work);
        EXPECT(patient_answer(&stall.patient, stall.threads[0])->is_there);
    }
    EXPECT_U64(leaver->object->unsaved, pages);
}

static void out(const struct leaver *leaver, uint32_t pages)
{
    const struct advise_request request = {.address = world_address(leaver->at),
                                           .length = (uint64_t)pages * PAGE_SIZE,
                                           .advice = MEM_ADVISE_PAGEOUT};

    EXPECT_ERR(op_pageout(stall_core(), stall.client, &request), ERR_OK);
    core_done(stall_core());
    world_audit(stall.patient.world);
}

/* All of them are in use again, before one is saved. */
static void touch_all(const struct leaver *leaver, uint32_t pages)
{
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT(patient_read(&stall.patient, stall.threads[0], leaver->at + page));
    }
}

static void start(void)
{
    stall_start(1, 1);
    first = (struct leaver){.server = stall.server, .named = stall.named};
    second = first;
}

/* The second one is of another pager, which was made later. */
static void start_two_pagers(void)
{
    start();
    second.server = world_space(stall.patient.world);
    EXPECT_ERR(op_pager_make(stall_core(), second.server,
                             &(struct pager_request){.is_served = true}, &second.named),
               ERR_OK);
}

static void finish(void)
{
    if (second.server != first.server) {
        space_end(stall_core(), second.server);
    }
    stall_finish();
}

/* What is to be begun now. */
static void step(void)
{
    patient_pass(&stall.patient, 0);
}

static struct leaver *leaver_of(const struct pager_work *work)
{
    return work->number == first.object->number ? &first : &second;
}

TAP_TEST(objects_of_a_pager_take_turns)
{
    struct pager_work works[WRITEBACK_PULLS];
    uint32_t taken = 0;

    start();
    make_dirty(&first, PAGES, FIRST);
    make_dirty(&second, PAGES, SECOND);
    out(&first, PAGES);
    out(&second, PAGES);
    step();
    while (taken < WRITEBACK_PULLS && next_work(&first, &works[taken]) == ERR_OK) {
        leaver_of(&works[taken])->saves++;
        taken++;
    }
    EXPECT_U64(taken, WRITEBACK_PULLS / 2);
    EXPECT_U64(first.saves, taken / 2);
    EXPECT_U64(second.saves, taken / 2);
    /* One after the other is saved: neither is ahead by more than one. */
    for (uint32_t done = 0; done < 2 * PAGES; done++) {
        wrote(&first, &works[done % taken]);
        step();
        if (done + taken < 2 * PAGES) {
            EXPECT_ERR(next_work(&first, &works[done % taken]), ERR_OK);
            leaver_of(&works[done % taken])->saves++;
        }
        EXPECT(first.saves <= second.saves + 1 && second.saves <= first.saves + 1);
        world_audit(stall.patient.world);
    }
    EXPECT_U64(first.object->resident + second.object->resident, 0);
    EXPECT_U64(stall_core()->head->pagers.is_leaving, 0);
    finish();
}

TAP_TEST(an_object_with_nothing_left_to_save_holds_up_no_other_one_of_its_pager)
{
    struct pager_work work;

    start();
    make_dirty(&first, 1, FIRST);
    make_dirty(&second, MANY, SECOND); /* it comes first in the list of objects, too */
    out(&second, MANY);
    out(&first, 1);
    touch_all(&second, MANY);
    step();
    REQUIRE(EXPECT_ERR(next_work(&first, &work), ERR_OK));
    EXPECT_U64(work.number, first.object->number);
    wrote(&first, &work);
    EXPECT_U64(first.object->resident, 0);
    EXPECT_U64(second.object->resident, MANY);
    finish();
}

TAP_TEST(a_pager_with_nothing_left_to_save_holds_up_no_other_one_for_long)
{
    struct pager_work work;

    start_two_pagers();
    make_dirty(&first, 1, FIRST);
    make_dirty(&second, MANY, SECOND);
    out(&second, MANY);
    out(&first, 1);
    touch_all(&second, MANY);
    step();
    EXPECT(stall_core()->head->pagers.deadline <= stall_core()->time + 1); /* more is to be done */
    patient_pass(&stall.patient, 1);
    REQUIRE(EXPECT_ERR(next_work(&first, &work), ERR_OK));
    wrote(&first, &work);
    EXPECT_U64(first.object->resident, 0);
    for (uint32_t steps = 0; steps < MANY / (WRITEBACK_LOOKS / 2); steps++) {
        patient_pass(&stall.patient, 1);
    }
    EXPECT_U64(stall_core()->head->pagers.is_leaving, 0);
    EXPECT_ERR(next_work(&second, &work), ERR_WOULD_BLOCK);
    finish();
}

TAP_TEST(an_object_that_goes_before_its_pages_have_left_is_forgotten)
{
    struct pager_work work;

    start();
    make_dirty(&first, PAGES, FIRST);
    make_dirty(&second, PAGES, SECOND);
    out(&first, PAGES);
    out(&second, PAGES);
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_UNMAP, FIRST, PAGES}));
    const uint64_t number = first.object->number;
    EXPECT(hold_drop(stall_core(), stall.server, first.object));
    core_done(stall_core());
    world_audit(stall.patient.world);
    step();
    for (uint32_t i = 0; i < WRITEBACK_PULLS / 2; i++) {
        EXPECT_ERR(next_work(&second, &work), ERR_OK);
        EXPECT(work.kind != PAGER_WORK_SAVE || work.number != number);
    }
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(objects_of_a_pager_take_turns),
        TAP(an_object_with_nothing_left_to_save_holds_up_no_other_one_of_its_pager),
        TAP(a_pager_with_nothing_left_to_save_holds_up_no_other_one_for_long),
        TAP(an_object_that_goes_before_its_pages_have_left_is_forgotten),
    };

    return TAP_RUN(argc, argv, tests);
}
