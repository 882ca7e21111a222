/* SPDX-License-Identifier: MIT */
/*
 * A process of Linux that carries out sequences, seen from the oracle.
 *
 *   peer_start -> idle -> peer_post -> busy -> peer_wait -> idle -> ... -> peer_stop
 *
 * While a peer is busy its slot belongs to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "slot.h"

struct peer {
    struct slot *slot;
    pid_t process;
    int commands;
    int done;
};

/*
 * Start `program`, as root or without privileges, crowded or not.
 *
 * Returns: whether it is ready; if not, `peer->slot->failure` says why, and the peer is stopped.
 */
bool peer_start(struct peer *peer, const char *program, bool is_privileged, bool is_crowded);

/* Have the sequence in the slot carried out. */
void peer_post(struct peer *peer);

/* Wait until it is. Returns: false if the process failed or died; the slot says why. */
bool peer_wait(struct peer *peer);

/* End the process, whatever it does. */
void peer_stop(struct peer *peer);
