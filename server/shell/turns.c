/* SPDX-License-Identifier: MIT */
#include "server/shell/turns.h"

#include <base/assert.h>
#include <mem/proto.h>

#include "server/shell/client.h"
#include "server/shell/waits.h"
#include "server/shell/wire.h"

/* Words of the message to be sent next that an answer has room for. */
#define NEXT_WORDS 6u

/* Where they stand in it. */
static uint64_t *next_words(const struct call *call)
{
    return &call->words[2];
}

/* The same message again. */
static void send_again(struct call *call)
{
    call->words[0] = ERR_MORE;
    for (unsigned i = 0; i < NEXT_WORDS; i++) {
        next_words(call)[i] = call->message->words[i];
    }
}

/* The same message again, but that its range begins at `page` and ends where it ended. */
static void send_rest(struct call *call, uint32_t page)
{
    const uint64_t from = uaddr_to_number(vpn_to_uaddr(page_to_vpn(page)));
    const uint64_t end = call->message->words[1] + call->message->words[2];

    send_again(call);
    next_words(call)[1] = from;
    next_words(call)[2] = end - from;
}

/* Whether pages that were asked for are behind `page`. */
static bool has_rest(const struct call *call, uint32_t page)
{
    return uaddr_to_number(vpn_to_uaddr(page_to_vpn(page))) <
           call->message->words[1] + call->message->words[2];
}

static void send_go_on(struct call *call, uint64_t what, uint64_t first, uint64_t second)
{
    const uint64_t next[NEXT_WORDS] = {MEM_GO_ON, what, first, second};

    call->words[0] = ERR_MORE;
    for (unsigned i = 0; i < NEXT_WORDS; i++) {
        next_words(call)[i] = next[i];
    }
}

/* PAGER_SUPPLY of the pages behind those that are filled; the answer counts these. */
static void send_unfilled(struct call *call, uint64_t filled)
{
    const bool has_next = (call->message->words[3] >> 32 & MEM_SUPPLY_NEXT) != 0;

    send_again(call);
    call->words[1] = has_next ? 0 : filled;
    next_words(call)[2] += filled;
    next_words(call)[3] -= filled; /* of the lower half, which is more */
    next_words(call)[4] += filled * PAGE_SIZE;
}

/* Pages are still to be made present. */
static void go_on_populating(struct call *call)
{
    struct core *core = &call->shell->core;
    const struct need need = core->need;
    const uint64_t *words = call->message->words;
    const uint64_t number = words[0] & MEM_HEAD_NUMBER;
    const uint32_t page = (uint32_t)need.progress;

    core->need = (struct need){0};
    if (need.end != 0) {
        const bool is_lock =
            number == MEM_LOCK || (number == MEM_GO_ON && words[1] == MEM_GO_ON_LOCK);

        send_go_on(call, is_lock ? MEM_GO_ON_LOCK : MEM_GO_ON_POPULATE,
                   uaddr_to_number(vpn_to_uaddr(page_to_vpn(page))), (need.end - page) * PAGE_SIZE);
    } else if (number == MEM_LOCK || number == MEM_LOCK_ALL) {
        send_again(call);
        call->words[1] = 0;
        next_words(call)[4] = page | call->shell->carried[0];
        next_words(call)[5] = call->shell->carried[1];
    } else if (number == MEM_COPY || number == MEM_OBJECT_COPY || number == MEM_PIN) {
        call->words[1] = 0; /* from the start: what was copied is copied again, pins are gone */
        send_again(call);
    } else if (number == MEM_OBJECT_RESIZE) {
        call->words[1] = 0; /* the object is shorter by now */
        send_again(call);
    } else if (number == MEM_PIN_NEXT) {
        send_again(call);
        call->words[1] = 0;
        next_words(call)[1] = call->shell->carried[0];
        next_words(call)[2] = call->shell->carried[1];
    } else if (number == MEM_PAGER_SUPPLY) {
        send_unfilled(call, need.progress);
    } else {
        ASSERT(number == MEM_ADVISE || number == MEM_SYNC);
        send_rest(call, page);
        next_words(call)[4] = need.has_hole ? 1 : 0;
    }
}

/* Make a step of the work in a space. Returns: whether it was the last. */
static bool make_step(struct shell *shell, struct space *space)
{
    const bool is_over = work_step(&shell->core, space);

    if (UNLIKELY(burial_is_due(&shell->core))) {
        waits_set_timer(shell); /* nobody may ask after what the step let go of */
    }
    return is_over;
}

/* Work was begun: make its first step. */
static void go_on_working(struct call *call, const struct more *more)
{
    struct core *core = &call->shell->core;
    const bool is_over = make_step(call->shell, call->target);
    const uint64_t number = call->message->words[0] & MEM_HEAD_NUMBER;

    if (more->is_again) {
        send_again(call);
    } else if ((number == MEM_MAP || number == MEM_REMAP) && !range_is_empty(more->rest)) {
        send_go_on(call, MEM_GO_ON_POPULATE,
                   uaddr_to_number(vpn_to_uaddr(page_to_vpn(more->rest.first))),
                   (uint64_t)range_pages(more->rest) * PAGE_SIZE);
    } else if (more->rest.end != 0 && has_rest(call, more->rest.first)) {
        send_rest(call, more->rest.first);
    } else if (!is_over || !burial_is_over(core, call->target->burial)) {
        send_go_on(call, MEM_GO_ON_FINISH, more->ticket, 0);
    }
}

void turns_answer(struct call *call, enum err error)
{
    struct core *core = &call->shell->core;
    const struct more more = core->more;

    core->more = (struct more){0};
    if (error == ERR_WAIT) {
        go_on_populating(call);
    } else if (more.ending != 0) {
        send_go_on(call, MEM_GO_ON_END, more.ending, 0);
    } else if (more.ticket != 0) {
        go_on_working(call, &more);
    } else if (more.burial != 0) {
        send_go_on(call, MEM_GO_ON_BURY, more.burial, 0);
    } else {
        /* What another request has begun comes first. */
        call->words[1] = 0;
        call_take_both(call);
        (void)make_step(call->shell, call->target);
        send_again(call);
    }
}

/* Whether the answer to a request has room for what is to be sent next: one word and no handle. */
static bool may_go_on(uint64_t number)
{
    return number == MEM_UNMAP || number == MEM_OBJECT_CLOSE || number == MEM_MAP ||
           number == MEM_REMAP || number == MEM_OBJECT_UNNAME || number == MEM_GO_ON;
}

enum err turns_bury(struct call *call, uint64_t number, enum err error)
{
    struct more *more = &call->shell->core.more;

    more->buried = 0;
    if (more->burial == 0) {
        return error;
    }
    waits_set_timer(call->shell); /* nobody may ask after it */
    if (error == ERR_OK && may_go_on(number) && !call->is_held) {
        return ERR_MORE;
    }
    more->burial = 0;
    return error;
}

void turns_bury_event(struct shell *shell)
{
    shell->core.more.burial = 0;
    shell->core.more.buried = 0;
}

void turns_bury_quick(struct shell *shell, struct answer *answer)
{
    const uint64_t burial = shell->core.more.burial;

    turns_bury_event(shell);
    if (burial == 0) {
        return;
    }
    waits_set_timer(shell);
    if (answer->words[0] == ERR_OK) {
        answer->words[0] = ERR_MORE;
        answer->words[2] = MEM_GO_ON;
        answer->words[3] = MEM_GO_ON_BURY;
        answer->words[4] = burial;
    }
}

bool turns_help(struct call *call, uint64_t number)
{
    if (make_step(call->shell, call->own) && number == MEM_GO_ON) {
        return false;
    }
    send_again(call);
    return true;
}

void turns_help_fault(struct shell *shell, struct space *space)
{
    (void)make_step(shell, space);
    core_done(&shell->core);
}

/* Whether the work is not done that the caller asks after. */
static enum err await_work(const struct call *call, uint64_t ticket)
{
    const struct work *work = &call->target->work;
    struct more *more = &call->shell->core.more;

    if (work->phase != WORK_NONE && work->ticket == ticket) {
        return ERR_MORE;
    }
    if (!burial_is_over(&call->shell->core, call->target->burial)) {
        more->burial = call->target->burial;
        return ERR_MORE;
    }
    return ERR_OK;
}

/* Give back some of the shared memory that the caller asks after. */
static enum err await_burial(struct core *core, uint64_t number)
{
    if (!burial_is_over(core, number)) {
        burial_step(core);
    }
    if (burial_is_over(core, number)) {
        return ERR_OK;
    }
    core->more.burial = number;
    return ERR_MORE;
}

/* Make a step of the end that the caller asks after. */
static enum err await_end(struct call *call, uint64_t serial)
{
    struct shell *shell = call->shell;

    enum err error = call_see_deaths(call);
    if (error != ERR_OK) {
        return error;
    }
    struct client *client = client_find_dying(shell, serial);
    if (client == NULL) {
        return ERR_OK;
    }
    call_give_buckets(call);
    client_end_step(shell, client);
    shell->core.more.ending = serial;
    return ERR_MORE;
}

enum err turns_go_on(struct call *call)
{
    struct core *core = &call->shell->core;
    struct wire_go_on request;
    struct range range;

    enum err error = wire_go_on(call->message, &request);
    if (error == ERR_OK && request.what == MEM_GO_ON_END) {
        return await_end(call, request.first);
    }
    if (error == ERR_OK && request.what == MEM_GO_ON_BURY) {
        return await_burial(core, request.first);
    }
    if (error == ERR_OK) {
        error = call_target(call, request.space, MEM_RIGHT_MAP);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (request.what == MEM_GO_ON_FINISH) {
        return await_work(call, request.first);
    }
    if (call->target->work.phase != WORK_NONE) {
        return ERR_MORE;
    }
    if (range_make((uaddr_t){request.first}, request.second, &range) != ERR_OK) {
        return ERR_INVAL;
    }
    if (request.what == MEM_GO_ON_LOCK) {
        return op_lock_rest(core, call->target, range);
    }
    return populate_what_can_be(core, call->target, range) ? ERR_WAIT : ERR_OK;
}
