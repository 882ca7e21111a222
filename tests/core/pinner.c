/* SPDX-License-Identifier: MIT */
#include "pinner.h"

#include <tap.h>

bool pinner_pin(unsigned thread, uint32_t page, uint32_t pages, uint32_t flags)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){ASK_PIN, page, pages, flags});
}

bool pinner_ask(unsigned thread, enum ask what, uint64_t x, uint64_t y, uint64_t z)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){what, x, y, z});
}

const struct patient_answer *pinner_answer(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread]);
}

enum wait_state pinner_state(unsigned thread)
{
    return (enum wait_state)stall.threads[thread]->wait.state;
}

void pinner_supply(uint64_t page)
{
    struct pager_work work;

    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_PULL);
    EXPECT_U64(work.first, page);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
}

void pinner_prepare(uint32_t end)
{
    for (uint32_t i = 0; i < end; i++) {
        EXPECT(!stall_read(3, AT + i));
        pinner_supply(i);
    }
}

void pinner_expect(unsigned thread, uint64_t pages, bool is_dropped)
{
    EXPECT(pinner_answer(thread)->is_there);
    EXPECT_ERR(pinner_answer(thread)->error, ERR_OK);
    EXPECT_U64(pinner_answer(thread)->value, pages);
    EXPECT_U64(pinner_answer(thread)->is_dropped, is_dropped);
}
