/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hf/console.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>

#include "jobs.h"

#define STATUS_MAX 255u

static const struct {
    const char *name;
    const char *arguments;
    const char *summary;
    uint64_t (*run)(const struct words *words);
} commands[] = {
#define COMMAND(name, arguments, summary) {#name, arguments, summary, command_##name},
#include "command.def"
#undef COMMAND
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct edit *command_editor;

void command_set_editor(const struct edit *edit)
{
    command_editor = edit;
}

/* Run a command of the shell with its output where the words want it. */
static uint64_t run_redirected(uint64_t (*run)(const struct words *), const struct words *words)
{
    const int flags = O_WRONLY | O_CREAT | (words->is_appending ? O_APPEND : O_TRUNC);
    if (words->output_opt == NULL) {
        return run(words);
    }
    fflush(stdout);
    const int console = dup(STDOUT_FILENO);
    const int fd = console < 0 ? -1 : open(words->output_opt, flags, 0666);
    if (fd < 0) {
        printf("shell: %s: %s\n", words->output_opt, strerror(errno));
        if (console >= 0) {
            (void)close(console);
        }
        return COMMAND_FAILED;
    }
    (void)dup2(fd, STDOUT_FILENO);
    (void)close(fd);
    uint64_t status = run(words);
    const bool is_written = fflush(stdout) == 0;
    const int number = errno;
    clearerr(stdout);
    (void)dup2(console, STDOUT_FILENO);
    (void)close(console);
    if (!is_written) {
        printf("shell: %s: %s\n", words->output_opt, strerror(number));
        status = COMMAND_FAILED;
    }
    return status;
}

uint64_t command_run(const struct words *words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(words->items[0], commands[i].name) == 0) {
            const uint64_t status = run_redirected(commands[i].run, words);
            if (status == COMMAND_MISUSE) {
                printf("usage: %s%s%s\n", commands[i].name,
                       *commands[i].arguments == '\0' ? "" : " ", commands[i].arguments);
            }
            return status;
        }
    }
    if (words->output_opt != NULL) {
        printf("shell: what a program says cannot go to a file yet\n");
        return COMMAND_FAILED;
    }
    return jobs_run(words);
}

bool command_number(const char *word, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(word, &end, 0);
    if (*word < '0' || *word > '9' || *end != '\0' || errno != 0) {
        printf("shell: %s: not a number\n", word);
        return false;
    }
    *number = value;
    return true;
}

void command_name(const struct mem_look_rep *process, char name[TARGET_NAME_BYTES])
{
    char whole[sizeof(process->name) + 1] = "";
    memcpy(whole, process->name, sizeof(process->name));
    const char *slash = strrchr(whole, '/');
    snprintf(name, TARGET_NAME_BYTES, "%s", slash != NULL ? slash + 1 : whole);
}

/* One that the shell has not started, to be looked at only. */
static bool find_other(uint64_t number, struct target *target)
{
    struct mem_look_rep process;
    if (number == 0 || hf_look(number - 1, &process) != ERR_OK) {
        return false;
    }
    if (process.space_id != number) {
        (void)hf_handle_close(process.space);
        return false;
    }
    *target = (struct target){.space = process.space, .is_borrowed = true};
    command_name(&process, target->name);
    return true;
}

bool command_find_process(const char *word_opt, struct target *target)
{
    uint64_t number = hf_env()->space_id;
    if (word_opt != NULL && !command_number(word_opt, &number)) {
        return false;
    }
    *target = (struct target){.space = HF_OWN_SPACE, .name = "shell"};
    if (number == hf_env()->space_id) {
        return true;
    }
    const struct job *job = jobs_find(number);
    if (job != NULL) {
        *target = (struct target){.space = job->process.space};
        snprintf(target->name, sizeof(target->name), "%s", job->name);
        return true;
    }
    if (find_other(number, target)) {
        return true;
    }
    printf("shell: %s: no such process; ps shows them\n", word_opt);
    return false;
}

void command_leave_process(const struct target *target)
{
    if (target->is_borrowed) {
        (void)hf_handle_close(target->space);
    }
}

uint64_t command_help(const struct words *words)
{
    const char *wanted_opt = words->items[1]; /* behind the last is NULL */
    bool is_known = false;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (wanted_opt == NULL || strcmp(wanted_opt, commands[i].name) == 0) {
            const int width = 24 - (int)strlen(commands[i].name);
            printf("%s %-*s %s\n", commands[i].name, width, commands[i].arguments,
                   commands[i].summary);
            is_known = true;
        }
    }
    if (wanted_opt != NULL) {
        if (!is_known) {
            printf("shell: %s: not a command of the shell; help alone lists them\n", wanted_opt);
        }
        return is_known ? COMMAND_DONE : COMMAND_FAILED;
    }
    printf("\nAnything else is a program: ls bin shows them. PROGRAM ARGUMENT... & runs it\n"
           "behind. Keys: arrows, ^A ^E ^U ^K ^W, up and down for what was typed before;\n"
           "^C ends the program in front, ^D or exit the shell. Words may be quoted with '\n"
           "and \". > FILE and >> FILE send what a command says to a file.\n");
    return COMMAND_DONE;
}

/* Why a process cannot be ended. */
static const char *kill_text(enum err error)
{
    switch ((int)error) {
    case ERR_PERM:
        return "is init, which the machine cannot be without (shutdown powers off)";
    case ERR_RIGHTS:
        return "was not started by the shell, which may not end others";
    case ERR_STALE:
        return "has ended already";
    default: /* not expected */
        return hf_strerror(error);
    }
}

uint64_t command_kill(const struct words *words)
{
    struct target target;
    if (words->count != 2) {
        return COMMAND_MISUSE;
    }
    if (!command_find_process(words->items[1], &target)) {
        return COMMAND_FAILED;
    }
    if (target.space == HF_OWN_SPACE) {
        printf("shell: %s: is the shell itself, which ^D ends\n", words->items[1]);
        return COMMAND_FAILED;
    }
    enum err error = hf_space_end(target.space, 0);
    command_leave_process(&target);
    if (error != ERR_OK) {
        printf("shell: %s: %s\n", words->items[1], kill_text(error));
        return COMMAND_FAILED;
    }
    jobs_report();
    return COMMAND_DONE;
}

uint64_t command_history(const struct words *words)
{
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    for (unsigned i = 0; command_editor != NULL && i < command_editor->count; i++) {
        printf("%4u  %.*s\n", i + 1, (int)command_editor->lengths[i], command_editor->history[i]);
    }
    return COMMAND_DONE;
}

/* The status that is the only word behind a command, 0 without; COMMAND_DONE if it is one. */
static uint64_t find_status(const struct words *words, uint64_t *status)
{
    *status = 0;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (words->count == 2 && !command_number(words->items[1], status)) {
        return COMMAND_FAILED;
    }
    if (*status > STATUS_MAX) {
        printf("shell: %s: not a status, which goes up to %u\n", words->items[1], STATUS_MAX);
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

uint64_t command_exit(const struct words *words)
{
    uint64_t status;
    const uint64_t found = find_status(words, &status);
    if (found == COMMAND_DONE) {
        exit((int)status);
    }
    return found;
}

uint64_t command_shutdown(const struct words *words)
{
    uint64_t status;
    const uint64_t found = find_status(words, &status);
    if (found != COMMAND_DONE) {
        return found;
    }
    fflush(stdout);
    if (hf_env()->console != HANDLE_NONE) {
        (void)!hf_console_drain(hf_env()->console);
    }
    enum err error = hf_power(HANDLE_MACHINE, POWER_OFF, status);
    printf("shell: cannot power off: %s\n", hf_strerror(error));
    return COMMAND_FAILED;
}
