/* SPDX-License-Identifier: MIT */
/*
 * MAP, with the rules' numbers, and HELLO.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <abi/layout.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

static uint64_t mapped;

static struct hf_map request(uint64_t index, uint64_t pages, uint32_t flags)
{
    return (struct hf_map){
        .addr = AREA_AT(index), .length = pages * PAGE, .prot = RW, .flags = ANON | flags};
}

/* A raw request: what the functions of the library cannot say. */
static enum err raw(uint64_t tag, uint64_t head, uint64_t word5, uint64_t word6, uint64_t word7)
{
    struct hf_message message = {
        .tag = tag,
        .words = {head, AREA_AT(0), PAGE, RW | (uint64_t)ANON << 32, 0, word5, word6, word7}};
    return hf_mem_call(&message);
}

TAP_TEST(hello_tells_version_sizes_and_requests)
{
    struct mem_hello_rep rep;
    REQUIRE(EXPECT_ERR(hf_hello(&rep), ERR_OK));
    EXPECT_U64(rep.version, MEM_PROTOCOL_VERSION);
    EXPECT((rep.page_sizes & 1u << 12) != 0);
    EXPECT_U64(rep.user_start, USER_START);
    EXPECT_U64(rep.user_end, USER_END);
    EXPECT_U64(rep.space_id, hf_env()->space_id);
    EXPECT((rep.features & 1u << MEM_MAP) != 0);
    EXPECT((rep.features & 1u << MEM_BOOT_OBJECT) != 0);
    EXPECT_U64(rep.features >> MEM_OBJECT_MAKE & 0xfff, 0xfff); /* to SPACE_DERIVE */
    EXPECT_U64(rep.features >> 29 & 0x7, 0);                    /* numbers that nobody has */
}

TAP_TEST(an_unknown_request_is_nosys)
{
    EXPECT_ERR(raw(0, 0xffff, 0, 0, 0), ERR_NOSYS);
    EXPECT_ERR(raw(0, 31, 0, 0, 0), ERR_NOSYS);
}

TAP_TEST(head_bits_reserved_words_and_stray_handles_are_inval)
{
    EXPECT_ERR(raw(0, MEM_MAP | UINT64_C(1) << 17, 0, 0, 0), ERR_INVAL);
    EXPECT_ERR(raw(0, MEM_MAP | UINT64_C(1) << 63, 0, 0, 0), ERR_INVAL);
    EXPECT_ERR(raw(0, MEM_MAP, 1, 0, 0), ERR_INVAL);
    EXPECT_ERR(raw(HF_HANDLE_AT(1), MEM_MAP, 0, 0, 0), ERR_SENDER_HANDLE);
    EXPECT_ERR(raw(0, MEM_UNMAP, 1, 0, 0), ERR_INVAL);
    EXPECT_STR(area_draw(4), "    ");
}

TAP_TEST(a_space_that_is_no_space_is_refused)
{
    EXPECT_ERR(raw(0, MEM_MAP, 0, 0, 5), ERR_BADF);
    EXPECT_ERR(raw(HF_HANDLE_AT(7), MEM_MAP, 0, 0, HANDLE_ARCHIVE), ERR_TYPE);
    /* The server takes no handle but its own. */
    EXPECT_ERR(raw(HF_HANDLE_AT(7), MEM_MAP, 0, 0, HANDLE_LOG), ERR_RECEIVER_SLOTS);
    EXPECT_STR(area_draw(4), "    ");
}

TAP_TEST(r1_an_offset_that_is_not_aligned_is_inval)
{
    struct hf_map map = request(0, 0, MEM_MAP_FIXED);
    map.offset = 1;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
}

TAP_TEST(r2_length_nothing_or_everything_is_nomem)
{
    struct hf_map map = request(0, 0, 0);
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
    map.length = UINT64_MAX;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
    map.length = UINT64_MAX - 4095;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
}

TAP_TEST(r2_without_object_or_anonymous_it_is_badf)
{
    struct hf_map map = request(0, 1, 0);
    map.flags = MEM_MAP_PRIVATE;
    EXPECT_ERR(hf_map(map, &mapped), ERR_BADF);
    map.length = 0;
    EXPECT_ERR(hf_map(map, &mapped), ERR_BADF);
}

TAP_TEST(r5_more_than_the_address_space_is_nomem)
{
    struct hf_map map = request(0, 0, 0);
    map.length = UINT64_C(1) << 38;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
    map = request(0, 2, MEM_MAP_FIXED);
    map.addr = USER_END - PAGE;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
    map.addr = UINT64_MAX - PAGE + 1;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
    map.addr = WINDOW_START;
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
}

TAP_TEST(r6_a_fixed_address_must_be_aligned)
{
    struct hf_map map = request(0, 1, MEM_MAP_FIXED);
    map.addr++;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
    map.addr = USER_END - 1; /* leaving user space is looked at first */
    EXPECT_ERR(hf_map(map, &mapped), ERR_NOMEM);
}

TAP_TEST(r7_low_addresses_need_a_privilege)
{
    struct hf_map map = request(0, 1, MEM_MAP_FIXED);
    map.addr = MEM_MAP_MIN_ADDR_DEFAULT - PAGE;
    EXPECT_ERR(hf_map(map, &mapped), ERR_PERM);
    map.addr = 0;
    EXPECT_ERR(hf_map(map, &mapped), ERR_PERM);
}

TAP_TEST(r8_noreplace_replaces_nothing)
{
    REQUIRE(EXPECT_ERR(area_map(2, 2, MEM_PROT_READ), ERR_OK));
    EXPECT_ERR(hf_map(request(0, 3, MEM_MAP_FIXED_NOREPLACE), &mapped), ERR_EXIST);
    EXPECT_ERR(hf_map(request(3, 3, MEM_MAP_FIXED_NOREPLACE | MEM_MAP_FIXED), &mapped), ERR_EXIST);
    EXPECT_STR(area_draw(8), "  rr    ");
    EXPECT_ERR(hf_map(request(0, 2, MEM_MAP_FIXED_NOREPLACE), &mapped), ERR_OK);
    EXPECT_U64(mapped, AREA_AT(0));
    EXPECT_STR(area_draw(8), "ww|rr    ");
    area_clear();
}

TAP_TEST(r9_a_hint_is_used_where_it_is_free_and_not_where_it_is_not)
{
    REQUIRE(EXPECT_ERR(hf_map(request(4, 2, 0), &mapped), ERR_OK));
    EXPECT_U64(mapped, AREA_AT(4));
    struct hf_map map = request(8, 1, 0);
    map.addr += 123; /* rounded down */
    REQUIRE(EXPECT_ERR(hf_map(map, &mapped), ERR_OK));
    EXPECT_U64(mapped, AREA_AT(8));
    REQUIRE(EXPECT_ERR(hf_map(request(3, 2, 0), &mapped), ERR_OK));
    EXPECT(mapped > AREA_AT(AREA_PAGES) || mapped < AREA_START);
    EXPECT_U64(mapped % PAGE, 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, mapped, 2 * PAGE), ERR_OK);
    area_clear();
}

TAP_TEST(r9_free_choice_goes_downwards_below_the_last_one)
{
    uint64_t first = 0;
    uint64_t second = 0;
    struct hf_map map = {.length = 16 * PAGE, .prot = MEM_PROT_NONE, .flags = ANON};
    REQUIRE(EXPECT_ERR(hf_map(map, &first), ERR_OK));
    map.prot = MEM_PROT_READ;
    REQUIRE(EXPECT_ERR(hf_map(map, &second), ERR_OK));
    EXPECT(second < first);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, first, 16 * PAGE), ERR_OK);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, second, 16 * PAGE), ERR_OK);
}

TAP_TEST(r9_lengths_of_two_mebibytes_are_aligned_so)
{
    struct hf_map map = {.length = UINT64_C(4) << 20, .prot = RW, .flags = ANON};
    REQUIRE(EXPECT_ERR(hf_map(map, &mapped), ERR_OK));
    EXPECT_U64(mapped % (UINT64_C(2) << 20), 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, mapped, map.length), ERR_OK);
}

TAP_TEST(r12_the_type_must_be_private_or_shared)
{
    struct hf_map map = request(0, 1, 0);
    map.flags = MEM_MAP_ANONYMOUS;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
    map.flags = MEM_MAP_ANONYMOUS | 4;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
    map.flags = MEM_MAP_ANONYMOUS | MEM_MAP_SHARED_VALIDATE;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
}

TAP_TEST(r12_unknown_flags_and_protection_bits_are_ignored)
{
    struct hf_map map = request(0, 2, MEM_MAP_FIXED | 0x40000000u);
    map.prot = RW | 0x100;
    REQUIRE(EXPECT_ERR(hf_map(map, &mapped), ERR_OK));
    EXPECT_STR(area_draw(4), "ww  ");
    area_clear();
}

TAP_TEST(r25_fixed_replaces_what_is_there_and_splits_at_the_edges)
{
    REQUIRE(EXPECT_ERR(area_map(0, 8, MEM_PROT_READ), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(3, 2, RW), ERR_OK));
    EXPECT_STR(area_draw(8), "rrr|ww|rrr");
    REQUIRE(EXPECT_ERR(area_map(1, 6, MEM_PROT_NONE), ERR_OK));
    EXPECT_STR(area_draw(8), "r|------|r");
    area_clear();
}

TAP_TEST(r25_a_replaced_page_reads_as_zero)
{
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    area_fill(0, 4);
    REQUIRE(EXPECT_ERR(area_map(1, 2, RW), ERR_OK));
    EXPECT(area_holds(0, 1, 0));
    EXPECT(area_holds(3, 1, 3));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(1), 0);
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(2), 0);
    area_clear();
}

TAP_TEST(r26_neighbours_that_continue_join_on_both_sides)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    EXPECT_STR(area_draw(8), "ww  ww  ");
    REQUIRE(EXPECT_ERR(area_map(2, 2, RW), ERR_OK));
    EXPECT_STR(area_draw(8), "wwwwww  ");
    REQUIRE(EXPECT_ERR(area_map(6, 1, MEM_PROT_READ), ERR_OK));
    EXPECT_STR(area_draw(8), "wwwwww|r ");
    area_clear();
}

TAP_TEST(r26_the_limit_of_regions_is_explained)
{
    struct mem_limits_rep limit;
    struct mem_query_rep totals;
    struct mem_refusal_rep refusal;
    REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_REGIONS, &limit), ERR_OK));
    EXPECT_U64(limit.value, MEM_MAX_MAP_COUNT_DEFAULT);
    REQUIRE(EXPECT_ERR(area_map(0, 3, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &totals), ERR_OK));
    REQUIRE(
        EXPECT_ERR(hf_limit_set(HF_OWN_SPACE, MEM_LIMIT_REGIONS, totals.regions_total), ERR_OK));
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_AT(1), PAGE), ERR_NOMEM);
    REQUIRE(EXPECT_ERR(hf_refusal(&refusal), ERR_OK));
    EXPECT_ERR((enum err)refusal.refused, ERR_NOMEM);
    EXPECT_U64(refusal.request, MEM_UNMAP);
    EXPECT_U64(refusal.limit, MEM_LIMIT_REGIONS);
    EXPECT_U64(refusal.value, totals.regions_total);
    EXPECT_U64(refusal.used, totals.regions_total);
    EXPECT_STR(area_draw(4), "www ");
    area_clear();
}

TAP_TEST(r27_populate_makes_pages_present)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(hf_map(request(0, 16, MEM_MAP_FIXED | MEM_MAP_POPULATE), &mapped), ERR_OK));
    EXPECT_U64(area_resident(), before + 16);
    uint64_t faults = 0;
    uint64_t faults_after = 0;
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &faults), ERR_OK);
    area_fill(0, 16);
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &faults_after), ERR_OK);
    EXPECT_U64(faults_after, faults);
    area_clear();
    REQUIRE(EXPECT_ERR(
        hf_map(request(0, 16, MEM_MAP_FIXED | MEM_MAP_POPULATE | MEM_MAP_NONBLOCK), &mapped),
        ERR_OK));
    EXPECT_U64(area_resident(), before);
    area_clear();
}

TAP_TEST(untouched_pages_read_as_zero_and_take_no_frame)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 8, RW), ERR_OK));
    for (uint64_t i = 0; i < 8; i++) {
        EXPECT_U64(*(volatile uint64_t *)(AREA_AT(i) + 8 * i), 0);
    }
    EXPECT_U64(area_resident(), before);
    area_fill(0, 8);
    EXPECT_U64(area_resident(), before + 8);
    EXPECT(area_holds(0, 8, 0));
    area_clear();
    EXPECT_U64(area_resident(), before);
}

TAP_TEST(a_written_page_is_zero_but_for_what_was_written)
{
    REQUIRE(EXPECT_ERR(area_map(0, 1, RW), ERR_OK));
    volatile unsigned char *bytes = (volatile unsigned char *)AREA_AT(0);
    bytes[1000] = 7;
    unsigned sum = 0;
    for (unsigned i = 0; i < PAGE; i++) {
        sum += bytes[i];
    }
    EXPECT_U64(sum, 7);
    area_clear();
}

TAP_TEST(pages_that_another_mapping_left_behind_do_not_show_through)
{
    for (int round = 0; round < 8; round++) {
        REQUIRE(EXPECT_ERR(area_map(0, 8, RW), ERR_OK));
        for (uint64_t i = 0; i < 8; i++) {
            for (uint64_t offset = 0; offset < PAGE; offset += 512) {
                EXPECT_U64(*(volatile uint64_t *)(AREA_AT(i) + offset), 0);
                *(volatile uint64_t *)(AREA_AT(i) + offset) = ~UINT64_C(0);
            }
        }
        area_clear();
    }
}

TAP_TEST(mmap_sets_errno_as_posix_names_it)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(EXPECT(page != MAP_FAILED));
    page[0] = 'a';
    EXPECT_I64(munmap(page, 4096), 0);
    errno = 0;
    EXPECT(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    EXPECT_I64(errno, EINVAL);
    EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED);
    EXPECT_I64(errno, EBADF);
    EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, STDOUT_FILENO, 0) == MAP_FAILED);
    EXPECT_I64(errno, ENODEV);
    EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 1) == MAP_FAILED);
    EXPECT_I64(errno, EINVAL);
    EXPECT(mmap(NULL, SIZE_MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    EXPECT_I64(errno, ENOMEM);
}

TAP_TEST(the_boot_archive_is_mapped_by_its_object)
{
    const struct hf_env *env = hf_env();
    REQUIRE(EXPECT(env->archive_object != 0));
    struct hf_map map = {.length = PAGE,
                         .prot = MEM_PROT_READ,
                         .flags = MEM_MAP_PRIVATE,
                         .object = env->archive_object};
    REQUIRE(EXPECT_ERR(hf_map(map, &mapped), ERR_OK));
    EXPECT(memcmp((const void *)mapped, env->archive_opt, PAGE) == 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, mapped, PAGE), ERR_OK);
    map.flags = MEM_MAP_SHARED;
    map.prot = RW;
    EXPECT_ERR(hf_map(map, &mapped), ERR_ACCES);
    map.prot = MEM_PROT_READ;
    map.offset = 1;
    EXPECT_ERR(hf_map(map, &mapped), ERR_INVAL);
    map.offset = UINT64_MAX - PAGE + 1;
    EXPECT_ERR(hf_map(map, &mapped), ERR_OVERFLOW);
}

TAP_TEST(only_init_gets_the_boot_object_and_devices)
{
    struct mem_boot_object_rep rep;
    struct mem_boot_device_rep device;
    EXPECT_ERR(hf_boot_device(0, &device), ERR_PERM);
    EXPECT_ERR(hf_boot_object(&rep), ERR_PERM);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(hello_tells_version_sizes_and_requests),
        TAP(an_unknown_request_is_nosys),
        TAP(head_bits_reserved_words_and_stray_handles_are_inval),
        TAP(a_space_that_is_no_space_is_refused),
        TAP(r1_an_offset_that_is_not_aligned_is_inval),
        TAP(r2_length_nothing_or_everything_is_nomem),
        TAP(r2_without_object_or_anonymous_it_is_badf),
        TAP(r5_more_than_the_address_space_is_nomem),
        TAP(r6_a_fixed_address_must_be_aligned),
        TAP(r7_low_addresses_need_a_privilege),
        TAP(r8_noreplace_replaces_nothing),
        TAP(r9_a_hint_is_used_where_it_is_free_and_not_where_it_is_not),
        TAP(r9_free_choice_goes_downwards_below_the_last_one),
        TAP(r9_lengths_of_two_mebibytes_are_aligned_so),
        TAP(r12_the_type_must_be_private_or_shared),
        TAP(r12_unknown_flags_and_protection_bits_are_ignored),
        TAP(r25_fixed_replaces_what_is_there_and_splits_at_the_edges),
        TAP(r25_a_replaced_page_reads_as_zero),
        TAP(r26_neighbours_that_continue_join_on_both_sides),
        TAP(r27_populate_makes_pages_present),
        TAP(untouched_pages_read_as_zero_and_take_no_frame),
        TAP(a_written_page_is_zero_but_for_what_was_written),
        TAP(pages_that_another_mapping_left_behind_do_not_show_through),
        TAP(mmap_sets_errno_as_posix_names_it),
        TAP(the_boot_archive_is_mapped_by_its_object),
        TAP(only_init_gets_the_boot_object_and_devices),
        /* Last: it takes away the process's room for more regions. */
        TAP(r26_the_limit_of_regions_is_explained),
    };
    return TAP_RUN(argc, argv, tests);
}
