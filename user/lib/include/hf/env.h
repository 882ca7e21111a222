/* SPDX-License-Identifier: MIT */
/*
 * What a process was given when it started, and what each of its threads has.
 *
 * I1  Constant from before main() on.
 * Owner: start.c writes it (init writes its own).
 */
#pragma once

#include <stdint.h>

#include <abi/ipc.h>

#define HF_PAGE_BYTES UINT64_C(4096)

/* Slots in which handles may arrive: those of the first table that nobody has promised. */
#define HF_ACCEPT_FIRST HANDLE_FREE
#define HF_ACCEPT_COUNT (64 - HANDLE_FREE)

struct hf_env {
    const char *name; /* of the program's file */
    uint64_t space_id;
    uint64_t timebase_hz;
    const void *archive_opt; /* NULL: no boot archive was given */
    uint64_t archive_bytes;
    uint64_t archive_object; /* handle, or 0 */
    uint64_t console;        /* handle, or 0: there is the log only */
    uint64_t names;          /* handle to the name service, or 0 */
    uint64_t files;          /* handle to the file system, or 0 */
    uint64_t random[2];
};

/* Valid for good. */
const struct hf_env *hf_env(void);

/* The calling thread's message page. */
void *hf_message_page(void);

/* For whoever starts a process or thread: say what hf_env() and hf_message_page() will answer. */
void hf_env_set(const struct hf_env *env);
void hf_message_page_set(void *page);

/*
 * Set up the calling thread, whose tp points to its zeroed block of thread-local variables: initial
 * values, message page, slots for arriving handles.
 */
void hf_thread_init(void *message_page);

/* Bytes of such a block. */
uint64_t hf_thread_block_bytes(void);
