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
    ARG_OBJECT = 0x100,
    ARG_RIGHTS = 0x200,
    ARG_WHO = 0x400, /* of every step */
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
    uint64_t size;   /* REMAP: new length; LIMIT: pages or bytes; OBJECT, RESIZE: bytes */
    uint64_t target; /* REMAP: new address */
    uint64_t offset;
    uint64_t prot;
    uint64_t flags;
    uint64_t value;  /* ADVISE: advice; WRITE: word; LIMIT: enum step_limit; seals; a name */
    uint64_t object; /* slot of an object, from 1; 0: none */
    uint64_t rights; /* enum step_rights: what the handle is used with */
    uint64_t who;    /* which space it is about; see step_side() */
};

/*
 * Spaces of a sequence: it begins with number 0, and CLONE of number n makes n + 1, in place of
 * those above n that there were. The last one makes none: both sides say EAGAIN. A step about one
 * that there is not is about the last one.
 */
#define STEP_SIDES 3u
static inline uint32_t step_side(const struct step *step, uint32_t last)
{
    return step->who < last ? (uint32_t)step->who : last;
}

/*
 * The steps of a batch are those that follow it, up to one that cannot be part of a batch. They are
 * carried out with it, on its space; when it is their turn, nothing is done or looked at.
 */
#define STEP_BATCH_MAX 16u
bool step_can_batch(const struct step *step);

/* The answer of a batch with one more operation done, which answered `address`. */
static inline uint64_t step_batch_answer(uint64_t before, uint64_t address)
{
    return before * 31 + address + 1;
}

/* How many of the `left` steps after `batch` are its own. */
uint32_t step_members(const struct step *batch, uint32_t left);

/*
 * Objects stand in slots: what is made or opened takes the place of what was there. A handle that
 * was opened with less than all rights has those, whatever a step asks for. Steps on empty slots
 * are the same everywhere: EBADF.
 */
#define STEP_OBJECTS 4u
#define STEP_NAMES   3u

#define STEP_OBJECT_NAMED  0x1u /* can have names, not seals; else the other way round */
#define STEP_OBJECT_APPEND 0x2u /* append-only */

enum step_rights {
    STEP_RIGHTS_ALL = 0,
    STEP_RIGHTS_READ = 1,
    STEP_RIGHTS_WRITE = 2,
    STEP_RIGHTS_UNMAPPABLE = 3, /* all, on something that cannot be mapped */
    STEP_RIGHTS = 4,
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
