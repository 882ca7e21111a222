/* SPDX-License-Identifier: MIT */
/*
 * One request or touch of a sequence, the same for Linux and for core, and its text form.
 *
 * Addresses and lengths are core's; the Linux side translates them (stage.h). The text form is one
 * line a step, `map addr=0x.. length=0x.. ...`, with numbers as strtoull() reads them; arguments
 * left out are 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_argument {
    ARG_ADDR = 0x1,
    ARG_LENGTH = 0x2,
    ARG_SIZE = 0x4,
    ARG_TARGET = 0x8,
    ARG_OFFSET = 0x10,
    ARG_PROT = 0x20,
    ARG_FLAGS = 0x40,
    ARG_VALUE = 0x80,
};

enum step_op {
#define STEP(name, function, arguments, summary) STEP_##name,
#include "step.def"
#undef STEP
    STEP_OPS,
};

struct step {
    uint32_t op;    /* enum step_op */
    uint32_t level; /* enum look_level: how much is looked at afterwards */
    uint64_t addr;
    uint64_t length;
    uint64_t size;   /* REMAP: new length; LIMIT: pages or bytes */
    uint64_t target; /* REMAP: new address */
    uint64_t offset;
    uint64_t prot;
    uint64_t flags;
    uint64_t value; /* ADVISE: advice; WRITE: word; LIMIT: enum step_limit */
};

/*
 * Limits that LIMIT can set: pages above what was there at the start; bytes for LOCKED and STACK.
 */
enum step_limit {
    STEP_LIMIT_PAGES = 0,
    STEP_LIMIT_DATA = 1,
    STEP_LIMIT_LOCKED = 2,
    STEP_LIMIT_STACK = 3,
    STEP_LIMITS = 4,
};
#define STEP_UNLIMITED UINT64_MAX

#define STEP_TEXT_MAX 256u

/* As in the text form. */
const char *step_name(uint32_t op);

/* Print a step without a newline. */
void step_print(const struct step *step, char text[STEP_TEXT_MAX]);

/* Read a line. Returns: whether it is a step. */
bool step_parse(const char *text, struct step *step);
