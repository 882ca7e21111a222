/* SPDX-License-Identifier: MIT */
/*
 * Names, the endpoints behind them, and who waits for one.
 *
 *   (free) -> HERE   [table_add]          HERE -> GONE   [table_lose] its endpoint has ended
 *   GONE -> HERE     [table_add]          HERE, GONE -> (free)   [table_remove]
 *   GONE -> (free)   [table_add] for another name, when nothing else is free
 *
 *   HERE  `handle` is one of the service's
 *   GONE  `handle` is 0; the name is kept so that those who look are told
 *
 * I1  A name stands in one entry at most.
 * I2  Waiters are in the order in which they came.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <names/proto.h>

#define TABLE_NAMES_MAX   48u
#define TABLE_WAITERS_MAX 64u

enum table_state {
    TABLE_FREE = 0,
    TABLE_HERE = 1,
    TABLE_GONE = 2,
};

struct table_entry {
    char name[NAMES_BYTES];
    enum table_state state;
    uint64_t handle;
    uint64_t owner; /* badge of who registered it */
};

/* A FIND that was not answered. */
struct table_waiter {
    char name[NAMES_BYTES];
    uint64_t latest; /* UINT64_MAX: no limit */
    uint64_t serial; /* its token */
    uint64_t thread;
};

struct table {
    struct table_entry entries[TABLE_NAMES_MAX];
    struct table_waiter waiters[TABLE_WAITERS_MAX];
    uint32_t waiters_count;
};

/* Write all of it, so that no page of it is missing later. */
void table_init(struct table *table);

/* Whether it is a name: printable, ended by a NUL and nothing but NULs behind it. */
bool table_is_name(const char name[NAMES_BYTES]);

/* The entry of a name; NULL: none. Valid until the next table_add() or table_remove(). */
struct table_entry *table_find(struct table *table, const char *name);

/*
 * Put a name, which is not HERE, behind the handle. Returns: false if there is no room, or the
 * owner has NAMES_EACH_MAX.
 */
MUST_USE bool table_add(struct table *table, const char *name, uint64_t handle, uint64_t owner);

/* The endpoint of an entry that is HERE has ended. */
void table_lose(struct table_entry *entry);

/* Forget an entry. */
void table_remove(struct table_entry *entry);

/*
 * Have a waiter wait. Returns: whether another one had to make room, the one that came first: it is
 * in `evicted`.
 */
MUST_USE bool table_wait(struct table *table, const struct table_waiter *waiter,
                         struct table_waiter *evicted);

/* Take the first who waits for the name. Returns: whether there is one. */
MUST_USE bool table_take_waiter(struct table *table, const char *name, struct table_waiter *waiter);

/* Take one whose time is over. Returns: whether there is one. */
MUST_USE bool table_take_late(struct table *table, uint64_t now, struct table_waiter *waiter);

/* When the next one's time is over; 0: nobody's ever is. */
uint64_t table_next_time(const struct table *table);
