/* SPDX-License-Identifier: MIT */
/*
 * fork() and waiting for children.
 *
 * A process has at most CHILDREN_MAX children whose end it has not waited for. How one ended is
 * kept here when somebody waits for another. A program uses either these or the native calls for
 * its children: what NEXT tells of a child that is not listed here is dropped.
 *
 * I1  A child is listed from fork() to the wait that tells of its end; free places have number 0.
 */
#include "files.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <abi/fault.h>
#include <hf/clone.h>
#include <hf/end.h>
#include <hf/error.h>
#include <hf/mem.h>

#include "../tell.h"

#define CHILDREN_MAX 64
#define STATUS_SHIFT 8
#define STATUS_BITS  0xff

struct child {
    uint64_t number; /* its space_id */
    bool has_ended;
    int status; /* valid if it has ended; as waitpid() has it */
};

static struct child children[CHILDREN_MAX];

/* The child with this number; 0: a free place. NULL: there is none. */
static struct child *child_find(uint64_t number)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i].number == number) {
            return &children[i];
        }
    }
    return NULL;
}

/* A child that has ended, or that there is to wait for. NULL: there is none. */
static struct child *child_any(bool has_ended)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i].number != 0 && children[i].has_ended == has_ended) {
            return &children[i];
        }
    }
    return NULL;
}

/* The signal that ends a process in POSIX where `cause` does here. */
static int cause_signal(enum cause cause)
{
    switch (cause) {
    case CAUSE_MAPERR:
    case CAUSE_ACCERR:
        return SIGSEGV;
    case CAUSE_BUS:
    case CAUSE_MISALIGNED:
    case CAUSE_ACCESS:
        return SIGBUS;
    case CAUSE_ILLEGAL:
        return SIGILL;
    case CAUSE_BREAKPOINT:
        return SIGTRAP;
    case CAUSE_ASSERT:
        return SIGABRT;
    case CAUSE_KILLED:
    case CAUSE_REQUEST:
    case CAUSE_NONE:
    case CAUSE_EXIT:
        break;
    }
    return SIGKILL;
}

/* Take the news of the next child that ends; say if it faulted. Returns: what NEXT refuses. */
static enum err end_take(bool is_nowait)
{
    char how[HF_END_BYTES];
    struct mem_next_rep end;
    enum err error = hf_next(is_nowait ? 1 : 0, &end);
    if (error != ERR_OK) {
        return error;
    }
    struct child *child = child_find(end.space_id);
    if (child == NULL) {
        return ERR_OK;
    }
    child->has_ended = true;
    if (end.cause == CAUSE_EXIT) {
        child->status = (int)(end.detail & STATUS_BITS) << STATUS_SHIFT;
        return ERR_OK;
    }
    child->status = cause_signal((enum cause)end.cause);
    /* A failed assertion has said so, and who ended it knows. */
    if (child->status != SIGABRT && child->status != SIGKILL) {
        tell_end(end.space_id, hf_end_text(&end, how));
    }
    return ERR_OK;
}

pid_t fork(void)
{
    struct hf_process made;
    struct hf_gift gifts[FILES_MAX * FILES_HANDLES_MAX];
    bool is_child = false;
    struct child *child = child_find(0);
    if (child == NULL) {
        errno = EAGAIN;
        return -1;
    }
    if (!files_share()) {
        errno = ENOMEM;
        return -1;
    }
    enum err error = hf_clone_giving(gifts, files_handles(gifts), &made, &is_child);
    if (error != ERR_OK) {
        files_unshare();
        errno = error == ERR_NOMEM ? ENOMEM : EAGAIN;
        return -1;
    }
    if (is_child) {
        memset(children, 0, sizeof(children));
        return 0;
    }
    /* The child lives and its end is told without them. */
    (void)hf_handle_close(made.thread);
    (void)hf_handle_close(made.kernel_space);
    (void)hf_handle_close(made.space);
    *child = (struct child){.number = made.space_id};
    return (pid_t)made.space_id;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    if ((options & ~WNOHANG) != 0) {
        errno = EINVAL;
        return -1;
    }
    /* There are no process groups: 0 means any child, as -1 does. */
    const bool is_any = pid == 0 || pid == -1;
    for (;;) {
        struct child *child = is_any ? child_any(true) : child_find((uint64_t)pid);
        if (child == NULL && (!is_any || child_any(false) == NULL)) {
            errno = ECHILD;
            return -1;
        }
        if (child != NULL && child->has_ended) {
            pid_t found = (pid_t)child->number;
            if (status != NULL) {
                *status = child->status;
            }
            *child = (struct child){0};
            return found;
        }
        enum err error = end_take((options & WNOHANG) != 0);
        if (error == ERR_WOULD_BLOCK) {
            return 0;
        }
        if (error != ERR_OK) {
            errno = ECHILD;
            return -1;
        }
    }
}

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}
