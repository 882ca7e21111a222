/* SPDX-License-Identifier: MIT */
#include "patient.h"

#include <string.h>

#include <base/assert.h>
#include <mem/prot.h>

struct thread *patient_thread(struct patient *patient, struct space *space)
{
    struct thread *thread = NULL;
    const enum err error = thread_make(&patient->world->core, space, THREAD_ANY_PAGE, 10, &thread);

    ASSERT(error == ERR_OK && thread->number < PATIENT_THREADS);
    patient->answers[thread->number] = (struct patient_answer){.is_there = true};
    return thread;
}

static uint64_t bytes(uint64_t pages)
{
    return pages * PAGE_SIZE;
}

/* A touch. Returns: ERR_OK, ERR_FAULT or ERR_WAIT. */
static enum err run_touch(struct patient *patient, struct space *space, const struct thread *thread,
                          const uint64_t *words, struct patient_answer *answer)
{
    uint64_t word = words[3];

    answer->outcome =
        world_touch(patient->world, space, (uint32_t)words[1], (uint32_t)words[2], &word);
    answer->value = word;
    if (answer->outcome == FAULT_READY) {
        if (patient->touched != NULL) {
            patient->touched(thread, (uint32_t)words[1], (uint32_t)words[2], word);
        }
        return ERR_OK;
    }
    return answer->outcome == FAULT_WAIT ? ERR_WAIT : ERR_FAULT;
}

static enum err run_map(struct patient *patient, struct space *space, const uint64_t *words,
                        struct patient_answer *answer)
{
    struct core *core = &patient->world->core;
    const bool has_object = words[0] == ASK_MAP_OBJECT;
    const struct map_request request = {
        .address = world_address((uint32_t)words[1]),
        .length = bytes(words[2]),
        .prot = (uint32_t)words[3],
        .flags =
            MEM_MAP_FIXED | (has_object ? (uint32_t)words[4] : MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS),
        .offset = has_object ? bytes(words[6]) : 0,
        .object = has_object ? object_find(core, words[5]) : NULL,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address = {0};
    const enum err error = op_map(core, space, &request, &address);

    answer->value = address.v;
    return error;
}

static enum err run_copy(struct patient *patient, struct space *space, const uint64_t *words,
                         struct patient_answer *answer)
{
    struct core *core = &patient->world->core;

    if (words[0] == ASK_COPY) {
        const struct copy_request copy = {.to = space,
                                          .from = space,
                                          .to_address = world_address((uint32_t)words[1]),
                                          .from_address = world_address((uint32_t)words[2]),
                                          .length = bytes(words[3]),
                                          .is_nowait = words[4] != 0};
        return op_copy(core, &copy, &answer->value);
    }
    const struct copy_object_request copy = {
        .space = space,
        .object = object_find(core, words[2]),
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE,
        .is_to_object = words[0] == ASK_WRITE_OBJECT,
        .address = world_address((uint32_t)words[1]),
        .offset = bytes(words[3]),
        .length = bytes(words[4]),
    };
    return copy.object == NULL ? ERR_STALE : op_copy_object(core, &copy, &answer->value);
}

static enum err run_resize(struct patient *patient, struct space *space, const uint64_t *words)
{
    struct core *core = &patient->world->core;
    struct object *object = object_find(core, words[1]);

    return object == NULL ? ERR_STALE
                          : op_object_resize(core, space, object, MAP_RIGHT_WRITE, words[2]);
}

static enum err run_next(struct patient *patient, struct space *space, const uint64_t *words)
{
    struct core *core = &patient->world->core;
    struct object *named = object_find(core, words[1]);

    return named == NULL ? ERR_STALE : op_pager_next(core, space, named, &patient->work);
}

static struct pin_request pin_request_of(const struct core *core, struct space *space,
                                         const uint64_t *words)
{
    return (struct pin_request){.owner = space,
                                .now = core->time,
                                .lease_ms = (uint32_t)words[5],
                                .due = core->time + words[5],
                                .address = world_address((uint32_t)words[1]),
                                .pages = words[2],
                                .flags = (uint32_t)words[3],
                                .purpose = "patient"};
}

/* The space whose pages are pinned; NULL if it has ended. */
static struct space *pin_target(const struct core *core, struct space *space, const uint64_t *words)
{
    return words[4] == 0 ? space : space_find(core, (uint32_t)words[4]);
}

static void take_pin(struct patient_answer *answer, const struct pin_answer *pin)
{
    answer->value = pin->pages;
    answer->pin = pin->pin_opt == NULL ? 0 : pin->pin_opt->number;
    answer->is_dropped = pin->is_dropped;
}

static enum err run_pin(struct patient *patient, struct space *space, const uint64_t *words,
                        struct patient_answer *answer)
{
    struct core *core = &patient->world->core;
    struct space *target = pin_target(core, space, words);
    const struct pin_request request = pin_request_of(core, space, words);

    if (target == NULL) {
        return ERR_STALE;
    }
    const enum err error = op_pin(core, target, &request, &patient->pin);

    core->need.is_foreign = error == ERR_WAIT && target != space;
    take_pin(answer, &patient->pin);
    return error;
}

/* It said ERR_WAIT and cannot. */
static enum err end_pin(struct patient *patient, struct space *space, const uint64_t *words,
                        enum err reason, struct patient_answer *answer)
{
    struct core *core = &patient->world->core;
    const struct pin_request request = pin_request_of(core, space, words);
    const enum err error = reason == ERR_NOMEM || reason == ERR_DEADLK ? reason : ERR_FAULT;
    const enum err ended =
        op_pin_end(core, pin_target(core, space, words), &request, error, &patient->pin);

    take_pin(answer, &patient->pin);
    return ended;
}

static enum err run_pin_next(struct patient *patient, struct space *space,
                             struct patient_answer *answer)
{
    struct pin *pin;

    patient->look = (struct lease_look){0};
    const enum err error = lease_next(&patient->world->core, space, &patient->look, &pin);

    answer->pin = error == ERR_OK ? pin->number : 0;
    answer->value = error == ERR_OK ? pin->count : 0;
    return error;
}

/* Serve a request once. Returns: ERR_WAIT: it is not answered. */
static enum err run(struct patient *patient, struct space *space, const struct thread *thread,
                    const uint64_t *words, struct patient_answer *answer)
{
    struct core *core = &patient->world->core;
    const uaddr_t address = world_address((uint32_t)words[1]);
    struct space *clone = NULL;
    enum err error;

    switch ((enum ask)words[0]) {
    case ASK_TOUCH:
        return run_touch(patient, space, thread, words, answer);
    case ASK_MAP:
    case ASK_MAP_OBJECT:
        return run_map(patient, space, words, answer);
    case ASK_UNMAP:
        return op_unmap(core, space, address, bytes(words[2]));
    case ASK_PROTECT:
        return op_protect(core, space,
                          &(struct protect_request){.address = address,
                                                    .length = bytes(words[2]),
                                                    .prot = (uint32_t)words[3]});
    case ASK_ADVISE:
        return op_advise(core, space,
                         &(struct advise_request){.address = address,
                                                  .length = bytes(words[2]),
                                                  .advice = (uint32_t)words[3]});
    case ASK_LOCK:
        return op_lock(core, space,
                       &(struct lock_request){.address = address, .length = bytes(words[2])});
    case ASK_SYNC:
        return op_sync(core, space,
                       &(struct sync_request){
                           .address = address, .length = bytes(words[2]), .flags = MEM_SYNC_SYNC});
    case ASK_COPY:
    case ASK_READ_OBJECT:
    case ASK_WRITE_OBJECT:
        return run_copy(patient, space, words, answer);
    case ASK_CLONE:
        error = op_clone(core, space, &(struct clone_request){.priority = 10}, &clone);
        answer->value = error == ERR_OK ? clone->number : 0;
        return error;
    case ASK_NEXT:
        return run_next(patient, space, words);
    case ASK_POPULATE:
        return populate_what_can_be(core, space, range_of((uint32_t)words[1], (uint32_t)words[2]))
                   ? ERR_WAIT
                   : ERR_OK;
    case ASK_PIN:
        return run_pin(patient, space, words, answer);
    case ASK_UNPIN:
        return op_unpin(core, space, words[1], words[2]);
    case ASK_PIN_NEXT:
        return run_pin_next(patient, space, answer);
    case ASK_RESIZE:
        return run_resize(patient, space, words);
    }
    UNREACHABLE();
}

/* Whether a request changes regions: it queues while the space is kept. */
static bool changes(const uint64_t *words)
{
    switch ((enum ask)words[0]) {
    case ASK_MAP:
    case ASK_MAP_OBJECT:
    case ASK_UNMAP:
    case ASK_PROTECT:
    case ASK_LOCK:
    case ASK_CLONE:
        return true;
    case ASK_ADVISE:
        return advise_changes_regions((uint32_t)words[3]);
    case ASK_TOUCH:
    case ASK_SYNC:
    case ASK_COPY:
    case ASK_READ_OBJECT:
    case ASK_WRITE_OBJECT:
    case ASK_NEXT:
    case ASK_POPULATE:
    case ASK_PIN:
    case ASK_UNPIN:
    case ASK_PIN_NEXT:
    case ASK_RESIZE:
        return false;
    }
    UNREACHABLE();
}

/* Let what said ERR_WAIT wait. Returns: ERR_WAIT if it does. */
static enum err hold(struct patient *patient, struct space *space, struct thread *thread,
                     struct wait_request *request, struct patient_answer *answer)
{
    struct core *core = &patient->world->core;
    const bool is_done = core->need.end != 0;

    if (is_done) {
        request->words[0] = ASK_POPULATE;
        request->words[1] = core->need.progress;
        request->words[2] = core->need.end;
        core->need.progress = 0;
    }
    const enum err error = wait_begin(core, space, thread, request);

    if (error == ERR_OK) {
        return ERR_WAIT;
    }
    if (request->words[0] == ASK_PIN) {
        return end_pin(patient, space, request->words, error, answer);
    }
    return is_done ? ERR_OK : error;
}

/* Serve a request, and answer it or let it wait. Returns: whether it was answered. */
static bool serve(struct patient *patient, struct thread *thread, const struct wait_request *asked)
{
    struct core *core = &patient->world->core;
    struct space *space = arena_page(core, thread->space);
    struct wait_request request = *asked;
    struct patient_answer answer = {.is_there = true};
    const uint32_t number = thread->number;

    patient->answers[number].is_there = false;
    if (changes(request.words) && space->kept != 0) {
        wait_queue(core, space, thread, &request);
        return false;
    }
    answer.error = run(patient, space, thread, request.words, &answer);
    if (answer.error == ERR_WOULD_BLOCK && request.words[0] == ASK_NEXT) {
        wait_work(core, object_find(core, request.words[1])->pager, thread, &request);
        return false;
    }
    if (answer.error == ERR_WOULD_BLOCK && request.words[0] == ASK_PIN_NEXT) {
        const uint64_t earliest = patient->look.earliest;

        wait_lease(core, space, thread, &request, earliest == 0 ? UINT64_MAX : earliest);
        return false;
    }
    if (answer.error == ERR_NOMEM && space->refusal.limit == MEM_LIMIT_FRAMES &&
        reclaim_need(core)) {
        answer.error = ERR_WAIT; /* it has changed nothing, and starts over */
    }
    if (answer.error == ERR_WAIT) {
        answer.error = hold(patient, space, thread, &request, &answer);
    }
    core_done(core);
    if (answer.error == ERR_WAIT) {
        return false;
    }
    wait_finish(core, thread);
    patient->answers[number] = answer;
    patient->orders[number] = ++patient->order;
    return true;
}

bool patient_ask(struct patient *patient, struct thread *thread, const uint64_t words[WAIT_WORDS])
{
    struct wait_request request = {.serial = ++patient->serial};

    memcpy(request.words, words, sizeof request.words);
    const bool is_answered = serve(patient, thread, &request);

    patient_go_on(patient);
    return is_answered;
}

bool patient_read(struct patient *patient, struct thread *thread, uint32_t page)
{
    return patient_ask(patient, thread, (uint64_t[WAIT_WORDS]){ASK_TOUCH, page, MEM_PROT_READ});
}

bool patient_write(struct patient *patient, struct thread *thread, uint32_t page, uint64_t word)
{
    return patient_ask(patient, thread,
                       (uint64_t[WAIT_WORDS]){ASK_TOUCH, page, MEM_PROT_WRITE, word});
}

void patient_go_on(struct patient *patient)
{
    struct core *core = &patient->world->core;

    for (;;) {
        struct thread *thread = wait_take(core);

        if (thread == NULL && !reclaim_is_wanted(core)) {
            return;
        }
        if (thread == NULL) {
            reclaim_serve(core);
            continue;
        }
        const struct wait_request request = thread->wait.request;

        core->spender = thread->space; /* as the shell has it */
        (void)serve(patient, thread, &request);
        core->spender = 0;
    }
}

void patient_pass(struct patient *patient, uint64_t time)
{
    struct core *core = &patient->world->core;

    core->time += time;
    shared_enter(core);
    (void)pull_expire(core);
    lease_expire(core);
    shared_leave(core);
    patient_go_on(patient);
}

const struct patient_answer *patient_answer(const struct patient *patient,
                                            const struct thread *thread)
{
    return &patient->answers[thread->number];
}
