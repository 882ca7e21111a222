/* SPDX-License-Identifier: MIT */
/* Shared memory that is made shorter within a page that is in swap. */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "swapper.h"

/* Bytes of a page's first word that are within the object once it was cut, and what is left. */
#define CUT_BYTES 4u
#define CUT_WORD  UINT64_C(0x1122334455667788)
#define CUT_LEFT  UINT64_C(0x55667788)

/* Shared memory whose fourth page, of eight, holds CUT_WORD, and is to be saved. */
static struct object *start_cut(void)
{
    swapper_start(SWAPPER_FRAMES, 256, 8);
    struct object *object = swapper_map_memory(8);

    swapper_write(3, CUT_WORD);
    swapper_core()->head->pool.low = MODEL_FRAMES;
    reclaim_serve(swapper_core());
    EXPECT_U64(object->swapped, 1);
    return object;
}

/* Make the object end within that page. Returns: what the client is answered. */
static enum err cut(const struct object *object)
{
    const uint64_t words[WAIT_WORDS] = {ASK_RESIZE, object->number, 3 * PAGE_SIZE + CUT_BYTES};

    return swapper_ask(swapper.threads[0], words)->error;
}

/* Once it is as long as before, nothing of what was cut off is seen, in memory or from swap. */
static void expect_cut(struct object *object)
{
    EXPECT_U64(object->bytes, 3 * PAGE_SIZE + CUT_BYTES);
    world_audit(swapper.patient.world);
    EXPECT_ERR(
        op_object_resize(swapper_core(), swapper.client, object, MAP_RIGHT_WRITE, 8 * PAGE_SIZE),
        ERR_OK);
    EXPECT_U64(swapper_read(3), CUT_LEFT);
    swapper_squeeze();
    EXPECT_U64(object->swapped, 1);
    EXPECT_U64(swapper_read(3), CUT_LEFT);
    swapper_finish();
}

TAP_TEST(shrinking_into_a_page_that_is_to_be_saved_clears_its_rest)
{
    struct object *object = start_cut();

    EXPECT_ERR(cut(object), ERR_OK);
    swapper_serve();
    expect_cut(object);
}

TAP_TEST(shrinking_into_a_page_that_is_being_saved_clears_its_rest)
{
    struct object *object = start_cut();
    struct pager_work work;

    EXPECT_ERR(swapper_take(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_ERR(cut(object), ERR_OK);
    EXPECT_ERR(swapper_answer(&work), ERR_OK);
    expect_cut(object);
}

TAP_TEST(shrinking_into_a_page_that_was_saved_and_is_still_there_clears_its_rest)
{
    struct object *object = start_cut();

    swapper_serve();
    EXPECT_U64(object->swapped, 1);
    EXPECT_ERR(cut(object), ERR_OK);
    EXPECT_U64(swapper.supplied, 0);
    expect_cut(object);
}

TAP_TEST(shrinking_into_a_page_that_is_away_waits_for_it_and_clears_its_rest)
{
    struct object *object = start_cut();

    swapper_squeeze();
    EXPECT_ERR(cut(object), ERR_OK);
    EXPECT_U64(swapper.supplied, 1);
    expect_cut(object);
}

TAP_TEST(shrinking_into_a_page_that_does_not_come_back_is_refused_and_changes_nothing)
{
    struct object *object = start_cut();
    const struct thread *thread = swapper.threads[0];
    const uint64_t words[WAIT_WORDS] = {ASK_RESIZE, object->number, 3 * PAGE_SIZE + CUT_BYTES};

    swapper_squeeze();
    EXPECT(!patient_ask(&swapper.patient, swapper.threads[0], words));
    patient_pass(&swapper.patient, SWAPPER_PATIENCE);
    EXPECT(patient_answer(&swapper.patient, thread)->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, thread)->error, ERR_TIMEDOUT);
    EXPECT_U64(object->bytes, 8 * PAGE_SIZE);
    EXPECT_U64(swapper_read(3), CUT_WORD);
    /* What ends between pages needs none. */
    swapper_squeeze();
    EXPECT_ERR(
        op_object_resize(swapper_core(), swapper.client, object, MAP_RIGHT_WRITE, 3 * PAGE_SIZE),
        ERR_OK);
    EXPECT_U64(swapper_used(), 0);
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(shrinking_into_a_page_that_is_to_be_saved_clears_its_rest),
        TAP(shrinking_into_a_page_that_is_being_saved_clears_its_rest),
        TAP(shrinking_into_a_page_that_was_saved_and_is_still_there_clears_its_rest),
        TAP(shrinking_into_a_page_that_is_away_waits_for_it_and_clears_its_rest),
        TAP(shrinking_into_a_page_that_does_not_come_back_is_refused_and_changes_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
