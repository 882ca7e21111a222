/* SPDX-License-Identifier: MIT */
/*
 * What a server thread is in the middle of, so that a new instance of the server can go on from the
 * arena alone.
 *
 * Two records per server thread. The *step* covers one port call that changes what a frame is: it
 * names everything that is in nobody's hands while the call is under way. The *commit* covers a
 * request that changes a space:
 *
 *   IDLE -> READY    [intent_open]     the port calls of the commit (remove, restrict) are made
 *           now; the arena is
 *                                      unchanged, and page tables are a cache: dropping the commit
 *                                      is harmless
 *   READY -> WRITING [intent_write]    the arena changes; no port call is made
 *   WRITING -> IDLE  [intent_close]    all of it happened
 *
 * So a server that dies in a port call left either all of a commit or nothing of it, and recovery
 * finishes or takes back the step; whatever else is half made says so itself (spaces and threads
 * have a state). One that dies while WRITING (its own fault, not a partner's) may have left a torn
 * space, which recovery names. Port calls after the commit (populating, giving back tables) are
 * steps of their own.
 *
 * I1  No port call is made while the commit is WRITING, and no lock is taken.
 * I2  At most one step is under way, and none while WRITING.
 * I3  A commit of a space that has pages or objects together with others, or pinned ones, is in
 *     shared_enter() from beginning to end; one that makes the first such is made there.
 * Owner: the server thread.
 */
#pragma once

#include <stdint.h>

#include <base/types.h>

#include "server/core/range.h"

struct core;
struct space;

enum intent_phase {
    INTENT_IDLE = 0,
    INTENT_READY = 1,
    INTENT_WRITING = 2,
};

enum intent_step {
    STEP_NONE = 0,
    STEP_ARENA_BACK = 1,    /* where: arena page; finished by recovery */
    STEP_ARENA_UNBACK = 2,  /* where: arena page; finished */
    STEP_ARENA_TABLE = 3,   /* where: block; finished */
    STEP_ARENA_UNTABLE = 4, /* where: block; finished */
    STEP_TABLE = 5,         /* space, level, where: first page, page: for the shadow; taken back */
    STEP_UNTABLE = 6,       /* space, level, where: first page; finished */
    STEP_WINDOW_TABLE = 7,  /* space, level, where: window page; taken back */
    STEP_SLAB = 8,          /* space, level: enum port_slab; finished */
    STEP_INSTALL =
        9, /* space, where: page, level: how, page: protection, pages, source; finished */
    STEP_NUMBERS = 12,    /* where: block of thread numbers, page: its own; taken back */
    STEP_NO_NUMBERS = 13, /* where: block of thread numbers; finished */
    STEP_LARGE = 14,      /* space, level, where: first page, frame, page: protection; finished */
    STEP_FILL = 10,       /* a frame on its way into an object; taken back */
    STEP_TAIL = 11,       /* where: bytes of an object's last page before its end; finished */
};

/* In the worker of the arena's head. */
struct intent {
    uint32_t phase; /* enum intent_phase */
    uint32_t space; /* valid in READY, WRITING */
    struct range range;
    uint32_t step; /* enum intent_step; where and frame are valid unless STEP_NONE */
    uint32_t where;
    uint32_t frame;
    uint32_t step_space; /* valid in the steps that name it */
    uint32_t level;
    uint32_t page;
    uint32_t pages;
    pfn_t source;
};

/* Announce a commit on `range` of `space`; everything it needs is reserved. */
void intent_open(struct core *core, const struct space *space, struct range range);
/* The port calls of the commit are made; from here on nothing may fail or call out. */
void intent_write(struct core *core);
/* The commit is over. Gives back what is left of it; may make port calls for that. */
void intent_close(struct core *core);

/* Announce one port call. */
void intent_step(struct core *core, enum intent_step step, uint32_t where, uint32_t frame);
/* The same for a step that belongs to a space. */
void intent_step_space(struct core *core, enum intent_step step, const struct space *space,
                       uint32_t level, uint32_t where, uint32_t frame, uint32_t page);
/* The call was made and the arena says so. */
void intent_step_done(struct core *core);
