/* SPDX-License-Identifier: MIT */
#include "server/core/op_swap.h"

#include <base/assert.h>

#include "server/core/limit.h"
#include "server/core/pager.h"
#include "server/core/region.h"
#include "server/core/shared.h"
#include "server/core/swap.h"
#include "server/core/upkeep.h"

static bool swap_is_area(const struct object *object)
{
    return (object->flags & OBJECT_SWAP) != 0;
}

static enum err swap_check(const struct core *core, struct space *space,
                           const struct object *object, bool is_on)
{
    if ((space->settings.privileges & SPACE_PRIVILEGE_SWAP) == 0) {
        return limit_refuse(space, ERR_PERM);
    }
    if (object->kind != OBJECT_PAGED) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (pager_of(core, object)->space != space->number) {
        return limit_refuse(space, ERR_PERM);
    }
    if (!is_on) {
        return swap_is_area(object) ? ERR_OK : limit_refuse(space, ERR_INVAL);
    }
    const uint64_t pages = npages_number(object->pages);

    if ((object->flags & OBJECT_APPEND) != 0 || pages == 0 || pages > SWAP_SLOTS ||
        object->patience == UINT64_MAX || (space->future & REGION_LOCKED) == 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (swap_current(core) != NULL || swap_is_area(object) || object->region_first != 0 ||
        object->frames.count != 0) {
        return limit_refuse(space, ERR_BUSY);
    }
    return swap_find_free(core) < SWAP_AREAS ? ERR_OK : limit_refuse(space, ERR_NOMEM);
}

enum err op_swap(struct core *core, struct space *space, struct object *object, bool is_on)
{
    limit_begin(space);
    swap_tidy(core);
    shared_enter(core);
    enum err error = swap_check(core, space, object, is_on);

    if (error == ERR_OK && is_on) {
        error = upkeep_take(core, space, object, swap_cost(npages_number(object->pages)))
                    ? ERR_OK
                    : limit_refuse_frames(core, space, 1);
    }
    if (error == ERR_OK && is_on) {
        swap_open(core, space, object);
    } else if (error == ERR_OK) {
        swap_close(core, object);
    }
    shared_leave(core);
    swap_tidy(core);
    return error;
}
