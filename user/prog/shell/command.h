/* SPDX-License-Identifier: MIT */
/*
 * The shell's own commands (command.def): each gets its words, prints what it finds or what is
 * wrong, and returns a status: 0, 1: it could not be done, 2: used wrongly.
 */
#pragma once

#include <stdint.h>

#include "edit.h"
#include "words.h"

#define COMMAND_DONE   0u
#define COMMAND_FAILED 1u
#define COMMAND_MISUSE 2u

#define COMMAND(name, arguments, summary) uint64_t command_##name(const struct words *words);
#include "command.def"
#undef COMMAND

/* The editor whose history is shown. */
void command_set_editor(const struct edit *edit);

/* Do what the words say, or run the program of that name. Returns: its status. */
uint64_t command_run(const struct words *words);

/*
 * The process that the word names: handles to its space, the memory server's and the kernel's (0:
 * the shell itself). Says what is wrong.
 *
 * Returns: whether there is one.
 */
bool command_find_process(const char *word_opt, uint64_t *space, uint64_t *kernel_space);

/* Read a number, decimal or 0x; says what is wrong. Returns: whether it is one. */
bool command_number(const char *word, uint64_t *number);
