/* SPDX-License-Identifier: MIT */
/*
 * Carrying steps out here, or having them carried out by the child.
 */
#include "linux_side.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux_fail.h"
#include "linux_look.h"
#include "linux_step.h"

/* This process. */
static struct {
    struct slot *slot;
    struct room_files files;
    struct look_log log;
    uint32_t number;    /* of its side */
    uint32_t batch_end; /* steps before this one were carried out; of side 0 */
    pid_t child;        /* 0: none */
    int commands;       /* pipes to and from it */
    int done;
} state;

static void step_at(uint32_t index);

static void child_end(void)
{
    if (state.child != 0) {
        close(state.commands);
        close(state.done);
        if (waitpid(state.child, NULL, 0) != state.child) {
            fail_end("waitpid");
        }
        state.child = 0;
    }
}

/* Wait until the child has done what it was told, and go on in the log where it stopped. */
static void child_wait(void)
{
    char byte;

    if (read(state.done, &byte, 1) != 1) {
        errno = 0;
        fail_end("a clone ended");
    }
    state.log.used = state.slot->log_used;
}

static void child_pass(uint32_t index)
{
    char byte = 'g';

    state.slot->at = index;
    state.slot->log_used = (uint32_t)state.log.used;
    if (write(state.commands, &byte, 1) != 1) {
        fail_end("a clone ended");
    }
    child_wait();
}

static void look_after(struct look_head *head)
{
    linux_look(state.slot, &state.files, &state.log, head);
    look_end(&state.log);
    if (state.log.is_full) {
        errno = 0;
        fail_end("the log is full");
    }
    state.slot->log_used = (uint32_t)state.log.used;
}

/* The life of a clone, from its first record on. */
static _Noreturn void clone_live(uint32_t index, int commands, int done)
{
    char byte = 'd';

    state.number++;
    state.child = 0;
    room_enter_clone(&state.files);
    state.slot->zeros_dropped += linux_look_forget_zeros(state.slot, &state.files);
    look_after(look_begin(&state.log, state.slot->sequence.step[index].level));
    while (write(done, &byte, 1) == 1 && read(commands, &byte, 1) == 1) {
        state.log.used = state.slot->log_used;
        step_at(state.slot->at);
    }
    child_end(); /* what it has is free when this process has ended */
    _exit(0);
}

static void clone_make(uint32_t index)
{
    int commands[2];
    int done[2];

    child_end();
    if (pipe(commands) != 0 || pipe(done) != 0) {
        fail_end("pipe");
    }
    state.slot->log_used = (uint32_t)state.log.used;
    state.child = fork();
    if (state.child < 0) {
        fail_end("fork");
    }
    if (state.child == 0) {
        close(commands[1]);
        close(done[0]);
        clone_live(index, commands[0], done[1]);
    }
    close(commands[0]);
    close(done[1]);
    state.commands = commands[1];
    state.done = done[0];
    child_wait();
}

/* Carry out a step, by whom it is about, and write its record. */
static void step_at(uint32_t index)
{
    const struct step *step = &state.slot->sequence.step[index];

    if (index < state.batch_end) {
        look_begin(&state.log, LOOK_NONE);
        look_end(&state.log);
        return;
    }
    if (step->op == STEP_BATCH) {
        uint32_t left = state.slot->sequence.steps - index - 1;
        state.batch_end = index + 1 + step_members(step, left);
    }
    if (step->who > state.number && state.child != 0) {
        child_pass(index);
        return;
    }
    state.slot->at = index;
    if (step->op == STEP_CLONE && state.number + 1 < STEP_SIDES) {
        clone_make(index);
        return;
    }
    struct look_head *head = look_begin(&state.log, step->level);
    linux_step(state.slot, step, head);
    look_after(head);
}

void side_run(struct slot *slot, const struct room_files *files)
{
    child_end();
    room_change(slot);
    state.slot = slot;
    state.files = *files;
    state.batch_end = 0;
    look_log_init(&state.log, slot->log, sizeof(slot->log));
    for (uint32_t i = 0; i < slot->sequence.steps; i++) {
        step_at(i);
    }
    slot->log_used = (uint32_t)state.log.used;
}

void linux_clone(const struct slot *slot, const struct step *step, struct look_head *head)
{
    (void)slot;
    (void)step;
    head->error = EAGAIN; /* not asked */
}

/* One after the other: where one is refused, so is the batch, and ours is taken apart. */
void linux_batch(const struct slot *slot, const struct step *step, struct look_head *head)
{
    uint32_t index = (uint32_t)(step - slot->sequence.step);
    uint32_t count = step_members(step, slot->sequence.steps - index - 1);

    for (uint32_t i = 0; i < count && head->error == 0; i++) {
        struct look_head done = {0};
        linux_step(slot, &step[1 + i], &done);
        head->error = done.error;
        head->answer =
            done.error != 0 ? head->answer : step_batch_answer(head->answer, done.answer);
    }
}
