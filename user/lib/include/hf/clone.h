/* SPDX-License-Identifier: MIT */
/*
 * A child process that goes on where its parent is: fork() for native programs.
 *
 * The child has a copy of the parent's memory (copy-on-write; what is shared stays shared; regions
 * with ADVISE(DONTFORK) are missing), one thread, which returns from hf_clone() too, and of the
 * handles the log, the name service, the file system, the archive and the console. Numbers in
 * memory that stood for other handles, and for other threads of the parent, stand for nothing. An
 * upcall that the parent registered is not registered in the child.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/process.h>

/*
 * Clone the calling process, which has one thread. In the parent, `child` names the child, and
 * `*is_child` is false; in the child, hf_env() and the message page are its own, `*is_child` is
 * true and `child` is not written.
 *
 * Returns:   ERR_OK; ERR_NOMEM: frames, or the commit account; ERR_RECEIVER_SLOTS: no free slots
 *            for three handles; what else the kernel refuses.
 * On error:  nothing is left of the child.
 */
MUST_USE enum err hf_clone(struct hf_process *child, bool *is_child);

/* A handle for the child. */
struct hf_gift {
    uint64_t handle;
    bool is_object; /* one of hf/shared.h: the child holds what it names */
};

/* The same; the child also gets the `count` handles in `gifts`, at the same slots. */
MUST_USE enum err hf_clone_giving(const struct hf_gift *gifts, size_t count,
                                  struct hf_process *child, bool *is_child);
