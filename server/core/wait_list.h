/* SPDX-License-Identifier: MIT */
/*
 * Lists of threads that wait, in the order in which they came; a thread is in one at most.
 *
 * Not here: which list stands for what (wait.h).
 */
#pragma once

#include "server/core/wait.h"

/* Add a thread, which is in no list, at the end. In shared_enter(). */
void wait_list_append(struct core *core, struct wait_list *list, struct thread *thread);

/* Take a thread out of the list that it is in. In shared_enter(). */
void wait_list_remove(struct core *core, struct wait_list *list, struct thread *thread);
