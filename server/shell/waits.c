/* SPDX-License-Identifier: MIT */
#include "server/shell/waits.h"

#include <stdatomic.h>
#include <stddef.h>

#include <abi/fault.h>
#include <base/assert.h>
#include <mem/proto.h>

#include "server/core/lease.h"
#include "server/core/shared.h"
#include "server/shell/ecall.h"
#include "server/shell/main.h"
#include "server/shell/memory.h"
#include "server/shell/request.h"
#include "server/shell/swaps.h"
#include "server/shell/trial.h"
#include "server/shell/turns.h"

/* Head of what goes on with pages words[1] .. words[2] - 1 and is answered with words[3]. */
#define WAITS_POPULATE (UINT64_C(1) << 63)

/*
 * In place of a deadline: the next step of an end. It comes late enough for the server to receive
 * what waits first, since bits come before messages.
 */
#define NEXT_STEP        UINT64_C(1)
#define STEPS_PER_SECOND 50000u
/* The same for shared memory that has gone; who has let it go most often sees to it. */
#define NEXT_BURIAL        UINT64_C(2)
#define BURIALS_PER_SECOND 5000u

STATIC_ASSERT((WAITS_POPULATE & MEM_HEAD_LEGAL) == 0, "no client can ask for it");

void waits_look_at_the_clock(struct shell *shell)
{
    shell->core.time = ecall_time();
}

/* Only the first server thread can be told: others have it see to its timer. */
void waits_set_timer(struct shell *shell)
{
    const struct arena_head *head = shell->core.head;
    const uint64_t earliest =
        head->pins.lease_at < head->pagers.deadline ? head->pins.lease_at : head->pagers.deadline;
    uint64_t moment = 0; /* not 0: in place of a deadline */

    if (shell->head->dying_first != 0) {
        moment = NEXT_STEP;
    } else if (burial_is_due(&shell->core)) {
        moment = NEXT_BURIAL;
    }
    const uint64_t deadline = moment != 0 ? moment : earliest;
    const bool is_none = deadline == UINT64_MAX;
    struct result result;

    if (deadline == atomic_load_explicit(&shell->head->timer, memory_order_relaxed)) {
        return;
    }
    if (shell->core.number == 0) {
        const uint64_t steps = moment == NEXT_STEP ? STEPS_PER_SECOND : BURIALS_PER_SECOND;
        const uint64_t time =
            moment != 0 ? ecall_time() + shell->head->timebase_hz / steps : deadline;

        result =
            ecall_three(SYS_TIMER, HANDLE_NONE, is_none ? 0 : time, is_none ? 0 : EVENT_TIME, 0);
        atomic_store_explicit(&shell->head->timer, deadline, memory_order_relaxed);
    } else {
        result = ecall_three(SYS_NOTIFY, HANDLE_EVENTS, EVENT_TIME, 0, 0);
    }
    ASSERT(result.error == ERR_OK);
}

static struct wait_request request_of(const struct message *message)
{
    struct wait_request request = {.serial = message->serial, .tag = message->tag};

    memcpy(request.words, message->words, sizeof(request.words));
    return request;
}

/*
 * The thread of `space` that is to wait with this request; NULL: it has ended. What its record
 * still waits for is of a request that was answered meanwhile, or of a thread that had its number
 * before: a thread has one request at a time, and tokens of different harts have no order.
 */
static struct thread *find_waiter(struct core *core, const struct space *space, uint64_t number)
{
    struct thread *thread = thread_find_in(core, space, number);

    if (thread != NULL && thread->wait.state != WAIT_NONE) {
        wait_cancel(core, thread);
    }
    return thread;
}

/* Returns: as wait_begin(); ERR_OK also if the thread has ended: then nobody waits. */
static enum err begin(struct shell *shell, struct space *space, uint64_t number,
                      const struct wait_request *request)
{
    struct core *core = &shell->core;
    struct thread *thread = find_waiter(core, space, number);

    if (thread == NULL) {
        wait_give_up(core);
        return ERR_OK;
    }
    waits_look_at_the_clock(shell);
    const enum err error = wait_begin(core, space, thread, request);
    waits_set_timer(shell);
    return error;
}

enum err waits_hold_fault(struct shell *shell, struct space *space, const struct message *message)
{
    const struct wait_request request = request_of(message);
    const enum err error = begin(shell, space, message->thread, &request);

    if (error != ERR_OK) {
        space->refusal = (struct refusal){.error = (uint32_t)error};
    }
    port_flush(&shell->port);
    return error;
}

/*
 * What a request is answered whose pages do not come. NOMEM and DEADLK are the server's: no pager
 * has its reason told as such (op_supply.h).
 */
static enum err translate(uint64_t number, enum err reason)
{
    if (reason == ERR_NOMEM || reason == ERR_DEADLK) {
        return reason;
    }
    switch (number) {
    case MEM_SYNC:
    case MEM_OBJECT_RESIZE: /* for the page in which it would end */
        return reason == ERR_TIMEDOUT ? ERR_TIMEDOUT : ERR_IO;
    case MEM_LOCK:
    case MEM_GO_ON:
        return ERR_NOMEM;
    default: /* COPY and its like */
        return ERR_FAULT;
    }
}

/* Whether a request was refused for want of frames, and is to wait for some. */
static bool lacks_frames(const struct call *call, enum err error)
{
    const uint64_t number = call->message->words[0] & MEM_HEAD_NUMBER;

    /* What pagers ask is not the same if it is asked again, and makes frames free. */
    return (number < MEM_PAGER_MAKE || number > MEM_PAGER_ATTACH) && number != MEM_PAGER_ADOPT &&
           (trial_lacks_frames(call->own, error) || trial_lacks_frames(call->target, error)) &&
           reclaim_need(&call->shell->core);
}

enum err waits_hold(struct call *call, enum err error)
{
    struct core *core = &call->shell->core;
    const uint64_t head = call->message->words[0];

    if (error != ERR_WAIT && !lacks_frames(call, error)) {
        return error;
    }
    call_take_both(call);
    const bool is_done = core->need.end != 0;
    const bool is_frame = core->need.kind == NEED_FRAME;
    struct wait_request request = request_of(call->message);

    if (is_done) {
        const bool was_done = head == WAITS_POPULATE;

        request.words[0] = WAITS_POPULATE;
        request.words[1] = core->need.progress;
        request.words[2] = core->need.end;
        request.words[3] = was_done ? call->message->words[3] : call->words[1];
        core->need.progress = 0; /* the words say it */
    }
    core->need.is_foreign = call->target != call->own;
    const enum err refusal = begin(call->shell, call->own, call->message->thread, &request);
    if (refusal == ERR_OK) {
        call->is_held = true;
        return ERR_WAIT;
    }
    if (is_frame && !is_done) {
        return error != ERR_WAIT ? error : limit_refuse_frames(core, call->own, 1);
    }
    /* A failure to populate does not fail what was done (R27). */
    return is_done ? ERR_OK : translate(head & MEM_HEAD_NUMBER, refusal);
}

enum err waits_hold_change(struct call *call)
{
    struct core *core = &call->shell->core;
    const struct wait_request request = request_of(call->message);
    struct thread *thread = find_waiter(core, call->own, call->message->thread);

    if (thread != NULL) {
        wait_queue(core, call->target, thread, &request);
    }
    call->is_held = true;
    return ERR_WAIT;
}

enum err waits_hold_work(struct call *call, uint32_t pager, const struct message *message)
{
    struct core *core = &call->shell->core;
    const struct wait_request request = request_of(message);
    struct thread *thread = find_waiter(core, call->own, message->thread);

    if (thread != NULL) {
        wait_work(core, pager, thread, &request);
    }
    call->is_held = true;
    return ERR_WAIT;
}

enum err waits_hold_lease(struct call *call, uint64_t deadline)
{
    struct core *core = &call->shell->core;
    const struct wait_request request = request_of(call->message);
    struct thread *thread = find_waiter(core, call->own, call->message->thread);

    if (thread != NULL) {
        wait_lease(core, call->own, thread, &request, deadline);
        waits_set_timer(call->shell);
    }
    call->is_held = true;
    return ERR_WAIT;
}

/* Make pages present, which is all that is left of a request. Returns: whether it is over. */
static bool populate(struct shell *shell, const struct message *message, uint64_t words[IPC_WORDS])
{
    struct call call = {.shell = shell, .message = message, .words = words};
    const struct range range = range_of((uint32_t)message->words[1], (uint32_t)message->words[2]);

    if (!call_begin(&call, CALL_OWN)) {
        return false;
    }
    words[0] = ERR_OK;
    words[1] = message->words[3];
    const bool is_target = call_target(&call, message->words[7], MEM_RIGHT_MAP) == ERR_OK;
    turns_begin(shell);
    if (is_target && call.target->work.phase != WORK_NONE) {
        /* Begun by another thread meanwhile: its steps come first. */
        shell->core.need =
            (struct need){.kind = NEED_TURN, .progress = range.first, .end = range.end};
        turns_answer(&call, ERR_WAIT);
    } else if (is_target && populate_what_can_be(&shell->core, call.target, range)) {
        if (turns_has_more(&call, ERR_WAIT)) {
            turns_answer(&call, ERR_WAIT);
        } else if (waits_hold(&call, ERR_WAIT) != ERR_OK) {
            ASSERT(call.is_held);
        }
    }
    call_end(&call);
    return !call.is_held;
}

/* Whether what a thread's record is about is this message, which is being served. */
static bool is_about(const struct thread *thread, const struct message *message)
{
    return thread != NULL && thread->wait.state == WAIT_NONE &&
           thread->wait.request.serial == message->serial;
}

/* What waited is answered next: forget it first, since its thread may then wait anew. */
static void finish(struct core *core, const struct message *message)
{
    mutex_take(core, &core->head->processes);
    struct thread *thread = thread_find(core, message->thread);
    if (thread != NULL) {
        const uint32_t number = thread->space;

        space_lock(core, number);
        /* Another server thread may have given the answer by now, and the next fault may wait. */
        if (is_about(thread, message)) {
            wait_finish(core, thread);
        }
        space_unlock(core, number);
    }
    mutex_give(core, &core->head->processes);
}

void waits_finish(const struct call *call)
{
    struct core *core = &call->shell->core;
    struct thread *thread = thread_find_in(core, call->own, call->message->thread);

    if (is_about(thread, call->message)) {
        wait_finish(core, thread);
    }
}

static void restart_fault(struct shell *shell, const struct message *message)
{
    shell->core.spender = (uint32_t)shell_space_number(shell, message->badge);
    const struct answer answer = main_serve_fault(shell, message);

    shell->core.spender = 0;

    if (answer.serial != 0) {
        finish(&shell->core, message);
        main_answer_fault(shell, &answer);
    }
}

static void restart_request(struct shell *shell, const struct message *message)
{
    uint64_t words[IPC_WORDS] = {0};

    shell->restarts = true;
    /* If it waited for a frame, nobody else's is left: it may have those of its reserve. */
    shell->core.spender = (uint32_t)shell_space_number(shell, message->badge);
    const bool is_over = message->words[0] == WAITS_POPULATE ? populate(shell, message, words)
                                                             : request_serve(shell, message, words);
    shell->restarts = false;
    shell->core.spender = 0;
    if (is_over) {
        struct answer answer = {.serial = message->serial, .thread = message->thread};

        finish(&shell->core, message);
        memcpy(answer.words, words, sizeof(answer.words));
        const enum err error = ecall_reply(&answer);
        ASSERT(error == ERR_OK || error == ERR_STALE);
    }
}

/* The message of what can go on first. Returns: whether there is one. */
static bool take(struct core *core, struct message *message)
{
    mutex_take(core, &core->head->processes);
    const struct thread *thread = wait_take(core);
    if (thread != NULL) {
        const struct space *space = arena_page(core, thread->space);

        *message = (struct message){
            .error = ERR_OK,
            .badge = space->badge,
            .tag = thread->wait.request.tag,
            .serial = thread->wait.request.serial,
            .thread = thread->number,
        };
        memcpy(message->words, thread->wait.request.words, sizeof(message->words));
    }
    mutex_give(core, &core->head->processes);
    return thread != NULL;
}

bool waits_answer_first(const struct shell *shell, const struct message *message,
                        const uint64_t words[IPC_WORDS])
{
    struct answer answer = {.serial = message->serial, .thread = message->thread};

    if (!waits_has_more(shell)) {
        return false;
    }
    memcpy(answer.words, words, sizeof(answer.words));
    const enum err error = ecall_reply(&answer);
    ASSERT(error == ERR_OK || error == ERR_STALE);
    return true;
}

void waits_go_on_with_all(struct shell *shell)
{
    struct message message;

    for (;;) {
        if (!take(&shell->core, &message)) {
            if (!reclaim_is_wanted(&shell->core)) {
                break;
            }
            swaps_reclaim(shell);
            continue;
        }
        if ((message.tag & IPC_TAG_KIND) == IPC_FAULT) {
            restart_fault(shell, &message);
        } else {
            restart_request(shell, &message);
        }
        wait_forget(&shell->core);
    }
    waits_set_timer(shell);
}

void waits_expire(struct shell *shell)
{
    struct core *core = &shell->core;

    waits_look_at_the_clock(shell);
    /* It has gone off, or another server thread has set a deadline. */
    atomic_store_explicit(&shell->head->timer, UINT64_MAX, memory_order_relaxed);
    shared_enter(core);
    (void)pull_expire(core);
    lease_expire(core);
    shared_leave(core);
}
