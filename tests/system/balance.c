/* SPDX-License-Identifier: MIT */
#include "balance.h"

#include <unistd.h>

#include <hf/mem.h>
#include <hf/pin.h>
#include <tap.h>

#define STILL_US  5000 /* between two looks of which the second is as the first */
#define STILL_MAX 100  /* looks */

static uint64_t look(void)
{
    struct mem_stats_rep stats = {.free = 0};

    EXPECT_ERR(hf_stats(&stats), ERR_OK);
    return stats.free;
}

uint64_t balance_free(void)
{
    uint64_t free = look();

    for (int i = 0; i < STILL_MAX; i++) {
        const uint64_t before = free;

        usleep(STILL_US);
        free = look();
        if (free == before) {
            break;
        }
    }
    return free;
}

struct balance balance_look(void)
{
    const uint64_t free = balance_free();
    struct mem_commit_rep commit = {.used = 0};
    struct mem_pins_rep pins = {.pins = 0};
    struct mem_pin_row none;

    EXPECT_ERR(hf_commit_get(&commit), ERR_OK);
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, 0, 0, 0, &none, &pins), ERR_OK);
    return (struct balance){
        .free = free,
        .promised = commit.used,
        .names = commit.names,
        .shared = commit.shared,
        .pins = pins.pins,
        .detained = pins.detained,
        .quarantined = pins.quarantined,
    };
}

bool balance_expect(const struct balance *before)
{
    const struct balance now = balance_look();
    bool is_so = EXPECT_U64(now.free, before->free);

    is_so = EXPECT_U64(now.promised, before->promised) && is_so;
    is_so = EXPECT_U64(now.names, before->names) && is_so;
    is_so = EXPECT_U64(now.shared, before->shared) && is_so;
    is_so = EXPECT_U64(now.pins, before->pins) && is_so;
    is_so = EXPECT_U64(now.detained, before->detained) && is_so;
    return EXPECT_U64(now.quarantined, before->quarantined) && is_so;
}
