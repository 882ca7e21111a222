/* SPDX-License-Identifier: MIT */
/*
 * The words of requests about pins (wire.h says what that means).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/lease.h"
#include "server/core/op_pin.h"
#include "server/shell/message.h"

/*
 * Returns:   ERR_OK; ERR_INVAL: reserved words, flags, numbers or texts that cannot be; ERR_BADF:
 *            a plain number where a handle belongs.
 */

struct wire_pin {
    struct pin_request pin; /* without owner, device and time */
    uint64_t device;        /* badge; 0: none */
    uint64_t space;
};
/* Read PIN: a purpose that ends, no more pages than the message page has room for. */
MUST_USE enum err wire_pin(const struct message *message, struct wire_pin *out);

struct wire_unpin {
    uint64_t number;
    uint64_t flags;
};
/* Read UNPIN. */
MUST_USE enum err wire_unpin(const struct message *message, struct wire_unpin *out);

/* Read PIN_NEXT. */
MUST_USE enum err wire_pin_next(const struct message *message, struct lease_look *out);

struct wire_pins {
    uint64_t before;
    uint32_t count; /* at most MEM_PINS_MAX */
    uint32_t which; /* MEM_PINS_... */
    uint64_t pin;   /* badge of the one that is meant; 0: many */
    uint64_t space;
};
/* Read PINS. */
MUST_USE enum err wire_pins(const struct message *message, struct wire_pins *out);
