/* SPDX-License-Identifier: MIT */
/*
 * What tests of the reader know of every request, and one way to read any of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/wire.h"
#include "server/shell/wire_object.h"
#include "server/shell/wire_pager.h"
#include "server/shell/wire_pin.h"
#include "server/shell/wire_swap.h"

#define SPACE_BADGE  UINT64_C(0x1f00000000000123)
#define OBJECT_BADGE UINT64_C(0x2f00000000000456)
#define WORD_SPACE   7u
#define WORD_OBJECT  6u
#define NUMBERS      64u

#define SHAPES 56u

/* What is known of each request apart from its own words. */
struct shape {
    uint64_t number;
    unsigned first_reserved; /* words from here to the space, or to the end, are reserved */
    bool has_space;
};

/* All requests but MAP, PIN, PINS and GO_ON, which have two handles. */
extern const struct shape shapes[SHAPES];

/* Room for what any of the functions writes. */
union out {
    struct wire_map map;
    uint64_t index;
    struct wire_range range;
    struct wire_protect protect;
    struct wire_remap remap;
    struct wire_advise advise;
    struct wire_query query;
    struct wire_copy copy;
    struct wire_limits limits;
    struct commit_request commit;
    struct huge_request huge;
    struct wire_space_make space_make;
    struct wire_number number;
    struct wire_lock lock;
    struct wire_go_on go_on;
    struct wire_sync sync;
    struct object_request object_make;
    struct wire_object_number object_number;
    struct wire_object_copy object_copy;
    struct wire_object_name object_name;
    struct wire_object_again object_again;
    struct wire_object_slice object_slice;
    struct wire_pin pin;
    struct wire_unpin unpin;
    struct wire_pins pins;
    struct lease_look pin_next;
    struct wire_pager_adopt pager_adopt;
    struct wire_pager_object pager_object;
    struct wire_pager_next pager_next;
    struct wire_pager_supply supply;
    struct wire_pager_settle settle;
    struct wire_swap swap;
    uint64_t object;
    uint64_t space;
    bool is_nowait;
    struct pager_request pager_make;
    uint64_t object_hold[2]; /* object, space */
    uint32_t stats;
    unsigned char bytes[128]; /* all of it */
};

/* Whether word 6 of a request must be a handle to an object (MAP: may be). */
bool has_object(uint64_t number);

/* MAP, PIN, PINS and GO_ON: word 6 and word 7 may be handles, or 0. */
bool may_have_two(uint64_t number);

/* A legal request without handles but to the object that it must have. */
struct message message_of(uint64_t number);

/* Make a word of the message a handle with a badge. */
void name_handle(struct message *message, unsigned word, uint64_t badge);

/* Read the words of a request; the whole of it: head first, then words, as the server does. */
MUST_USE enum err read_words(const struct message *message, uint64_t number, union out *out);
MUST_USE enum err read_message(const struct message *message, union out *out);
