/* SPDX-License-Identifier: MIT */
#include "server/shell/request.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/limits.h>
#include <mem/prot.h>
#include <mem/proto.h>

#include "server/shell/advise.h"
#include "server/shell/badge.h"
#include "server/shell/batch.h"
#include "server/shell/call.h"
#include "server/shell/client.h"
#include "server/shell/device.h"
#include "server/shell/lock.h"
#include "server/shell/look.h"
#include "server/shell/objects.h"
#include "server/shell/pagers.h"
#include "server/shell/pins.h"
#include "server/shell/process.h"
#include "server/shell/report.h"
#include "server/shell/swaps.h"
#include "server/shell/trial.h"
#include "server/shell/turns.h"
#include "server/shell/waits.h"
#include "server/shell/wire.h"

static enum err serve_map(struct call *call)
{
    struct wire_map request;
    uaddr_t address;

    enum err error = wire_map(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    request.map.object = NULL;
    request.map.rights = 0;
    if (UNLIKELY(request.object != 0)) {
        request.map.object = objects_find(call->shell, request.object, &request.map.rights);
    }
    error = op_map(&call->shell->core, call->target, &request.map, &address);
    if (UNLIKELY(request.map.object != NULL)) {
        object_put(&call->shell->core, request.map.object);
    }
    if (error != ERR_OK && error != ERR_WAIT && error != ERR_MORE) {
        return error;
    }
    call->words[1] = uaddr_to_number(address);
    return error;
}

static enum err serve_unmap(struct call *call)
{
    struct wire_range request;

    enum err error = wire_unmap(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    return op_unmap(&call->shell->core, call->target, request.address, request.length);
}

static enum err serve_protect(struct call *call, bool is_linux)
{
    struct wire_protect request;

    enum err error = wire_protect(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    request.protect.is_linux = is_linux;
    return op_protect(&call->shell->core, call->target, &request.protect);
}

static enum err serve_remap(struct call *call, bool is_linux)
{
    struct wire_remap request;
    uaddr_t address;

    enum err error = wire_remap(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    request.remap.is_linux = is_linux;
    error = op_remap(&call->shell->core, call->target, &request.remap, &address);
    if (error != ERR_OK && error != ERR_WAIT && error != ERR_MORE) {
        return error;
    }
    call->words[1] = uaddr_to_number(address);
    return error;
}

static enum err serve_copy(struct call *call)
{
    struct wire_copy request;
    enum err error = wire_copy(call->message, &request);
    if (error == ERR_OK) {
        error = call_target(call, request.space,
                            request.is_to_other ? MEM_RIGHT_CONTROL : MEM_RIGHT_READ);
    }
    if (error == ERR_RIGHTS) {
        error = call_target(call, request.space, MEM_RIGHT_PIN);
    }
    if (error != ERR_OK) {
        return error;
    }
    const struct copy_request copy = {
        .to = request.is_to_other ? call->target : call->own,
        .from = request.is_to_other ? call->own : call->target,
        .to_address = request.is_to_other ? request.other : request.own,
        .from_address = request.is_to_other ? request.own : request.other,
        .length = request.length,
        .is_nowait = request.is_nowait,
    };
    return op_copy(&call->shell->core, &copy, &call->words[1]); /* also when it is short */
}

static enum err serve_hello(struct call *call)
{
    enum err error = wire_hello(call->message);
    if (error != ERR_OK) {
        return error;
    }
    call->words[1] = MEM_PROTOCOL_VERSION;
    call->words[2] = wire_features();
    call->words[3] = PAGE_SIZE;
    call->words[4] = USER_START;
    call->words[5] = USER_END;
    call->words[6] = client_of(&call->shell->core, call->own)->serial;
    return ERR_OK;
}

static enum err serve_lock(struct call *call, enum mem_request number, bool is_linux)
{
    if (number == MEM_LOCK) {
        return lock_range(call, is_linux);
    }
    if (number == MEM_UNLOCK) {
        return lock_undo(call, is_linux);
    }
    return number == MEM_LOCK_ALL ? lock_all(call, is_linux) : lock_undo_all(call);
}

static enum err serve_report(struct call *call, enum mem_request number)
{
    if (number == MEM_QUERY) {
        return report_query(call);
    }
    if (number == MEM_INCORE) {
        return report_incore(call);
    }
    if (number == MEM_REFUSAL) {
        return report_refusal(call);
    }
    return report_account(call, number);
}

/* What is about processes, and what they start with. */
static enum err serve_process(struct call *call, enum mem_request number)
{
    switch ((unsigned)number) {
    case MEM_SPACE_MAKE:
        return process_space_make(call);
    case MEM_CLONE:
        return process_clone(call);
    case MEM_SPACE_END:
        return process_space_end(call);
    case MEM_THREAD_MAKE:
        return process_thread_make(call);
    case MEM_DONATE:
        return process_donate(call);
    case MEM_NEXT:
        return process_next(call);
    case MEM_BOOT_OBJECT:
        return process_boot_object(call);
    case MEM_BOOT_DEVICE:
        return device_serve(call);
    default: /* serve() sends no other */
        return look_serve(call, number);
    }
}

/* What is about the regions of one space, or two. */
static enum err serve_regions(struct call *call, enum mem_request number, bool is_linux)
{
    switch ((unsigned)number) {
    case MEM_MAP:
        return serve_map(call);
    case MEM_UNMAP:
        return serve_unmap(call);
    case MEM_PROTECT:
        return serve_protect(call, is_linux);
    case MEM_REMAP:
        return serve_remap(call, is_linux);
    case MEM_ADVISE:
        return advise_serve(call, is_linux);
    case MEM_COPY:
        return serve_copy(call);
    case MEM_SYNC:
        return advise_sync(call, is_linux);
    case MEM_BATCH:
        return batch_serve(call);
    case MEM_GO_ON:
        return turns_go_on(call);
    case MEM_LOCK:
    case MEM_UNLOCK:
    case MEM_LOCK_ALL:
    case MEM_UNLOCK_ALL:
        return serve_lock(call, number, is_linux);
    default: /* serve() sends no other */
        return serve_hello(call);
    }
}

/* What is about objects, their pagers, and frames that are pinned. */
static enum err serve_object(struct call *call, enum mem_request number)
{
    switch ((unsigned)number) {
    case MEM_PAGER_MAKE:
    case MEM_PAGER_OBJECT:
    case MEM_PAGER_NEXT:
    case MEM_PAGER_SUPPLY:
    case MEM_PAGER_FAIL:
    case MEM_PAGER_WROTE:
    case MEM_PAGER_ATTACH:
    case MEM_PAGER_ADOPT:
        return pagers_serve(call, number);
    case MEM_SWAP:
        return swaps_serve(call);
    case MEM_PIN:
    case MEM_UNPIN:
    case MEM_PINS:
    case MEM_PIN_NEXT:
    case MEM_DEVICE_RESET:
        return pins_serve(call, number);
    default: /* serve() sends no other */
        return turns_follow(call, number, objects_serve(call, number));
    }
}

static enum err serve(struct call *call, enum mem_request number, bool is_linux)
{
    switch ((unsigned)number) {
    case MEM_MAP:
    case MEM_UNMAP:
    case MEM_PROTECT:
    case MEM_REMAP:
    case MEM_ADVISE:
    case MEM_COPY:
    case MEM_SYNC:
    case MEM_BATCH:
    case MEM_GO_ON:
    case MEM_HELLO:
    case MEM_LOCK:
    case MEM_UNLOCK:
    case MEM_LOCK_ALL:
    case MEM_UNLOCK_ALL:
        return turns_follow(call, number, serve_regions(call, number, is_linux));
    case MEM_QUERY:
    case MEM_INCORE:
    case MEM_REFUSAL:
    case MEM_STATS:
    case MEM_LIMITS:
    case MEM_COMMIT:
    case MEM_WORKER:
    case MEM_HUGE:
        return serve_report(call, number);
    case MEM_SPACE_MAKE:
    case MEM_CLONE:
    case MEM_SPACE_END:
    case MEM_THREAD_MAKE:
    case MEM_DONATE:
    case MEM_NEXT:
    case MEM_BOOT_OBJECT:
    case MEM_BOOT_DEVICE:
    case MEM_LOOK:
    case MEM_SPACE_DERIVE:
    case MEM_HANDLES:
        return serve_process(call, number);
    default: /* decoded: what is left is about objects */
        return serve_object(call, number);
    }
}

/*
 * What a request has to itself: those that change or look at more than spaces that they name, or
 * use the caller's message page, which goes with its thread, have `processes`.
 */
static enum call_locks locks_of(enum mem_request number)
{
    switch (number) {
    case MEM_SPACE_MAKE:
    case MEM_CLONE:
    case MEM_SPACE_END:
    case MEM_THREAD_MAKE:
    case MEM_NEXT:
    case MEM_LOOK:
    case MEM_STATS:
    case MEM_BATCH:
    case MEM_OBJECT_RESIZE:
    case MEM_PAGER_NEXT:
        return CALL_PROCESSES;
    case MEM_QUERY:
    case MEM_INCORE:
    case MEM_HANDLES:
    case MEM_COMMIT:
    case MEM_HUGE:
    case MEM_OBJECT_NAME:
    case MEM_OBJECT_OPEN:
    case MEM_OBJECT_UNNAME:
    case MEM_PAGER_SUPPLY:
    case MEM_SWAP:
    case MEM_PIN:
    case MEM_PINS:
    case MEM_PIN_NEXT:
        return CALL_BOTH;
    case MEM_HELLO:
    case MEM_MAP:
    case MEM_UNMAP:
    case MEM_PROTECT:
    case MEM_REMAP:
    case MEM_ADVISE:
    case MEM_SYNC:
    case MEM_LOCK:
    case MEM_UNLOCK:
    case MEM_LOCK_ALL:
    case MEM_UNLOCK_ALL:
    case MEM_GO_ON:
    case MEM_COPY:
    case MEM_REFUSAL:
    case MEM_LIMITS:
    case MEM_DONATE:
    case MEM_SPACE_DERIVE:
    case MEM_BOOT_OBJECT:
    case MEM_BOOT_DEVICE:
    case MEM_OBJECT_MAKE:
    case MEM_OBJECT_INFO:
    case MEM_OBJECT_SEAL:
    case MEM_OBJECT_DERIVE:
    case MEM_OBJECT_HOLD:
    case MEM_OBJECT_CLOSE:
    case MEM_OBJECT_COPY:
    case MEM_OBJECT_AGAIN:
    case MEM_OBJECT_SLICE:
    case MEM_PAGER_MAKE:
    case MEM_PAGER_OBJECT:
    case MEM_PAGER_FAIL:
    case MEM_PAGER_WROTE:
    case MEM_PAGER_ATTACH:
    case MEM_PAGER_ADOPT:
    case MEM_UNPIN:
    case MEM_DEVICE_RESET:
    case MEM_WORKER:
        return CALL_OWN;
    }
    UNREACHABLE();
}

void request_refused(struct shell *shell, struct space *own, uint64_t number, enum err error)
{
    if (own->refusal.error != (uint32_t)error) {
        own->refusal = (struct refusal){.error = (uint32_t)error};
    }
    client_of(&shell->core, own)->refused = (uint32_t)number;
}

/* Make the answer a refusal, and keep for the caller what it was about. */
NOINLINE static void refuse(struct call *call, enum err error)
{
    struct space *own = call->own;
    const uint64_t number = call->message->words[0] & MEM_HEAD_NUMBER;

    for (unsigned i = 0; i < IPC_WORDS; i++) {
        /* What was copied, and what was refused, counts on an error too. */
        if (i != 1 || (number != MEM_COPY && number != MEM_OBJECT_COPY && number != MEM_BATCH &&
                       number != MEM_PAGER_SUPPLY)) {
            call->words[i] = 0;
        }
    }
    call->words[0] = error;
    call_take_both(call);
    if (call->target != own && call->target->refusal.error == (uint32_t)error) {
        own->refusal = call->target->refusal;
    }
    request_refused(call->shell, own, number, error);
}

/* Serve a request whose head is legal, once. */
static enum trial try_once(struct call *call, enum mem_request number, bool is_linux,
                           unsigned tries)
{
    if (!call_begin(call, locks_of(number))) {
        return TRIAL_OVER;
    }
    turns_begin(call->shell);
    if (UNLIKELY(call->own->work.phase != WORK_NONE) && call->locks != CALL_PROCESSES &&
        turns_help(call, number)) {
        call_end(call);
        return TRIAL_OVER;
    }
    if (number != MEM_REFUSAL) {
        call_forget_refusal(call);
    }
    enum err error = serve(call, number, is_linux);
    if (UNLIKELY(turns_has_more(call, error))) {
        turns_answer(call, error);
        call_end(call);
        return TRIAL_OVER;
    }
    if (UNLIKELY(error != ERR_OK) && !call->is_held) {
        const enum trial trial = trial_judge(call, error, tries);
        if (trial != TRIAL_OVER) {
            call_end(call);
            return trial;
        }
        error = waits_hold(call, error);
    }
    if (UNLIKELY(error != ERR_OK) && !call->is_held) {
        refuse(call, error);
    }
    call_end(call);
    return TRIAL_OVER;
}

/* Answer what is no request. */
static void refuse_head(struct call *call, enum err error)
{
    if (call_begin(call, CALL_OWN)) {
        refuse(call, error);
        call_end(call);
    }
}

bool request_serve(struct shell *shell, const struct message *message, uint64_t words[IPC_WORDS])
{
    enum mem_request number;
    bool is_linux;

    /* A handle to something of the server's is no way to ask it for anything. */
    if (UNLIKELY(badge_read(message->badge).kind != BADGE_CLIENT)) {
        words[0] = ERR_TYPE;
        return true;
    }
    struct call call = {.shell = shell, .message = message, .words = words};
    enum err error = wire_head(message, &number, &is_linux);
    if (UNLIKELY(error != ERR_OK)) {
        refuse_head(&call, error);
        return !call.is_held;
    }
    enum trial trial;
    for (unsigned i = 0; (trial = try_once(&call, number, is_linux, i)) != TRIAL_OVER; i++) {
        trial_help(shell, trial);
    }
    shell->core.spender = 0;
    return !call.is_held;
}
