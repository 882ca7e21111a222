/* SPDX-License-Identifier: MIT */
/*
 * The way from a program's entry to its main().
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

/* Read the start structure at `stack`, then hf_run(). Called by _start. */
NORETURN void hf_start(const uint64_t *stack);

/* Run the constructors, main() and exit(); environment and first thread are set up. */
NORETURN void hf_run(int argc, char **argv, char **envp);
