/* SPDX-License-Identifier: MIT */
/*
 * Leases of pins: their owner has said how long he needs them, and is asked to give up after that.
 *
 *   PIN with a lease --its time--> over --PIN_NEXT--> told --UNPIN--> gone
 *
 * The server never sends first: a thread of the owner asks (PIN_NEXT), and waits in WAIT_LEASE
 * until a lease is over. Each pin is told once; nothing happens to it if its owner keeps it. Who
 * never asks is never told, and it costs nothing.
 *
 * The owner's pins are looked through by his own messages, LEASE_LOOKS in each, so that many pins
 * hold up nobody else. Who waits has in `deadline` the end of the earliest lease that he has not
 * been told of; a pin that comes meanwhile makes it earlier. When the time has come he starts over.
 *
 * I1  `lessee` of a space is its thread in WAIT_LEASE; there is at most one.
 * I2  `lease_at` of the pin table is not later than the `deadline` of any such thread.
 * Owner: who is in shared_enter(), as for pins.
 *
 * Not here: the clock and the timer (shell).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/pin.h"

/* Pins that one message looks at. */
#define LEASE_LOOKS 256u

/* Where a look through the owner's pins is; zero at the start. Travels with the messages. */
struct lease_look {
    uint64_t before;   /* pins with lower numbers are left; 0: all */
    uint64_t earliest; /* end of a lease seen so far; 0: none */
};

/*
 * Find a pin of `space` whose lease is over at core->time and that it has not been told of, and
 * count it as told.
 *
 * Returns:   ERR_OK and the pin, which stands as long as the caller has the owner's bucket;
 *            ERR_BUSY: a thread of the space waits already; ERR_WOULD_BLOCK: there is none, and
 *            `look` says until when; ERR_WAIT, with turns: `look` says where to go on (NEED_TURN).
 * On error:  nothing changed.
 */
MUST_USE enum err lease_next(struct core *core, struct space *space, struct lease_look *look,
                             struct pin **pin);

/* It could not be told: the next who asks will be. */
void lease_take_back(struct core *core, struct pin *pin);

/* A pin with a lease stands: if its owner waits, he waits no longer than for its lease. */
void lease_begin(struct core *core, const struct pin *pin);

/* Have those start over whose time has come. In shared_enter(). */
void lease_expire(struct core *core);

/* Check I1 and I2 for a space. */
void lease_audit(const struct core *core, const struct space *space);
