/* SPDX-License-Identifier: MIT */
/*
 * The steps as requests to core and touches of the model, and a look at what core knows.
 */
#include "ours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/assert.h>
#include <base/types.h>

#include "ours_batch.h"
#include "ours_look.h"
#include "ours_object.h"
#include "server/core/core.h"
#include "server/core/shadow.h"
#include "tests/core/world.h"

/* Object behind the fillers: mapped without protection it joins nothing in a zone. */
#define FILLER_RIGHTS (MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE)
/* A huge page takes one for each step of it that is zeroed or copied (core/huge_pool.h). */
#define TOUCH_TRIES (3 + 2 * (int)(STAGE_HUGE / HUGE_STEP + 1))

struct ours *ours_init(uint32_t commit_mode)
{
    struct ours *ours = calloc(1, sizeof(*ours));

    ASSERT(ours != NULL);
    ours->world = world_make(WORLD_FRAMES, commit_mode);
    ours->filler = world_object(ours->world, 1);
    core_settle(&ours->world->core);
    ours->frames_free = pool_free(&ours->world->core);
    return ours;
}

void ours_fini(struct ours *ours)
{
    world_free(ours->world);
    free(ours);
}

void ours_set_pool(struct ours *ours, uint32_t pages)
{
    const struct huge_request request = {
        .is_set = true, .bytes = (uint64_t)STAGE_HUGE * PAGE_SIZE, .pages = pages};
    struct space *space = world_space(ours->world);
    struct huge_view view;
    enum err error = op_huge(&ours->world->core, space, &request, &view);

    ASSERT(error == ERR_OK);
    space_end(&ours->world->core, space);
    core_settle(&ours->world->core);
    ours->frames_free = pool_free(&ours->world->core);
}

static void fill(struct ours *ours, uint64_t first, uint64_t end)
{
    const struct map_request request = {
        .address = {first << PAGE_SHIFT},
        .length = (end - first) << PAGE_SHIFT,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = ours->filler,
        .rights = FILLER_RIGHTS,
    };
    uaddr_t address;

    if (first < end) {
        enum err error = op_map(&ours->world->core, ours->side->space, &request, &address);
        ASSERT(error == ERR_OK);
    }
}

void ours_begin(struct ours *ours, const struct stage *stage, const struct sequence *sequence)
{
    const struct zone *zones = sequence->room.zones;
    struct space_settings settings = world_settings();

    settings.lowest.v = stage->lowest;
    settings.base.v = stage_base(stage);
    settings.privileges = SPACE_PRIVILEGES;
    settings.locked_max = stage->lock_max;
    settings.stack_max = STAGE_STACK_MAX;
    ours->sequence = sequence;
    ours->last = 0;
    ours->batch_end = 0;
    ours->side = &ours->sides[0];
    *ours->side = (struct ours_side){0};
    enum err error = space_make(&ours->world->core, &settings, &ours->side->space);
    ASSERT(error == ERR_OK);
    fill(ours, RANGE_USER_FIRST, zones[0].first);
    fill(ours, zones[0].end, zones[1].first);
    fill(ours, zones[1].end, zones[STAGE_WINDOW].first);
    fill(ours, zones[STAGE_WINDOW].end, USER_END >> PAGE_SHIFT);
    ours->side->space->settings.privileges =
        ((stage->rights & STAGE_MAY_LOW) != 0 ? SPACE_PRIVILEGE_LOW : 0) |
        ((stage->rights & STAGE_MAY_LOCK) != 0 ? SPACE_PRIVILEGE_LOCK : 0);
    ours->stage = stage;
    if (sequence->spare != SLOT_NOT_CROWDED) {
        ours->side->space->settings.regions_max = ours->side->space->tree.count + sequence->spare;
    }
    ours->room = &sequence->room;
    ours->base_pages = ours->side->space->pages;
    core_done(&ours->world->core);
}

/* End the spaces from number `first` on, the youngest first. */
static void end_sides(struct ours *ours, uint32_t first)
{
    for (uint32_t i = ours->last + 1; i > first; i--) {
        space_end(&ours->world->core, ours->sides[i - 1].space);
    }
}

void ours_end(struct ours *ours)
{
    world_audit(ours->world);
    ours_object_end(ours);
    end_sides(ours, 0);
    core_settle(&ours->world->core);
    ASSERT(pool_free(&ours->world->core) == ours->frames_free);
    ASSERT(ours->world->core.head->huge[0].free == ours->world->core.head->huge[0].total);
}

static void ours_map(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct map_request request = {
        .address = {step->addr},
        .length = step->length,
        .prot = (uint32_t)step->prot,
        .flags = (uint32_t)step->flags,
        .offset = step->offset,
    };
    uaddr_t address = {0};

    if ((step->flags & MEM_MAP_ANONYMOUS) == 0) {
        request.object = ours_object_of(ours, step, &request.rights);
    }
    head->error = (int32_t)op_map(&ours->world->core, ours->side->space, &request, &address);
    if (head->error == ERR_NOMEM && step->length == 0) {
        /* R2: what mmap() of the client library answers. */
        head->error = ERR_INVAL;
    }
    head->answer = head->error == 0 ? address.v : 0;
}

static void ours_unmap(struct ours *ours, const struct step *step, struct look_head *head)
{
    head->error = (int32_t)op_unmap(&ours->world->core, ours->side->space, (uaddr_t){step->addr},
                                    step->length);
}

static void ours_protect(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct protect_request request = {
        .address = {step->addr},
        .length = step->length,
        .prot = (uint32_t)step->prot,
        .is_linux = true,
    };

    head->error = (int32_t)op_protect(&ours->world->core, ours->side->space, &request);
}

static void ours_remap(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct remap_request request = {
        .address = {step->addr},
        .length_old = step->length,
        .length_new = step->size,
        .flags = (uint32_t)step->flags,
        .target = {step->target},
        .is_linux = true,
    };
    uaddr_t address = {0};

    head->error = (int32_t)op_remap(&ours->world->core, ours->side->space, &request, &address);
    head->answer = head->error == 0 ? address.v : 0;
}

static void ours_advise(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct advise_request request = {
        .address = {step->addr},
        .length = step->length,
        .advice = (uint32_t)step->value,
        .is_linux = true,
    };

    head->error = (int32_t)(step->value == MEM_ADVISE_REMOVE
                                ? op_remove(&ours->world->core, ours->side->space, &request)
                                : op_advise(&ours->world->core, ours->side->space, &request));
}

/* What a client sees when the kernel cannot make its access work. */
static uint32_t signal_of(enum fault_outcome outcome)
{
    switch (outcome) {
    case FAULT_READY:
        return LOOK_NO_SIGNAL;
    case FAULT_NO_REGION:
        return LOOK_MAPERR;
    case FAULT_DENIED:
        return LOOK_ACCERR;
    case FAULT_PAST_END:
    case FAULT_NO_FRAME:
    case FAULT_WAIT: /* there are no pagers */
        return LOOK_BUS;
    case FAULT_AGAIN: /* of fault_quick() alone */
    case FAULT_LARGE:
        break;
    }
    UNREACHABLE();
}

/*
 * Fault until the access works.
 *
 * Returns: the model's frame behind the page; 0 if there is a signal, which goes to `head`.
 */
static uint32_t touch(struct ours *ours, const struct step *step, uint32_t access,
                      struct look_head *head)
{
    uint64_t vpn = step->addr >> PAGE_SHIFT;

    for (int tries = 0; tries < TOUCH_TRIES; tries++) {
        const struct model_entry *leaf =
            model_leaf(ours->world->port, ours->side->space->kernel, vpn);
        struct fault_answer answer = {0};
        if (leaf != NULL && (leaf->prot & access) != 0) {
            return leaf->frame;
        }
        enum fault_outcome outcome =
            fault_handle(&ours->world->core, ours->side->space, (vpn_t){vpn}, access, &answer);
        if (outcome == FAULT_AGAIN) {
            core_done(&ours->world->core);
            continue; /* a step of a huge page was made */
        }
        if (outcome != FAULT_READY) {
            head->signal = signal_of(outcome);
            return 0;
        }
        fault_install(&ours->world->core, ours->side->space, (uint32_t)vpn, &answer);
        core_done(&ours->world->core);
    }
    UNREACHABLE();
}

static void ours_read(struct ours *ours, const struct step *step, struct look_head *head)
{
    uint32_t frame = touch(ours, step, MEM_PROT_READ, head);

    if (frame != 0) {
        head->answer = ours_frame_word(ours->world->port, frame, step->addr & PAGE_MASK);
    }
}

static void ours_write(struct ours *ours, const struct step *step, struct look_head *head)
{
    uint32_t frame = touch(ours, step, MEM_PROT_WRITE, head);
    uint32_t offset = step->addr & PAGE_MASK;

    if (frame != 0 && offset == 0) {
        model_write(ours->world->port, frame, step->value);
    } else if (frame != 0) {
        memcpy(model_bytes(ours->world->port, frame) + offset, &step->value, sizeof(step->value));
    }
}

static void ours_exec(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct look_head load = {0};

    /* See linux_exec(). */
    uint32_t loaded = touch(ours, step, MEM_PROT_READ, &load);
    uint32_t fetched = touch(ours, step, MEM_PROT_EXEC, head);
    ASSERT(loaded != 0 || load.signal != 0);
    ASSERT(fetched != 0 || head->signal != 0);
}

static void ours_limit(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct space_settings *settings = &ours->side->space->settings;
    uint64_t limit = step->size == STEP_UNLIMITED ? MEM_UNLIMITED : step->size;

    (void)head;
    if (step->value == STEP_LIMIT_LOCKED) {
        settings->locked_max = step->size == STEP_UNLIMITED ? ours->stage->lock_max : step->size;
    } else if (step->value == STEP_LIMIT_STACK) {
        settings->stack_max = step->size == STEP_UNLIMITED ? STAGE_STACK_MAX : step->size;
    } else if (step->value == STEP_LIMIT_DATA) {
        settings->data_max = limit;
    } else {
        settings->pages_max = limit == MEM_UNLIMITED ? limit : limit + ours->base_pages;
    }
}

static struct lock_request lock_request(const struct step *step)
{
    return (struct lock_request){.address = {step->addr},
                                 .length = step->length,
                                 .flags = (uint32_t)step->flags,
                                 .is_linux = true};
}

static void ours_lock(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct lock_request request = lock_request(step);

    head->error = (int32_t)op_lock(&ours->world->core, ours->side->space, &request);
}

static void ours_unlock(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct lock_request request = lock_request(step);

    head->error = (int32_t)op_unlock(&ours->world->core, ours->side->space, &request);
}

static void ours_lock_all(struct ours *ours, const struct step *step, struct look_head *head)
{
    head->error =
        (int32_t)op_lock_all(&ours->world->core, ours->side->space, (uint32_t)step->flags);
    ours->side->is_locked |= head->error == 0 && (step->flags & MEM_LOCK_CURRENT) != 0;
}

static void ours_unlock_all(struct ours *ours, const struct step *step, struct look_head *head)
{
    (void)step;
    head->error = (int32_t)op_unlock_all(&ours->world->core, ours->side->space);
    ours->side->is_locked = ours->side->is_locked && head->error != 0;
}

static void ours_incore(struct ours *ours, const struct step *step, struct look_head *head)
{
    static unsigned char pages[STAGE_BELOW + STAGE_ABOVE];
    uint32_t count = 0;

    head->error = (int32_t)op_incore(&ours->world->core, ours->side->space, (uaddr_t){step->addr},
                                     step->length, sizeof(pages), pages, &count);
    if (head->error == 0) {
        head->answer = look_digest(pages, step->length);
    }
}

static void ours_sync(struct ours *ours, const struct step *step, struct look_head *head)
{
    const struct sync_request request = {.address = {step->addr},
                                         .length = step->length,
                                         .flags = (uint32_t)step->flags,
                                         .is_linux = true};

    head->error = (int32_t)op_sync(&ours->world->core, ours->side->space, &request);
}

/* See linux_look_forget_zeros(). */
static void forget_zeros(struct ours *ours)
{
    struct core *core = &ours->world->core;
    struct space *space = ours->side->space;

    for (const struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        if (region->object != 0 || !stage_holds(ours->room, region->first)) {
            continue;
        }
        for (uint32_t page = region->first; page < region->end; page++) {
            const uint64_t *entry = shadow_find(core, space, page);
            const struct advise_request request = {.address = {(uint64_t)page << PAGE_SHIFT},
                                                   .length = PAGE_SIZE,
                                                   .advice = MEM_ADVISE_DONTNEED};
            if (entry != NULL && shadow_entry_state(*entry) == SHADOW_ZERO) {
                enum err error = op_advise(core, space, &request);
                ASSERT(error == ERR_OK);
            }
        }
    }
}

static void ours_clone(struct ours *ours, const struct step *step, struct look_head *head)
{
    struct core *core = &ours->world->core;
    const struct ours_side *from = ours->side;
    const uint32_t number = (uint32_t)(from - ours->sides);
    const struct space_settings *settings = &from->space->settings;
    const struct clone_request request = {.privileges = settings->privileges,
                                          .priority = settings->priority};
    struct space *clone = NULL;

    (void)step;
    if (number + 1 == STEP_SIDES) {
        head->error = EAGAIN; /* not asked */
        return;
    }
    end_sides(ours, number + 1);
    ours->last = number;
    head->error = (int32_t)op_clone(core, from->space, &request, &clone);
    if (head->error == 0) {
        ours->last = number + 1;
        ours->side = &ours->sides[ours->last];
        *ours->side = (struct ours_side){.space = clone};
        ours_object_clone(ours, from);
        forget_zeros(ours);
    }
}

void ours_do(struct ours *ours, const struct step *step, struct look_head *head)
{
    static void (*const functions[STEP_OPS])(struct ours * ours, const struct step *step,
                                             struct look_head *head) = {
#define STEP(name, function, arguments, summary) ours_##function,
#include "step.def"
#undef STEP
    };

    functions[step->op](ours, step, head);
    core_done(&ours->world->core);
}

bool ours_would_leak(struct ours *ours, uint32_t index)
{
    const struct step *step = &ours->sequence->step[index];
    const struct space *space = ours->sides[step_side(step, ours->last)].space;
    const uint32_t page = (uint32_t)(step->addr >> PAGE_SHIFT);
    const struct region *region = tree_find(&ours->world->core, &space->tree, page);

    return step->op == STEP_REMAP && (step->flags & MEM_REMAP_FIXED) != 0 && region != NULL &&
           (region->flags & (REGION_HUGETLB | REGION_SHARED)) == REGION_HUGETLB &&
           region->first <= page &&
           (region->first < page || step->length + (uint64_t)(STAGE_HUGE - 1) * PAGE_SIZE <
                                        (uint64_t)region_pages(region) * PAGE_SIZE);
}

void ours_step(struct ours *ours, uint32_t index, struct look_log *log)
{
    const struct step *step = &ours->sequence->step[index];
    struct look_head *head = look_begin(log, step->level);

    ours->side = &ours->sides[step_side(step, ours->last)];
    if (index < ours->batch_end) {
        head->level = LOOK_NONE;
        look_end(log);
        return;
    }
    ours_do(ours, step, head);
    if (head->error != 0 || head->signal != 0) {
        head->level = LOOK_FULL;
    }
    if (head->level != LOOK_NONE) {
        ours_look(ours, log, head);
    }
    look_end(log);
}
