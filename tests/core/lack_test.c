/* SPDX-License-Identifier: MIT */
/* Who lacks a frame waits for one, whoever has some by then; whose budget is used up does not. */
#include <tap.h>

#include <mem/prot.h>

#include "swapper.h"

#include "server/core/budget.h"
#include "server/core/fault_quick.h"
#include "server/core/shadow.h"

#define LEAF_PAGES 512u

/* As the shell asks: what becomes of the outcome is judged afterwards. */
static enum fault_outcome write_quick(uint32_t page)
{
    struct core *core = swapper_core();
    struct fault_answer answer;
    const enum fault_outcome outcome =
        fault_quick(core, swapper.client, page_to_vpn(SWAPPER_AT + page), MEM_PROT_WRITE, &answer);

    if (outcome == FAULT_READY) {
        fault_install(core, swapper.client, SWAPPER_AT + page, &answer);
    }
    return outcome;
}

/* Write pages until no frame is there. Returns: the page that found none. */
static uint32_t use_all(void)
{
    enum fault_outcome outcome = FAULT_READY;
    uint32_t page = 0;

    while (outcome == FAULT_READY && page < SWAPPER_FRAMES) {
        outcome = write_quick(page++);
    }
    EXPECT_U64(outcome, FAULT_NO_FRAME);
    return page - 1;
}

static void drop(uint32_t page, uint32_t pages)
{
    EXPECT_ERR(op_advise(swapper_core(), swapper.client,
                         &(struct advise_request){.address = world_address(SWAPPER_AT + page),
                                                  .length = pages * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_DONTNEED}),
               ERR_OK);
}

TAP_TEST(who_found_no_frame_waits_though_others_give_some_before_it_is_judged)
{
    struct core *core;

    for (unsigned is_restarted = 0; is_restarted < 2; is_restarted++) {
        swapper_start(SWAPPER_FRAMES, 256, 8);
        core = swapper_core();
        swapper_map(0, SWAPPER_FRAMES);
        const uint32_t page = use_all();
        core->is_restarted = is_restarted != 0;
        drop(0, page / 2);
        EXPECT(pool_length(core->worker) > 32);
        EXPECT_U64(fault_judge(core, FAULT_NO_FRAME), FAULT_WAIT);
        EXPECT_U64(core->need.kind, NEED_FRAME);
        core->need = (struct need){0};
        core->is_restarted = false;
        swapper_finish();
    }
}

TAP_TEST(whose_budget_is_used_up_does_not_wait_for_a_frame)
{
    struct core *core;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    core = swapper_core();
    swapper_map(0, SWAPPER_FRAMES);
    const uint32_t page = use_all();
    const int64_t left = swapper.client->budget.left;
    EXPECT(budget_draw(core, swapper.client, left));
    EXPECT_U64(write_quick(page), FAULT_NO_FRAME);
    EXPECT_U64(fault_judge(core, FAULT_NO_FRAME), FAULT_NO_FRAME);
    EXPECT_U64(core->need.kind, NEED_NOTHING);
    budget_return(core, swapper.client, left);
    EXPECT_U64(write_quick(page), FAULT_NO_FRAME);
    EXPECT_U64(fault_judge(core, FAULT_NO_FRAME), FAULT_WAIT);
    core->need = (struct need){0};
    swapper_finish();
}

/* A page in each of so many leaves, whose clone needs two frames for each. */
static void spread(uint32_t leaves)
{
    for (uint32_t leaf = 1; leaf <= leaves; leaf++) {
        swapper_map(leaf * LEAF_PAGES, 1);
        swapper_write(leaf * LEAF_PAGES, swapper_word(leaf));
    }
}

TAP_TEST(a_clone_that_needs_more_than_is_set_free_at_once_is_made)
{
    const uint32_t leaves = 40;
    const uint32_t filled = 100;

    swapper_start(SWAPPER_FRAMES, 512, 8);
    spread(leaves);
    swapper_map(0, filled);
    for (uint32_t page = 0; page < filled; page++) {
        swapper_write(page, swapper_word(page));
    }
    const struct wait_counts before = swapper_core()->head->pagers.count;
    const uint64_t waits = swapper_counts().waits;
    const struct patient_answer *answer =
        swapper_ask(swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_CLONE});
    EXPECT_ERR(answer->error, ERR_OK);
    /* It is counted once as a first try, and then as one that is made again. */
    const struct wait_counts *after = &swapper_core()->head->pagers.count;
    EXPECT_U64(after->first - before.first, 1);
    EXPECT_U64(after->again - before.again, swapper_counts().waits - waits - 1);
    EXPECT(after->again != before.again);
    tap_note("waits %llu, swapped %llu, free %llu", (unsigned long long)swapper_counts().waits,
             (unsigned long long)swapper_counts().swapped,
             (unsigned long long)pool_free(swapper_core()));
    EXPECT(swapper_counts().waits > 1);
    EXPECT_U64(swapper_counts().failed, 0);
    world_audit(swapper.patient.world);
    for (uint32_t page = 0; page < filled; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(a_clone_that_needs_more_than_there_is_is_refused)
{
    swapper_start(SWAPPER_FRAMES, 512, 8);
    spread(80);
    const struct patient_answer *answer =
        swapper_ask(swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_CLONE});
    EXPECT_ERR(answer->error, ERR_NOMEM);
    EXPECT(swapper_counts().failed > 0);
    world_audit(swapper.patient.world);
    for (uint32_t leaf = 1; leaf <= 80; leaf++) {
        EXPECT_U64(swapper_read(leaf * LEAF_PAGES), swapper_word(leaf));
    }
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_found_no_frame_waits_though_others_give_some_before_it_is_judged),
        TAP(whose_budget_is_used_up_does_not_wait_for_a_frame),
        TAP(a_clone_that_needs_more_than_is_set_free_at_once_is_made),
        TAP(a_clone_that_needs_more_than_there_is_is_refused),
    };

    return TAP_RUN(argc, argv, tests);
}
