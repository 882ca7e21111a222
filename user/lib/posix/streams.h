/* SPDX-License-Identifier: MIT */
/*
 * The standard streams (streams.c): for the start of a program.
 */
#pragma once

/* Have the standard streams locked. Called once, before anything is printed. */
void streams_init(void);
