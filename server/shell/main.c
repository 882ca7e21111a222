/* SPDX-License-Identifier: MIT */
/*
 * A thread of the memory server: start, and one message after the other for ever.
 *
 * A message is a fault, a request or an event. It is dealt with at once and completely; nothing
 * here ever waits for a client. Whatever a message is about, the server thread has to itself while
 * it deals with it (core/shared.h), and has given back before it answers. Faults come first: their
 * answer, the map entries, is put together in registers.
 *
 *   wait -> fault   -> take the space -> decide -> give it back -> answer with entries, wait
 *        -> request -> serve  -> answer or keep it, wait
 *        -> event   -> deaths -> wait
 *        -> error   -> whoever was to be answered has gone, or another server thread has answered
 *                      him: map what was decided for him, unless that one did -> wait
 *
 * An event comes to the first server thread alone.
 *
 * Owner: each struct shell belongs to one thread.
 */
#include "server/shell/main.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/boot.h>
#include <abi/fault.h>
#include <abi/layout.h>
#include <abi/map.h>
#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/fault_quick.h"
#include "server/shell/boot.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/process.h"
#include "server/shell/request.h"
#include "server/shell/request_quick.h"
#include "server/shell/turns.h"
#include "server/shell/waits.h"

STATIC_ASSERT(FAULT_READ == MEM_PROT_READ && FAULT_WRITE == MEM_PROT_WRITE &&
                  FAULT_EXEC == MEM_PROT_EXEC,
              "accesses are protection bits");
STATIC_ASSERT(MAP_READ == MEM_PROT_READ && MAP_WRITE == MEM_PROT_WRITE && MAP_EXEC == MEM_PROT_EXEC,
              "protections of entries are those of regions");

static struct shell shells[ARENA_WORKERS];

/* What becomes of a thread whose access stays impossible. */
static uint64_t refusal_action(enum fault_outcome outcome)
{
    switch (outcome) {
    case FAULT_NO_REGION:
        return FAULT_REFUSE | CAUSE_MAPERR << 8;
    case FAULT_DENIED:
        return FAULT_REFUSE | CAUSE_ACCERR << 8;
    case FAULT_PAST_END:
    case FAULT_NO_FRAME:
    case FAULT_WAIT: /* for what does not come */
        return FAULT_REFUSE | CAUSE_BUS << 8;
    case FAULT_READY:
    case FAULT_LARGE:
    case FAULT_AGAIN:
        break;
    }
    UNREACHABLE();
}

/* No fault is about to be answered. */
static inline void give_none(const struct shell *shell)
{
    atomic_store_explicit(&shell->core.worker->giving, 0, memory_order_relaxed);
}

/* The answer to a fault, left with the space. */
ALWAYS_INLINE struct answer leave_answer(struct shell *shell, struct space *space,
                                         const struct message *message, uint64_t where,
                                         uint64_t what)
{
    space->answer.serial = message->serial;
    space->answer.thread = message->thread;
    space->answer.where = where;
    space->answer.what = what;
    atomic_store_explicit(&shell->core.worker->giving, message->serial, memory_order_relaxed);
    shell->decided = message->badge;
    return (struct answer){
        .number = SYS_FAULT_REPLY_WAIT,
        .serial = message->serial,
        .thread = message->thread,
        .action = FAULT_RESUME,
        .words = {where, what},
    };
}

/* Answer a fault with the large leaf that the page is in. */
NOINLINE static struct answer leave_large(struct shell *shell, struct space *space,
                                          const struct message *message,
                                          const struct fault_answer *ready)
{
    const uint64_t vpn = vpn_to_number(uaddr_to_vpn((uaddr_t){message->words[0]}));
    const uint64_t pages = huge_unit(ready->level);
    const uint64_t offset = vpn & (pages - 1);
    const uint64_t frame = pfn_to_number(ready->frame) - offset;
    const enum map_op op = port_install_op((enum port_how)ready->how);

    return leave_answer(
        shell, space, message, map_where(vpn - offset, pages),
        map_what(op, frame, ready->prot, ready->level == 1 ? MAP_LARGE : MAP_GIANT));
}

/*
 * A request on the space is in the middle: make a step; or the fault was one of a huge page. Have
 * the thread run into it again.
 */
NOINLINE static struct answer help_first(struct shell *shell, struct space *space,
                                         const struct message *message)
{
    turns_help_fault(shell, space);
    return (struct answer){
        .number = SYS_FAULT_REPLY_WAIT,
        .serial = message->serial,
        .thread = message->thread,
        .action = FAULT_RESUME,
    };
}

/*
 * Decide a fault and fill `answer`, which is not given yet: it is left with the space until then.
 *
 * Returns: FAULT_READY also if the space has ended or the fault waits; then nobody is answered.
 */
ALWAYS_INLINE enum fault_outcome decide_fault(struct shell *shell, const struct message *message,
                                              struct answer *answer)
{
    const uint64_t badge = message->badge;
    const vpn_t vpn = uaddr_to_vpn((uaddr_t){message->words[0]});
    struct bucket *bucket = shell_bucket(shell, badge);
    struct space *space = shell_take_space(shell, bucket, badge);
    struct fault_answer ready;

    if (UNLIKELY(space == NULL)) {
        give_none(shell);
        *answer = (struct answer){.number = SYS_REPLY_WAIT};
        return FAULT_READY;
    }
    space->faults++;
    const enum fault_outcome outcome =
        fault_quick(&shell->core, space, vpn, (uint32_t)message->words[1], &ready);
    if (UNLIKELY(outcome == FAULT_LARGE)) {
        const struct message other = *message; /* so that both can stay in registers */
        const struct fault_answer large = ready;

        *answer = leave_large(shell, space, &other, &large);
        shell_give_space(shell, bucket);
        return FAULT_READY;
    }
    if (UNLIKELY(outcome != FAULT_READY)) {
        const struct message other = *message;
        const bool is_helped = space->work.phase != WORK_NONE || outcome == FAULT_AGAIN;
        const bool is_held = !is_helped && fault_judge(&shell->core, outcome) == FAULT_WAIT &&
                             waits_hold_fault(shell, space, &other) == ERR_OK;

        give_none(shell);
        *answer = is_helped ? help_first(shell, space, &other)
                            : (struct answer){.number = SYS_REPLY_WAIT};
        shell_give_space(shell, bucket);
        return is_held || is_helped ? FAULT_READY : outcome;
    }
    /* One entry; it takes the place of what is mapped there. */
    *answer = leave_answer(shell, space, message, map_where(vpn_to_number(vpn), 1),
                           map_what(port_install_op((enum port_how)ready.how),
                                    pfn_to_number(ready.frame), ready.prot, 0));
    if (UNLIKELY(ready.how == PORT_COPY)) {
        answer->words[3] = map_what(MAP_COPY_SOURCE, pfn_to_number(ready.source), 0, 0);
        space->answer.source = answer->words[3];
    }
    shell_give_space(shell, bucket);
    return FAULT_READY;
}

/* A fault that is refused, unless it was for frames of the dead, or of other server threads. */
NOINLINE static struct answer refuse_fault(struct shell *shell, const struct message *message,
                                           enum fault_outcome outcome)
{
    struct answer answer = {.number = SYS_REPLY_WAIT};

    for (unsigned i = 0; i < GATHER_MAX && outcome == FAULT_NO_FRAME; i++) {
        if (i > 0 && !core_is_free_elsewhere(&shell->core)) {
            break;
        }
        (i == 0 ? process_take_deaths : shell_gather)(shell);
        outcome = decide_fault(shell, message, &answer);
    }
    if (outcome != FAULT_READY) {
        answer = (struct answer){
            .number = SYS_FAULT_REPLY_WAIT,
            .serial = message->serial,
            .thread = message->thread,
            .action = refusal_action(outcome),
        };
    }
    return answer;
}

/*
 * The answer to a fault was for one who has gone, or was given by another server thread. If it was
 * not, core counts the page as filled: map it.
 */
static void settle_fault(struct shell *shell)
{
    const struct core *core = &shell->core;
    const uint64_t serial = atomic_load_explicit(&core->worker->giving, memory_order_relaxed);

    if (serial == 0) {
        return; /* it was a request, and his death will tell */
    }
    struct bucket *bucket = shell_bucket(shell, shell->decided);
    struct space *space = shell_take_space(shell, bucket, shell->decided);
    if (space != NULL) {
        if (space->answer.worker == core->number && space->answer.serial == serial) {
            port_carry_out(&shell->port, space->kernel, &space->answer);
        }
        shell_give_space(shell, bucket);
    }
}

struct answer main_serve_fault(struct shell *shell, const struct message *message)
{
    struct answer answer;
    const enum fault_outcome outcome = decide_fault(shell, message, &answer);

    return outcome == FAULT_READY ? answer : refuse_fault(shell, message, outcome);
}

void main_answer_fault(struct shell *shell, const struct answer *answer)
{
    const enum err error = ecall_reply(answer);

    ASSERT(error == ERR_OK || error == ERR_STALE);
    if (error == ERR_STALE) {
        settle_fault(shell);
    }
    give_none(shell);
}

/* Events: deaths, and the time of a deadline. */
NOINLINE static void serve_event(struct shell *shell, uint64_t events)
{
    struct core *core = &shell->core;

    mutex_take(core, &core->head->processes);
    if ((events & EVENT_TIME) != 0) {
        waits_expire(shell);
    }
    process_deaths(shell);
    if (shell->head->dying_first != 0) {
        client_end_step(shell, NULL);
    } else {
        burial_step(core);
    }
    core_done(core);
    port_flush(&shell->port);
    mutex_give(core, &core->head->processes);
    waits_set_timer(shell);
    turns_bury_event(shell);
}

/*
 * Anything but a fault or a frequent request: fill `words`, which are zero, with an answer.
 *
 * Returns:   whether there is one, for the sender of the message.
 */
ALWAYS_INLINE bool serve_other(struct shell *shell, const struct message *message,
                               uint64_t words[IPC_WORDS])
{
    if (LIKELY(message->error == ERR_OK)) {
        if (LIKELY((message->tag & IPC_TAG_KIND) == IPC_CALL)) {
            bool is_answer = request_serve(shell, message, words);

            is_answer = is_answer && !waits_answer_first(shell, message, words);
            waits_go_on_or_reclaim(shell);
            return is_answer;
        }
        ASSERT((message->tag & IPC_TAG_KIND) == IPC_NOTIFY);
        serve_event(shell, message->words[0]);
        waits_go_on_or_reclaim(shell);
        return false;
    }
    return false;
}

void main_serve(struct shell *shell)
{
    struct answer answer = {.number = SYS_REPLY_WAIT};

    shell->core.has_turns = true;
    for (;;) {
        const struct message message = ecall_reply_wait(answer);
        uint64_t error;
        uint64_t value;

        if (LIKELY(message.error == ERR_OK && (message.tag & IPC_TAG_KIND) == IPC_FAULT)) {
            const enum fault_outcome outcome = decide_fault(shell, &message, &answer);
            if (UNLIKELY(outcome != FAULT_READY)) {
                const struct message other = message;
                answer = refuse_fault(shell, &other, outcome);
            }
            if (UNLIKELY(answer.serial == 0)) {
                waits_go_on_or_reclaim(shell); /* he waits, so there is something to do */
            }
            continue;
        }
        if (UNLIKELY(message.error != ERR_OK)) {
            ASSERT(message.error == ERR_STALE);
            settle_fault(shell);
        }
        give_none(shell);
        if (LIKELY(request_quick(shell, &message, &error, &value))) {
            waits_go_on(shell); /* a pager's object may have gone */
            answer = (struct answer){
                .number = SYS_REPLY_WAIT,
                .serial = message.serial,
                .thread = message.thread,
                .words = {error, value},
            };
            if (UNLIKELY(shell->core.more.buried != 0)) {
                turns_bury_quick(shell, &answer);
            }
        } else {
            /* A copy, so that on the frequent ways the message stays in registers. */
            const struct message other = message;
            uint64_t words[IPC_WORDS];
            for (unsigned i = 0; i < IPC_WORDS; i++) {
                words[i] = 0; /* an initializer would be a call of memset() */
            }
            const bool is_answer = serve_other(shell, &other, words);
            answer = (struct answer){
                .number = SYS_REPLY_WAIT,
                .serial = is_answer ? message.serial : 0,
                .thread = message.thread,
                .words = {words[0], words[1], words[2], words[3], words[4], words[5], words[6],
                          words[7]},
            };
        }
    }
}

void main_start(void *message_page)
{
    static struct boot_info info;

    /* Out of the page before it is used for anything else. */
    info = *(const struct boot_info *)message_page;
    boot_start(&info, message_page, shells);
    main_serve(&shells[0]);
}
