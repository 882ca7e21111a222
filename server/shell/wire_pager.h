/* SPDX-License-Identifier: MIT */
/*
 * The words of requests of pagers (wire.h says what that means). Word 7 is reserved; `pager` is a
 * badge.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_pager.h"
#include "server/core/op_supply.h"
#include "server/shell/message.h"

/*
 * Returns:   ERR_OK; ERR_INVAL: reserved words, flags or numbers that cannot be; ERR_BADF: no
 *            handle where one must be.
 */

/* Read PAGER_MAKE. */
MUST_USE enum err wire_pager_make(const struct message *message, struct pager_request *out);

struct wire_pager_object {
    uint64_t key;
    uint64_t bytes;
    uint64_t deadline_ms;
    uint32_t flags;  /* MEM_PAGED_ */
    uint32_t window; /* 1 .. MEM_PAGER_WINDOW_MAX */
    uint64_t pager;
};
/* Read PAGER_OBJECT, with what 0 stands for. */
MUST_USE enum err wire_pager_object(const struct message *message, struct wire_pager_object *out);

struct wire_pager_next {
    bool is_nowait;
    uaddr_t frames; /* page-aligned; 0: none wanted */
    uint64_t pager;
};
/* Read PAGER_NEXT. */
MUST_USE enum err wire_pager_next(const struct message *message, struct wire_pager_next *out);

/* Read PAGER_ATTACH. */
MUST_USE enum err wire_pager_attach(const struct message *message, uint64_t *pager);

struct wire_pager_adopt {
    uint64_t before; /* number of an object */
    uint64_t pager;
};
/* Read PAGER_ADOPT. */
MUST_USE enum err wire_pager_adopt(const struct message *message, struct wire_pager_adopt *out);

struct wire_pager_supply {
    struct supply_request supply;
    bool has_next;
    bool has_frames; /* with `has_next`, and pages to be moved */
    uint64_t pager;
};
/* Read PAGER_SUPPLY. */
MUST_USE enum err wire_pager_supply(const struct message *message, struct wire_pager_supply *out);

struct wire_pager_settle {
    struct settle_request settle;
    uint64_t pager;
};
/* Read PAGER_FAIL, PAGER_WROTE: the reason is an error of the list. */
MUST_USE enum err wire_pager_settle(const struct message *message, struct wire_pager_settle *out);

/* Make a message one that asks for PAGER_NEXT of the same pager, with frames there, and waits. */
void wire_pager_make_next(struct message *message, uaddr_t frames);
