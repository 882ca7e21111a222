/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <stdint.h>

#include "../lib/guard.h"
#include "../lib/start.h"
#include <base/assert.h>
#include <hf/env.h>
#include <hf/mem.h>

/* Take the handle to the boot archive and map it; without one init's main() says what is
 * missing. */
static void archive_map(struct hf_env *env)
{
    struct mem_boot_object_rep object;
    if (hf_boot_object(&object) != ERR_OK) {
        return;
    }
    const struct hf_map map = {
        .length = object.bytes,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_PRIVATE,
        .object = object.object,
    };
    uint64_t address = 0;
    if (hf_map(map, &address) == ERR_OK) {
        env->archive_opt = (const void *)address;
        env->archive_bytes = object.bytes;
        env->archive_object = object.object;
    }
}

void init_start(struct init_info *info)
{
    static char name[] = "init";
    static char *argv[] = {name, NULL};
    static char *envp[] = {NULL};
    struct hf_env env = {
        .name = name,
        .timebase_hz = info->timebase_hz,
        /* One half plain, so that a --seed reaches children as given; the other derived from it. */
        .random = {info->seed, info->seed * UINT64_C(0x2545f4914f6cdd1d) + 1},
    };
    /* The info is read before the message page is used for anything else. */
    hf_thread_init(info);
    archive_map(&env);
    struct mem_hello_rep hello;
    if (hf_hello(&hello) == ERR_OK) {
        env.space_id = hello.space_id;
    }
    hf_env_set(&env);
    guard_init(env.random);
    hf_run(1, argv, envp);
}
