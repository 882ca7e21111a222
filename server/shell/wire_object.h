/* SPDX-License-Identifier: MIT */
/*
 * The words of requests about objects (wire.h says what that means). All but HOLD are the caller's
 * own: word 7 is reserved.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_object.h"
#include "server/shell/message.h"

/*
 * Returns:   ERR_OK; ERR_INVAL: reserved words, flags or lengths that cannot be; ERR_BADF: no
 *            handle where one must be.
 */

/* Read OBJECT_MAKE. */
MUST_USE enum err wire_object_make(const struct message *message, struct object_request *out);

struct wire_object_number {
    uint64_t number;
    uint64_t object; /* badge */
};
/* Read OBJECT_RESIZE; OBJECT_SEAL or OBJECT_DERIVE, whose number has 32 bits. */
MUST_USE enum err wire_object_resize(const struct message *message, struct wire_object_number *out);
MUST_USE enum err wire_object_bits(const struct message *message, struct wire_object_number *out);

/* Read OBJECT_INFO, OBJECT_CLOSE. */
MUST_USE enum err wire_object(const struct message *message, uint64_t *object);

/* Read OBJECT_HOLD: with a space, or 0. */
MUST_USE enum err wire_object_hold(const struct message *message, uint64_t *object,
                                   uint64_t *space);

struct wire_object_copy {
    uaddr_t address;
    uint64_t offset;
    uint64_t length; /* at most MEM_COPY_BYTES_MAX */
    bool is_to_object;
    uint64_t object;
};
/* Read OBJECT_COPY. */
MUST_USE enum err wire_object_copy(const struct message *message, struct wire_object_copy *out);

struct wire_object_name {
    uint32_t length; /* 1 .. MEM_NAME_BYTES_MAX */
    uint32_t rights; /* MEM_OBJECT_RIGHTS */
    uint64_t object; /* of OBJECT_NAME */
};
/* Read OBJECT_NAME; OBJECT_OPEN; OBJECT_UNNAME. */
MUST_USE enum err wire_object_name(const struct message *message, struct wire_object_name *out);
MUST_USE enum err wire_object_open(const struct message *message, struct wire_object_name *out);
MUST_USE enum err wire_object_unname(const struct message *message, struct wire_object_name *out);

struct wire_object_again {
    uint64_t number;
    uint32_t rights; /* MEM_OBJECT_RIGHTS */
};
/* Read OBJECT_AGAIN. */
MUST_USE enum err wire_object_again(const struct message *message, struct wire_object_again *out);

struct wire_object_slice {
    uint64_t offset;
    uint64_t bytes;
    uint64_t object;
};
/* Read OBJECT_SLICE. */
MUST_USE enum err wire_object_slice(const struct message *message, struct wire_object_slice *out);
