/* SPDX-License-Identifier: MIT */
/*
 * What a word of a command line names to be run: a program of the boot archive, or a file.
 *
 * A word without a slash is looked for in the archive, as bin/NAME and then as NAME; one with a
 * slash is a path, of the file system. Processes of one file have its pages in common, as far as
 * they do not write to them. Of the headers a copy is taken, so that what others do to the file
 * meanwhile cannot disturb who reads them.
 */
#pragma once

#include <stdbool.h>

#include <hf/process.h>

/*
 * Find what `name` is; says what is wrong. program_drop() lets the file go, once the process has
 * been prepared; only then may another be found.
 *
 * Returns: whether it may be executed. Whether it is a program is for hf_process_prepare() to say.
 * Semantics: as execve(2): a file of mode x, in a place whose files may be executed.
 */
bool program_find(const char *name, struct hf_program *program);
void program_drop(const struct hf_program *program);
