/* SPDX-License-Identifier: MIT */
/*
 * Clients: the processes behind spaces, who made them, and how they ended.
 *
 *            client_make            client_end               client_forget, NEXT
 *   (free) -------------> LIVE --------------------> ENDED ---------------------> (free)
 *                           `-- its parent ends: client_end frees it at once --------^
 *
 * An end that is more than one step goes through two more stages of LIVE, in which nobody but
 * client_end_step() does anything to it (ERR_STALE):
 *
 *   RUNNING -> STOPPED  [client_end_step]  it is the next of the descendants of one that is DYING
 *   RUNNING -> DYING    [client_end]       it ends itself; in the head's list
 *   STOPPED -> DYING    [client_end]
 *
 *   LIVE   `space` is the number of its space, which names it as `client`
 *   ENDED  `space` is 0; `ending` says how; it is in its parent's list of ended children
 *
 * Whoever ends takes his children along, so a client's parent stands as long as the client does.
 * NEXT waits as a token in the parent's record; it is answered when a child ends, and the child is
 * forgotten only once the answer was delivered.
 *
 * I1  A live client is in its parent's list of live children, an ended one in that of ended ones,
 *     in the order of their ends. Init has no parent and is in no list.
 * I2  wait_serial != 0 implies that there is no ended child and at least one live one.
 * I3  Links are arena links; all of this outlives the server.
 * Owner: who has `processes`; `refused` belongs to who has the space. Records are freed by
 * client_forget() and with their parents.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/fault.h>
#include <abi/ipc.h>
#include <base/attr.h>

#include "server/shell/shell.h"

#define CLIENT_NAME_BYTES 16

/* How a client ended. */
struct ending {
    uint64_t cause; /* enum cause */
    uint64_t detail;
    uint64_t pc;
    uint64_t access;
    uint64_t frames; /* that it and its children gave back */
    uint64_t region; /* MEM_NEXT_...: what held `detail`, an address; 0: nothing, or no address */
};

enum client_stage {
    CLIENT_RUNNING = 0,
    CLIENT_STOPPED = 1, /* no thread of it runs any longer */
    CLIENT_DYING = 2,   /* the same, and its parent will be told */
};

struct client {
    uint64_t serial; /* its space_id, never used again */
    uint32_t space;
    uint32_t parent;
    uint32_t live_first; /* children */
    uint32_t ended_first;
    uint32_t ended_last;
    uint32_t next; /* in the parent's list */
    uint32_t prev;
    uint32_t refused;     /* number of the request that was refused last */
    uint32_t stage;       /* enum client_stage */
    uint32_t dying_next;  /* in the head's list; valid in DYING */
    uint64_t wait_serial; /* token of a NEXT that waits; 0: none */
    uint64_t wait_thread;
    struct ending ending; /* valid in: ENDED, DYING */
    char name[CLIENT_NAME_BYTES];
};

/* Set up the records, once per machine. */
void client_init(struct core *core);

static inline struct client *client_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

/* The client of a live space. */
static inline struct client *client_of(const struct core *core, const struct space *space)
{
    return client_at(core, space->client);
}

/*
 * Make a client of a space that has none yet. `parent_opt` is NULL for init alone.
 *
 * Returns:   ERR_OK; ERR_NOMEM without a frame for the record or a serial.
 * On error:  nothing changed.
 */
MUST_USE enum err client_make(struct shell *shell, struct client *parent_opt, const char *name,
                              struct space *space);

/*
 * End a live client and all its descendants, return their frames, and tell its parent: at once, if
 * that is a step's worth, else from now on, in steps. The caller has `processes`, and no bucket.
 *
 * `ending->frames` is filled in here. When init ends the machine stops: nobody could go on.
 */
void client_end(struct shell *shell, struct client *client, const struct ending *ending);

/* The client with this serial, if it is DYING; NULL: there is none. */
struct client *client_find_dying(const struct shell *shell, uint64_t serial);

/* Make a step of the end of a client that is DYING; NULL: of the first. Locks as client_end(). */
void client_end_step(struct shell *shell, struct client *client_opt);

/* Whether a client that this one stems from is DYING: it has no children any more. */
bool client_is_doomed(const struct core *core, const struct client *client);

/* End a client that nobody heard of, without children, and free it. */
void client_drop(struct shell *shell, struct client *client);

/* The ended child of `parent` with this serial; NULL: none. */
struct client *client_find_ended(const struct core *core, const struct client *parent,
                                 uint64_t serial);

/* Free an ended client. */
void client_forget(struct core *core, struct client *client);

/* Answer the NEXT that waits at `parent` if a child has ended. */
void client_wake(struct shell *shell, struct client *parent);

/* Words of an answer to NEXT about an ended child. */
void client_describe(const struct client *client, uint64_t words[IPC_WORDS]);

/* Check I1 and I2 for the children of a live client. */
void client_audit(const struct core *core, const struct client *client);
