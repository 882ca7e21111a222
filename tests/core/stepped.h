/* SPDX-License-Identifier: MIT */
/*
 * Requests that are done in steps (work.h), each tried in a copy of one world: done at once, in
 * steps while others go on, and with the server dying in any port call.
 *
 * There are two spaces: the first has what the test maps in it, and is what the requests are about;
 * the second has STEPPED_OTHERS pages from STEPPED_OTHER on, which it writes meanwhile.
 *
 * Owner: the test program, one at a time.
 */
#pragma once

#include <stddef.h>

#include "snapshot.h"
#include "world.h"

#define STEPPED_OTHER  0x20000u
#define STEPPED_OTHERS 400u

struct stepped_case {
    const char *name;
    enum err (*run)(struct world *world);
    uint32_t page; /* one that faults while it is under way */
};

struct stepped {
    struct world *template; /* in which nothing happens but what makes it */
    struct world *tried;    /* a copy */
    uint64_t first;         /* numbers of the spaces */
    uint64_t second;
    const struct stepped_case *cases;
    size_t count;
    bool (*step)(void); /* makes one step and judges it; returns: whether it was the last */
    struct snapshot before;
    struct snapshot after; /* one request, done at once */
    struct snapshot found;
};

extern struct stepped stepped;

/* Make the worlds and their spaces, for `count` requests; after mapping comes stepped_ready(). */
void stepped_make(const struct stepped_case *cases, size_t count, bool (*step)(void));
void stepped_ready(void);
void stepped_free(void);

/* The first space. */
struct space *stepped_space(const struct world *world);

/* Enter a fresh copy, in which requests are done in steps or not. */
void stepped_copy(bool has_turns);

/* Do a request at once in a fresh copy: `after` is what it leaves. */
void stepped_at_once(size_t index);

/* Begin it in a fresh copy, whose steps are still to be made. */
void stepped_begin(size_t index);

/* Each request leaves in steps what it leaves at once, and nobody sees it half done. */
void stepped_compare(void);

/*
 * Whichever port call the server dies in, recovery leaves all of a request or nothing; between two
 * steps, all.
 */
void stepped_die(void);
