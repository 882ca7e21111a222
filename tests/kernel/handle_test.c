/* SPDX-License-Identifier: MIT */
#include "task/handle.h"

#include "model.h"
#include "stage.h"
#include "tap.h"
#include "task/slab.h"

#define ANY  0u
#define SLOT 20u

static enum err find(struct space *space, uint64_t slot, enum object_kind kind, uint64_t rights)
{
    struct handle_slot *found;
    return handle_find(space, slot, kind, rights, &found);
}

static enum err choose(struct space *space, uint64_t wanted, uint64_t *number)
{
    lock_take(&handle_lock);
    const enum err error = handle_choose(space, wanted, number);
    lock_release(&handle_lock);
    return error;
}

static void put(struct space *space, uint64_t number, struct handle_slot value)
{
    lock_take(&handle_lock);
    handle_put(space, number, value);
    lock_release(&handle_lock);
}

TAP_TEST(a_free_slot_and_one_beyond_the_table_are_bad)
{
    stage_start();
    EXPECT_ERR(find(stage_server, SLOT, OBJECT_ENDPOINT, 0), ERR_BADF);
    EXPECT_ERR(find(stage_server, SLOTS_FIRST, OBJECT_ENDPOINT, 0), ERR_BADF);
    EXPECT_ERR(find(stage_server, UINT64_MAX, OBJECT_ENDPOINT, 0), ERR_BADF);
    EXPECT_ERR(find(stage_server, 0, OBJECT_ENDPOINT, 0), ERR_BADF);
}

TAP_TEST(the_kind_is_looked_at_before_the_rights)
{
    stage_start();
    EXPECT_ERR(find(stage_server, HANDLE_MEM, OBJECT_NOTIFICATION, RIGHT_WAIT), ERR_TYPE);
    EXPECT_ERR(find(stage_server, HANDLE_MEM, OBJECT_ENDPOINT, RIGHT_RECEIVE), ERR_OK);
    EXPECT_ERR(find(stage_server, HANDLE_MEM, OBJECT_ENDPOINT, RIGHT_SIGNAL), ERR_RIGHTS);
}

TAP_TEST(an_object_that_ended_makes_all_its_handles_stale)
{
    stage_start();
    struct object *object = stage_object(stage_server, OBJECT_ENDPOINT, SLOT);
    put(stage_server, SLOT + 1, handle_make(object, OBJECT_ENDPOINT, RIGHT_CALL, 7));
    object_end(object);
    EXPECT_ERR(find(stage_server, SLOT, OBJECT_ENDPOINT, 0), ERR_STALE);
    EXPECT_ERR(find(stage_server, SLOT + 1, OBJECT_ENDPOINT, 0), ERR_STALE);
    object_begin(object, OBJECT_ENDPOINT);
    EXPECT_ERR(find(stage_server, SLOT, OBJECT_ENDPOINT, 0), ERR_STALE);
}

TAP_TEST(a_handle_into_a_frame_that_was_released_is_stale_whatever_is_written_there)
{
    stage_start();
    struct object *object = stage_object(stage_server, OBJECT_ENDPOINT, SLOT);
    const uint64_t id = object->id;
    const pfn_t pfn = direct_to_pfn(object);
    lock_take(&memory_lock);
    frame_release(pfn);
    lock_release(&memory_lock);
    object->id = id;
    EXPECT_ERR(find(stage_server, SLOT, OBJECT_ENDPOINT, 0), ERR_STALE);
    lock_take(&memory_lock);
    frame_take(pfn, FRAME_OBJECT, OBJECT_ENDPOINT);
    lock_release(&memory_lock);
    object->id = id;
    EXPECT_ERR(find(stage_server, SLOT, OBJECT_ENDPOINT, 0), ERR_STALE);
}

TAP_TEST(only_rights_that_exist_for_the_kind_are_kept)
{
    stage_start();
    const struct handle_slot log = handle_make(NULL, OBJECT_LOG, RIGHT_ALL, 0);
    EXPECT_U64(log.id & RIGHT_ALL, RIGHT_TRANSFER | RIGHT_DERIVE | RIGHT_CONTROL);
    EXPECT(handle_is_live(&log));
    EXPECT_U64(
        handle_make(NULL, OBJECT_NOTIFICATION, RIGHT_ALL, 0).id & (RIGHT_CALL | RIGHT_RECEIVE), 0);
    EXPECT_U64(handle_make(NULL, OBJECT_THREAD, RIGHT_ALL, 0).id & (RIGHT_CALL | RIGHT_RECEIVE), 0);
}

TAP_TEST(any_slot_means_the_first_free_one_that_nobody_has_promised)
{
    uint64_t number = 0;
    stage_start();
    EXPECT_ERR(choose(stage_server, ANY, &number), ERR_OK);
    EXPECT_U64(number, HANDLE_FREE);
    (void)stage_object(stage_server, OBJECT_ENDPOINT, HANDLE_FREE);
    EXPECT_ERR(choose(stage_server, ANY, &number), ERR_OK);
    EXPECT_U64(number, HANDLE_FREE + 1);
}

TAP_TEST(a_slot_that_is_taken_or_beyond_the_table_cannot_be_chosen)
{
    uint64_t number = 99;
    stage_start();
    EXPECT_ERR(choose(stage_server, HANDLE_MEM, &number), ERR_EXIST);
    EXPECT_ERR(choose(stage_server, SLOTS_FIRST, &number), ERR_RANGE);
    EXPECT_U64(number, 99);
}

TAP_TEST(a_full_table_has_no_slot_until_a_frame_is_added_and_never_gives_out_its_first)
{
    uint64_t number = 0;
    stage_start();
    const struct handle_slot log = handle_make(NULL, OBJECT_LOG, RIGHT_ALL, 0);
    struct space *space = stage_space(1);
    while (choose(space, ANY, &number) == ERR_OK) {
        put(space, number, log);
    }
    EXPECT_ERR(choose(space, ANY, &number), ERR_NO_SLOT);
    lock_take(&memory_lock);
    frame_take(model_frame(100), FRAME_OBJECT, OBJECT_HANDLES);
    lock_release(&memory_lock);
    lock_take(&handle_lock);
    EXPECT_ERR(handle_add_frame(space, frame_address(model_frame(100))), ERR_OK);
    lock_release(&handle_lock);
    EXPECT_ERR(choose(space, ANY, &number), ERR_OK);
    EXPECT_U64(number, SLOTS_FIRST + 1);
    EXPECT_ERR(choose(space, SLOTS_FIRST, &number), ERR_EXIST);
}

TAP_TEST(cells_of_a_slab_are_all_used_but_the_first_and_keep_their_generation)
{
    struct object *object = NULL;
    unsigned count = 0;
    stage_start();
    struct space *space = stage_space(1);
    EXPECT_ERR(slab_take(space, OBJECT_ENDPOINT, &object), ERR_NO_OBJECT);
    (void)stage_object(space, OBJECT_ENDPOINT, SLOT);
    lock_take(&task_lock);
    while (slab_take(space, OBJECT_NOTIFICATION, &object) == ERR_OK) {
        count++;
    }
    EXPECT_U64(count, SLAB_CELLS - 2);
    const uint64_t id = object->id;
    object_end(object);
    slab_free(space, object);
    struct object *again = NULL;
    EXPECT_ERR(slab_take(space, OBJECT_NOTIFICATION, &again), ERR_OK);
    lock_release(&task_lock);
    EXPECT(again == object);
    EXPECT_U64(again->id, id + OBJECT_GENERATION_ONE);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_free_slot_and_one_beyond_the_table_are_bad),
        TAP(the_kind_is_looked_at_before_the_rights),
        TAP(an_object_that_ended_makes_all_its_handles_stale),
        TAP(a_handle_into_a_frame_that_was_released_is_stale_whatever_is_written_there),
        TAP(only_rights_that_exist_for_the_kind_are_kept),
        TAP(any_slot_means_the_first_free_one_that_nobody_has_promised),
        TAP(a_slot_that_is_taken_or_beyond_the_table_cannot_be_chosen),
        TAP(a_full_table_has_no_slot_until_a_frame_is_added_and_never_gives_out_its_first),
        TAP(cells_of_a_slab_are_all_used_but_the_first_and_keep_their_generation),
    };
    return TAP_RUN(argc, argv, tests);
}
