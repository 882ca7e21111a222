/* SPDX-License-Identifier: MIT */
/*
 * What came of a request that was tried, and what may help one that was refused for want of memory:
 * frames lie with other server threads, or belong to who has ended already.
 *
 * Owner: the server thread that serves the request.
 */
#pragma once

#include <stdbool.h>

#include <abi/error.h>

struct call;
struct shell;
struct space;

/* Unless it is over, the request changed nothing, and is to be tried again. */
enum trial {
    TRIAL_OVER,
    TRIAL_FRAMES, /* when frames were gathered that other server threads have */
    TRIAL_BUDGET, /* when what has ended was given back */
};

/*
 * Whether what was refused to a space lacked frames of the machine; whether it lacked budget, some
 * of which may be that of threads and spaces that have ended already.
 */
bool trial_lacks_frames(const struct space *space, enum err error);
bool trial_lacks_budget(const struct space *space, enum err error);

/* What may help a request that was refused for the `tries`th time, from 0 on. Not for one OK. */
enum trial trial_judge(struct call *call, enum err error, unsigned tries);

/* Do what may help. Requires: no lock is held; `trial` is not TRIAL_OVER. */
void trial_help(struct shell *shell, enum trial trial);
