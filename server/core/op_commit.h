/* SPDX-License-Identifier: MIT */
/*
 * COMMIT: how the machine judges promises of memory (R24), and what is promised.
 *
 * The mode may change at any time: what was promised stays so, each region as its flags say. After
 * a change to a mode or a limit that allows less, nothing new is promised until enough is given
 * back.
 *
 * Not here: who may change it (shell).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

#define COMMIT_PERCENT_MAX 1000u

struct commit_request {
    bool is_set;
    uint64_t mode;    /* enum commit_mode */
    uint64_t percent; /* of the frames, the limit of COMMIT_NEVER; 1 to COMMIT_PERCENT_MAX */
};

struct commit_view {
    uint64_t mode;
    uint64_t percent;
    uint64_t limit;  /* pages that may be promised, in all or with COMMIT_HEURISTIC at once */
    uint64_t used;   /* pages that are */
    uint64_t frames; /* of the machine, given to core */
    uint64_t names;  /* of shared memory */
    uint64_t shared; /* name_frames() */
};

/*
 * Tell, or change, on behalf of `space`. The caller has `processes` if it changes something.
 *
 * Returns:   ERR_OK; ERR_INVAL: unknown mode, or a percentage out of range (recorded). `*view` is
 *            what is so afterwards.
 * On error:  nothing changed.
 * Semantics: Linux vm.overcommit_memory, vm.overcommit_ratio (proc_sys_vm(5)); no swap, and no
 *            reserve for administrators.
 */
MUST_USE enum err op_commit(struct core *core, struct space *space,
                            const struct commit_request *request, struct commit_view *view);
