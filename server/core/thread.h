/* SPDX-License-Identifier: MIT */
/*
 * Threads of clients: what the memory server holds for each, and where a request that has to wait
 * will wait.
 *
 * A thread has one request at a time, so its record is also the record of its request (wait.h).
 * Thread numbers index the window of message pages of the server.
 *
 * I1  thread_find(n) is the thread whose `number` is n. A space's threads are in its list.
 * Owner: the space; freed by thread_end(). Whoever makes, finds or ends one has `processes`.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"
#include "server/core/wait.h"

/* Window page of a new thread: any that is free. */
#define THREAD_ANY_PAGE UINT32_MAX

struct thread {
    uint32_t space;   /* number of its space */
    uint32_t is_live; /* 0: being made or ended */
    uint32_t number;
    uint32_t window_page;  /* of its message page in its own space */
    uint32_t object_frame; /* 0: adopted */
    uint32_t message_frame;
    pfn_t kernel;  /* the kernel's name: frame of its object */
    uint32_t next; /* link of another thread of the space; 0: none */
    uint32_t prev;
    struct wait wait;
};

/*
 * Make a thread of `space` with message page `window_page` of its window, or THREAD_ANY_PAGE, not
 * started.
 *
 * Returns:   ERR_OK; ERR_NOMEM without frames or thread numbers (recorded); ERR_RANGE if the window
 *            page is not among the first 512, or none is left; ERR_EXIST if a thread of the space
 *            has it.
 * On error:  nothing changed.
 */
MUST_USE enum err thread_make(struct core *core, struct space *space, uint32_t window_page,
                              uint32_t priority, struct thread **thread);

/*
 * Take over a thread that the kernel built at boot, with its number. Returns: ERR_OK, ERR_NOMEM,
 * ERR_EXIST.
 */
MUST_USE enum err thread_adopt(struct core *core, struct space *space, uint32_t number,
                               uint32_t window_page, pfn_t object, struct thread **thread);

/* The thread with this number; NULL if there is none. */
struct thread *thread_find(const struct core *core, uint64_t number);

/*
 * The same of a thread of `space`, for who has its bucket or `processes`; NULL if it has none with
 * this number. Takes as long as the space has threads.
 */
struct thread *thread_find_in(const struct core *core, const struct space *space, uint64_t number);

/* Give back a thread that has ended in the kernel. */
void thread_end(struct core *core, struct thread *thread);

/* Give back all threads of a space that has ended in the kernel. */
void thread_end_all(struct core *core, struct space *space);

/* Give back threads that a dead server left half made or half ended. */
void thread_recover(struct core *core);

/* Check I1. Returns: frames of threads. */
uint64_t thread_audit(const struct core *core);
