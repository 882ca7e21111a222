/* SPDX-License-Identifier: MIT */
#include "task/handle.h"

#include "mm/frame.h"
#include "task/space.h"

#define RIGHTS_MASK UINT64_C(0xff)

struct lock handle_lock;

/* The rights that make sense for an object of a kind. */
#define COMMON (RIGHT_TRANSFER | RIGHT_DERIVE)
static const uint8_t handle_rights[] = {
    [OBJECT_ENDPOINT] = COMMON | RIGHT_CALL | RIGHT_RECEIVE | RIGHT_DESTROY,
    [OBJECT_NOTIFICATION] = COMMON | RIGHT_SIGNAL | RIGHT_WAIT | RIGHT_DESTROY,
    [OBJECT_THREAD] = COMMON | RIGHT_CONTROL,
    [OBJECT_SPACE] = COMMON | RIGHT_CONTROL,
    [OBJECT_AUTHORITY] = COMMON | RIGHT_CONTROL,
    [OBJECT_LOG] = COMMON | RIGHT_CONTROL,
    [OBJECT_MACHINE] = COMMON | RIGHT_CONTROL,
    [OBJECT_INTERRUPT] = COMMON | RIGHT_CONTROL,
};

struct handle_slot handle_make(struct object *object_opt, enum object_kind kind, uint64_t rights,
                               uint64_t badge)
{
    ASSERT((size_t)kind < sizeof(handle_rights));
    const uint64_t kept = rights & handle_rights[kind];

    if (object_opt == NULL) {
        return (struct handle_slot){NULL, object_id_make(1, kind) | kept, badge, 0};
    }
    ASSERT(object_id_kind(object_opt->id) == kind);
    return (struct handle_slot){object_opt, object_opt->id | kept, badge, frame_stamp(object_opt)};
}

bool handle_is_live(const struct handle_slot *slot)
{
    if (slot->object == NULL) {
        return slot->id != 0;
    }
    return frame_stamp(slot->object) == slot->stamp &&
           ((slot->object->id ^ slot->id) & ~RIGHTS_MASK) == 0;
}

static struct handle_slot *handle_slot_at(const struct space *space, uint64_t number)
{
    return &space->slot_frames[number / SLOTS_FIRST][number % SLOTS_FIRST];
}

enum err handle_get(struct space *space, uint64_t number, struct handle_slot **slot)
{
    if (number >= space_slot_count(space)) {
        return ERR_BADF;
    }
    struct handle_slot *found = handle_slot_at(space, number);
    if (found->id == 0) {
        return ERR_BADF;
    }
    *slot = found;
    return ERR_OK;
}

enum err handle_find(struct space *space, uint64_t number, enum object_kind kind, uint64_t rights,
                     struct handle_slot **slot)
{
    struct handle_slot *found;
    const enum err error = handle_get(space, number, &found);

    if (error != ERR_OK) {
        return error;
    }
    if (!handle_is_live(found)) {
        return ERR_STALE;
    }
    if (object_id_kind(found->id) != kind) {
        return ERR_TYPE;
    }
    if ((found->id & rights) != rights) {
        return ERR_RIGHTS;
    }
    *slot = found;
    return ERR_OK;
}

enum err handle_add_frame(struct space *space, struct handle_slot *frame)
{
    if (space->slot_frame_count == SPACE_SLOT_FRAMES_MAX) {
        return ERR_NO_SLOT;
    }
    frame[0].badge = (uint64_t)(uintptr_t)space;
    space->slot_frames[space->slot_frame_count] = frame;
    space->slot_frame_count++;
    return ERR_OK;
}

bool handle_next_free(const struct space *space, uint64_t first, uint64_t count, uint64_t *at)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t number = first + i;
        if (number >= *at && number % SLOTS_FIRST != 0 && handle_slot_at(space, number)->id == 0) {
            *at = number;
            return true;
        }
    }
    return false;
}

enum err handle_choose(struct space *space, uint64_t wanted, uint64_t *number)
{
    const uint64_t end = space_slot_count(space);

    if (wanted >= end) {
        return ERR_RANGE;
    }
    if (wanted != 0) {
        if (wanted % SLOTS_FIRST == 0 || handle_slot_at(space, wanted)->id != 0) {
            return ERR_EXIST;
        }
        *number = wanted;
        return ERR_OK;
    }
    uint64_t at = HANDLE_FREE;
    if (!handle_next_free(space, HANDLE_FREE, end - HANDLE_FREE, &at)) {
        return ERR_NO_SLOT;
    }
    *number = at;
    return ERR_OK;
}

void handle_put(struct space *space, uint64_t number, struct handle_slot value)
{
    ASSERT(number % SLOTS_FIRST != 0 && number < space_slot_count(space));
    struct handle_slot *slot = handle_slot_at(space, number);
    ASSERT(slot->id == 0);
    *slot = value;
}

void handle_clear(struct space *space, uint64_t number)
{
    ASSERT(number % SLOTS_FIRST != 0 && number < space_slot_count(space));
    *handle_slot_at(space, number) = (struct handle_slot){NULL, 0, 0, 0};
}
