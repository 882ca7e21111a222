/* SPDX-License-Identifier: MIT */
/*
 * The end of a process of Linux.
 */
#include "linux_fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct slot *fail_slot;
static int fail_done;

void fail_init(struct slot *slot, int done)
{
    fail_slot = slot;
    fail_done = done;
}

_Noreturn void fail_end(const char *what)
{
    snprintf(fail_slot->failure, sizeof(fail_slot->failure), "%s%s%s", what, errno != 0 ? ": " : "",
             errno != 0 ? strerror(errno) : "");
    char byte = SLOT_FAILED;
    if (write(fail_done, &byte, 1) != 1) {
        _exit(2);
    }
    _exit(1);
}
