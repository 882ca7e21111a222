/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <stdio.h>
#include <string.h>

#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#define ROLE_PREFIX "child:"

static const char *program_name;

const char *child_role(int argc, char **argv)
{
    program_name = argc > 0 ? argv[0] : "";
    if (argc > 2 && strncmp(argv[1], ROLE_PREFIX, strlen(ROLE_PREFIX)) == 0) {
        return argv[1] + strlen(ROLE_PREFIX);
    }
    return NULL;
}

bool child_make(struct child *child, const char *role, const char *word)
{
    return child_make_within(child, role, word, 0);
}

bool child_make_within(struct child *child, const char *role, const char *word, uint64_t frames)
{
    static const char *const envp[] = {NULL};
    char argument[64];
    snprintf(argument, sizeof(argument), "%s%s", ROLE_PREFIX, role);
    const char *const argv[] = {program_name, argument, word, NULL};
    struct hf_program program;
    if (!EXPECT_ERR(hf_program_find(program_name, &program), ERR_OK)) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    program.frames_max = frames;
    const char *why = "";
    enum err error = hf_process_prepare(&program, &child->process, &child->start, &why);
    if (error != ERR_OK) {
        tap_note("child %s: %s; %s", role, why, hf_last_refusal());
    }
    return EXPECT_ERR(error, ERR_OK);
}

bool child_give(const struct child *child, uint64_t handle, uint64_t rights, uint64_t slot)
{
    uint64_t given = 0;
    enum err error = hf_handle_give(child->process.kernel_space, handle, rights, slot, &given);
    return EXPECT_ERR(error, ERR_OK) && EXPECT_U64(given, slot);
}

bool child_go(const struct child *child)
{
    return EXPECT_ERR(hf_process_go(&child->process, &child->start), ERR_OK);
}

bool child_start(struct child *child, const char *role, const char *word)
{
    return child_make(child, role, word) && child_go(child);
}

bool child_end(struct child *child, struct mem_next_rep *end)
{
    bool is_ok = EXPECT_ERR(hf_process_wait(&child->process, end), ERR_OK);
    hf_process_forget(&child->process);
    return is_ok;
}

bool child_run(const char *role, const char *word, struct mem_next_rep *end)
{
    struct child child;
    return child_start(&child, role, word) && child_end(&child, end);
}

bool child_run_within(const char *role, const char *word, uint64_t frames, struct mem_next_rep *end)
{
    struct child child;
    return child_make_within(&child, role, word, frames) && child_go(&child) &&
           child_end(&child, end);
}

bool object_make(enum object_kind kind, uint64_t *handle)
{
    enum err error = hf_object_make(kind, 0, handle);
    if (error == ERR_NO_OBJECT) {
        if (!EXPECT_ERR(hf_donate(HF_OWN_SPACE, kind), ERR_OK)) {
            return false;
        }
        error = hf_object_make(kind, 0, handle);
    }
    return EXPECT_ERR(error, ERR_OK);
}

uint64_t time_now(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

uint64_t time_after(uint64_t milliseconds)
{
    return time_now() + hf_env()->timebase_hz * milliseconds / 1000;
}
