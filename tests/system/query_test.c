/* SPDX-License-Identifier: MIT */
/*
 * QUERY, REFUSAL, STATS, LIMITS and COPY.
 */
#include <string.h>

#include <abi/layout.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"
#include "child.h"

static struct mem_region regions[MEM_QUERY_REGIONS_MAX];
static struct mem_query_rep rep;

TAP_TEST(query_tells_everything_about_a_region)
{
    REQUIRE(EXPECT_ERR(area_map(2, 6, RW), ERR_OK));
    area_fill(3, 2);
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, AREA_START, 1, regions, &rep), ERR_OK));
    REQUIRE(EXPECT_U64(rep.count, 1));
    EXPECT_U64(regions[0].start, AREA_AT(2));
    EXPECT_U64(regions[0].end, AREA_AT(8));
    EXPECT_U64(regions[0].prot, RW);
    EXPECT_U64(regions[0].flags & MEM_MAP_TYPE, MEM_MAP_PRIVATE);
    EXPECT_U64(regions[0].flags & MEM_MAP_ANONYMOUS, MEM_MAP_ANONYMOUS);
    EXPECT_U64(regions[0].object, 0);
    EXPECT_U64(regions[0].resident, 2);
    EXPECT_U64(regions[0].locked, 0);
    EXPECT_U64(regions[0].pinned, 0);
    area_clear();
}

TAP_TEST(an_address_within_a_region_finds_it_and_its_end_does_not)
{
    REQUIRE(EXPECT_ERR(area_map(2, 4, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, AREA_AT(6) - 1, 1, regions, &rep), ERR_OK));
    REQUIRE(EXPECT_U64(rep.count, 1));
    EXPECT_U64(regions[0].start, AREA_AT(2));
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, AREA_AT(6), 1, regions, &rep), ERR_OK));
    EXPECT(rep.count == 0 || regions[0].start >= AREA_AT(6));
    area_clear();
}

TAP_TEST(a_long_list_is_read_in_pieces_without_gaps)
{
    /* 64 regions that alternate, read 10 at a time. */
    for (uint64_t i = 0; i < AREA_PAGES; i++) {
        REQUIRE(EXPECT_ERR(area_map(i, 1, i % 2 == 0 ? MEM_PROT_READ : RW), ERR_OK));
    }
    uint64_t next = AREA_START;
    uint64_t found = 0;
    while (next != 0 && next < AREA_AT(AREA_PAGES)) {
        REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, next, 10, regions, &rep), ERR_OK));
        REQUIRE(EXPECT(rep.count >= 1 && rep.count <= 10));
        for (uint64_t i = 0; i < rep.count && regions[i].start < AREA_AT(AREA_PAGES); i++) {
            EXPECT_U64(regions[i].start, AREA_AT(found));
            EXPECT_U64(regions[i].prot, found % 2 == 0 ? MEM_PROT_READ : RW);
            found++;
        }
        next = rep.next;
    }
    EXPECT_U64(found, AREA_PAGES);
    area_clear();
}

TAP_TEST(the_last_region_has_nothing_behind_it)
{
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, USER_END - PAGE, 1, regions, &rep), ERR_OK));
    EXPECT_U64(rep.next, 0);
}

TAP_TEST(totals_follow_what_is_mapped_and_touched)
{
    struct mem_query_rep before;
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &before), ERR_OK));
    EXPECT_U64(before.count, 0);
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(6, 2, RW), ERR_OK));
    area_fill(0, 1);
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &rep), ERR_OK));
    EXPECT_U64(rep.regions_total, before.regions_total + 2);
    EXPECT_U64(rep.pages_total, before.pages_total + 6);
    EXPECT_U64(rep.resident_total, before.resident_total + 1);
    EXPECT_U64(rep.faults_total, before.faults_total + 1);
    EXPECT_U64(rep.merges_total, before.merges_total);
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &rep), ERR_OK));
    EXPECT_U64(rep.regions_total, before.regions_total + 1);
    EXPECT(rep.merges_total > before.merges_total);
    area_clear();
}

TAP_TEST(more_regions_than_a_message_page_holds_are_refused)
{
    enum err error = hf_query(HF_OWN_SPACE, 0, MEM_QUERY_REGIONS_MAX + 1, regions, &rep);
    EXPECT_ERR(error, ERR_INVAL);
}

TAP_TEST(a_refusal_is_explained_until_the_next_request)
{
    struct mem_refusal_rep refusal;
    struct mem_hello_rep hello;
    uint64_t addr = 0;
    struct hf_map map = {.length = UINT64_C(1) << 39, .prot = RW, .flags = ANON};
    EXPECT_ERR(hf_map(map, &addr), ERR_NOMEM);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_ERR((enum err)refusal.refused, ERR_NOMEM);
    EXPECT_U64(refusal.request, MEM_MAP);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_ERR((enum err)refusal.refused, ERR_NOMEM);
    EXPECT_ERR(hf_hello(&hello), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_ERR((enum err)refusal.refused, ERR_OK);
    EXPECT_STR(hf_last_refusal(), "nothing was refused");
}

TAP_TEST(a_limit_of_pages_refuses_and_says_how_much_was_asked)
{
    struct mem_limits_rep limit;
    struct mem_refusal_rep refusal;
    uint64_t addr = 0;
    REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_PAGES, &limit), ERR_OK));
    uint64_t used = limit.used;
    EXPECT(used > 0);
    REQUIRE(EXPECT_ERR(hf_limit_set(HF_OWN_SPACE, MEM_LIMIT_PAGES, used + 3), ERR_OK));
    struct hf_map map = {.length = 4 * PAGE, .prot = RW, .flags = ANON};
    EXPECT_ERR(hf_map(map, &addr), ERR_NOMEM);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_U64(refusal.limit, MEM_LIMIT_PAGES);
    EXPECT_U64(refusal.value, used + 3);
    EXPECT_U64(refusal.used, used);
    EXPECT_U64(refusal.asked, 4);
    map.length = 3 * PAGE;
    EXPECT_ERR(hf_map(map, &addr), ERR_OK);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, addr, 3 * PAGE), ERR_OK);
}

TAP_TEST(a_limit_goes_down_and_not_up)
{
    struct mem_limits_rep limit;
    REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_PAGES, &limit), ERR_OK));
    EXPECT_ERR(hf_limit_set(HF_OWN_SPACE, MEM_LIMIT_PAGES, limit.value + 1), ERR_PERM);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, (enum mem_limit)99, &limit), ERR_INVAL);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_NONE, &limit), ERR_INVAL);
}

/* Frames of a pool of huge pages; 0: there is none. */
static uint64_t pool_frames(uint64_t bytes)
{
    struct mem_huge_rep huge;
    return hf_huge_get(bytes, &huge) == ERR_OK ? huge.total * bytes / PAGE : 0;
}

TAP_TEST(stats_add_up)
{
    struct mem_stats_rep stats;
    REQUIRE(EXPECT_ERR(hf_stats(&stats), ERR_OK));
    EXPECT_U64(stats.free + stats.user + stats.tables + stats.server + stats.objects +
                   stats.kernel + pool_frames(MEM_HUGE_2MB) + pool_frames(MEM_HUGE_1GB),
               stats.total);
    EXPECT(stats.free > 0);
    EXPECT(stats.user > 0);
    REQUIRE(EXPECT_ERR(area_map(0, 8, RW), ERR_OK));
    area_fill(0, 1);
    struct mem_stats_rep before;
    struct mem_stats_rep after;
    REQUIRE(EXPECT_ERR(hf_stats(&before), ERR_OK));
    area_fill(1, 7);
    REQUIRE(EXPECT_ERR(hf_stats(&after), ERR_OK));
    EXPECT_U64(after.user, before.user + 7);
    EXPECT_U64(after.total, before.total);
    area_clear();
}

TAP_TEST(a_thread_of_the_server_for_each_hart_says_what_it_waited_for)
{
    uint64_t harts = 0;
    struct mem_worker_rep worker = {.count = 0};
    struct mem_worker_rep again;

    REQUIRE(EXPECT_ERR(hf_info(INFO_HARTS, &harts), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_worker(0, &worker), ERR_OK));
    EXPECT_U64(worker.count, harts);
    for (uint64_t i = 0; i < worker.count; i++) {
        EXPECT_ERR(hf_worker(i, &worker), ERR_OK);
        EXPECT_ERR(hf_worker(i, &again), ERR_OK);
        EXPECT(again.waits >= worker.waits);
    }
    EXPECT_ERR(hf_worker(worker.count, &again), ERR_RANGE);
    EXPECT_ERR(hf_worker(UINT64_MAX, &again), ERR_RANGE);
}

TAP_TEST(bytes_are_copied_to_and_from_a_child)
{
    struct child child;
    uint64_t copied = 0;
    uint64_t there = 0;
    static char text[10000];
    static char back[10000];
    memset(back, 0, sizeof(back));
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * 7);
    }
    REQUIRE(child_make(&child, "none", ""));
    const struct hf_map map = {
        .space = child.process.space, .length = 4 * PAGE, .prot = RW, .flags = ANON};
    REQUIRE(EXPECT_ERR(hf_map(map, &there), ERR_OK));
    EXPECT_ERR(
        hf_copy(child.process.space, (uint64_t)text, there + 5, sizeof(text), MEM_COPY_TO, &copied),
        ERR_OK);
    EXPECT_U64(copied, sizeof(text));
    EXPECT_ERR(hf_copy(child.process.space, (uint64_t)back, there + 5, sizeof(back), MEM_COPY_FROM,
                       &copied),
               ERR_OK);
    EXPECT_BYTES(back, text, sizeof(text));
    hf_process_forget(&child.process);
}

TAP_TEST(a_copy_stops_where_a_side_cannot_be_touched)
{
    struct child child;
    uint64_t copied = 0;
    uint64_t there = 0;
    REQUIRE(child_make(&child, "none", ""));
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    const struct hf_map map = {
        .space = child.process.space, .length = 2 * PAGE, .prot = RW, .flags = ANON};
    REQUIRE(EXPECT_ERR(hf_map(map, &there), ERR_OK));
    uint64_t space = child.process.space;
    EXPECT_ERR(hf_protect(space, there + PAGE, PAGE, MEM_PROT_READ), ERR_OK);
    EXPECT_ERR(hf_copy(space, AREA_AT(0), there + 100, 2 * PAGE - 100, MEM_COPY_TO, &copied),
               ERR_FAULT);
    EXPECT_U64(copied, PAGE - 100);
    EXPECT_ERR(hf_copy(space, AREA_AT(3), there, 2 * PAGE, MEM_COPY_FROM, &copied), ERR_FAULT);
    EXPECT_U64(copied, PAGE);
    EXPECT_ERR(hf_copy(space, 0, there, PAGE, MEM_COPY_TO, &copied), ERR_FAULT);
    EXPECT_U64(copied, 0);
    EXPECT_ERR(hf_copy(space, WINDOW_START, there, 8, MEM_COPY_TO, &copied), ERR_FAULT);
    EXPECT_ERR(hf_copy(space, UINT64_MAX - 3, there, 8, MEM_COPY_TO, &copied), ERR_FAULT);
    hf_process_forget(&child.process);
    area_clear();
}

TAP_TEST(a_copy_larger_than_one_request_may_be_is_refused)
{
    struct hf_message message = {
        .words = {MEM_COPY, AREA_AT(0), AREA_AT(0), MEM_COPY_BYTES_MAX + 1, MEM_COPY_TO, 0, 0, 0}};
    EXPECT_ERR(hf_mem_call(&message), ERR_INVAL);
    message = (struct hf_message){
        .words = {MEM_COPY, AREA_AT(0), AREA_AT(0), PAGE, MEM_COPY_FROM + 3, 0, 0, 0}};
    EXPECT_ERR(hf_mem_call(&message), ERR_INVAL);
}

TAP_TEST(who_may_pin_or_read_may_copy_from_a_space_and_who_may_pin_to_it)
{
    uint64_t pinner = 0;
    uint64_t reader = 0;
    uint64_t mapper = 0;
    uint64_t copied = 0;
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_PIN, &pinner), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_READ, &reader), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_MAP, &mapper), ERR_OK));
    for (uint64_t nowait = 0; nowait <= MEM_COPY_NOWAIT; nowait += MEM_COPY_NOWAIT) {
        const uint64_t to = MEM_COPY_TO | nowait;
        const uint64_t from = MEM_COPY_FROM | nowait;
        EXPECT_ERR(hf_copy(pinner, AREA_AT(0), AREA_AT(1), 64, to, &copied), ERR_OK);
        EXPECT_ERR(hf_copy(pinner, AREA_AT(0), AREA_AT(1), 64, from, &copied), ERR_OK);
        EXPECT_ERR(hf_copy(reader, AREA_AT(0), AREA_AT(1), 64, to, &copied), ERR_RIGHTS);
        EXPECT_ERR(hf_copy(reader, AREA_AT(0), AREA_AT(1), 64, from, &copied), ERR_OK);
        EXPECT_ERR(hf_copy(mapper, AREA_AT(0), AREA_AT(1), 64, to, &copied), ERR_RIGHTS);
        EXPECT_ERR(hf_copy(mapper, AREA_AT(0), AREA_AT(1), 64, from, &copied), ERR_RIGHTS);
    }
    EXPECT_ERR(hf_handle_close(pinner), ERR_OK);
    EXPECT_ERR(hf_handle_close(reader), ERR_OK);
    EXPECT_ERR(hf_handle_close(mapper), ERR_OK);
    area_clear();
}

TAP_TEST(a_handle_to_ones_own_space_has_the_rights_that_it_was_made_with)
{
    uint64_t reader = 0;
    uint64_t other = 0;
    REQUIRE(EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_READ, &reader), ERR_OK));
    EXPECT_ERR(hf_query(reader, 0, 0, NULL, &rep), ERR_OK);
    EXPECT(rep.pages_total > 0);
    EXPECT_ERR(hf_unmap(reader, 0x10000000, 4096), ERR_RIGHTS);
    EXPECT_ERR(hf_space_end(reader, 0), ERR_RIGHTS);
    EXPECT_ERR(hf_space_derive(reader, MEM_RIGHT_MAP, &other), ERR_RIGHTS);
    EXPECT_ERR(hf_space_derive(reader, MEM_RIGHT_ALL, &other), ERR_RIGHTS);
    EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, 0, &other), ERR_INVAL);
    EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, MEM_RIGHT_ALL + 1, &other), ERR_INVAL);
    EXPECT_ERR(hf_space_derive(HF_OWN_SPACE, UINT64_MAX, &other), ERR_INVAL);
    EXPECT_ERR(hf_space_derive(HANDLE_LOG, MEM_RIGHT_READ, &other), ERR_RECEIVER_SLOTS);
    EXPECT_U64(other, 0);
    EXPECT_ERR(hf_space_derive(reader, MEM_RIGHT_READ, &other), ERR_OK);
    EXPECT_ERR(hf_handle_close(reader), ERR_OK);
    EXPECT_ERR(hf_query(other, 0, 0, NULL, &rep), ERR_OK);
    EXPECT_ERR(hf_handle_close(other), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(query_tells_everything_about_a_region),
        TAP(an_address_within_a_region_finds_it_and_its_end_does_not),
        TAP(a_long_list_is_read_in_pieces_without_gaps),
        TAP(the_last_region_has_nothing_behind_it),
        TAP(totals_follow_what_is_mapped_and_touched),
        TAP(more_regions_than_a_message_page_holds_are_refused),
        TAP(a_refusal_is_explained_until_the_next_request),
        TAP(stats_add_up),
        TAP(a_thread_of_the_server_for_each_hart_says_what_it_waited_for),
        TAP(bytes_are_copied_to_and_from_a_child),
        TAP(a_copy_stops_where_a_side_cannot_be_touched),
        TAP(a_copy_larger_than_one_request_may_be_is_refused),
        TAP(who_may_pin_or_read_may_copy_from_a_space_and_who_may_pin_to_it),
        TAP(a_handle_to_ones_own_space_has_the_rights_that_it_was_made_with),
        /* Last: they lower the process's own limits. */
        TAP(a_limit_of_pages_refuses_and_says_how_much_was_asked),
        TAP(a_limit_goes_down_and_not_up),
    };
    if (child_role(argc, argv) != NULL) {
        return 0;
    }
    return TAP_RUN(argc, argv, tests);
}
