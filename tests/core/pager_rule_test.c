/* SPDX-License-Identifier: MIT */
/*
 * The rules of MAP about objects (R3, R13 to R20, R24), for objects that a pager fills.
 */
#include <mem/prot.h>
#include <tap.h>

#include "stall.h"

#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define R_READ (MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE)
#define R_BOTH (R_READ | MAP_RIGHT_WRITE)
#define R_ALL  (R_BOTH | MAP_RIGHT_EXEC)
#define PAGES  8u

/* MAP of one page at TO by the client. */
static enum err map(struct object *object, uint32_t prot, uint32_t flags, uint32_t rights,
                    uint64_t page)
{
    const struct map_request request = {.address = world_address(TO),
                                        .length = PAGE_SIZE,
                                        .prot = prot,
                                        .flags = flags | MEM_MAP_FIXED,
                                        .offset = page * PAGE_SIZE,
                                        .object = object,
                                        .rights = rights};
    uaddr_t address;

    return op_map(stall_core(), stall.client, &request, &address);
}

static enum err protect(uint32_t prot)
{
    return op_protect(
        stall_core(), stall.client,
        &(struct protect_request){.address = world_address(TO), .length = PAGE_SIZE, .prot = prot});
}

/* One more object of the pager. */
static struct object *make(uint32_t flags)
{
    const struct pager_object_request request = {.key = 1,
                                                 .bytes = PAGES * PAGE_SIZE,
                                                 .patience = STALL_PATIENCE,
                                                 .window = 1,
                                                 .flags = flags};
    struct object *object = NULL;

    EXPECT_ERR(op_pager_object(stall_core(), stall.server, stall.named, &request, &object), ERR_OK);
    return object;
}

TAP_TEST(r3_an_offset_past_the_largest_page_is_refused_and_one_past_the_end_is_not)
{
    struct pager_work work;

    stall_start(PAGES, 1);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_SHARED, R_BOTH, UINT64_MAX / PAGE_SIZE), ERR_OVERFLOW);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_SHARED, R_BOTH, PAGES), ERR_OK);
    EXPECT(stall_read(0, TO));
    stall_expect_signal(0, ERR_FAULT); /* and no pager is asked for what does not exist */
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(r13_r16_a_handle_without_write_maps_what_never_becomes_writable)
{
    stall_start(PAGES, 1);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_SHARED, R_READ, 0), ERR_ACCES);
    EXPECT_ERR(map(stall.object, MEM_PROT_READ, MEM_MAP_SHARED, R_READ, 0), ERR_OK);
    EXPECT_ERR(protect(RW), ERR_ACCES);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_PRIVATE, R_READ, 0), ERR_OK);
    stall_finish();
}

TAP_TEST(r14_append_only_objects_are_not_mapped_shared_by_who_may_write)
{
    stall_start(PAGES, 1);
    struct object *object = make(OBJECT_APPEND);

    EXPECT_ERR(map(object, MEM_PROT_READ, MEM_MAP_SHARED, R_BOTH, 0), ERR_ACCES);
    EXPECT_ERR(map(object, MEM_PROT_READ, MEM_MAP_SHARED, R_READ, 0), ERR_OK);
    EXPECT_ERR(map(object, RW, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_OK);
    stall_finish();
}

TAP_TEST(r15_objects_under_a_mandatory_lock_are_not_mapped_shared)
{
    stall_start(PAGES, 1);
    struct object *object = make(OBJECT_MANDATORY);

    EXPECT_ERR(map(object, RW, MEM_MAP_SHARED, R_BOTH, 0), ERR_AGAIN);
    EXPECT_ERR(map(object, MEM_PROT_READ, MEM_MAP_SHARED, R_READ, 0), ERR_AGAIN);
    EXPECT_ERR(map(object, RW, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_OK);
    /* After R13 and R14, before R17. */
    EXPECT_ERR(map(object, RW, MEM_MAP_SHARED, R_READ, 0), ERR_ACCES);
    EXPECT_ERR(map(object, MEM_PROT_READ, MEM_MAP_SHARED, MAP_RIGHT_WRITE, 0), ERR_AGAIN);
    object = make(OBJECT_MANDATORY | OBJECT_APPEND);
    EXPECT_ERR(map(object, MEM_PROT_READ, MEM_MAP_SHARED, R_BOTH, 0), ERR_ACCES);
    stall_finish();
}

TAP_TEST(r17_r18_r20_a_handle_without_the_right_does_not_map)
{
    stall_start(PAGES, 1);
    EXPECT_ERR(map(stall.object, MEM_PROT_READ, MEM_MAP_PRIVATE, MAP_RIGHT_MAPPABLE, 0), ERR_ACCES);
    EXPECT_ERR(map(stall.object, MEM_PROT_EXEC, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_PERM);
    EXPECT_ERR(map(stall.object, MEM_PROT_READ, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_OK);
    EXPECT_ERR(protect(MEM_PROT_EXEC), ERR_ACCES);
    EXPECT_ERR(map(stall.object, MEM_PROT_READ, MEM_MAP_PRIVATE, R_ALL & ~MAP_RIGHT_MAPPABLE, 0),
               ERR_NODEV);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_PRIVATE | MEM_MAP_GROWSDOWN, R_ALL, 0), ERR_INVAL);
    stall_finish();
}

TAP_TEST(r24_private_writable_pages_are_promised_and_shared_ones_are_the_pagers)
{
    stall_start(PAGES, 1);
    const uint64_t before = stall_core()->head->commit.used;

    EXPECT_ERR(map(stall.object, RW, MEM_MAP_SHARED, R_BOTH, 0), ERR_OK);
    EXPECT_U64(stall_core()->head->commit.used, before);
    EXPECT_ERR(map(stall.object, RW, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_OK);
    EXPECT_U64(stall_core()->head->commit.used, before + 1);
    EXPECT_ERR(map(stall.object, MEM_PROT_READ, MEM_MAP_PRIVATE, R_BOTH, 0), ERR_OK);
    EXPECT_U64(stall_core()->head->commit.used, before);
    stall_finish();
}

TAP_TEST(r27_populate_waits_for_the_pages_and_a_failure_does_not_fail_map)
{
    struct pager_work work;

    stall_start(PAGES, 1);
    EXPECT(!patient_ask(&stall.patient, stall.threads[0],
                        (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, TO, 2, MEM_PROT_READ,
                                               MEM_MAP_SHARED | MEM_MAP_POPULATE,
                                               stall.object_number, 0}));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 1);
    EXPECT_ERR(stall_fail(&work, 0, 1, ERR_IO), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[0])->error, ERR_OK);
    EXPECT(stall_read(1, TO));
    stall_expect_read(1, stall_word(0));
    stall_finish();
}

TAP_TEST(the_reason_of_a_bus_error_is_about_the_page_or_io)
{
    static const struct {
        enum err said;
        enum err told;
    } reasons[] = {
        {ERR_IO, ERR_IO},          {ERR_NOENT, ERR_NOENT}, {ERR_ACCES, ERR_ACCES},
        {ERR_NODEV, ERR_NODEV},    {ERR_NOSPC, ERR_NOSPC}, {ERR_NOMEM, ERR_IO},
        {ERR_DEADLK, ERR_IO},      {ERR_TIMEDOUT, ERR_IO}, {ERR_PEER_GONE, ERR_IO},
        {ERR_WOULD_BLOCK, ERR_IO}, {ERR_STALE, ERR_IO},    {ERR_WAIT, ERR_IO},
        {ERR_MORE, ERR_IO},
    };
    struct pager_work work;

    stall_start(8, 1);
    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        EXPECT(!stall_read(0, AT));
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_ERR(stall_fail(&work, 0, 1, reasons[i].said), ERR_OK);
        stall_expect_signal(0, reasons[i].told);
    }
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_reason_of_a_bus_error_is_about_the_page_or_io),
        TAP(r3_an_offset_past_the_largest_page_is_refused_and_one_past_the_end_is_not),
        TAP(r13_r16_a_handle_without_write_maps_what_never_becomes_writable),
        TAP(r14_append_only_objects_are_not_mapped_shared_by_who_may_write),
        TAP(r15_objects_under_a_mandatory_lock_are_not_mapped_shared),
        TAP(r17_r18_r20_a_handle_without_the_right_does_not_map),
        TAP(r24_private_writable_pages_are_promised_and_shared_ones_are_the_pagers),
        TAP(r27_populate_waits_for_the_pages_and_a_failure_does_not_fail_map),
    };

    return TAP_RUN(argc, argv, tests);
}
