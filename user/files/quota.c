/* SPDX-License-Identifier: MIT */
#include "quota.h"

#include <base/assert.h>

void quota_init(struct quota *quota, uint64_t pages, uint64_t frames)
{
    const uint64_t nodes = frames < QUOTA_NODES_FIRST ? QUOTA_NODES_FIRST : frames;
    *quota = (struct quota){
        .limit = {pages, nodes},
        .owner_limit = {pages - pages / 4, nodes - nodes / 4},
    };
}

/* Whether `used` and `more` stay within `limit`. */
static int fits(struct quota_use used, struct quota_use more, struct quota_use limit)
{
    return more.pages <= limit.pages - used.pages && more.nodes <= limit.nodes - used.nodes;
}

static void add(struct quota_use *use, struct quota_use more)
{
    use->pages += more.pages;
    use->nodes += more.nodes;
}

enum err quota_take(struct quota *quota, uint32_t owner, struct quota_use more)
{
    ASSERT(owner < QUOTA_OWNERS);
    if (!fits(quota->total, more, quota->limit)) {
        return ERR_NOSPC;
    }
    if (!fits(quota->owners[owner], more, quota->owner_limit)) {
        return ERR_NOSPC;
    }
    add(&quota->total, more);
    add(&quota->owners[owner], more);
    return ERR_OK;
}

static void subtract(struct quota_use *use, struct quota_use less)
{
    ASSERT(less.pages <= use->pages && less.nodes <= use->nodes);
    use->pages -= less.pages;
    use->nodes -= less.nodes;
}

void quota_give(struct quota *quota, uint32_t owner, struct quota_use less)
{
    ASSERT(owner < QUOTA_OWNERS);
    subtract(&quota->total, less);
    subtract(&quota->owners[owner], less);
}

uint64_t quota_left(const struct quota *quota, uint32_t owner)
{
    ASSERT(owner < QUOTA_OWNERS);
    const uint64_t all = quota->limit.pages - quota->total.pages;
    const uint64_t own = quota->owner_limit.pages - quota->owners[owner].pages;
    return own < all ? own : all;
}
