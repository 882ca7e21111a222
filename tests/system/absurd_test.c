/* SPDX-License-Identifier: MIT */
/*
 * Requests for what cannot be: each gets its error with the figures, and nothing has changed. Ten
 * million regions are asked for in many_regions_test.c.
 */
#include <string.h>

#include <abi/layout.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <tap.h>

#define PAGE    HF_PAGE_BYTES
#define HUGE    (UINT64_C(1) << 63)
#define PRIVATE (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)
#define RW      (MEM_PROT_READ | MEM_PROT_WRITE)

/* All of the space that can be seen. */
struct picture {
    struct mem_query_rep totals;
    struct mem_region regions[MEM_QUERY_REGIONS_MAX];
    uint64_t promised;
    uint64_t locked;
    uint64_t free;
};

static void look(struct picture *picture)
{
    struct mem_commit_rep commit = {.used = 0};
    struct mem_limits_rep locked = {.used = 0};
    struct mem_stats_rep stats = {.free = 0};

    memset(picture, 0, sizeof(*picture));
    EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, MEM_QUERY_REGIONS_MAX, picture->regions, &picture->totals),
               ERR_OK);
    EXPECT_ERR(hf_commit_get(&commit), ERR_OK);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_LOCKED, &locked), ERR_OK);
    EXPECT_ERR(hf_stats(&stats), ERR_OK);
    picture->promised = commit.used;
    picture->locked = locked.used;
    picture->free = stats.free;
    picture->totals.faults_total = 0; /* looking may touch pages */
}

static struct picture before;
static struct picture after;

static void expect_unchanged(void)
{
    look(&after);
    EXPECT(memcmp(&before, &after, sizeof(before)) == 0);
}

/* Look twice: the first time touches what looking needs. */
static void begin(void)
{
    look(&before);
    look(&after);
    look(&before);
}

static void expect_refusal(enum err error, enum mem_limit limit, uint64_t value, uint64_t used,
                           uint64_t asked)
{
    struct mem_refusal_rep rep;

    EXPECT_ERR(hf_refusal(&rep), ERR_OK);
    EXPECT_ERR((enum err)rep.refused, error);
    EXPECT_U64(rep.limit, limit);
    EXPECT_U64(rep.value, value);
    EXPECT_U64(rep.used, used);
    EXPECT_U64(rep.asked, asked);
}

/* The last request would have locked so many pages. */
static void expect_over_lock_limit(uint64_t asked)
{
    struct mem_limits_rep limit = {.used = 0};
    struct mem_refusal_rep rep;

    EXPECT_ERR(hf_refusal(&rep), ERR_OK);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_LOCKED, &limit), ERR_OK);
    EXPECT_ERR((enum err)rep.refused, ERR_NOMEM);
    EXPECT_U64(rep.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(rep.value, limit.value);
    EXPECT_U64(rep.used, limit.used);
    EXPECT_U64(rep.asked, asked);
}

TAP_TEST(two_to_the_63_bytes_are_refused_with_the_size_of_the_address_space)
{
    const struct hf_map map = {.length = HUGE, .prot = RW, .flags = PRIVATE};
    uint64_t at = 0;

    begin();
    EXPECT_ERR(hf_map(map, &at), ERR_NOMEM);
    expect_refusal(ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END, before.totals.pages_total * PAGE,
                   HUGE);
    EXPECT(strstr(hf_last_refusal(), "bytes of user addresses") != NULL);
    expect_unchanged();
    struct hf_map fixed = map;

    fixed.addr = UINT64_C(0x1000000000);
    fixed.flags |= MEM_MAP_FIXED;
    EXPECT_ERR(hf_map(fixed, &at), ERR_NOMEM);
    expect_unchanged();
    const struct hf_remap remap = {.old_addr = before.regions[0].start,
                                   .old_length = PAGE,
                                   .new_length = HUGE,
                                   .flags = MEM_REMAP_MAYMOVE};

    EXPECT_ERR(hf_remap(remap, &at), ERR_NOMEM);
    expect_refusal(ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END, before.totals.pages_total * PAGE,
                   HUGE);
    expect_unchanged();
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, before.regions[0].start, HUGE, 0), ERR_NOMEM);
    expect_over_lock_limit(HUGE / PAGE);
    expect_unchanged();
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, before.regions[0].start, HUGE), ERR_INVAL);
    expect_refusal(ERR_INVAL, MEM_LIMIT_NONE, 0, 0, 0);
    expect_unchanged();
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, before.regions[0].start, HUGE, MEM_PROT_NONE), ERR_NOMEM);
    expect_unchanged();
    EXPECT_ERR(hf_advise(HF_OWN_SPACE, before.regions[0].start, HUGE, MEM_ADVISE_DONTFORK),
               ERR_NOMEM);
    expect_unchanged();
    EXPECT_ERR(hf_sync(HF_OWN_SPACE, before.regions[0].start, HUGE, MEM_SYNC_SYNC), ERR_NOMEM);
    expect_unchanged();
}

TAP_TEST(negative_lengths_are_refused)
{
    const uint64_t negative[] = {UINT64_MAX, UINT64_MAX - PAGE + 1, UINT64_MAX - 2 * PAGE};
    const uint64_t addr = UINT64_C(0x1000000000);
    uint64_t at = 0;

    begin();
    for (size_t i = 0; i < sizeof(negative) / sizeof(negative[0]); i++) {
        const struct hf_map map = {.length = negative[i], .prot = RW, .flags = PRIVATE};
        const struct hf_remap remap = {.old_addr = before.regions[0].start,
                                       .old_length = PAGE,
                                       .new_length = negative[i],
                                       .flags = MEM_REMAP_MAYMOVE};

        /* Rounded up to pages, the first is 0. */
        const enum err wrapped = negative[i] == UINT64_MAX ? ERR_INVAL : ERR_NOMEM;

        EXPECT_ERR(hf_map(map, &at), ERR_NOMEM);
        expect_unchanged();
        EXPECT_ERR(hf_unmap(HF_OWN_SPACE, addr, negative[i]), ERR_INVAL);
        expect_unchanged();
        EXPECT_ERR(hf_protect(HF_OWN_SPACE, addr, negative[i], MEM_PROT_READ), ERR_NOMEM);
        expect_unchanged();
        EXPECT_ERR(hf_advise(HF_OWN_SPACE, addr, negative[i], MEM_ADVISE_DONTNEED), ERR_INVAL);
        expect_unchanged();
        EXPECT_ERR(hf_lock(HF_OWN_SPACE, addr, negative[i], 0), wrapped);
        expect_unchanged();
        EXPECT_ERR(hf_remap(remap, &at), wrapped);
        expect_unchanged();
        EXPECT_ERR(hf_sync(HF_OWN_SPACE, addr, negative[i], MEM_SYNC_SYNC), ERR_NOMEM);
        expect_unchanged();
    }
}

TAP_TEST(a_batch_with_a_bad_last_operation_changes_nothing)
{
    struct mem_batch_op ops[MEM_BATCH_MAX];
    const struct hf_map map = {.length = 200 * PAGE, .prot = RW, .flags = PRIVATE};
    uint64_t start = 0;
    uint64_t refused = 0;

    if (!EXPECT_ERR(hf_map(map, &start), ERR_OK)) {
        return;
    }
    memset((void *)start, 7, map.length);
    for (uint64_t i = 0; i < MEM_BATCH_MAX; i++) {
        const uint64_t at = start + 3 * i * PAGE;

        ops[i] = i % 2 == 0 ? (struct mem_batch_op){MEM_UNMAP, {at, PAGE}}
                            : (struct mem_batch_op){MEM_PROTECT, {at, PAGE, MEM_PROT_READ}};
    }
    ops[MEM_BATCH_MAX - 1] =
        (struct mem_batch_op){MEM_MAP, {0, HUGE, (uint64_t)PRIVATE << 32 | RW, 0}};
    /* The first time, the server gets pages for records that it keeps. */
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, MEM_BATCH_MAX, &refused), ERR_NOMEM);
    begin();
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, MEM_BATCH_MAX, &refused), ERR_NOMEM);
    EXPECT_U64(refused, MEM_BATCH_MAX - 1);
    /* Judged as if those before it were done: half of them took a page away. */
    expect_refusal(ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END,
                   (before.totals.pages_total - MEM_BATCH_MAX / 2) * PAGE, HUGE);
    expect_unchanged();
    for (uint64_t i = 0; i < map.length; i += PAGE) {
        EXPECT_U64(*(const volatile unsigned char *)(start + i), 7);
    }
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, start, map.length), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(two_to_the_63_bytes_are_refused_with_the_size_of_the_address_space),
        TAP(negative_lengths_are_refused),
        TAP(a_batch_with_a_bad_last_operation_changes_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
