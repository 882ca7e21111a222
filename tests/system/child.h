/* SPDX-License-Identifier: MIT */
/*
 * A test program that starts itself as a child process in another role.
 *
 * The child is the same program with the arguments "child:ROLE" and one word more. main() of such a
 * program asks child_role() first:
 *
 *     const char *role_opt = child_role(argc, argv);
 *     if (role_opt != NULL) {
 *         return role_run(role_opt, argv[2]);
 *     }
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/process.h>

/* A handle in the child that the test puts there. */
#define CHILD_HANDLE 20

struct child {
    struct hf_process process;
    struct hf_start start;
};

/* The role in which this process was started, or NULL: it is the test. Remembers the program's
 * name. */
const char *child_role(int argc, char **argv);

/* Make a child; it does not run yet. Reports failure as an expectation of the running test. */
bool child_make(struct child *child, const char *role, const char *word);

/* The same with a budget of `frames`. */
bool child_make_within(struct child *child, const char *role, const char *word, uint64_t frames);

/* Put a copy of an own handle into the child's slot. */
bool child_give(const struct child *child, uint64_t handle, uint64_t rights, uint64_t slot);

/* Let it run. */
bool child_go(const struct child *child);

/* child_make() and child_go(). */
bool child_start(struct child *child, const char *role, const char *word);

/* Wait for its end, then give its handles back. */
bool child_end(struct child *child, struct mem_next_rep *end);

/* child_start() and child_end(). */
bool child_run(const char *role, const char *word, struct mem_next_rep *end);

/* The same with a budget of `frames`. */
bool child_run_within(const char *role, const char *word, uint64_t frames,
                      struct mem_next_rep *end);

/* Make an endpoint or notification, with memory for it donated if need be. */
bool object_make(enum object_kind kind, uint64_t *handle);

/* The time CSR, and as many milliseconds later. */
uint64_t time_now(void);
uint64_t time_after(uint64_t milliseconds);
