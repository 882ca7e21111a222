/* SPDX-License-Identifier: MIT */
#include "balance.h"

#include <hf/mem.h>
#include <hf/pin.h>
#include <tap.h>

struct balance balance_look(void)
{
    struct mem_stats_rep stats = {.free = 0};
    struct mem_commit_rep commit = {.used = 0};
    struct mem_pins_rep pins = {.pins = 0};
    struct mem_pin_row none;

    EXPECT_ERR(hf_stats(&stats), ERR_OK);
    EXPECT_ERR(hf_commit_get(&commit), ERR_OK);
    EXPECT_ERR(hf_pins(HF_OWN_SPACE, 0, 0, 0, &none, &pins), ERR_OK);
    return (struct balance){
        .free = stats.free,
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
