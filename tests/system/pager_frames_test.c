/* SPDX-License-Identifier: MIT */
/*
 * A pager that has frames given to it with its work, fills them, and has them moved.
 */
#include <string.h>

#include <hf/pager.h>
#include <hf/shared.h>
#include <tap.h>

#include "area.h"
#include "child.h"
#include "paged.h"

#define WORDS (PAGE / sizeof(uint64_t))

/* With which the pager ends. */
enum status {
    ALL_GRANTED = 40,
    NOT_ALL_GRANTED = 41,
    NOT_ZERO = 42,
    NOT_GONE = 43,
    FAILED = 44,
};

/* Fill the granted frames. Returns: whether they were zeros, as they have to be. */
static bool fill(const struct paged *pager, const struct mem_pager_next_rep *work)
{
    bool is_zero = true;
    for (uint64_t i = 0; i < work->pages; i++) {
        uint64_t *page = pager->memory + i * WORDS;
        for (uint64_t word = 0; word < WORDS; word++) {
            is_zero = is_zero && page[word] == 0;
        }
        paged_fill(page, work->first + i);
    }
    return is_zero;
}

/* Serve until nobody has the object any longer. */
static int role_serve(void)
{
    struct paged pager;
    struct mem_pager_next_rep work;
    int status = ALL_GRANTED;
    if (!paged_open(&pager, 0, 0) || hf_shared_close(pager.object) != ERR_OK) {
        return FAILED;
    }
    const uint64_t frames = (uint64_t)pager.memory;
    enum err error = hf_pager_next_frames(pager.handle, false, frames, &work);
    while (error == ERR_OK && work.kind == MEM_WORK_PULL) {
        status = work.granted == work.pages ? status : NOT_ALL_GRANTED;
        if (!fill(&pager, &work)) {
            return NOT_ZERO;
        }
        error =
            hf_pager_supply_next(pager.handle, MEM_SUPPLY_MOVE | MEM_SUPPLY_FRAMES, frames, &work);
    }
    return error != ERR_OK ? FAILED : work.kind != MEM_WORK_GONE ? NOT_GONE : status;
}

TAP_TEST(granted_frames_are_filled_and_become_the_pages)
{
    struct child child;
    struct mem_next_rep end = {.cause = 0};
    uint64_t object = 0;
    REQUIRE(child_start(&child, "serve", ""));
    volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    REQUIRE(EXPECT(memory != NULL));
    for (uint64_t page = 0; page < PAGED_PAGES; page++) {
        EXPECT(paged_is_right(memory, page));
    }
    paged_unmap(memory, object);
    EXPECT(child_end(&child, &end));
    EXPECT_U64(end.detail, ALL_GRANTED);
}

TAP_TEST(who_wants_frames_where_there_is_no_memory_of_his_gets_none_and_the_work)
{
    struct mem_pager_next_rep work;
    struct mem_pager_next_rep none;
    struct paged pager;
    uint64_t addr = 0;
    REQUIRE(EXPECT(paged_open(&pager, 0, 0)));
    EXPECT_ERR(hf_pager_next_frames(pager.handle, true, (uint64_t)pager.memory + 8, &none),
               ERR_INVAL);
    EXPECT_ERR(hf_pager_next_frames(pager.handle, true, (uint64_t)pager.memory, &none),
               ERR_WOULD_BLOCK);
    /* A child asks for a page, and waits for ever, as far as this test goes. */
    struct child child;
    REQUIRE(child_start(&child, "read", ""));
    EXPECT_ERR(hf_pager_next_frames(pager.handle, false, UINT64_MAX - 0xfff, &work), ERR_OK);
    EXPECT_U64(work.kind, MEM_WORK_PULL);
    EXPECT_U64(work.granted, 0);
    const struct hf_map map = {.length = PAGE,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    REQUIRE(EXPECT_ERR(hf_map(map, &addr), ERR_OK));
    paged_fill((uint64_t *)addr, work.first);
    EXPECT_ERR(hf_pager_supply(pager.handle, &work, 0, 1, MEM_SUPPLY_COPY, addr), ERR_OK);
    struct mem_next_rep end = {.cause = 0};
    EXPECT(child_end(&child, &end));
    EXPECT_U64(end.detail, ALL_GRANTED);
    EXPECT_ERR(hf_shared_unname(PAGED_NAME, strlen(PAGED_NAME)), ERR_OK);
    EXPECT_ERR(hf_shared_unname(PAGED_SELF, strlen(PAGED_SELF)), ERR_OK);
}

/* Read the first page of the object. */
static int role_read(void)
{
    uint64_t object = 0;
    const volatile uint64_t *memory = paged_map(&object, MEM_PROT_READ);
    return memory != NULL && paged_is_right(memory, 0) ? ALL_GRANTED : FAILED;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(granted_frames_are_filled_and_become_the_pages),
        TAP(who_wants_frames_where_there_is_no_memory_of_his_gets_none_and_the_work),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt == NULL) {
        return TAP_RUN(argc, argv, tests);
    }
    return strcmp(role_opt, "serve") == 0 ? role_serve() : role_read();
}
