/* SPDX-License-Identifier: MIT */
/*
 * Requests to the console (console/proto.h) by whoever has a handle to it.
 *
 * Errors of all: what a call refuses; ERR_BUSY: the console holds as many callers as it can.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <console/proto.h>

/* Show all of it; up to CONSOLE_TEXT_MAX bytes together, and longer ones cut between lines. */
MUST_USE enum err hf_console_write(uint64_t console, const void *bytes, size_t length);

/* The same until a time of the time CSR: ERR_TIMEDOUT if not all of it has been taken by then. */
MUST_USE enum err hf_console_write_until(uint64_t console, const void *bytes, size_t length,
                                         uint64_t latest);

/* Wait for what is typed. `*length`: bytes taken, at most `room`; 0: the end of the input. */
MUST_USE enum err hf_console_read(uint64_t console, void *bytes, size_t room, size_t *length);

/* Say what reads deliver from now on. */
MUST_USE enum err hf_console_mode(uint64_t console, enum console_mode mode);

/* Wait until ^C is typed. */
MUST_USE enum err hf_console_interrupt(uint64_t console);

/* Wait until everything that was written has left for the device. */
MUST_USE enum err hf_console_drain(uint64_t console);

/* A handle for programs that are not to have what is typed (BEHIND); to be closed. */
MUST_USE enum err hf_console_behind(uint64_t console, uint64_t *behind);
