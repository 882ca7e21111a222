/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hf/auxv.h>
#include <hf/env.h>

#include "guard.h"
#include "posix/streams.h"

int main(int argc, char **argv, char **envp);

/* From the linker script. */
extern void (*const hf_init_array[])(void);
extern void (*const hf_init_array_end[])(void);

/* The C library ends a program without flushing what it did not open itself. */
static void stdout_flush(void)
{
    fflush(stdout);
}

void hf_run(int argc, char **argv, char **envp)
{
    environ = envp;
    streams_init();
    /* Registered first, so that it runs last. */
    atexit(stdout_flush);
    for (void (*const *function)(void) = hf_init_array; function < hf_init_array_end; function++) {
        (*function)();
    }
    exit(main(argc, argv, envp));
}

/* The strings of a vector end with a null; return what follows it. */
static const uint64_t *vector_skip(const uint64_t *vector)
{
    while (*vector != 0) {
        vector++;
    }
    return vector + 1;
}

void hf_start(const uint64_t *stack)
{
    struct hf_env env = {.name = ""};
    const uint64_t *auxv = vector_skip(vector_skip(stack + 1));
    void *page = NULL;
    for (; auxv[0] != HF_AT_NULL; auxv += 2) {
        switch (auxv[0]) {
        case HF_AT_RANDOM:
            memcpy(env.random, (const void *)auxv[1], sizeof(env.random));
            break;
        case HF_AT_EXECFN:
            env.name = (const char *)auxv[1];
            break;
        case HF_AT_MESSAGE_PAGE:
            page = (void *)auxv[1];
            break;
        case HF_AT_SPACE_ID:
            env.space_id = auxv[1];
            break;
        case HF_AT_TIMEBASE:
            env.timebase_hz = auxv[1];
            break;
        case HF_AT_ARCHIVE:
            env.archive_opt = (const void *)auxv[1];
            break;
        case HF_AT_ARCHIVE_BYTES:
            env.archive_bytes = auxv[1];
            break;
        case HF_AT_ARCHIVE_OBJECT:
            env.archive_object = auxv[1];
            break;
        case HF_AT_CONSOLE:
            env.console = auxv[1];
            break;
        case HF_AT_NAMES:
            env.names = auxv[1];
            break;
        case HF_AT_FILES:
            env.files = auxv[1];
            break;
        default: /* of the ABI, for others */
            break;
        }
    }
    hf_env_set(&env);
    guard_init(env.random);
    hf_thread_init(page);
    char **argv = (char **)(stack + 1);
    int argc = (int)stack[0];
    hf_run(argc, argv, argv + argc + 1);
}
