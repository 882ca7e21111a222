/* SPDX-License-Identifier: MIT */
/*
 * COPY by a holder of nothing but the right PIN, as a disk driver is, beside faults of the space
 * that it is about. Pages come and go in two page tables at once; the memory server counts the
 * entries of each, and stops when the space has ended and one of them is not empty.
 */
#include <string.h>

#include <hf/mem.h>
#include <tap.h>

#include "area.h"
#include "child.h"

#define PAGES  16u
#define ROUNDS 300u
#define TABLE  (UINT64_C(512) * PAGE) /* that one page table maps */
#define TOUCH  UINT64_C(0x2000000000) /* the child's pages */
#define COPIED (TOUCH + TABLE)

/* The child: have pages come and go until it is ended. */
static int role_touch(void)
{
    uint64_t at = 0;
    const struct hf_map map = {.addr = TOUCH,
                               .length = 2 * TABLE,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags =
                                   MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED_NOREPLACE};
    struct hf_message message = {.tag = 0};

    if (hf_map(map, &at) != ERR_OK || hf_call(CHILD_HANDLE, &message) != ERR_OK) {
        return 1;
    }
    for (;;) {
        for (uint64_t i = 0; i < PAGES; i++) {
            *(volatile uint64_t *)(TOUCH + i * PAGE) = i;
        }
        (void)hf_advise(HF_OWN_SPACE, TOUCH, PAGES * PAGE, MEM_ADVISE_DONTNEED);
    }
}

/* Copy to its pages and drop them again, so many times. Returns: what went wrong. */
static uint64_t copy_beside(const struct child *child, uint64_t pinner)
{
    static unsigned char bytes[PAGES * PAGE];
    uint64_t errors = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t copied = 0;

        memset(bytes, (int)i, sizeof(bytes));
        errors += hf_copy(pinner, (uint64_t)(uintptr_t)bytes, COPIED, sizeof(bytes), MEM_COPY_TO,
                          &copied) != ERR_OK;
        errors += copied != sizeof(bytes);
        errors +=
            hf_advise(child->process.space, COPIED, sizeof(bytes), MEM_ADVISE_DONTNEED) != ERR_OK;
    }
    return errors;
}

TAP_TEST(copies_by_a_pinner_beside_faults_leave_the_tables_as_they_should_be)
{
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t endpoint = 0;
    uint64_t pinner = 0;

    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(child_make(&child, "touch", ""));
    REQUIRE(child_give(&child, endpoint, RIGHT_CALL, CHILD_HANDLE));
    REQUIRE(EXPECT_ERR(hf_space_derive(child.process.space, MEM_RIGHT_PIN, &pinner), ERR_OK));
    REQUIRE(child_go(&child));
    REQUIRE(EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK)); /* it has mapped its pages */
    request.message = (struct hf_message){.tag = 0};
    EXPECT_ERR(hf_reply(request), ERR_OK);
    EXPECT_U64(copy_beside(&child, pinner), 0);
    EXPECT_ERR(hf_space_end(child.process.space, 0), ERR_OK);
    EXPECT(child_end(&child, &end));
    (void)hf_handle_close(pinner);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    (void)hf_handle_close(endpoint);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(copies_by_a_pinner_beside_faults_leave_the_tables_as_they_should_be),
    };

    if (child_role(argc, argv) != NULL) {
        return role_touch();
    }
    return TAP_RUN(argc, argv, tests);
}
