/* SPDX-License-Identifier: MIT */
/*
 * Where a sequence plays, and how addresses of core become addresses of Linux and back.
 *
 *   core                             Linux
 *   0 .. lowest mappable address     the same for hints; the one page of zone 0 is the
 *                                    highest that takes a privilege
 *   lowest .. + STAGE_LOW            the same: core's lowest address is set to Linux's
 *   STAGE_BASE .. 128 GiB            `shift` higher, so that the two mapping bases meet
 *   128 GiB .. user end .. 2^46      as far from the end of its user addresses
 *
 * Lengths above 128 GiB stay as far from the size of the address space. A sequence has *zones* of
 * free pages: the one that takes a privilege, a few from the lowest address on, and a window below
 * and above the mapping base. On both sides everything else is filled, so that free choice has to
 * find the same places.
 *
 * I1  A step that stage_is_safe() lets pass cannot change anything outside the zones, on either
 *     side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "step.h"

#define STAGE_LOW  UINT64_C(0x100000)
#define STAGE_HALF (UINT64_C(1) << 37)
#define STAGE_TOP  (UINT64_C(1) << 46)
/* Core's mapping base is this plus the lower 30 bits of Linux's. */
#define STAGE_BASE (UINT64_C(1) << 36)
/* Pages of a huge page. */
#define STAGE_HUGE 512u
/* Pages of the largest window, on both sides of the base. */
#define STAGE_BELOW 2048u
#define STAGE_ABOVE 1024u
/* Pages from the lowest address on that are free, and how far below it zone 0 is. */
#define STAGE_LOW_PAGES 3u
#define STAGE_DENIED    6u

/* Bytes: what the limit of a region that grows is and may be raised to. */
#define STAGE_STACK_MAX (UINT64_C(8) << 20)

/* What is so for one process of Linux. Constant once it is made. */
struct stage {
    uint64_t task_end; /* first address after user addresses */
    uint64_t lowest;   /* that free choice finds, and that hints are raised to */
    uint64_t denied;   /* highest page that FIXED takes only with privilege; UINT64_MAX: none */
    uint64_t base;     /* of mapping */
    uint64_t shift;    /* from core's addresses in the window to Linux's */
    uint64_t lock_max; /* bytes: what the lock limit is and may be raised to */
    uint32_t rights;   /* of the process: STAGE_... */
    uint32_t huge;     /* pages of the pool of huge pages */
};

#define STAGE_MAY_LOW      0x1u   /* map below the lowest address (CAP_SYS_RAWIO) */
#define STAGE_MAY_LOCK     0x2u   /* lock without limit (CAP_IPC_LOCK) */
#define STAGE_MAY_APPEND   0x4u   /* make objects append-only (CAP_LINUX_IMMUTABLE) */
#define STAGE_MAY_CLONE    0x20u  /* zero pages can be told from others */
#define STAGE_NO_ZERO_PAGE 0x80u  /* pages that are only read get frames of their own */
#define STAGE_HUGE_OBJECTS 0x40u  /* objects may be larger than what can be promised */
#define STAGE_HUGE_PAGES   0x100u /* there are pools of as many huge pages on both sides */
/* Objects with names, and what cannot be mapped, are on volumes that forbid execution. */
#define STAGE_NAMED_NOEXEC 0x8u
#define STAGE_NULL_NOEXEC  0x10u

/* Free pages of a sequence, page numbers of core. */
struct zone {
    uint32_t first;
    uint32_t end;
};
#define STAGE_ZONES  3u
#define STAGE_WINDOW 2u /* the zone that counts */
struct room {
    struct zone zones[STAGE_ZONES];
};

/* What an address is on Linux: one in a zone or that is refused; a hint; a length. */
uint64_t stage_to_linux(const struct stage *stage, uint64_t addr);
uint64_t stage_hint_to_linux(const struct stage *stage, uint64_t addr);
uint64_t stage_length_to_linux(const struct stage *stage, uint64_t length);

/* The inverse for addresses in zones. */
uint64_t stage_to_core(const struct stage *stage, uint64_t addr);

/* Core's mapping base. */
uint64_t stage_base(const struct stage *stage);

/* The zones below the window. */
void stage_low_zones(const struct stage *stage, struct room *room);

/* Whether a page is in a zone. */
bool stage_holds(const struct room *room, uint64_t page);

/* I1. */
bool stage_is_safe(const struct room *room, const struct step *step);
