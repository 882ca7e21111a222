/* SPDX-License-Identifier: MIT */
#include "server/core/pin_rule.h"

#include <stdatomic.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/limit.h"
#include "server/core/object.h"
#include "server/core/shadow.h"

STATIC_ASSERT(MEM_PIN_PAGES_MAX == PIN_PAGES_MAX && MEM_PIN_PURPOSE == PIN_PURPOSE,
              "core has the numbers of the protocol");

enum err pin_rule_check(struct space *space, const struct pin_request *request)
{
    const uint32_t needs_get = MEM_PIN_FRAMES | MEM_PIN_HANDLE | MEM_PIN_LONGTERM;
    const uint32_t privileges = request->owner->settings.privileges;
    const bool gets = pin_has(request, MEM_PIN_GET);

    if ((request->flags & ~MEM_PIN_FLAGS) != 0 || (!gets && pin_has(request, needs_get)) ||
        (!gets && request->device != 0) || request->pages > PIN_PAGES_MAX) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (pin_has(request, MEM_PIN_REGIONS) && pin_has(request, MEM_PIN_MAY_DROP)) {
        return limit_refuse(space, ERR_INVAL); /* P12 */
    }
    if ((pin_has(request, MEM_PIN_FRAMES) && (privileges & SPACE_PRIVILEGE_PHYSICAL) == 0) ||
        (request->device != 0 && (privileges & SPACE_PRIVILEGE_DMA) == 0)) {
        return limit_refuse(space, ERR_PERM);
    }
    return ERR_OK;
}

/* Private, and its pages may be written one day: what it has together with others is copied. */
static bool pin_rule_copies(const struct region *region)
{
    return (region->flags & (REGION_SHARED | MEM_PROT_WRITE << REGION_MAY_SHIFT)) ==
           MEM_PROT_WRITE << REGION_MAY_SHIFT;
}

bool pin_rule_allows(const struct core *core, const struct region *region,
                     const struct pin_request *request)
{
    const uint32_t rights = region_rights(region->flags);
    const bool forces = pin_has(request, MEM_PIN_FORCE);

    if (region->object != 0) {
        const uint32_t kind = object_at(core, region->object)->kind;
        const bool is_tracked = kind == OBJECT_PAGED && (region->flags & REGION_SHARED) != 0;

        /* P14: what a device writes for long would never be saved (Linux FOLL_LONGTERM). */
        if (kind == OBJECT_DEVICE ||
            (is_tracked && pin_has(request, MEM_PIN_LONGTERM) && pin_has(request, MEM_PIN_WRITE))) {
            return false;
        }
    }
    if (pin_has(request, MEM_PIN_WRITE)) {
        return (rights & MEM_PROT_WRITE) != 0 || (forces && pin_rule_copies(region));
    }
    return (rights & MEM_PROT_READ) != 0 ||
           (forces && (region->flags & MEM_PROT_READ << REGION_MAY_SHIFT) != 0);
}

bool pin_rule_unshares(const struct region *region, const struct pin_request *request,
                       uint64_t entry)
{
    switch (shadow_entry_state(entry)) {
    case SHADOW_SHARED:
    case SHADOW_SWAPPED:
        return true;
    case SHADOW_ZERO:
    case SHADOW_WIRED:
        return pin_has(request, MEM_PIN_LONGTERM) && pin_rule_copies(region);
    case SHADOW_OWN:
    case SHADOW_ABSENT:
        return false;
    }
    UNREACHABLE();
}

uint64_t pin_rule_allowance(const struct space *owner)
{
    const uint64_t limit = owner->settings.locked_max / PAGE_SIZE;
    const uint64_t used =
        owner->locked + atomic_load_explicit(&owner->pinned, memory_order_relaxed);

    if ((owner->settings.privileges & SPACE_PRIVILEGE_LOCK) != 0) {
        return UINT64_MAX;
    }
    return used < limit ? limit - used : 0;
}
