/* SPDX-License-Identifier: MIT */
/*
 * Starting a program as a child process, and learning how it ended.
 *
 * A program gets: its segments, mapped privately from its file where that has them as they are to
 * lie in memory, so that processes have in common what they do not write to; a stack; the boot
 * archive, mapped read-only, and a handle to its object; the log; the console, the name service and
 * the file system if its parent has them; its parent's random bytes, stirred. It has no other
 * handle.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/kernel.h>
#include <mem/proto.h>

/* Arguments, environment and auxiliary vector together. */
#define HF_START_BYTES_MAX 32768

/* A program and how to start it. Borrowed. */
struct hf_program {
    const char *name;    /* of the file, also for people */
    const void *file;    /* its first bytes, with all headers */
    uint64_t head_bytes; /* how many are there */
    uint64_t file_bytes; /* how many it has */
    uint64_t object;     /* handle to what has them all, from `object_offset` on; 0: `file` */
    uint64_t object_offset;
    const char *const *argv; /* ends with NULL */
    const char *const *envp; /* ends with NULL */
    uint64_t stack_bytes;    /* mapped as a whole; 0: it grows up to its limit */
    uint64_t frames_max;     /* budget; 0: no limit of its own */
    uint64_t priority;       /* 0: PRIORITY_DEFAULT */
    uint64_t privileges;     /* MEM_PRIVILEGE_..., at most the parent's */
    bool is_launcher;        /* what it writes to the log is the system's, and it names others */
    uint64_t console;        /* handle to give it; 0: the parent's own, if it has one */
    uint64_t names;          /* likewise: the name service */
    uint64_t files;          /* likewise: the file system */
};

/* A child. Owner: who started it; hf_process_forget() gives the handles back. */
struct hf_process {
    uint64_t space;        /* the memory server's handle */
    uint64_t kernel_space; /* the kernel's, to give it handles */
    uint64_t thread;       /* its first */
    uint64_t space_id;
};

/*
 * Look for a program in the boot archive: as bin/NAME, then as NAME.
 *
 * Returns: ERR_OK; ERR_NOENT; ERR_IO if the archive is broken.
 */
MUST_USE enum err hf_program_find(const char *name, struct hf_program *program);

/*
 * Make a process and start the program in it, or make it only (prepare), so that more handles can
 * be given to it before hf_process_go().
 *
 * Returns:   ERR_OK; ERR_NOEXEC with a reason in `why`; ERR_TOO_BIG: arguments; else what the
 *            memory server or the kernel refused, with the step in `why`.
 * On error:  nothing is left of it.
 */
MUST_USE enum err hf_process_start(const struct hf_program *program, struct hf_process *process,
                                   const char **why);
MUST_USE enum err hf_process_prepare(const struct hf_program *program, struct hf_process *process,
                                     struct hf_start *start, const char **why);
MUST_USE enum err hf_process_go(const struct hf_process *process, const struct hf_start *start);

/*
 * Wait until this child has ended. Ends of other children that come first are dropped: a parent of
 * several uses hf_next().
 */
MUST_USE enum err hf_process_wait(const struct hf_process *process, struct mem_next_rep *end);

/* End the child if it has not ended, drop the news of it and the handles. */
void hf_process_forget(const struct hf_process *process);
