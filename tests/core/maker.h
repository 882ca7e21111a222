/* SPDX-License-Identifier: MIT */
/*
 * A machine with few frames, a memory maker, and a client that writes to more pages of an object of
 * its than there are frames. For each piece of work the maker needs memory that it gives back.
 *
 * `root` has made the pager and all processes, as init does. What the maker saved is kept by word.
 *
 * Owner: the test program, one at a time.
 */
#pragma once

#include "patient.h"

#define MAKER_FRAMES   320u
#define MAKER_AT       0x4000u /* where the client maps the object */
#define MAKER_PAGES    512u
#define MAKER_TAKEN    0x10000u /* where the client takes all frames */
#define MAKER_FROM     0x8000u  /* the maker's own memory, locked */
#define MAKER_SCRATCH  0xa000u  /* what it needs for a piece of work */
#define MAKER_NEEDS    6u       /* pages of that */
#define MAKER_RESERVE  16u
#define MAKER_WINDOW   8u
#define MAKER_PATIENCE 1000u

struct maker {
    struct patient patient;
    struct space *root;
    struct space *server; /* the memory maker */
    struct space *client;
    struct object *named;
    struct object *object;
    struct thread *threads[2]; /* of the client */
    uint64_t store[MAKER_PAGES];
    uint64_t saved;
};

extern struct maker maker;

/* A machine of so many frames, of which so many are the maker's reserve. */
void maker_start(uint32_t frames, uint32_t reserve);
/* Check everything, end all, and see that nothing is left. */
void maker_finish(void);

/* Core of its world, and what there is of reserves. */
struct core *maker_core(void);
struct reserve_view maker_view(void);

/* A process of `root`; NULL: it cannot be made. */
struct space *maker_process(uint32_t privileges);
/* `server` locks its memory, has what it needs at first, and attaches. */
enum err maker_attach(void);

/* A process touches a page, as the shell has it: from its reserve if nobody else's is left. */
enum fault_outcome maker_touch(struct space *space, uint32_t page, uint32_t access);

/* Have what a piece of work needs, and give it back. */
bool maker_has_scratch(void);
void maker_drop_scratch(void);

/* Do one piece of work. Returns: whether there was one, and the frames for it. */
bool maker_serve(void);

/* The client writes to a page, the maker serving as long as it can. Returns: whether it is done. */
bool maker_write(uint32_t page, uint64_t word);

/* The client takes all that is anybody's, in pages of its own, which nothing takes away. */
void maker_take_all(void);
