/* SPDX-License-Identifier: MIT */
/*
 * One function for each row of step.def.
 */
#include "guest_step.h"

#include <abi/fault.h>
#include <base/types.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <tap.h>

#include "guest_object.h"

static bool guest_map(struct place *place, const struct step *step, struct guest_answer *answer)
{
    struct hf_map map = {
        .space = place->side->process.space,
        .addr = place_from_core(place, step->addr),
        .length = step->length,
        .prot = (uint32_t)step->prot,
        .flags = (uint32_t)step->flags,
        .offset = step->offset,
    };
    uint64_t address = 0;
    uint64_t derived = 0;

    if ((step->flags & MEM_MAP_ANONYMOUS) == 0 &&
        !guest_object_handle(place, step, &map.object, &derived)) {
        return false;
    }

    answer->error = (int32_t)hf_map_form(MEM_HEAD_LINUX, map, &address);
    if (answer->error == ERR_NOMEM && step->length == 0) {
        /* R2: what mmap() of the client library answers. */
        answer->error = ERR_INVAL;
    }
    answer->answer = place_to_core(place, address);
    return derived == 0 || EXPECT_ERR(hf_shared_close(derived), ERR_OK);
}

static bool guest_unmap(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error = (int32_t)hf_unmap_form(MEM_HEAD_LINUX, place->side->process.space,
                                           place_from_core(place, step->addr), step->length);
    return true;
}

static bool guest_protect(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error =
        (int32_t)hf_protect_form(MEM_HEAD_LINUX, place->side->process.space,
                                 place_from_core(place, step->addr), step->length, step->prot);
    return true;
}

static bool guest_remap(struct place *place, const struct step *step, struct guest_answer *answer)
{
    const struct hf_remap remap = {
        .space = place->side->process.space,
        .old_addr = place_from_core(place, step->addr),
        .old_length = step->length,
        .new_length = step->size,
        .flags = step->flags,
        .new_addr = place_from_core(place, step->target),
    };
    uint64_t address = 0;

    answer->error = (int32_t)hf_remap_form(MEM_HEAD_LINUX, remap, &address);
    answer->answer = place_to_core(place, address);
    return true;
}

static bool guest_advise(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error =
        (int32_t)hf_advise_form(MEM_HEAD_LINUX, place->side->process.space,
                                place_from_core(place, step->addr), step->length, step->value);
    return true;
}

/* What an upcall of a touch at `address` means; a fault elsewhere is none of those expected. */
static uint32_t signal_of(const struct hand_answer *done, uint64_t address)
{
    if (done->cause == CAUSE_NONE) {
        return LOOK_NO_SIGNAL;
    }
    if (done->detail != address) {
        return LOOK_OTHER;
    }
    return done->cause == CAUSE_MAPERR   ? LOOK_MAPERR
           : done->cause == CAUSE_ACCERR ? LOOK_ACCERR
           : done->cause == CAUSE_BUS    ? LOOK_BUS
                                         : LOOK_OTHER;
}

static bool guest_read(struct place *place, const struct step *step, struct guest_answer *answer)
{
    uint64_t address = place_from_core(place, step->addr);
    struct hand_answer done;

    if (!hand_do(&place->side->hand, HAND_READ, address, 0, &done)) {
        return false;
    }
    answer->signal = signal_of(&done, address);
    answer->answer = answer->signal == LOOK_NO_SIGNAL ? done.word : 0;
    return true;
}

static bool guest_write(struct place *place, const struct step *step, struct guest_answer *answer)
{
    uint64_t address = place_from_core(place, step->addr);
    struct hand_answer done;

    if (!hand_do(&place->side->hand, HAND_WRITE, address, step->value, &done)) {
        return false;
    }
    answer->signal = signal_of(&done, address);
    return true;
}

/*
 * What is fetched is no program: words of pages have 0 from their fifth byte on, which is an
 * illegal instruction, so that a page that can be executed ends in one within its first 8 bytes.
 */
static bool guest_exec(struct place *place, const struct step *step, struct guest_answer *answer)
{
    uint64_t address = place_from_core(place, step->addr);
    struct hand_answer done;

    if (!hand_do(&place->side->hand, HAND_EXEC, address, 0, &done)) {
        return false;
    }
    bool is_fetched =
        done.cause == CAUSE_ILLEGAL && done.word >= address && done.word < address + 8;
    answer->signal = is_fetched ? LOOK_NO_SIGNAL : signal_of(&done, address);
    return done.cause != CAUSE_NONE;
}

static bool guest_limit(struct place *place, const struct step *step, struct guest_answer *answer)
{
    static const struct {
        enum mem_limit which;
        uint64_t unlimited;
    } limits[STEP_LIMITS] = {
        [STEP_LIMIT_PAGES] = {MEM_LIMIT_PAGES, MEM_UNLIMITED},
        [STEP_LIMIT_DATA] = {MEM_LIMIT_DATA, MEM_UNLIMITED},
        [STEP_LIMIT_LOCKED] = {MEM_LIMIT_LOCKED, MEM_LOCKED_MAX_DEFAULT},
        [STEP_LIMIT_STACK] = {MEM_LIMIT_STACK, MEM_STACK_MAX_DEFAULT},
    };
    uint64_t which = step->value % STEP_LIMITS;
    uint64_t value = step->size;

    (void)answer;
    if (value == STEP_UNLIMITED) {
        value = limits[which].unlimited;
    } else if (which == STEP_LIMIT_PAGES) {
        value = (value + place->base_pages) * PAGE_SIZE;
    } else if (which == STEP_LIMIT_DATA) {
        value *= PAGE_SIZE;
    }
    return place_limit(place, limits[which].which, value);
}

static bool guest_lock(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error =
        (int32_t)hf_lock_form(MEM_HEAD_LINUX, place->side->process.space,
                              place_from_core(place, step->addr), step->length, step->flags);
    return true;
}

static bool guest_unlock(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error = (int32_t)hf_unlock_form(MEM_HEAD_LINUX, place->side->process.space,
                                            place_from_core(place, step->addr), step->length);
    return true;
}

static bool guest_lock_all(struct place *place, const struct step *step,
                           struct guest_answer *answer)
{
    answer->error = (int32_t)hf_lock_all(place->side->process.space, step->flags);
    return true;
}

static bool guest_unlock_all(struct place *place, const struct step *step,
                             struct guest_answer *answer)
{
    (void)step;
    answer->error = (int32_t)hf_unlock_all(place->side->process.space);
    return true;
}

static bool guest_incore(struct place *place, const struct step *step, struct guest_answer *answer)
{
    static unsigned char pages[STAGE_BELOW + STAGE_ABOVE];

    answer->error = (int32_t)hf_incore(place->side->process.space,
                                       place_from_core(place, step->addr), step->length, pages);
    if (answer->error == 0) {
        answer->answer = look_digest(pages, step->length);
    }
    return true;
}

static bool guest_sync(struct place *place, const struct step *step, struct guest_answer *answer)
{
    answer->error =
        (int32_t)hf_sync_form(MEM_HEAD_LINUX, place->side->process.space,
                              place_from_core(place, step->addr), step->length, step->flags);
    return true;
}

static bool guest_clone(struct place *place, const struct step *step, struct guest_answer *answer)
{
    const uint32_t number = (uint32_t)(place->side - place->sides);

    (void)step;
    if (number + 1 == STEP_SIDES) {
        answer->error = ERR_AGAIN; /* not asked */
        return true;
    }
    return place_clone(place) && guest_object_clone(place, number);
}

static struct mem_batch_op batch_op_of(const struct place *place, const struct step *step)
{
    const uint64_t addr = place_from_core(place, step->addr);

    switch (step->op) {
    case STEP_MAP:
        return (struct mem_batch_op){
            MEM_MAP, {addr, step->length, step->flags << 32 | (uint32_t)step->prot, step->offset}};
    case STEP_UNMAP:
        return (struct mem_batch_op){MEM_UNMAP, {addr, step->length}};
    case STEP_PROTECT:
        return (struct mem_batch_op){MEM_PROTECT, {addr, step->length, step->prot}};
    case STEP_REMAP:
        return (struct mem_batch_op){MEM_REMAP, {addr, step->length, step->size}};
    case STEP_ADVISE:
        return (struct mem_batch_op){MEM_ADVISE, {addr, step->length, step->value}};
    case STEP_LOCK:
        return (struct mem_batch_op){MEM_LOCK, {addr, step->length, step->flags}};
    default: /* step_can_batch() lets no other through */
        return (struct mem_batch_op){MEM_UNLOCK, {addr, step->length}};
    }
}

/* A refused batch is carried out one by one, as in ours_batch.h. */
static bool take_apart(struct place *place, const struct step *members, uint32_t count,
                       uint64_t refused, struct guest_answer *answer)
{
    for (uint32_t i = 0; i < count && answer->error == 0; i++) {
        struct guest_answer done;
        if (!guest_step(place, &members[i], &done) ||
            !EXPECT((done.error != 0) == (i == refused))) {
            return false;
        }
        answer->error = done.error;
        answer->answer =
            done.error != 0 ? answer->answer : step_batch_answer(answer->answer, done.answer);
    }
    return true;
}

static bool guest_batch(struct place *place, const struct step *step, struct guest_answer *answer)
{
    const uint32_t count = step_members(step, place->left);
    struct mem_batch_op ops[STEP_BATCH_MAX];
    uint64_t refused = 0;

    for (uint32_t i = 0; i < count; i++) {
        ops[i] = batch_op_of(place, &step[1 + i]);
    }
    if (count == 0) {
        return true;
    }
    if (hf_batch(place->side->process.space, ops, count, &refused) != ERR_OK) {
        return take_apart(place, &step[1], count, refused, answer);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool has_address = ops[i].head == MEM_MAP || ops[i].head == MEM_REMAP;
        answer->answer = step_batch_answer(answer->answer,
                                           has_address ? place_to_core(place, ops[i].words[0]) : 0);
    }
    return true;
}

bool guest_step(struct place *place, const struct step *step, struct guest_answer *answer)
{
    static bool (*const functions[STEP_OPS])(struct place * place, const struct step *step,
                                             struct guest_answer *answer) = {
#define STEP(name, function, arguments, summary) guest_##function,
#include "tests/oracle/step.def"
#undef STEP
    };

    *answer = (struct guest_answer){0};
    return functions[step->op](place, step, answer);
}
