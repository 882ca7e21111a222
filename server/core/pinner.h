/* SPDX-License-Identifier: MIT */
/*
 * Who pins a frame, so that each owner of pins is counted once for it, however often he pins it.
 *
 * A pinned frame is user memory that no clone shares (P15), so its record needs no `references`:
 * the field says who has its pins. Mostly that is one owner, who is named there; where there are
 * several it is a link to a list with one record each.
 *
 *   pins == 0                 references: 1
 *   pins != 0, one owner      references: his number
 *   pins != 0, several        references: PINNER_MANY | link of the first struct pinner
 *
 * Owners are numbers of spaces, and PINNER_QUARANTINE for pins whose owner has ended while a device
 * might still write.
 *
 * I1  The counts of a list add up to `pins`, none is 0, no owner stands twice, and there are at
 *     least two.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/pool.h"

/* An arena page that is no space. */
#define PINNER_QUARANTINE 1u
#define PINNER_MANY       (UINT32_C(1) << 31)
#define PINNER_PINS_MAX   UINT16_MAX

struct pinner {
    uint32_t owner;
    uint32_t count;
    uint32_t next; /* link; 0: none */
    uint32_t reserved;
};

/* Whether pinner_add() of this owner is simple: it needs no record, and cannot overflow. */
static inline bool pinner_is_simple(const struct frame *record, uint32_t owner)
{
    return record->pins == 0 || (record->references == owner && record->pins != PINNER_PINS_MAX);
}

/* How many records the first pin of an owner needs who has none on the frame. */
uint32_t pinner_needs(const struct frame *record);

/* Whether the frame can carry one more pin. */
static inline bool pinner_has_room(const struct frame *record)
{
    return record->pins != PINNER_PINS_MAX;
}

/* pinner_add() where it is not simple. */
bool pinner_add_slow(struct core *core, struct frame *record, uint32_t owner);

/*
 * One more pin of `owner` on a frame that has room for it.
 *
 * Requires:  pinner_is_simple(), or one arena page in hand (arena_page_reserve). No port call.
 * Returns:   whether he had none on it before.
 */
static inline bool pinner_add(struct core *core, struct frame *record, uint32_t owner)
{
    if (LIKELY(record->pins == 0)) {
        record->pins = 1;
        record->references = owner;
        return true;
    }
    return pinner_add_slow(core, record, owner);
}

/* pinner_remove() where the frame has other pins. */
bool pinner_remove_slow(struct core *core, struct frame *record, uint32_t owner);

/* One pin of `owner` less. Returns: whether he has none left on it. No port call. */
static inline bool pinner_remove(struct core *core, struct frame *record, uint32_t owner)
{
    if (LIKELY(record->pins == 1 && record->references == owner)) {
        record->pins = 0;
        record->references = 1;
        return true;
    }
    return pinner_remove_slow(core, record, owner);
}

struct pinner_change {
    bool was_there; /* the one had pins on the frame */
    bool is_new;    /* the other had none */
};

/* Make all pins of `owner` on a frame, if there are any, those of `heir`. No port call. */
struct pinner_change pinner_rename(struct core *core, struct frame *record, uint32_t owner,
                                   uint32_t heir);

/* How many pins of `owner` the frame carries. */
uint32_t pinner_count(const struct core *core, const struct frame *record, uint32_t owner);

/* Check I1 for a pinned frame. Returns: how many owners it has. */
uint32_t pinner_audit(const struct core *core, const struct frame *record);
