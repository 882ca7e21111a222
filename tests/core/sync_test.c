/* SPDX-License-Identifier: MIT */
/*
 * SYNC: what is saved, who waits for it, and who is told what.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"

static bool ask_sync(unsigned thread)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 8});
}

static enum err error_of(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread])->error;
}

/* Pages AT and AT + 1 are there, and written to. */
static void make_dirty(void)
{
    struct pager_work work;

    stall_sequential();
    EXPECT(!stall_write(0, AT, 100));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(stall_write(1, AT + 1, 101));
    EXPECT_U64(stall.object->unsaved, 2);
}

TAP_TEST(sync_has_what_was_written_saved_and_waits_for_it)
{
    struct pager_work work;
    uint64_t word;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_U64(work.first, 0);
    EXPECT_U64(work.pages, 2);
    /* The pager reads what is to be saved, and nobody can write to it unnoticed. */
    const struct model_entry *leaf =
        model_leaf(stall.patient.world->port, stall.client->kernel, AT);
    EXPECT(leaf == NULL || (leaf->prot & MEM_PROT_WRITE) == 0);
    const struct copy_object_request read = {.space = stall.server,
                                             .object = stall.object,
                                             .rights = MAP_RIGHT_READ,
                                             .address = world_address(FROM + 9),
                                             .length = PAGE_SIZE};
    uint64_t copied;
    EXPECT_ERR(op_copy_object(stall_core(), &read, &copied), ERR_OK);
    EXPECT_U64(world_read(stall.patient.world, stall.server, FROM + 9, &word), FAULT_READY);
    EXPECT_U64(word, 100);
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    EXPECT(ask_sync(0));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_STALE);
    stall_finish();
}

TAP_TEST(sync_waits_for_what_is_being_saved_for_somebody_else)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(!ask_sync(2));
    EXPECT_ERR(stall_next(&(struct pager_work){0}), ERR_WOULD_BLOCK);
    EXPECT(!stall_is_answered(0) && !stall_is_answered(2));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(stall_is_answered(0) && stall_is_answered(2));
    EXPECT_ERR(error_of(2), ERR_OK);
    stall_finish();
}

TAP_TEST(what_is_written_while_it_is_saved_is_dirty_again)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(stall_write(1, AT + 1, 200));
    /* A sync that comes now must have the new word saved too. */
    EXPECT(!ask_sync(2));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(stall.object->unsaved, 1);
    EXPECT(!stall_is_answered(2));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_U64(work.first, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(stall_is_answered(0) && stall_is_answered(2));
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(a_failed_save_is_told_and_the_pages_stay_dirty)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_wrote(&work, ERR_IO), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_IO);
    EXPECT_U64(stall.object->unsaved, 2);
    /* One that is given up too. */
    EXPECT(!ask_sync(1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    patient_pass(&stall.patient, STALL_PATIENCE);
    EXPECT(stall_is_answered(1));
    EXPECT_ERR(error_of(1), ERR_TIMEDOUT);
    EXPECT_U64(stall.object->unsaved, 2);
    stall_finish();
}

/* Every error that there is. */
static const enum err errors[] = {
#define ERROR(name, value, text) ERR_##name,
#include <abi/error.def>
#undef ERROR
};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

TAP_TEST(sync_says_io_whatever_the_pager_gives_for_a_reason)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    for (unsigned i = 0; i < ERRORS; i++) {
        /* Who waits for it, and who comes after a write-back for which nobody waited. */
        EXPECT(!ask_sync(0));
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_ERR(stall_wrote_part(&work, 0, 1, errors[i]), ERR_OK);
        EXPECT_ERR(error_of(0), ERR_IO);
        EXPECT_ERR(stall_wrote_part(&work, 1, 1, errors[i]), ERR_OK);
        EXPECT(ask_sync(1));
        EXPECT_ERR(error_of(1), ERR_IO);
    }
    EXPECT_U64(stall.object->unsaved, 2);
    stall_finish();
}

/* Linux msync() goes on behind what it has waited for, too. */
TAP_TEST(what_sync_has_waited_for_is_not_judged_again)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_UNMAP, AT, 1}));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT(ask_sync(0));
    EXPECT_ERR(error_of(0), ERR_NOMEM);
    stall_finish();
}

/* With turns, as in the system: so many pages that are there a message. */
TAP_TEST(sync_looks_at_many_pages_in_steps)
{
    const uint32_t pages = 320;
    const uint32_t looks = 256;
    struct core *core;
    struct pager_work work;
    uint32_t first = AT;
    enum err error = ERR_WAIT;

    stall_start(pages, 64);
    core = stall_core();
    for (uint32_t i = 0; i < pages; i++) {
        if (!stall_read(0, AT + i)) {
            EXPECT_ERR(stall_next(&work), ERR_OK);
            EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_OK);
        }
    }
    EXPECT(stall_write(0, AT + pages - 1, 5));
    EXPECT_U64(stall.object->resident, pages);
    core->has_turns = true;
    for (unsigned message = 0; message < 2; message++) {
        const struct sync_request request = {
            .address = world_address(first),
            .length = (AT + pages - first) * PAGE_SIZE,
            .flags = MEM_SYNC_SYNC,
        };

        error = op_sync(core, stall.client, &request);
        EXPECT_ERR(error, ERR_WAIT);
        EXPECT_U64(core->need.kind, message == 0 ? NEED_TURN : NEED_SAVED);
        first = message == 0 ? (uint32_t)core->need.progress : first;
    }
    EXPECT_U64(first, AT + looks);
    EXPECT_U64(core->need.page, pages - 1);
    core->need = (struct need){0};
    core->has_turns = false;
    stall_finish();
}

TAP_TEST(a_new_instance_of_the_server_forgets_waits_and_keeps_pages)
{
    struct pager_work work;
    uint32_t torn = 0;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(!stall_read(1, AT + 5));
    EXPECT_ERR(core_recover(stall_core(), &torn), ERR_OK);
    world_audit(stall.patient.world);
    EXPECT_U64(stall.object->unsaved, 2);
    EXPECT_U64(stall.object->resident, 2);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_STALE);
    /* Whoever waited sends his request again. */
    EXPECT(!stall_read(1, AT + 5));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(1, stall_word(5));
    stall_finish();
}

static struct query_region queried(void)
{
    struct query_region region = {0};

    EXPECT_U64(op_query(stall_core(), stall.client, world_address(AT), 1, &region), 1);
    return region;
}

TAP_TEST(query_counts_a_page_of_a_pager_as_dirty_until_it_is_saved)
{
    struct pager_work work;

    stall_start(8, 2);
    make_dirty();
    EXPECT(!stall_read(0, AT + 4));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT_U64(queried().dirty, 2);
    EXPECT(queried().wired >= 3);
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(queried().dirty, 2);
    EXPECT(stall_write(1, AT + 1, 201)); /* again, while it is saved */
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(queried().dirty, 1);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(queried().dirty, 0);
    EXPECT(queried().wired >= 3);
    stall_finish();
}

TAP_TEST(query_counts_pins_of_pages_of_a_pager)
{
    stall_start(8, 2);
    make_dirty();
    EXPECT_U64(queried().pinned, 0);
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_PIN, AT, 2, MEM_PIN_GET}));
    EXPECT_U64(queried().pinned, 2);
    EXPECT(patient_ask(
        &stall.patient, stall.threads[0],
        (uint64_t[WAIT_WORDS]){ASK_UNPIN, patient_answer(&stall.patient, stall.threads[0])->pin}));
    EXPECT_U64(queried().pinned, 0);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(sync_has_what_was_written_saved_and_waits_for_it),
        TAP(sync_waits_for_what_is_being_saved_for_somebody_else),
        TAP(what_is_written_while_it_is_saved_is_dirty_again),
        TAP(a_failed_save_is_told_and_the_pages_stay_dirty),
        TAP(sync_says_io_whatever_the_pager_gives_for_a_reason),
        TAP(what_sync_has_waited_for_is_not_judged_again),
        TAP(sync_looks_at_many_pages_in_steps),
        TAP(a_new_instance_of_the_server_forgets_waits_and_keeps_pages),
        TAP(query_counts_a_page_of_a_pager_as_dirty_until_it_is_saved),
        TAP(query_counts_pins_of_pages_of_a_pager),
    };

    return TAP_RUN(argc, argv, tests);
}
