/* SPDX-License-Identifier: MIT */
/*
 * The line about a process that came to a bad end, from within the library.
 */
#pragma once

#include <stdint.h>

/*
 * Write "[NUMBER] PROGRAM: HOW", with the name of this process's program, to standard error, in one
 * piece and without the C library's buffers. sbi/boot adds the function to a pc in it.
 */
void tell_end(uint64_t space_id, const char *how);
