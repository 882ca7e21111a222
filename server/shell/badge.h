/* SPDX-License-Identifier: MIT */
/*
 * Badges: the words by which the memory server recognises its own handles.
 *
 * The kernel hands a badge back unchanged, so what a client sends as a handle can be stale, but not
 * made up.
 *
 *   space of a client (faults, calls)   number of the space; the kernel lets it end with the space.
 *                                       BOOT_INIT_BADGE, which no arena page has, stands for init
 *   handle to a space                   63..60 = BADGE_SPACE,  59..56 rights, 55..18 serial, 17..0
 *   number
 *   handle to an object                 63..60 = BADGE_OBJECT, 59..55 rights, 54..0 number
 *   handle to a pin                     63..60 = BADGE_PIN, 54..0 number
 *
 * The serial of a space and the number of an object or pin are never used again, so that a handle
 * to what has gone is found out.
 */
#pragma once

#include <stdint.h>

#include <base/bits.h>

enum badge_kind {
    BADGE_CLIENT = 0,
    BADGE_SPACE = 1,
    BADGE_OBJECT = 2,
    BADGE_PIN = 3,
};

#define BADGE_NUMBER_BITS 18
#define BADGE_SERIAL_BITS 38
#define BADGE_OBJECT_BITS 55
#define BADGE_SERIAL_MAX  (BIT(BADGE_SERIAL_BITS) - 1)

/* What a badge of a handle says. */
struct badge {
    uint32_t kind;   /* enum badge_kind, or what no badge of ours has */
    uint32_t rights; /* MEM_RIGHT_... or MEM_OBJECT_... */
    uint64_t serial; /* spaces */
    uint32_t number; /* of the space; valid in SPACE, CLIENT */
    uint64_t object; /* its number; valid in OBJECT, PIN */
};

static inline uint64_t badge_of_space(uint32_t rights, uint64_t serial, uint32_t number)
{
    return (uint64_t)BADGE_SPACE << 60 | (uint64_t)rights << 56 | serial << BADGE_NUMBER_BITS |
           number;
}

static inline uint64_t badge_of_object(uint32_t rights, uint64_t number)
{
    return (uint64_t)BADGE_OBJECT << 60 | (uint64_t)rights << BADGE_OBJECT_BITS | number;
}

static inline uint64_t badge_of_pin(uint64_t number)
{
    return (uint64_t)BADGE_PIN << 60 | number;
}

static inline struct badge badge_read(uint64_t word)
{
    const uint32_t kind = (uint32_t)bits_get(word, 60, 4);

    return (struct badge){
        .kind = kind,
        .rights = kind == BADGE_OBJECT ? (uint32_t)bits_get(word, BADGE_OBJECT_BITS, 5)
                                       : (uint32_t)bits_get(word, 56, 4),
        .serial = bits_get(word, BADGE_NUMBER_BITS, BADGE_SERIAL_BITS),
        .number =
            kind == BADGE_SPACE ? (uint32_t)bits_get(word, 0, BADGE_NUMBER_BITS) : (uint32_t)word,
        .object = bits_get(word, 0, BADGE_OBJECT_BITS),
    };
}
