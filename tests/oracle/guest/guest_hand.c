/* SPDX-License-Identifier: MIT */
/*
 * The hand's space gets a copy of guest_hand.S; jobs are answers to its calls.
 */
#include "guest_hand.h"

#include <stddef.h>

#include <abi/fault.h>
#include <base/assert.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/process.h>
#include <tap.h>

STATIC_ASSERT((int)SYS_CALL == HAND_SYS_CALL, "guest_code.h");
STATIC_ASSERT((int)SYS_EXIT == HAND_SYS_EXIT, "guest_code.h");
STATIC_ASSERT((int)SYS_UPCALL_SET == HAND_SYS_UPCALL_SET, "guest_code.h");
STATIC_ASSERT((int)SYS_UPCALL_RESUME == HAND_SYS_UPCALL_RESUME, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, x[18]) == HAND_CONTEXT_S2, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, x[19]) == HAND_CONTEXT_S3, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, x[20]) == HAND_CONTEXT_S4, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, x[21]) == HAND_CONTEXT_S5, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, x[24]) == HAND_CONTEXT_S8, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, pc) == HAND_CONTEXT_PC, "guest_code.h");
STATIC_ASSERT(offsetof(struct upcall_context, access) == HAND_CONTEXT_ACCESS, "guest_code.h");

extern const char hand_code[];
extern const char hand_code_end[];

/* The code on its page. */
static bool load(uint64_t space, uint64_t page)
{
    const uint64_t bytes = (uint64_t)(hand_code_end - hand_code);
    const struct hf_map map = {
        .space = space,
        .addr = page,
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED_NOREPLACE,
    };
    uint64_t copied = 0;

    return EXPECT_ERR(hf_map(map, &page), ERR_OK) &&
           EXPECT_ERR(hf_copy(space, (uint64_t)hand_code, page, bytes, MEM_COPY_TO, &copied),
                      ERR_OK) &&
           EXPECT_ERR(hf_protect(space, page, HF_PAGE_BYTES, MEM_PROT_READ | MEM_PROT_EXEC),
                      ERR_OK);
}

static bool make_endpoint(uint64_t *endpoint)
{
    enum err error = hf_object_make(OBJECT_ENDPOINT, 0, endpoint);

    if (error == ERR_NO_OBJECT) {
        error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
        error = error == ERR_OK ? hf_object_make(OBJECT_ENDPOINT, 0, endpoint) : error;
    }
    return EXPECT_ERR(error, ERR_OK);
}

bool hand_start(struct hand *hand, uint64_t space, uint64_t kernel_space, uint64_t page,
                bool is_empty)
{
    const struct hf_start start = {.pc = page, .sp = page + HF_PAGE_BYTES};
    struct mem_thread_make_rep thread;
    uint64_t slot = HAND_SLOT;

    *hand = (struct hand){0};
    if ((is_empty && !load(space, page)) || !make_endpoint(&hand->endpoint) ||
        !EXPECT_ERR(hf_handle_give(kernel_space, hand->endpoint, RIGHT_CALL, slot, &slot),
                    ERR_OK) ||
        !EXPECT_ERR(hf_thread_make(space, PRIORITY_DEFAULT, &thread), ERR_OK)) {
        return false;
    }
    hand->thread = thread.thread;
    return EXPECT_ERR(hf_thread_start(hand->thread, &start), ERR_OK) &&
           EXPECT_ERR(hf_reply_wait(hand->endpoint, &hand->request), ERR_OK);
}

bool hand_do(struct hand *hand, uint64_t job, uint64_t address, uint64_t word,
             struct hand_answer *answer)
{
    const uint64_t *words = hand->request.message.words;

    hand->request.message = (struct hf_message){.words = {job, address, word}};
    if (!EXPECT_ERR(hf_reply_wait(hand->endpoint, &hand->request), ERR_OK)) {
        return false;
    }
    *answer = (struct hand_answer){words[0], words[1], words[2], words[3]};
    return true;
}
