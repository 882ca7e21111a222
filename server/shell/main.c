/* SPDX-License-Identifier: MIT */
/*
 * The memory server's thread: start, and one message after the other for ever.
 *
 * A message is a fault, a request or an event. It is dealt with at once and completely; nothing
 * here ever waits for anyone but in the one call that also answers. Faults come first: their
 * answer, the map entries, is put together in registers.
 *
 *   wait -> fault   -> decide -> answer with entries, wait
 *        -> request -> serve  -> answer or keep it, wait
 *        -> event   -> deaths -> wait
 *        -> error   -> whoever was to be answered is gone: map what was decided for him -> wait
 *
 * Owner: the one thread there is; `the_shell` is used by nobody else.
 */
#include "server/shell/main.h"

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
#include "server/shell/ecall.h"
#include "server/shell/process.h"
#include "server/shell/request.h"
#include "server/shell/request_quick.h"

STATIC_ASSERT(FAULT_READ == MEM_PROT_READ && FAULT_WRITE == MEM_PROT_WRITE &&
                  FAULT_EXEC == MEM_PROT_EXEC,
              "accesses are protection bits");
STATIC_ASSERT(MAP_READ == MEM_PROT_READ && MAP_WRITE == MEM_PROT_WRITE && MAP_EXEC == MEM_PROT_EXEC,
              "protections of entries are those of regions");

static struct shell the_shell;

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
        return FAULT_REFUSE | CAUSE_BUS << 8;
    case FAULT_READY:
    case FAULT_LARGE:
        break;
    }
    UNREACHABLE();
}

/* Answer a fault with the large leaf that the page is in. */
NOINLINE static struct answer serve_large(struct shell *shell, struct space *space, uint64_t vpn,
                                          const struct fault_answer *ready)
{
    const uint64_t offset = vpn % PAGES_PER_MEGA;
    const uint64_t frame = pfn_to_number(ready->frame) - offset;
    const enum map_op op = port_install_op((enum port_how)ready->how);

    shell->decided = space;
    space->answer.where = map_where(vpn - offset, PAGES_PER_MEGA);
    space->answer.what = map_what(op, frame, ready->prot, MAP_LARGE);
    return (struct answer){
        .number = SYS_FAULT_REPLY_WAIT,
        .action = FAULT_RESUME,
        .words = {space->answer.where, space->answer.what},
    };
}

/* Decide a fault. The token is the caller's to fill in. */
ALWAYS_INLINE struct answer serve_fault(struct shell *shell, uint64_t badge, uint64_t address,
                                        uint64_t access)
{
    struct space *space = shell_space(shell, badge);
    const vpn_t vpn = uaddr_to_vpn((uaddr_t){address});
    struct fault_answer ready;

    space->faults++;
    const enum fault_outcome outcome =
        fault_quick(&shell->core, space, vpn, (uint32_t)access, &ready);
    port_flush(&shell->port);
    if (UNLIKELY(outcome == FAULT_LARGE)) {
        const struct fault_answer large = ready; /* so that `ready` can stay in registers */
        return serve_large(shell, space, vpn_to_number(vpn), &large);
    }
    if (UNLIKELY(outcome != FAULT_READY)) {
        shell->decided = NULL;
        return (struct answer){.number = SYS_FAULT_REPLY_WAIT, .action = refusal_action(outcome)};
    }
    /* One entry; it takes the place of what is mapped there. */
    struct answer answer = {
        .number = SYS_FAULT_REPLY_WAIT,
        .action = FAULT_RESUME,
        .words = {map_where(vpn_to_number(vpn), 1),
                  map_what(port_install_op((enum port_how)ready.how), pfn_to_number(ready.frame),
                           ready.prot, 0)},
    };
    shell->decided = space;
    space->answer.where = answer.words[0];
    space->answer.what = answer.words[1];
    if (UNLIKELY(ready.how == PORT_COPY)) {
        answer.words[3] = map_what(MAP_COPY_SOURCE, pfn_to_number(ready.source), 0, 0);
        space->answer.source = answer.words[3];
    }
    return answer;
}

/* An event. All there are so far are deaths. */
NOINLINE static void serve_event(struct shell *shell)
{
    process_deaths(shell);
    core_done(&shell->core);
    port_flush(&shell->port);
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
            return request_serve(shell, message, words);
        }
        ASSERT((message->tag & IPC_TAG_KIND) == IPC_NOTIFY);
        serve_event(shell);
        return false;
    }
    /* The one to be answered is gone, which his death will tell; nothing was received. */
    ASSERT(message->error == ERR_STALE);
    if (shell->decided != NULL) {
        port_carry_out(&shell->port, shell->decided->kernel, &shell->decided->answer);
    }
    return false;
}

void main_start(void *message_page)
{
    static struct boot_info info;
    struct shell *shell = &the_shell;
    struct answer answer = {.number = SYS_REPLY_WAIT};

    /* Out of the page before it is used for anything else. */
    info = *(const struct boot_info *)message_page;
    boot_start(&info, message_page, shell);
    for (;;) {
        const struct message message = ecall_reply_wait(answer);
        uint64_t error;
        uint64_t value;

        if (LIKELY(message.error == ERR_OK && (message.tag & IPC_TAG_KIND) == IPC_FAULT)) {
            answer = serve_fault(shell, message.badge, message.words[0], message.words[1]);
            answer.serial = message.serial;
            answer.thread = message.thread;
        } else if (LIKELY(request_quick(shell, &message, &error, &value))) {
            shell->decided = NULL;
            answer = (struct answer){
                .number = SYS_REPLY_WAIT,
                .serial = message.serial,
                .thread = message.thread,
                .words = {error, value},
            };
        } else {
            /* A copy, so that on the frequent ways the message stays in registers. */
            const struct message other = message;
            uint64_t words[IPC_WORDS];
            for (unsigned i = 0; i < IPC_WORDS; i++) {
                words[i] = 0; /* an initializer would be a call of memset() */
            }
            const bool is_answer = serve_other(shell, &other, words);
            shell->decided = NULL;
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
