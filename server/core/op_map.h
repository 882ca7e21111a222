/* SPDX-License-Identifier: MIT */
/*
 * MAP: put a region into a space (R1 to R18, R20 to R28).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/object.h"
#include "server/core/space.h"

/* What the client's handle to an object lets it do, and whether it can be mapped at all. */
#define MAP_RIGHT_READ     0x1u
#define MAP_RIGHT_WRITE    0x2u
#define MAP_RIGHT_EXEC     0x4u
#define MAP_RIGHT_MAPPABLE 0x8u

struct map_request {
    uaddr_t address; /* hint, or the place with FIXED */
    uint64_t length; /* bytes */
    uint32_t prot;
    uint32_t flags;        /* MEM_MAP_ */
    uint64_t offset;       /* bytes, into the object */
    struct object *object; /* NULL: none, or a bad handle; looked at without ANONYMOUS */
    uint32_t rights;       /* MAP_RIGHT_; of the handle to the object */
};

/*
 * Map `request->length` bytes.
 *
 * Returns:   ERR_OK and the address. In the order in which they are checked: ERR_INVAL (R1);
 *            ERR_BADF (R2); ERR_INVAL (HUGETLB with an object, or of no size that there is);
 *            ERR_NOMEM (R2); ERR_OVERFLOW (R3); ERR_NOMEM (R4, R5); ERR_INVAL (R6; of huge pages
 *            before R5); ERR_PERM (R7); ERR_EXIST (R8); ERR_NOMEM (R9); ERR_PERM (R10); ERR_AGAIN
 *            (R11); ERR_INVAL (R12, R20); ERR_OPNOTSUPP for unknown flags of SHARED_VALIDATE;
 *            ERR_ACCES, ERR_AGAIN, ERR_NODEV, ERR_PERM (R13 to R15, R17, R20, R18; NODEV for
 *            private devices too); ERR_INVAL: what is replaced begins or ends inside of a huge
 *            page; ERR_NOMEM (R23, R24, R26, no frame, too few huge pages); ERR_PERM (sealed). The
 *            space keeps the details. With the address: ERR_MORE, where requests go in steps:
 *            what is replaced goes in these (work.h), and after them the pages of `more.rest` are
 *            to be made present; ERR_WAIT, as populate_what_can_be().
 * On error:  nothing changed.
 * Semantics: semantics.md, MAP; mmap(2).
 */
MUST_USE enum err op_map(struct core *core, struct space *space, const struct map_request *request,
                         uaddr_t *address);
