/* SPDX-License-Identifier: MIT */
/*
 * Slots, handles' rights, and the requests of core about objects.
 */
#include "ours_object.h"

#include <errno.h>

#include <base/assert.h>

#include "server/core/core.h"
#include "server/core/shared.h"

static struct ours_slot *slot_of(struct ours *ours, const struct step *step)
{
    bool is_slot = step->object != 0 && step->object <= STEP_OBJECTS;

    return is_slot ? &ours->side->slot[step->object - 1] : NULL;
}

/* The slot of a step with an object in it; NULL if there is none, which is its error. */
static struct ours_slot *slot_in_use(struct ours *ours, const struct step *step,
                                     struct look_head *head)
{
    struct ours_slot *slot = slot_of(ours, step);

    if (slot == NULL || slot->object == NULL) {
        head->error = ERR_BADF;
        return NULL;
    }
    return slot;
}

/* What a handle lets its holder do (MAP_RIGHT_). */
static uint32_t rights_of(const struct ours *ours, const struct ours_slot *slot, uint64_t rights)
{
    const uint32_t no_exec = slot->is_named ? STAGE_NAMED_NOEXEC : 0;
    const uint32_t others =
        MAP_RIGHT_MAPPABLE | ((ours->stage->rights & no_exec) != 0 ? 0 : MAP_RIGHT_EXEC);

    rights = slot->rights != STEP_RIGHTS_ALL ? slot->rights : rights;
    return others | (rights != STEP_RIGHTS_WRITE ? MAP_RIGHT_READ : 0) |
           (rights != STEP_RIGHTS_READ ? MAP_RIGHT_WRITE : 0);
}

struct object *ours_object_of(struct ours *ours, const struct step *step, uint32_t *rights)
{
    const struct ours_slot *slot = slot_of(ours, step);

    if (slot == NULL) {
        return NULL;
    }
    if (step->rights == STEP_RIGHTS_UNMAPPABLE) {
        *rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE |
                  ((ours->stage->rights & STAGE_NULL_NOEXEC) != 0 ? 0 : MAP_RIGHT_EXEC);
        return ours->filler;
    }
    *rights = rights_of(ours, slot, step->rights);
    return slot->object;
}

static void slot_empty(struct ours *ours, struct ours_slot *slot)
{
    if (slot->object != NULL) {
        bool is_held = hold_drop(&ours->world->core, ours->side->space, slot->object);
        ASSERT(is_held);
    }
    *slot = (struct ours_slot){0};
}

/* Let the space hold an object. The caller is in shared_enter(). */
static void hold(struct ours *ours, struct object *object)
{
    struct core *core = &ours->world->core;
    bool has_room = arena_page_reserve(core, hold_needs(core));

    ASSERT(has_room);
    hold_take(core, ours->side->space, object);
}

void ours_object_clone(struct ours *ours, const struct ours_side *from)
{
    for (unsigned i = 0; i < STEP_OBJECTS; i++) {
        ours->side->slot[i] = from->slot[i];
        if (from->slot[i].object != NULL) {
            shared_enter(&ours->world->core);
            hold(ours, from->slot[i].object);
            shared_leave(&ours->world->core);
        }
    }
}

void ours_object(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct ours_slot *slot = slot_of(ours, step);
    const bool is_named = (step->flags & STEP_OBJECT_NAMED) != 0;
    const struct object_request request = {
        .bytes = step->size,
        .flags = MEM_OBJECT_NORESERVE |
                 ((step->flags & STEP_OBJECT_APPEND) != 0 ? MEM_OBJECT_APPEND : 0),
        .seals = is_named ? MEM_SEAL_SEAL : (uint32_t)step->value,
    };
    struct object *made = NULL;

    if (slot == NULL) {
        head->error = ERR_BADF;
        return;
    }
    slot_empty(ours, slot);
    head->error = (int32_t)op_object_make(&ours->world->core, ours->side->space, &request, &made);
    *slot = (struct ours_slot){.object = made, .is_named = is_named};
}

void ours_close(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct ours_slot *slot = slot_in_use(ours, step, head);

    if (slot != NULL) {
        slot_empty(ours, slot);
    }
}

void ours_resize(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct ours_slot *slot = slot_in_use(ours, step, head);

    if (slot == NULL) {
        return;
    }
    head->error = (int32_t)op_object_resize(&ours->world->core, ours->side->space, slot->object,
                                            rights_of(ours, slot, step->rights), step->size);
    head->error = head->error == ERR_ACCES ? ERR_INVAL : head->error;
}

void ours_seal(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct ours_slot *slot = slot_in_use(ours, step, head);

    if (slot != NULL) {
        head->error =
            (int32_t)op_object_seal(&ours->world->core, ours->side->space, slot->object,
                                    rights_of(ours, slot, step->rights), (uint32_t)step->value);
    }
}

static void copy(struct ours *ours, const struct step *step, bool is_to_object,
                 struct look_head *head)
{
    const struct ours_slot *slot = slot_in_use(ours, step, head);
    uint64_t copied = 0;

    if (slot == NULL || step->length == 0 || step->offset >= object_bytes(slot->object)) {
        return; /* of what does not exist, nothing is copied */
    }
    const struct copy_object_request request = {
        .space = ours->side->space,
        .object = slot->object,
        .rights = rights_of(ours, slot, step->rights),
        .is_to_object = is_to_object,
        .address = {step->addr},
        .offset = step->offset,
        .length = step->length,
    };
    head->error = (int32_t)op_copy_object(&ours->world->core, &request, &copied);
    head->error = head->error == ERR_ACCES                  ? ERR_BADF
                  : head->error == ERR_FAULT && copied != 0 ? 0
                                                            : head->error;
    head->answer = copied;
}

void ours_get(struct ours *ours, const struct step *step, struct look_head *head)
{
    copy(ours, step, false, head);
}

void ours_put(struct ours *ours, const struct step *step, struct look_head *head)
{
    copy(ours, step, true, head);
}

static struct name_text name_of(uint64_t number)
{
    static const uint8_t names[STEP_NAMES] = {'a', 'b', 'c'};

    return (struct name_text){&names[number % STEP_NAMES], 1};
}

void ours_name(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct name_text text = name_of(step->value);
    const struct ours_slot *slot = slot_in_use(ours, step, head);

    if (slot == NULL) {
        return;
    }
    if (!slot->is_named || slot->rights != STEP_RIGHTS_ALL) {
        /* Not asked: ours can name everything, but never gives more rights than a handle has. */
        head->error = EXDEV;
        return;
    }
    head->error = (int32_t)name_add(&ours->world->core, ours->side->space, &text, slot->object,
                                    MAP_RIGHT_READ | MAP_RIGHT_WRITE);
}

void ours_open(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct core *core = &ours->world->core;
    const struct name_text text = name_of(step->value);
    struct ours_slot *slot = slot_of(ours, step);
    uint32_t rights;

    if (slot == NULL) {
        head->error = ERR_BADF;
        return;
    }
    shared_enter(core);
    struct object *object = name_find(core, &text, &rights);
    if (object != NULL) {
        hold(ours, object);
    }
    shared_leave(core);
    head->error = object == NULL ? ERR_NOENT : 0;
    if (object != NULL) {
        slot_empty(ours, slot);
        *slot = (struct ours_slot){
            .object = object, .rights = (uint32_t)step->rights, .is_named = true};
    }
}

void ours_unname(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct name_text text = name_of(step->value);

    head->error = (int32_t)name_remove(&ours->world->core, ours->side->space, &text);
}

void ours_object_end(struct ours *ours)
{
    for (uint64_t number = 0; number < STEP_NAMES; number++) {
        const struct name_text text = name_of(number);

        enum err error = name_remove(&ours->world->core, ours->side->space, &text);

        ASSERT(error == ERR_OK || error == ERR_NOENT);
    }
}
