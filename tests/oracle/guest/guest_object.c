/* SPDX-License-Identifier: MIT */
/*
 * Handles in slots, derived for each step that asks for fewer rights.
 */
#include "guest_object.h"

#include <base/types.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <mem/prot.h>
#include <tap.h>

/* Errors of ours_object.c that are no requests'. */
#define ERROR_EXDEV 18

#define BUFFER_BYTES (64 * PAGE_SIZE)

struct slot {
    uint64_t handle; /* 0: empty */
    uint64_t rights; /* enum step_rights it was opened with */
    bool is_named;
};

static struct {
    struct slot slot[STEP_SIDES][STEP_OBJECTS];
    uint64_t unmappable;
    unsigned char buffer[BUFFER_BYTES];
} state;

static struct slot *slot_of(const struct place *place, const struct step *step)
{
    bool is_slot = step->object != 0 && step->object <= STEP_OBJECTS;

    return is_slot ? &state.slot[place->side - place->sides][step->object - 1] : NULL;
}

static struct slot *slot_in_use(const struct place *place, const struct step *step,
                                struct guest_answer *answer)
{
    struct slot *slot = slot_of(place, step);

    if (slot == NULL || slot->handle == 0) {
        answer->error = ERR_BADF;
        return NULL;
    }
    return slot;
}

static bool slot_empty(struct slot *slot)
{
    bool is_ok = slot->handle == 0 || EXPECT_ERR(hf_shared_close(slot->handle), ERR_OK);

    *slot = (struct slot){0};
    return is_ok;
}

static uint64_t rights_of(uint64_t rights)
{
    static const uint64_t list[STEP_RIGHTS] = {
        [STEP_RIGHTS_ALL] = MEM_OBJECT_RIGHTS,
        [STEP_RIGHTS_READ] = MEM_OBJECT_RIGHTS & ~MEM_OBJECT_WRITE,
        [STEP_RIGHTS_WRITE] = MEM_OBJECT_RIGHTS & ~MEM_OBJECT_READ,
        [STEP_RIGHTS_UNMAPPABLE] = MEM_OBJECT_RIGHTS & ~MEM_OBJECT_MAPPABLE,
    };
    return list[rights % STEP_RIGHTS];
}

/* What the step uses of a slot's handle; `*derived` as guest_object_handle(). */
static bool slot_handle(const struct slot *slot, uint64_t rights, uint64_t *object,
                        uint64_t *derived)
{
    *object = slot->handle;
    *derived = 0;
    if (slot->rights != STEP_RIGHTS_ALL || rights == STEP_RIGHTS_ALL) {
        return true;
    }
    bool is_ok = EXPECT_ERR(hf_shared_derive(slot->handle, rights_of(rights), derived), ERR_OK);
    *object = *derived;
    return is_ok;
}

bool guest_object_handle(const struct place *place, const struct step *step, uint64_t *object,
                         uint64_t *derived)
{
    const struct slot *slot = slot_of(place, step);

    *object = 0;
    *derived = 0;
    if (slot != NULL && step->rights == STEP_RIGHTS_UNMAPPABLE) {
        *object = state.unmappable;
        return true;
    }
    return slot == NULL || slot->handle == 0 || slot_handle(slot, step->rights, object, derived);
}

static bool drop(uint64_t derived)
{
    return derived == 0 || EXPECT_ERR(hf_shared_close(derived), ERR_OK);
}

bool guest_object(struct place *place, const struct step *step, struct guest_answer *answer)
{
    struct slot *slot = slot_of(place, step);
    const bool is_named = (step->flags & STEP_OBJECT_NAMED) != 0;
    uint64_t flags = MEM_OBJECT_NORESERVE;
    uint64_t handle = 0;

    if (slot == NULL) {
        answer->error = ERR_BADF;
        return true;
    }
    if (!slot_empty(slot)) {
        return false;
    }
    flags |= (step->flags & STEP_OBJECT_APPEND) != 0 ? MEM_OBJECT_APPEND : 0;
    answer->error =
        (int32_t)hf_shared_make(step->size, flags, is_named ? MEM_SEAL_SEAL : step->value, &handle);
    *slot = (struct slot){.handle = handle, .is_named = is_named};
    return true;
}

bool guest_close(struct place *place, const struct step *step, struct guest_answer *answer)
{
    struct slot *slot = slot_in_use(place, step, answer);

    return slot == NULL || slot_empty(slot);
}

/* RESIZE or SEAL of what the step names. */
static bool change(const struct place *place, const struct step *step,
                   enum err (*request)(uint64_t object, uint64_t number), uint64_t number,
                   struct guest_answer *answer)
{
    const struct slot *slot = slot_in_use(place, step, answer);
    uint64_t object;
    uint64_t derived;

    if (slot == NULL) {
        return true;
    }
    if (!slot_handle(slot, step->rights, &object, &derived)) {
        return false;
    }
    answer->error = (int32_t)request(object, number);
    return drop(derived);
}

bool guest_resize(struct place *place, const struct step *step, struct guest_answer *answer)
{
    bool is_ok = change(place, step, hf_shared_resize, step->size, answer);
    answer->error = answer->error == ERR_ACCES ? ERR_INVAL : answer->error;
    return is_ok;
}

bool guest_seal(struct place *place, const struct step *step, struct guest_answer *answer)
{
    return change(place, step, hf_shared_seal, step->value, answer);
}

/* Copy through the buffer what both sides let be copied. */
static enum err copy_bytes(const struct place *place, const struct step *step, uint64_t object,
                           uint64_t direction, uint64_t length, uint64_t *copied)
{
    const uint64_t buffer = (uint64_t)state.buffer;
    const uint64_t addr = place_from_core(place, step->addr);
    uint64_t taken = 0;

    /* The handle is judged before anything is touched. */
    enum err error = hf_shared_copy(object, buffer, step->offset, 0, direction, &taken);
    if (error != ERR_OK) {
        return error;
    }
    if (direction == MEM_COPY_TO) {
        error = hf_copy(place->side->process.space, buffer, addr, length, MEM_COPY_FROM, &taken);
        if (taken == 0) {
            return error;
        }
        return hf_shared_copy(object, buffer, step->offset, taken, direction, copied);
    }
    error = hf_shared_copy(object, buffer, step->offset, length, direction, &taken);
    return error != ERR_OK
               ? error
               : hf_copy(place->side->process.space, buffer, addr, taken, MEM_COPY_TO, copied);
}

static bool copy(const struct place *place, const struct step *step, uint64_t direction,
                 struct guest_answer *answer)
{
    const struct slot *slot = slot_in_use(place, step, answer);
    struct mem_object_info_rep info;
    uint64_t object;
    uint64_t derived;

    if (slot == NULL) {
        return true;
    }
    if (!EXPECT_ERR(hf_shared_info(slot->handle, &info), ERR_OK) ||
        !slot_handle(slot, step->rights, &object, &derived)) {
        return false;
    }
    uint64_t left = step->offset < info.bytes ? info.bytes - step->offset : 0;
    uint64_t length = step->length < left ? step->length : left;
    uint64_t copied = 0;
    if (!EXPECT(length <= BUFFER_BYTES)) {
        return false;
    }
    if (length != 0) {
        enum err error = copy_bytes(place, step, object, direction, length, &copied);
        answer->error = (int32_t)(error == ERR_ACCES                  ? ERR_BADF
                                  : error == ERR_FAULT && copied != 0 ? ERR_OK
                                                                      : error);
        answer->answer = copied;
    }
    return drop(derived);
}

bool guest_get(struct place *place, const struct step *step, struct guest_answer *answer)
{
    return copy(place, step, MEM_COPY_FROM, answer);
}

bool guest_put(struct place *place, const struct step *step, struct guest_answer *answer)
{
    return copy(place, step, MEM_COPY_TO, answer);
}

/* The only byte of a name. */
static const char *name_of(const struct step *step)
{
    static const char names[STEP_NAMES] = {'a', 'b', 'c'};

    return &names[step->value % STEP_NAMES];
}

bool guest_name(struct place *place, const struct step *step, struct guest_answer *answer)
{
    const struct slot *slot = slot_in_use(place, step, answer);

    if (slot == NULL) {
        return true;
    }
    if (!slot->is_named || slot->rights != STEP_RIGHTS_ALL) {
        answer->error = ERROR_EXDEV;
        return true;
    }
    answer->error =
        (int32_t)hf_shared_name(slot->handle, name_of(step), 1, rights_of(STEP_RIGHTS_ALL));
    return true;
}

bool guest_open(struct place *place, const struct step *step, struct guest_answer *answer)
{
    struct slot *slot = slot_of(place, step);
    uint64_t handle = 0;

    if (slot == NULL) {
        answer->error = ERR_BADF;
        return true;
    }
    answer->error = (int32_t)hf_shared_open(name_of(step), 1, rights_of(step->rights), &handle);
    if (answer->error != ERR_OK) {
        return true;
    }
    bool is_ok = slot_empty(slot);
    *slot = (struct slot){.handle = handle, .rights = step->rights, .is_named = true};
    return is_ok;
}

bool guest_unname(struct place *place, const struct step *step, struct guest_answer *answer)
{
    (void)place;
    answer->error = (int32_t)hf_shared_unname(name_of(step), 1);
    return true;
}

static bool side_empty(unsigned side)
{
    for (unsigned i = 0; i < STEP_OBJECTS; i++) {
        if (!slot_empty(&state.slot[side][i])) {
            return false;
        }
    }
    return true;
}

bool guest_object_clone(const struct place *place, uint32_t from)
{
    for (uint32_t side = from + 1; side < STEP_SIDES; side++) {
        if (!side_empty(side)) {
            return false;
        }
    }
    for (unsigned i = 0; i < STEP_OBJECTS; i++) {
        const struct slot *slot = &state.slot[from][i];
        struct slot *copy = &state.slot[place->side - place->sides][i];
        *copy = *slot;
        if (slot->handle != 0 &&
            !EXPECT_ERR(hf_shared_derive(slot->handle, rights_of(slot->rights), &copy->handle),
                        ERR_OK)) {
            return false;
        }
    }
    return true;
}

bool guest_object_forget(void)
{
    for (unsigned side = 0; side < STEP_SIDES; side++) {
        if (!side_empty(side)) {
            return false;
        }
    }
    for (uint64_t i = 0; i < STEP_NAMES; i++) {
        const struct step step = {.value = i};
        enum err error = hf_shared_unname(name_of(&step), 1);
        if (!EXPECT(error == ERR_OK || error == ERR_NOENT)) {
            return false;
        }
    }
    uint64_t made = 0;
    if (state.unmappable == 0 &&
        (!EXPECT_ERR(hf_shared_make(PAGE_SIZE, 0, 0, &made), ERR_OK) ||
         !EXPECT_ERR(hf_shared_derive(made, rights_of(STEP_RIGHTS_UNMAPPABLE), &state.unmappable),
                     ERR_OK) ||
         !EXPECT_ERR(hf_shared_close(made), ERR_OK))) {
        return false;
    }
    return true;
}
