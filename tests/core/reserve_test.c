/* SPDX-License-Identifier: MIT */
/*
 * Reserves of memory makers: that writing back goes on when every frame is dirty, and whose frames
 * they are.
 */
#include <mem/prot.h>
#include <tap.h>

#include "maker.h"

#include "server/core/budget.h"
#include "server/core/page.h"
#include "server/core/shadow.h"

/* Write to all pages, which are more than there are frames. Returns: how many could be. */
static uint32_t write_all(void)
{
    uint32_t page = 0;

    while (page < MAKER_PAGES && maker_write(page, 1000 + page)) {
        page++;
    }
    return page;
}

TAP_TEST(write_back_goes_on_though_all_memory_is_dirty_and_no_frame_is_free)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_U64(write_all(), MAKER_PAGES);
    EXPECT(maker.saved >= MAKER_PAGES - MAKER_FRAMES);
    EXPECT(maker_view().spent >= MAKER_NEEDS);
    world_audit(maker.patient.world);
    for (uint32_t page = 0; page < MAKER_PAGES; page += 7) {
        EXPECT(maker_write(page, 2000 + page));
    }
    for (uint32_t page = 0; page < MAKER_PAGES; page++) {
        bool is_over =
            patient_ask(&maker.patient, maker.threads[0],
                        (uint64_t[WAIT_WORDS]){ASK_TOUCH, MAKER_AT + page, MEM_PROT_READ});
        while (!is_over && !patient_answer(&maker.patient, maker.threads[0])->is_there &&
               EXPECT(maker_serve())) {
        }
        EXPECT_U64(patient_answer(&maker.patient, maker.threads[0])->value,
                   (page % 7 == 0 ? 2000 : 1000) + page);
    }
    maker_finish();
}

/* What the reserve is for: the same without it. */
TAP_TEST(without_a_reserve_write_back_stops_when_all_memory_is_dirty)
{
    maker_start(MAKER_FRAMES, 0);
    EXPECT(write_all() < MAKER_PAGES);
    maker_finish();
}

TAP_TEST(a_reserve_is_nobodys_but_of_the_process_that_serves_its_pager)
{
    struct space *other;

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    /* One that may be a memory maker too, but is that of nothing here. */
    other = maker_process(SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK);
    world_map(maker.patient.world, other, MAKER_SCRATCH, MAKER_NEEDS,
              MEM_PROT_READ | MEM_PROT_WRITE);
    EXPECT_U64(maker_touch(other, MAKER_SCRATCH, MEM_PROT_WRITE),
               FAULT_READY); /* its tables are there */
    world_map(maker.patient.world, maker.server, MAKER_SCRATCH, 2 * MAKER_RESERVE,
              MEM_PROT_READ | MEM_PROT_WRITE);
    EXPECT_ERR(op_unlock_all(maker_core(), maker.server), ERR_OK);
    EXPECT_ERR(op_advise(maker_core(), maker.server,
                         &(struct advise_request){.address = world_address(MAKER_SCRATCH),
                                                  .length = 2 * MAKER_RESERVE * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_DONTNEED}),
               ERR_OK);
    maker_take_all();
    core_settle(maker_core());
    EXPECT_U64(pool_free(maker_core()), MAKER_RESERVE);
    EXPECT_U64(maker_touch(other, MAKER_SCRATCH + 1, MEM_PROT_WRITE), FAULT_NO_FRAME);
    EXPECT_U64(maker_touch(maker.root, MAKER_SCRATCH, MEM_PROT_WRITE), FAULT_NO_REGION);
    EXPECT(!reserve_is_for(maker_core(), maker.root)); /* it pays, but another one serves */
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    uint32_t pages = 0;
    while (maker_touch(maker.server, MAKER_SCRATCH + pages, MEM_PROT_WRITE) == FAULT_READY) {
        pages++;
    }
    EXPECT_U64(pages, MAKER_RESERVE);
    EXPECT_U64(maker_view().left, 0);
    EXPECT_U64(maker_view().spent, MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(a_maker_that_waits_for_a_frame_has_one_of_its_reserve_when_nobody_has_any)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    struct thread *thread = patient_thread(&maker.patient, maker.server);
    EXPECT_ERR(op_unlock_all(maker_core(), maker.server), ERR_OK);
    world_map(maker.patient.world, maker.server, MAKER_SCRATCH, 2, MEM_PROT_READ | MEM_PROT_WRITE);
    maker_take_all();
    /* The client waits for good, and the maker is answered. */
    EXPECT(
        !patient_write(&maker.patient, maker.threads[0], MAKER_TAKEN + 2 * MAKER_FRAMES - 1, 1) ||
        patient_answer(&maker.patient, maker.threads[0])->error == ERR_NOMEM);
    (void)patient_write(&maker.patient, thread, MAKER_SCRATCH, 2);
    patient_go_on(&maker.patient);
    EXPECT(patient_answer(&maker.patient, thread)->is_there);
    EXPECT_ERR(patient_answer(&maker.patient, thread)->error, ERR_OK);
    EXPECT(maker_view().left < MAKER_RESERVE);
    maker_finish();
}

/*
 * A request of the maker is refused for want of a frame as often as it is tried, with `progress`
 * more done each time, or `words` more as its words say. Returns: how often it was tried.
 */
static unsigned try_in_vain(uint64_t progress, uint64_t words)
{
    struct core *core = maker_core();
    struct thread *thread = patient_thread(&maker.patient, maker.server);
    const struct wait_counts before = core->head->pagers.count;
    const struct wait_counts *count = &core->head->pagers.count;
    struct wait_request request = {.serial = 1, .words = {1}};
    enum err error = ERR_OK;
    unsigned tries = 0;

    maker_take_all();
    while (error == ERR_OK && tries < 100) {
        tries++;
        request.words[1] = tries * words;
        wait_need(core,
                  &(struct need){.kind = NEED_FRAME, .pages = 1, .progress = tries * progress});
        error = wait_begin(core, maker.server, thread, &request);
        for (unsigned runs = 0; error == ERR_OK && thread->wait.state != WAIT_READY && runs < 20;
             runs++) {
            EXPECT(reclaim_is_wanted(core));
            reclaim_serve(core);
        }
        EXPECT(error != ERR_OK || wait_take(core) == thread);
    }
    EXPECT_ERR(error, tries < 100 ? ERR_NOMEM : ERR_OK);
    /* Each wait that it got further for is a first one; the try that is refused waits no more. */
    const uint64_t waits = tries - (error == ERR_OK ? 0 : 1);
    const uint64_t first = progress == 0 && words == 0 ? 1 : waits;
    EXPECT_U64(count->first - before.first, first);
    EXPECT_U64(count->again - before.again, waits - first);
    core_done(core);
    wait_finish(core, thread);
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    return tries;
}

TAP_TEST(what_no_frame_of_a_reserve_mends_is_refused_in_the_end)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    const unsigned tries = try_in_vain(0, 0);
    EXPECT(tries >= 2 && tries <= 10);
    maker_finish();
}

TAP_TEST(a_request_that_gets_on_with_its_reserve_goes_on_having_it)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_U64(try_in_vain(1, 0), 100);
    maker_finish();
}

TAP_TEST(a_request_whose_words_say_that_it_gets_on_goes_on_having_its_reserve)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_U64(try_in_vain(0, 1), 100);
    maker_finish();
}

TAP_TEST(a_reserve_is_filled_again_before_anybody_has_a_frame)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    world_map(maker.patient.world, maker.server, MAKER_SCRATCH, MAKER_NEEDS, MEM_PROT_NONE);
    maker_take_all();
    EXPECT(maker_has_scratch());
    const uint64_t left = maker_view().left;
    EXPECT(left <= MAKER_RESERVE - MAKER_NEEDS);
    /* Less than what is missing: nothing of it is anybody's. */
    EXPECT_ERR(op_unmap(maker_core(), maker.client, world_address(MAKER_TAKEN), 2 * PAGE_SIZE),
               ERR_OK);
    core_done(maker_core());
    EXPECT_U64(maker_touch(maker.client, MAKER_TAKEN + 2 * MAKER_FRAMES - 1, MEM_PROT_WRITE),
               FAULT_NO_FRAME);
    EXPECT_U64(maker_view().left, left + 2);
    /* And what is given back beyond it is. */
    maker_drop_scratch();
    EXPECT_ERR(op_unmap(maker_core(), maker.client, world_address(MAKER_TAKEN + 2), 4 * PAGE_SIZE),
               ERR_OK);
    core_done(maker_core());
    EXPECT_U64(maker_touch(maker.client, MAKER_TAKEN + 2 * MAKER_FRAMES - 1, MEM_PROT_WRITE),
               FAULT_READY);
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(a_page_that_a_maker_asks_for_is_promised_out_of_its_reserve)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    maker_take_all();
    core_settle(maker_core());
    const uint64_t kept = maker_core()->head->pool.kept;
    shared_enter(maker_core());
    EXPECT(!pool_can_promise(maker_core()));
    maker_core()->spender = maker.server->number;
    EXPECT(pool_can_promise(maker_core()));
    maker_core()->spender = 0;
    shared_leave(maker_core());
    EXPECT_U64(maker_view().left, MAKER_RESERVE - 1);
    EXPECT_U64(maker_core()->head->pool.kept, kept - 1); /* until it is promised */
    maker_finish();
}

static enum shadow_state state_at(const struct space *space, uint32_t page)
{
    return shadow_entry_state(page_entry(maker_core(), space, page));
}

TAP_TEST(pages_of_who_has_to_start_a_maker_are_not_taken)
{
    const struct pager_object_request request = {
        .key = 2, .bytes = 64 * PAGE_SIZE, .patience = MAKER_PATIENCE, .window = MAKER_WINDOW};
    struct object *area = NULL;

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_ERR(op_pager_object(maker_core(), maker.server, maker.named, &request, &area), ERR_OK);
    EXPECT_ERR(op_swap(maker_core(), maker.server, area, true), ERR_OK);
    world_map(maker.patient.world, maker.root, MAKER_SCRATCH, 1, MEM_PROT_READ | MEM_PROT_WRITE);
    world_map(maker.patient.world, maker.client, MAKER_TAKEN, 1, MEM_PROT_READ | MEM_PROT_WRITE);
    EXPECT_U64(maker_touch(maker.root, MAKER_SCRATCH, MEM_PROT_WRITE), FAULT_READY);
    EXPECT_U64(maker_touch(maker.client, MAKER_TAKEN, MEM_PROT_WRITE), FAULT_READY);
    maker_core()->head->pool.low = MODEL_FRAMES;
    for (unsigned i = 0; i < 4; i++) {
        reclaim_serve(maker_core());
    }
    maker_core()->head->pool.low = 0;
    EXPECT_U64(state_at(maker.client, MAKER_TAKEN), SHADOW_SWAPPED);
    EXPECT_U64(state_at(maker.root, MAKER_SCRATCH), SHADOW_OWN);
    EXPECT_U64(state_at(maker.server, MAKER_FROM), SHADOW_OWN);
    maker_finish();
}

TAP_TEST(a_reserve_outlives_the_server)
{
    uint32_t torn = 0;

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    maker_take_all();
    EXPECT(maker_has_scratch());
    const struct reserve_view before = maker_view();
    EXPECT(before.left <= MAKER_RESERVE - MAKER_NEEDS);
    EXPECT_ERR(core_recover(maker_core(), &torn), ERR_OK);
    world_audit(maker.patient.world);
    EXPECT_U64(maker_view().left, before.left);
    EXPECT_U64(maker_view().frames, MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(who_may_not_have_a_reserve_is_told_and_who_has_one_pays)
{
    struct core *core;
    struct object *named = NULL;
    struct pager_request request = {.reserve = 8, .is_served = true};

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    core = maker_core();
    EXPECT_ERR(op_pager_make(core, maker.client, &request, &named), ERR_PERM);
    EXPECT_ERR(op_pager_make(core, maker.root, &request, &named), ERR_INVAL); /* not locked */
    request.is_served = false;
    request.reserve = RESERVE_MOST + 1;
    EXPECT_ERR(op_pager_make(core, maker.root, &request, &named), ERR_INVAL);
    request.reserve = 8;
    world_budget(maker.root, 8);
    EXPECT_ERR(op_pager_make(core, maker.root, &request, &named), ERR_NOMEM);
    world_audit(maker.patient.world);
    EXPECT_U64(maker_view().frames, MAKER_RESERVE);
    world_budget(maker.root, 16);
    EXPECT_ERR(op_pager_make(core, maker.root, &request, &named), ERR_OK);
    EXPECT(maker.root->budget.left <= 16 - 9);
    EXPECT_U64(maker_view().frames, MAKER_RESERVE + 8);
    /* Nobody but a process that could have made it serves it. */
    EXPECT_ERR(op_pager_attach(core, maker.client, named), ERR_PERM);
    world_budget(maker.root, 64);
    struct space *other = maker_process(SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK);
    EXPECT_ERR(op_pager_attach(core, other, named), ERR_PERM);
    EXPECT_ERR(op_lock_all(core, other, MEM_LOCK_FUTURE), ERR_OK);
    EXPECT_ERR(op_pager_attach(core, other, named), ERR_OK);
    /* Not as many are there. */
    world_budget(maker.root, 1000);
    request.reserve = MAKER_FRAMES;
    EXPECT_ERR(op_pager_make(core, maker.root, &request, &named), ERR_NOMEM);
    EXPECT_U64(maker_view().frames, MAKER_RESERVE + 8);
    maker_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(write_back_goes_on_though_all_memory_is_dirty_and_no_frame_is_free),
        TAP(without_a_reserve_write_back_stops_when_all_memory_is_dirty),
        TAP(a_reserve_is_nobodys_but_of_the_process_that_serves_its_pager),
        TAP(a_maker_that_waits_for_a_frame_has_one_of_its_reserve_when_nobody_has_any),
        TAP(what_no_frame_of_a_reserve_mends_is_refused_in_the_end),
        TAP(a_request_that_gets_on_with_its_reserve_goes_on_having_it),
        TAP(a_request_whose_words_say_that_it_gets_on_goes_on_having_its_reserve),
        TAP(a_reserve_is_filled_again_before_anybody_has_a_frame),
        TAP(a_page_that_a_maker_asks_for_is_promised_out_of_its_reserve),
        TAP(pages_of_who_has_to_start_a_maker_are_not_taken),
        TAP(a_reserve_outlives_the_server),
        TAP(who_may_not_have_a_reserve_is_told_and_who_has_one_pays),
    };

    return TAP_RUN(argc, argv, tests);
}
