/* SPDX-License-Identifier: MIT */
/*
 * The shell's own commands (command.def): each gets its words, prints what it finds or what is
 * wrong, and returns a status: 0, 1: it could not be done, 2: used wrongly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mem/proto.h>

#include "edit.h"
#include "words.h"

#define COMMAND_DONE   0u
#define COMMAND_FAILED 1u
#define COMMAND_MISUSE 2u

#define TARGET_NAME_BYTES 32u

#define COMMAND(name, arguments, summary) uint64_t command_##name(const struct words *words);
#include "command.def"
#undef COMMAND

/* The editor whose history is shown. */
void command_set_editor(const struct edit *edit);

/* Do what the words say, or run the program of that name. Returns: its status. */
uint64_t command_run(const struct words *words);

/* A process that a command is about. */
struct target {
    uint64_t space;   /* handle; 0: the shell itself */
    bool is_borrowed; /* `space` is to be closed: another than the shell has started it */
    char name[TARGET_NAME_BYTES];
};

/* The process that the word names; says what is wrong. Returns: whether there is one. */
bool command_find_process(const char *word_opt, struct target *target);

/* For a command that is done with it. */
void command_leave_process(const struct target *target);

/* Name of a process for people: without its folder. */
void command_name(const struct mem_look_rep *process, char name[TARGET_NAME_BYTES]);

/* Read a number, decimal or 0x; says what is wrong. Returns: whether it is one. */
bool command_number(const char *word, uint64_t *number);
